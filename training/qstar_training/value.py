"""`python -m qstar_training.value DATA OUT`: learns how likely a goal is to be proved, from the table `ended` of
`qstar export`.

One tower reads the features of a goal that the ranker reads, too; they are made by `qstar` alone, here they are numbers. A
search compares goals of one theorem, so these are compared in training. Its chances are calibrated on goals of training theorems,
each judged by a model that has not seen its theorem (cross-fitting): a split for validation has too few goals for that.
"""

import argparse
import json
import math
import random
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from .calibrate import expected_error, platt
from .export import to_onnx
from .process import add_arguments, begin
from .ranker import Tower, features_of
from .train import say, write, write_json


class Value(nn.Module):
    """The logit that a goal is proved within the budget, and the logarithm of the steps on its proof's longest branch."""

    def __init__(self, buckets, inner, width):
        super().__init__()
        self.tower = Tower(buckets, inner, width)
        self.last = nn.Sequential(nn.GELU(), nn.Dropout(0.2), nn.Linear(width, 2))
        # Scale and shift of the logit, found on goals that it was not trained on.
        self.register_buffer("calibration", torch.tensor([1.0, 0.0]))

    def of(self, rows, drop):
        """Of lists of features; a share `drop` of these is left out, by chance."""
        lengths = torch.tensor([0] + [len(row) for row in rows])
        flat = torch.tensor([feature for row in rows for feature in row])
        return self.last(self.tower.bags(flat, lengths.cumsum(0)[:-1], drop))

    def forward(self, features):
        """Rows of features filled up with zeros -> chance (rows), steps (rows)."""
        out = self.last(self.tower(features))
        return torch.sigmoid(out[:, 0] * self.calibration[0] + self.calibration[1]), out[:, 1].exp()


class Goals:
    """A split of the table."""

    def __init__(self, folder, split):
        path = folder / f"ended.{split}.jsonl"
        if not path.exists():
            sys.exit(f"{folder} has no {path.name}; `qstar export RECORDS --out {folder}` makes it")
        with open(path, encoding="utf-8") as file:
            self.hold([json.loads(line) for line in file])

    def hold(self, rows):
        self.rows = rows
        self.versions = {row["version"] for row in rows}
        self.features = [row["features"] for row in rows]
        self.proved = torch.tensor([float(row["proved"]) for row in rows])
        self.depth = torch.tensor([float(row["depth"] or 1) for row in rows])
        numbers = {}
        self.theorem = torch.tensor([numbers.setdefault(row["theorem_key"], len(numbers)) for row in rows], dtype=torch.long)

    def __len__(self):
        return len(self.features)

    def some(self, chosen):
        """The goals that a mask chooses, as a split of their own."""
        part = Goals.__new__(Goals)
        part.hold([row for row, wanted in zip(self.rows, chosen.tolist()) if wanted])
        return part


def loss_of(model, goals, chosen, drop, rank):
    """The chance's cross entropy, the order of goals of one theorem (a logistic loss over pairs; Burges et al. 2005,
    "Learning to Rank Using Gradient Descent"), and the steps where there is a proof."""
    out = model.of([goals.features[i] for i in chosen], drop)
    logit, proved, depth, theorem = out[:, 0], goals.proved[chosen], goals.depth[chosen], goals.theorem[chosen]
    loss = F.binary_cross_entropy_with_logits(logit, proved)
    pairs = (theorem[:, None] == theorem[None, :]) & (proved[:, None] > proved[None, :])
    if pairs.any():
        loss = loss + rank * F.softplus(logit[None, :] - logit[:, None])[pairs].mean()
    known = proved > 0
    return loss + (0.1 * F.smooth_l1_loss(out[known, 1], depth[known].log()) if known.any() else 0.0)


@torch.no_grad()
def logits(model, goals):
    model.eval()
    parts = [model.of(goals.features[at : at + 512], 0.0)[:, 0] for at in range(0, len(goals), 512)]
    model.train()
    return torch.cat(parts) if parts else torch.zeros(0)


def calibrated(logit, proved):
    """Scale, shift, and the loss with them."""
    scale, shift = platt(logit, proved) or (1.0, 0.0)
    loss = F.binary_cross_entropy_with_logits(logit * scale + shift, proved).item() if len(proved) else math.nan
    return scale, shift, loss


def fit(model, goals, held_out, options):
    """Trains until `patience` epochs brought nothing better on held-out goals, as they look when calibrated; the best stays."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=0.05)
    rng = random.Random(options.seed)
    theorems = {}
    for place, theorem in enumerate(goals.theorem.tolist()):
        theorems.setdefault(theorem, []).append(place)
    theorems, curve, best = list(theorems.values()), [], (math.inf, None)
    for epoch in range(1, options.epochs + 1):
        rng.shuffle(theorems)
        order, total = [place for theorem in theorems for place in theorem], 0.0
        for at in range(0, len(order), options.batch):
            chosen = order[at : at + options.batch]
            loss = loss_of(model, goals, chosen, options.drop, options.rank)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(chosen)
        held = calibrated(logits(model, held_out), held_out.proved)[2]
        curve.append({"epoch": epoch, "train": total / len(order), "validation": None if math.isnan(held) else held})
        say(f"value: epoch {epoch}: loss {total / len(order):.3f}, held out {held:.3f}")
        if math.isnan(held) or held < best[0]:
            best, last = (held, {k: v.clone() for k, v in model.state_dict().items()}), epoch
        if epoch - last >= options.patience:
            break
    model.load_state_dict(best[1])
    model.eval()
    return curve


def cross_fitted(make, train, validation, options):
    """Logits of the training goals, each by a model that was trained without its theorem, and that theorem's fold."""
    fold = train.theorem % options.folds
    out = torch.zeros(len(train))
    for number in range(options.folds):
        model, aside = make(), fold == number
        say(f"value: fold {number + 1} of {options.folds}")
        fit(model, train.some(~aside), validation, options)
        out[aside] = logits(model, train.some(aside))
    return out, fold


