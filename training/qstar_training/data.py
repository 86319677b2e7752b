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
    """A prompt with what follows it. Policy: the tactic's tokens. Value: whether it was proved, the steps on the longest
    branch of the proof, and the goals that it stands beside (equal numbers: steps from one goal led to them)."""

    theorem: str
    prompt: list
    tactic: list
    weight: float
    proved: float = 0.0
    steps: float = 0.0
    family: int = -1


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
    found, families = [], {}
    for row in rows(folder, "value", split):
        prompt = prompt_ids(tokenizer, row["goal"], context)
        family = families.setdefault(row["family"], len(families)) if row.get("family") else -1
        found.append(Example(row["theorem"], prompt, [], 1.0, float(row["proved"]), float(row.get("depth") or 0), family))
    return found


def batches(examples, tokens, rng):
    """Batches of some `tokens` tokens each; examples of like length stand together, siblings in one batch where they fit,
    batches in random order."""
    length = [len(e.prompt) + len(e.tactic) for e in examples]
    longest_of = {}
    for e, n in zip(examples, length):
        longest_of[e.family] = max(n, longest_of.get(e.family, 0))
    place = lambda i: length[i] if examples[i].family < 0 else longest_of[examples[i].family]
    order = sorted(range(len(examples)), key=lambda i: (place(i), examples[i].family, rng.random()))
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


def value_tensors(batch, device):
    """ids, mask (batch, length); proved, steps and family (batch)."""
    length = max(len(e.prompt) for e in batch)
    ids = torch.full((len(batch), length), PAD)
    mask = torch.zeros((len(batch), length), dtype=torch.long)
    for row, e in enumerate(batch):
        ids[row, : len(e.prompt)] = torch.tensor(e.prompt)
        mask[row, : len(e.prompt)] = 1
    proved = torch.tensor([e.proved for e in batch])
    steps = torch.tensor([e.steps for e in batch])
    family = torch.tensor([e.family for e in batch])
    return ids.to(device), mask.to(device), proved.to(device), steps.to(device), family.to(device)


def shuffler(seed):
    return random.Random(seed)
