"""Training of the policy: resumable, the same command on a CPU and on a GPU."""

import json
import math
import os
import sys
import time

import torch
from torch.nn import functional as F

from . import data
from .model import positions


def policy_loss(model, batch, device):
    ids, mask, targets, weights = data.policy_tensors(batch, device)
    logits, _ = model(ids, mask, positions(mask))
    each = F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=-100, reduction="none")
    counts = (targets >= 0).sum()
    return (each.sum(1) * weights).sum() / counts.clamp(min=1), counts.item()


@torch.no_grad()
def evaluate(model, examples, loss, device, tokens):
    """Mean loss over examples; nothing to look at: nan."""
    model.eval()
    total, count = 0.0, 0
    for batch in data.batches(examples, tokens, data.shuffler(0)):
        value, n = loss(model, batch, device)
        total, count = total + value.item() * n, count + n
    model.train()
    return total / count if count else math.nan


def fit(name, model, examples, held_out, loss, out, options):
    """Trains for `options.minutes` or `options.epochs`, or until `options.patience` epochs brought nothing better on
    held-out examples, whichever is first; keeps the best weights by held-out loss.

    After each epoch a checkpoint is written whole; a killed run goes on behind its last one.
    """
    device = options.device
    model.to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, betas=(0.9, 0.95), weight_decay=0.05)
    checkpoint = out / f"{name}.checkpoint.pt"
    state = {"epoch": 0, "step": 0, "seconds": 0.0, "curve": [], "best": None, "best_loss": math.inf, "stale": 0}
    if checkpoint.exists():
        kept = torch.load(checkpoint, map_location=device)
        model.load_state_dict(kept["model"])
        optimizer.load_state_dict(kept["optimizer"])
        state.update(kept["state"])
        say(f"{name}: going on behind epoch {state['epoch']}")
    per_epoch = len(data.batches(examples, options.tokens, data.shuffler(0)))
    budget = options.minutes * 60
    before = time.monotonic() - state["seconds"]
    while state["epoch"] < options.epochs and state["stale"] < options.patience and time.monotonic() - before < budget:
        total, count = 0.0, 0
        rng = data.shuffler(options.seed * 1000 + state["epoch"])
        for batch in data.batches(examples, options.tokens, rng):
            spent = max((time.monotonic() - before) / budget, state["step"] / max(1, per_epoch * options.epochs))
            if spent >= 1:
                break
            # Warm-up over 100 steps, then a cosine down to a twentieth over what is left of the budget.
            rate = options.rate * min(1, (state["step"] + 1) / 100) * (0.05 + 0.95 * (1 + math.cos(math.pi * spent)) / 2)
            for group in optimizer.param_groups:
                group["lr"] = rate
            value, n = loss(model, batch, device)
            optimizer.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            state["step"] += 1
            total, count = total + value.item() * n, count + n
            if state["step"] % 50 == 0:
                spent_seconds = time.monotonic() - before
                say(f"{name}: epoch {state['epoch'] + 1}, step {state['step']}, loss {total / max(1, count):.3f}, {spent_seconds:.0f} s")
        state["epoch"] += 1
        state["seconds"] = time.monotonic() - before
        held = evaluate(model, held_out, loss, device, options.tokens)
        state["curve"].append({"epoch": state["epoch"], "train": total / max(1, count), "validation": None if math.isnan(held) else held})
        state["stale"] += 1
        if not held_out or held < state["best_loss"]:
            state["best_loss"], state["stale"] = held, 0
            state["best"] = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}
        say(f"{name}: epoch {state['epoch']}: loss {total / max(1, count):.3f}, held out {held:.3f}, {state['seconds']:.0f} s")
        write(checkpoint, lambda p: torch.save(
            {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "state": state}, p))
    if state["best"] is not None:
        model.load_state_dict(state["best"])
    model.to("cpu").eval()
    return state["curve"]


def write(path, save):
    """A file that is whole or not there."""
    beside = path.with_suffix(path.suffix + ".part")
    save(beside)
    os.replace(beside, path)


def write_json(path, value):
    write(path, lambda p: p.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"))


def say(text):
    print(text, file=sys.stderr, flush=True)