def cross_error(logit, proved, fold):
    """ECE over folds: each is calibrated on the others, and the chances of all are judged together."""
    chance = torch.zeros(len(logit))
    for number in fold.unique():
        aside = fold == number
        scale, shift, _ = calibrated(logit[~aside], proved[~aside])
        chance[aside] = torch.sigmoid(logit[aside] * scale + shift)
    return expected_error(chance, proved)


def within(logit, goals):
    """How often of two goals of one theorem, of which one was proved, that one looks better; each theorem counts once."""
    shares = []
    for theorem in goals.theorem.unique():
        here = goals.theorem == theorem
        good, bad = logit[here & (goals.proved > 0)], logit[here & (goals.proved == 0)]
        if len(good) and len(bad):
            shares.append((good[:, None] > bad[None, :]).float().mean().item())
    return (sum(shares) / len(shares) if shares else None), len(shares)


def judge(logit, goals, scale, shift):
    """What it is worth on a split."""
    chance = torch.sigmoid(logit * scale + shift)
    error, bins = expected_error(chance, goals.proved)
    order, theorems = within(logit, goals)
    loss = F.binary_cross_entropy(chance, goals.proved).item() if len(goals) else None
    return {"goals": len(goals), "loss": loss, "ece": error, "bins": bins, "order": order, "theorems": theorems}


def write_network(model, goals, folder, version, buckets, about):
    """`value.onnx`, which features it reads, and figures to check it by."""
    axes = {"features": {0: "rows", 1: "most"}, "value": {0: "rows"}, "steps": {0: "rows"}}
    write(folder / "value.onnx", lambda path: to_onnx(
        model, (torch.tensor([[5, 6, 7], [8, 9, 0]]),), path, input_names=["features"], output_names=["value", "steps"], dynamic_axes=axes))
    model.eval()
    cases = []
    with torch.no_grad():
        for features in goals.features[:3]:
            value, steps = model(torch.tensor([features]))
            cases.append({"features": features, "value": value.item(), "steps": steps.item()})
    write_json(folder / "value.json", {"features": {"version": version, "goal_buckets": buckets}, "about": about})
    # The last file: training is done when it is there.
    write_json(folder / "value_parity.json", {"cases": cases})
    say(f"the value is in {folder}")


def leave_out(goals, folder):
    """Where all goals ended alike there is nothing to tell apart: the folder has no network then, and is whole."""
    ended = "proved" if goals.proved[0] else "not proved"
    say(f"value: all {len(goals)} goals were {ended}, so no value is trained; `qstar iterate --first-checks` with more checks leaves goals of both kinds")
    (folder / "value.onnx").unlink(missing_ok=True)
    write_json(folder / "value_curves.json", {"goals": len(goals), "curve": None, "test": None})
    # The last file: training is done when it is there.
    write_json(folder / "value_parity.json", {"cases": []})


def arguments():
    parser = argparse.ArgumentParser(prog="qstar_training.value", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder that `qstar export` wrote")
    parser.add_argument("out", type=Path, help="the folder of the networks")
    parser.add_argument("--epochs", type=int, default=16, help="at most (default 16)")
    parser.add_argument("--patience", type=int, default=4, help="epochs without a better held-out loss before it ends (default 4)")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--inner", type=int, default=32)
    parser.add_argument("--batch", type=int, default=64, help="goals in a batch (default 64)")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate (default 0.001)")
    parser.add_argument("--drop", type=float, default=0.6, help="share of features left out by chance (default 0.6)")
    parser.add_argument("--rank", type=float, default=1.0, help="weight of the order of goals of one theorem (default 1)")
    parser.add_argument("--folds", type=int, default=5, help="parts of the theorems for calibration (default 5)")
    add_arguments(parser)
    return parser.parse_args()


def main():
    options = arguments()
    begin(options)
    train, validation, test = (Goals(options.data, split) for split in ("train", "validation", "test"))
    say(f"value: {len(train)} goals, {len(validation)} held out, {len(test)} to test")
    if not len(train):
        sys.exit("there is no goal to learn from: search more theorems first")
    if len(train.proved.unique()) < 2:
        return leave_out(train, options.out)
    about = features_of(options.data, train.versions)
    version, buckets = about["version"], about["goal_buckets"]
    before = time.monotonic()
    make = lambda: Value(buckets, options.inner, options.width)
    apart, fold = cross_fitted(make, train, validation, options)
    error, bins = cross_error(apart, train.proved, fold)
    model = make()
    curve = fit(model, train, validation, options)
    scale, shift, _ = calibrated(apart, train.proved)
    model.calibration.copy_(torch.tensor([scale, shift]))
    found = {"parameters": sum(p.numel() for p in model.parameters()), "goals": len(train), "seconds": time.monotonic() - before,
             "curve": curve, "calibration": [scale, shift], "folds": {"goals": len(train), "ece": error, "bins": bins}, "test": judge(logits(model, test), test, scale, shift)}
    write_json(options.out / "value_curves.json", found)
    say(f"value, across folds: ECE {error:.3f} on {len(train)} goals")
    if len(test):
        one = found["test"]
        order = "" if one["order"] is None else f"; of two goals of a theorem the proved one first in {one['order']:.2f} ({one['theorems']} theorems)"
        say(f"value, test: loss {one['loss']:.3f}, ECE {one['ece']:.3f}{order}")
    write_network(model, test if len(test) else train, options.out, version, buckets, {k: found[k] for k in ("parameters", "goals")})


if __name__ == "__main__":
    main()
