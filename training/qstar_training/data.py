"""The table `policy` of `qstar export` as batches of tokens."""

import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from .text import END, PAD, prompt_ids


@dataclass
class Example:
    """A prompt, the tokens of the tactic that follows it, and what it weighs."""

    prompt: list
    tactic: list
    weight: float


def rows(folder: Path, table: str, split: str):
    path = folder / f"{table}.{split}.jsonl"
    if not path.exists():
        return
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                sys.exit(f"{path}:{number}: not JSON ({error}); make the tables again with `qstar export`")


def policy_examples(folder, split, tokenizer, context, least):
    """Steps that weigh at least `least`; a goal's examples share its weight, so that no goal speaks louder by its size."""
    found = []
    for row in rows(folder, "policy", split):
        if row["weight"] < least:
            continue
        tactic = [*tokenizer.encode(row["tactic"], add_special_tokens=False).ids, END]
        if len(tactic) > context // 2:
            continue
        prompt = prompt_ids(tokenizer, row["goal"], context - len(tactic))
        found.append(Example(prompt, tactic, row["weight"]))
    return found


def batches(examples, tokens, rng):
    """Batches of some `tokens` tokens each; examples of like length stand together, batches in random order."""
    length = [len(e.prompt) + len(e.tactic) for e in examples]
    order = sorted(range(len(examples)), key=lambda i: (length[i], rng.random()))
    groups, group, longest = [], [], 0
    for i in order:
        longest = max(longest, length[i])
        if group and longest * (len(group) + 1) > tokens:
            groups.append(group)
            group, longest = [], length[i]
        group.append(i)
    if group:
        groups.append(group)
    rng.shuffle(groups)
    return [[examples[i] for i in group] for group in groups]


def policy_tensors(batch, device):
    """ids, mask (batch, length); targets (the next token where it belongs to a tactic, else -100); weights (batch)."""
    length = max(len(e.prompt) + len(e.tactic) for e in batch)
    ids = torch.full((len(batch), length), PAD)
    mask = torch.zeros((len(batch), length), dtype=torch.long)
    targets = torch.full((len(batch), length), -100)
    for row, e in enumerate(batch):
        both = e.prompt + e.tactic
        ids[row, : len(both)] = torch.tensor(both)
        mask[row, : len(both)] = 1
        targets[row, len(e.prompt) - 1 : len(both) - 1] = torch.tensor(e.tactic)
    weights = torch.tensor([e.weight for e in batch])
    return ids.to(device), mask.to(device), targets.to(device), weights.to(device)


def shuffler(seed):
    return random.Random(seed)
