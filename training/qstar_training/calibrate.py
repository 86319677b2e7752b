"""Chances that are right on held-out examples."""

import torch
from torch.nn import functional as F

# Held-out examples of each kind, below which nothing is fitted.
LEAST = 8


def platt(logits, truth):
    """Scale and shift of logits, for a loss as small as can be (Platt 1999, "Probabilistic Outputs for Support Vector
    Machines": targets are drawn in a little, for few examples). None: too few examples, or their order is wrong."""
    good, bad = int(truth.sum()), int((1 - truth).sum())
    if min(good, bad) < LEAST:
        return None
    targets = torch.where(truth > 0, (good + 1) / (good + 2), 1 / (bad + 2))
    scale, shift = torch.ones(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.LBFGS([scale, shift], max_iter=100)

    def closure():
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(logits * scale + shift, targets)
        loss.backward()
        return loss

    optimizer.step(closure)
    # A scale below nothing would turn the order round: then nothing is known of held-out examples.
    return (scale.item(), shift.item()) if scale.item() > 0 else None


def expected_error(chances, truth, bins=10):
    """Expected calibration error (Naeini et al. 2015): the gap between chance and share over classes of equal width,
    weighted by size; and the classes as (size, mean chance, share)."""
    places = (chances * bins).long().clamp(max=bins - 1)
    found, error = [], 0.0
    for n in range(bins):
        here = places == n
        size = int(here.sum())
        chance, share = (chances[here].mean().item(), truth[here].mean().item()) if size else (0.0, 0.0)
        found.append((size, chance, share))
        error += size / max(1, len(truth)) * abs(chance - share)
    return error, found
