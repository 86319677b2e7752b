"""`python -m qstar_training.ranker DATA OUT`: learns which tactics help at which goals, from the table `ranking` of
`qstar export`.

Two towers read hashed features, one of the goal and one of the tactic; a head foretells Lean's verdict (closed, helped,
progress, failed, timed out) and the seconds that it takes. Features are made by `qstar` alone, here they are numbers.
"""

import argparse
import importlib.util
import json
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from .calibrate import expected_error, platt
from .export import to_onnx
from .process import add_arguments, begin
from .train import say, write, write_json

VERDICTS = ["closed", "helped", "progress", "failed", "timed_out"]
# Verdicts that help are the first two.
HELPING = 2


@dataclass
class Shape:
    version: int
    goal_buckets: int
    candidate_buckets: int
    fit: int
    width: int
    inner: int


class Tower(nn.Module):
    """The features of a text as one vector: their embeddings added up, normalised, and a small perceptron."""

    def __init__(self, buckets, inner, width):
        super().__init__()
        self.embedding = nn.Embedding(buckets, inner, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.norm = nn.LayerNorm(inner)
        self.layers = nn.Sequential(nn.Linear(inner, width), nn.GELU(), nn.Linear(width, width))

    def bags(self, flat, offsets, drop):
        """Rows of features one behind the other; a share `drop` of them is left out, by chance."""
        lengths = torch.diff(offsets, append=offsets.new_tensor([len(flat)]))
        scale = lengths.clamp(min=1).float().rsqrt().repeat_interleave(lengths)
        if drop > 0:
            scale = scale * (torch.rand_like(scale) >= drop)
        pooled = F.embedding_bag(flat, self.embedding.weight, offsets, mode="sum", per_sample_weights=scale)
        return self.layers(self.norm(pooled))

    def forward(self, ids):
        """Rows of features filled up with zeros."""
        there = (ids > 0).float().unsqueeze(-1)
        pooled = (self.embedding(ids) * there).sum(1) * there.sum(1).clamp(min=1).rsqrt()
        return self.layers(self.norm(pooled))


class Head(nn.Module):
    """The verdict's logits and the logarithm of the seconds, of goals and tactics row by row (one goal: for all)."""

    def __init__(self, width, fit):
        super().__init__()
        self.first = nn.Linear(3 * width + fit, 128)
        self.second = nn.Linear(128, 64)
        self.out = nn.Linear(64, len(VERDICTS) + 1)
        # Scale and shift of the log-odds of «helps», found on held-out goals.
        self.register_buffer("calibration", torch.tensor([1.0, 0.0]))

    def forward(self, goal, candidate, fit):
        both = torch.cat([goal.expand_as(candidate), candidate, goal * candidate, fit], 1)
        out = self.out(F.gelu(self.second(F.gelu(self.first(both)))))
        return out[:, : len(VERDICTS)], out[:, len(VERDICTS)]


class Ranker(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.goal = Tower(shape.goal_buckets, shape.inner, shape.width)
        self.candidate = Tower(shape.candidate_buckets, shape.inner, shape.width)
        self.head = Head(shape.width, shape.fit)


def take_weights(model, folder):
    """Begins with what the ranker of these networks knows: the weights in its three ONNX files, which keep their names."""
    import onnx

    about = folder / "ranker.json"
    if not about.exists():
        sys.exit(f"{folder} has no ranker ({about.name}); --start names a folder of networks with one")
    version = json.loads(about.read_text(encoding="utf-8"))["features"]["version"]
    if version != model.shape.version:
        sys.exit(f"the ranker in {folder} reads features of version {version}, the data holds version {model.shape.version}")
    for name, module, prefix in (("ranker_goal", model.goal, ""), ("ranker_candidate", model.candidate, ""), ("ranker", model.head, "head.")):
        kept = {w.name: w for w in onnx.load(str(folder / f"{name}.onnx")).graph.initializer}
        for wanted, parameter in module.named_parameters():
            weight = kept.get(prefix + wanted)
            if weight is None or list(weight.dims) != list(parameter.shape):
                sys.exit(f"{folder / name}.onnx has no {prefix + wanted} of {list(parameter.shape)}: its ranker has another shape")
            with torch.no_grad():
                parameter.copy_(torch.frombuffer(bytearray(weight.raw_data), dtype=torch.float32).reshape(parameter.shape))


def odds(logits):
    """Log-odds that a tactic helps."""
    return torch.logsumexp(logits[:, :HELPING], 1) - torch.logsumexp(logits[:, HELPING:], 1)


class Answering(nn.Module):
    """The head with its outputs in their units."""

    def __init__(self, head):
        super().__init__()
        self.head = head

    def forward(self, goal, candidate, fit):
        logits, seconds = self.head(goal, candidate, fit)
        scale, shift = self.head.calibration[0], self.head.calibration[1]
        return torch.softmax(logits, 1), torch.sigmoid(odds(logits) * scale + shift), seconds.exp()


class Rows:
    """A split of the table, on a device: goals, and their candidates one behind the other."""

    def __init__(self, folder, split, device):
        path = folder / f"ranking.{split}.jsonl"
        if not path.exists():
            sys.exit(f"{folder} has no {path.name}; `qstar export RECORDS --out {folder}` makes it")
        goals, goal_at, weights = [], [0], []
        features, at, first, fit, verdict, seconds = [], [0], [0], [], [], []
        self.version = None
        with open(path, encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                if self.version not in (None, row["version"]):
                    sys.exit(f"{path} holds features of two versions; export the records again")
                self.version = row["version"]
                goals.extend(row["features"])
                goal_at.append(len(goals))
                weights.append(row["weight"])
                for one in row["candidates"]:
                    features.extend(one["features"])
                    at.append(len(features))
                    fit.append(one["fit"])
                    verdict.append(one["verdict"])
                    seconds.append(one["seconds"] if one["seconds"] else math.nan)
                first.append(len(verdict))
        there = lambda list_, kind=None: torch.tensor(list_, dtype=kind, device=device)
        self.goals, self.goal_at = there(goals, torch.int32), there(goal_at, torch.int64)
        self.features, self.at = there(features, torch.int32), there(at, torch.int64)
        self.first, self.weights = there(first, torch.int64), there(weights, torch.float32)
        self.fit, self.verdict = there(fit, torch.float32), there(verdict, torch.int64)
        # The logarithm of the seconds; nan where nobody knows.
        self.seconds = there(seconds, torch.float32).clamp(0.005, 60).log()

    def __len__(self):
        return len(self.goal_at) - 1

    def batch(self, chosen):
        """Features of the chosen goals and of all their candidates, and to which goal each belongs."""
        rows, begins = places(self.first, chosen)
        counts = torch.diff(begins, append=begins.new_tensor([len(rows)]))
        owner = torch.arange(len(chosen), device=chosen.device).repeat_interleave(counts)
        return (*bags(self.goals, self.goal_at, chosen), *bags(self.features, self.at, rows)), rows, owner


def places(at, rows):
    """Where in a flat list the parts of some rows stand, and where in the answer each part begins."""
    starts, lengths = at[rows], at[rows + 1] - at[rows]
    offsets = torch.cumsum(lengths, 0) - lengths
    every = torch.arange(int(lengths.sum()), device=at.device)
    return every - offsets.repeat_interleave(lengths) + starts.repeat_interleave(lengths), offsets


def bags(flat, at, rows):
    """Of a flat list of features those of some rows, and where each row begins."""
    where, offsets = places(at, rows)
    return flat[where].long(), offsets


def batches(rows, candidates, generator):
    """Goals in random order, some `candidates` of them in a batch."""
    order = torch.randperm(len(rows), generator=generator).to(rows.first.device)
    sizes = torch.cumsum(rows.first[order + 1] - rows.first[order], 0)
    return [order[(sizes // candidates) == n] for n in range(int(sizes[-1]) // candidates + 1) if ((sizes // candidates) == n).any()]


def run(model, rows, chosen, drop=0.0):
    inputs, where, owner = rows.batch(chosen)
    goal = model.goal.bags(inputs[0], inputs[1], drop)
    candidate = model.candidate.bags(inputs[2], inputs[3], drop)
    logits, seconds = model.head(goal[owner], candidate, rows.fit[where])
    return logits, seconds, where, owner


def loss_of(model, rows, chosen, drop):
    """The verdict's cross entropy, the order within goals that something helps at, and the seconds."""
    logits, seconds, where, owner = run(model, rows, chosen, drop)
    verdict = rows.verdict[where]
    weight = rows.weights[chosen][owner]
    classes = (F.cross_entropy(logits, verdict, reduction="none") * weight).sum() / weight.sum()
    helps = verdict < HELPING
    score = odds(logits)
    # The share of the goal's probability that falls on what helps (a softmax over the goal's candidates).
    zeros = score.new_zeros(len(chosen))
    top = (zeros - 1e9).scatter_reduce(0, owner, score.detach(), "amax")
    mass = (score - top[owner]).exp()
    every = zeros.index_add(0, owner, mass)
    good = zeros.index_add(0, owner, mass * helps)
    mixed = (zeros.index_add(0, owner, helps.float()) > 0) & (good < every)
    order = -((good[mixed] / every[mixed]).clamp(min=1e-6).log() * rows.weights[chosen][mixed]).sum() / max(1, int(mixed.sum()))
    known = ~rows.seconds[where].isnan()
    cost = F.smooth_l1_loss(seconds[known], rows.seconds[where][known]) if known.any() else torch.zeros((), device=score.device)
    return classes + 0.3 * order + 0.1 * cost, len(where)


@torch.no_grad()
def answers(model, rows, candidates):
    """Log-odds of «helps» of all candidates in their order, on the CPU, and the mean loss of the verdicts."""
    model.eval()
    out, losses = (torch.zeros(len(rows.verdict), device=rows.first.device) for _ in range(2))
    for chosen in batches(rows, candidates, torch.Generator().manual_seed(0)) if len(rows) else []:
        logits, _, where, _ = run(model, rows, chosen)
        out[where] = odds(logits)
        losses[where] = F.cross_entropy(logits, rows.verdict[where], reduction="none")
    model.train()
    return out.cpu(), losses.mean().item() if len(losses) else math.nan


def tries(rows, score):
    """For goals that something helps at: how many tries the searches took until then, and how many the ranker would take.

    Rows stand in the order in which the searches tried them.
    """
    before, now = [], []
    first, verdict = rows.first.tolist(), rows.verdict.cpu()
    for g in range(len(rows)):
        part = slice(first[g], first[g + 1])
        helps = verdict[part] < HELPING
        if helps.any() and not helps.all():
            before.append(int(helps.float().argmax()) + 1)
            order = torch.argsort(score[part], descending=True, stable=True)
            now.append(int(helps[order].float().argmax()) + 1)
    return before, now


def fit(model, rows, held_out, out, options):
    """Trains until the budget ends or `patience` epochs brought nothing; goes on behind the last epoch of a killed run."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=0.02)
    checkpoint = out / "ranker.checkpoint.pt"
    state = {"epoch": 0, "step": 0, "seconds": 0.0, "curve": [], "best": None, "best_loss": math.inf, "stale": 0}
    if checkpoint.exists():
        kept = torch.load(checkpoint, map_location=options.device)
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        state.update(kept["state"])
        say(f"ranker: going on behind epoch {state['epoch']}")
    steps = options.epochs * max(1, math.ceil(len(rows.verdict) / options.batch))
    budget, before = options.minutes * 60, time.monotonic() - state["seconds"]
    while state["epoch"] < options.epochs and state["stale"] < options.patience and time.monotonic() - before < budget:
        total, count = 0.0, 0
        for chosen in batches(rows, options.batch, torch.Generator().manual_seed(options.seed * 1000 + state["epoch"])):
            spent = max((time.monotonic() - before) / budget, state["step"] / steps)
            if spent >= 1:
                break
            for group in optimizer.param_groups:
                group["lr"] = options.rate * min(1, (state["step"] + 1) / 50) * (0.03 + 0.97 * (1 + math.cos(math.pi * spent)) / 2)
            loss, n = loss_of(model, rows, chosen, options.drop)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            state["step"] += 1
            total, count = total + loss.item() * n, count + n
        state["epoch"] += 1
        state["seconds"] = time.monotonic() - before
        score, held = answers(model, held_out, options.batch)
        state["curve"].append({"epoch": state["epoch"], "train": total / max(1, count), "validation": None if math.isnan(held) else held})
        state["stale"] += 1
        if math.isnan(held) or held < state["best_loss"]:
            state["best_loss"], state["stale"] = held, 0
            state["best"] = {k: v.clone() for k, v in model.state_dict().items()}
        say(f"ranker: epoch {state['epoch']}: loss {total / max(1, count):.3f}, held out {held:.3f}, {state['seconds']:.0f} s")
        write(checkpoint, lambda p: torch.save(
            {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "state": state}, p))
    if state["best"] is not None:
        model.load_state_dict(state["best"])
    model.eval()
    return state["curve"]


def judge(model, rows, batch, calibration):
    """What the ranker is worth on a split: loss, calibration of «helps», tries until something helps."""
    score, loss = answers(model, rows, batch)
    helps = (rows.verdict.cpu() < HELPING).float()
    scale, shift = calibration
    before, now = tries(rows, score)
    mean = lambda list_: sum(list_) / len(list_) if list_ else None
    error, bins = expected_error(torch.sigmoid(score * scale + shift), helps)
    return {"goals": len(rows), "verdicts": len(rows.verdict), "loss": None if math.isnan(loss) else loss, "ece": error, "bins": bins,
            "goals_with_help": len(now), "tries_of_search": mean(before), "tries_of_ranker": mean(now),
            "first_of_search": mean([n == 1 for n in before]), "first_of_ranker": mean([n == 1 for n in now])}


def write_networks(model, rows, folder, about):
    """`ranker_goal.onnx`, `ranker_candidate.onnx`, `ranker.onnx`, and figures to check them by; all on the CPU."""
    shape = model.shape
    model.cpu().eval()
    ids = torch.tensor([[5, 6, 7], [8, 9, 0]])
    axes = {"features": {0: "rows", 1: "most"}, "encoded": {0: "rows"}}
    for name, tower in (("ranker_goal", model.goal), ("ranker_candidate", model.candidate)):
        write(folder / f"{name}.onnx", lambda path: to_onnx(
            tower, (ids,), path, input_names=["features"], output_names=["encoded"], dynamic_axes=axes))
    goal, candidate, figures = torch.zeros(1, shape.width), torch.zeros(2, shape.width), torch.zeros(2, shape.fit)
    rows_ = {name: {0: "rows"} for name in ("candidate", "fit", "verdict", "helps", "seconds")}
    write(folder / "ranker.onnx", lambda path: to_onnx(
        Answering(model.head), (goal, candidate, figures), path, input_names=["goal", "candidate", "fit"],
        output_names=["verdict", "helps", "seconds"], dynamic_axes=rows_))
    cases = []
    with torch.no_grad():
        for g in range(min(3, len(rows))):
            part = range(int(rows.first[g]), min(int(rows.first[g]) + 5, int(rows.first[g + 1])))
            features = [rows.features[rows.at[p]: rows.at[p + 1]].tolist() for p in part]
            longest = max(map(len, features))
            filled = torch.tensor([list_ + [0] * (longest - len(list_)) for list_ in features])
            goal = rows.goals[rows.goal_at[g]: rows.goal_at[g + 1]].tolist()
            figures = rows.fit[part.start: part.stop].cpu()
            verdict, helps, seconds = Answering(model.head)(model.goal(torch.tensor([goal])), model.candidate(filled), figures)
            cases.append({"goal": goal, "candidates": features, "fit": figures.tolist(), "verdict": verdict.tolist(),
                          "helps": helps.tolist(), "seconds": seconds.tolist()})
    features = {"version": shape.version, "goal_buckets": shape.goal_buckets, "candidate_buckets": shape.candidate_buckets, "fit": shape.fit}
    write_json(folder / "ranker.json", {"features": features, "about": about})
    # The last file: training is done when it is there.
    write_json(folder / "ranker_parity.json", {"cases": cases})
    say(f"the ranker is in {folder}")


def features_of(folder, versions):
    """What `features.json` says; the rows that were read are of the same version."""
    about = json.loads((folder / "features.json").read_text(encoding="utf-8"))
    if versions != {about["version"]}:
        sys.exit(f"{folder} holds features of versions {sorted(versions)} and says {about['version']}; export the records again")
    return about


def arguments():
    parser = argparse.ArgumentParser(prog="qstar_training.ranker", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder that `qstar export` wrote")
    parser.add_argument("out", type=Path, help="the folder of the networks; a killed training goes on there")
    parser.add_argument("--minutes", type=float, default=15, help="at most (default 15)")
    parser.add_argument("--epochs", type=int, default=12, help="at most (default 12)")
    parser.add_argument("--patience", type=int, default=3, help="epochs without a better held-out loss before it ends (default 3)")
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--inner", type=int, default=48)
    parser.add_argument("--batch", type=int, default=2048, help="verdicts in a batch, about (default 2048)")
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate (default 0.002)")
    parser.add_argument("--drop", type=float, default=0.15, help="share of features left out by chance (default 0.15)")
    parser.add_argument("--start", type=Path, metavar="FOLDER",
                        help="networks whose ranker is trained on, not a new one: where older records are gone (wants the package onnx)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add_arguments(parser)
    return parser.parse_args()


def main():
    options = arguments()
    if options.start and not importlib.util.find_spec("onnx"):
        sys.exit("--start wants the package onnx: pip install onnx")
    begin(options)
    train, validation, test = (Rows(options.data, split, options.device) for split in ("train", "validation", "test"))
    say(f"ranker: {len(train.verdict)} verdicts at {len(train)} goals, {len(validation.verdict)} held out, {len(test.verdict)} to test")
    if not len(train.verdict):
        sys.exit("there is no verdict to learn from: search more theorems first")
    about = features_of(options.data, {train.version})
    shape = Shape(about["version"], about["goal_buckets"], about["candidate_buckets"], about["fit"], options.width, options.inner)
    model = Ranker(shape).to(options.device)
    if options.start:
        take_weights(model, options.start)
        say(f"ranker: begins with {options.start}")
    parameters = sum(p.numel() for p in model.parameters())
    say(f"ranker: {parameters:,} parameters; {options.device}")
    curve = fit(model, train, validation, options.out, options)
    score, _ = answers(model, validation, options.batch)
    calibration = platt(score, (validation.verdict.cpu() < HELPING).float()) or (1.0, 0.0)
    model.head.calibration.copy_(torch.tensor(calibration))
    found = {"parameters": parameters, "verdicts": len(train.verdict), "curve": curve, "calibration": calibration,
             "before": judge(model, test, options.batch, (1.0, 0.0)), "test": judge(model, test, options.batch, calibration)}
    write_json(options.out / "ranker_curves.json", found)
    for name in ("before", "test"):
        one = found[name]
        if one["goals"]:
            say(f"ranker, test, {'as trained' if name == 'before' else 'calibrated'}: loss {one['loss']:.3f}, ECE of helps {one['ece']:.3f}")
    if found["test"]["goals_with_help"]:
        one = found["test"]
        say(f"ranker, test: until something helps {one['tries_of_search']:.2f} tries of the searches, {one['tries_of_ranker']:.2f} of the "
            f"ranker ({one['goals_with_help']} goals); the first helps at {one['first_of_search']:.2f} and {one['first_of_ranker']:.2f}")
    write_networks(model, test if len(test) else train, options.out, {k: found[k] for k in ("parameters", "verdicts")})


if __name__ == "__main__":
    main()
