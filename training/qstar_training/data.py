"""The tables of `qstar export` as batches of tokens."""

import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from .text import END, PAD, prompt_ids


@dataclass
class Example:
    """A prompt with what follows it. Policy: the tactic's tokens. Value: whether it was proved, and in how many steps."""

    theorem: str
    prompt: list
    tactic: list
    weight: float
    proved: float = 0.0
    steps: float = 0.0


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
        found.append(Example(row["theorem"], prompt, tactic, row["weight"]))
    return found


def value_examples(folder, split, tokenizer, context):
    found = []
    for row in rows(folder, "value", split):
        prompt = prompt_ids(tokenizer, row["goal"], context)
        steps = float(row.get("steps") or 0)
        found.append(Example(row["theorem"], prompt, [], 1.0, float(row["proved"]), steps))
    return found


def batches(examples, tokens, rng):
    """Batches of some `tokens` tokens each; examples of like length stand together, batches in random order."""
    order = sorted(range(len(examples)), key=lambda i: (len(examples[i].prompt) + len(examples[i].tactic), rng.random()))
    groups, group, longest = [], [], 0
    for i in order:
        longest = max(longest, len(examples[i].prompt) + len(examples[i].tactic))
        if group and longest * (len(group) + 1) > tokens:
            groups.append(group)
            group, longest = [], len(examples[i].prompt) + len(examples[i].tactic)
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


def value_tensors(batch, device):
    """ids, mask (batch, length); proved and steps (batch)."""
    length = max(len(e.prompt) for e in batch)
    ids = torch.full((len(batch), length), PAD)
    mask = torch.zeros((len(batch), length), dtype=torch.long)
    for row, e in enumerate(batch):
        ids[row, : len(e.prompt)] = torch.tensor(e.prompt)
        mask[row, : len(e.prompt)] = 1
    proved = torch.tensor([e.proved for e in batch])
    steps = torch.tensor([e.steps for e in batch])
    return ids.to(device), mask.to(device), proved.to(device), steps.to(device)


def shuffler(seed):
    return random.Random(seed)
