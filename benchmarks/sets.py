#!/usr/bin/env python3
"""The theorems that the loop learns from, those that choices are made on, and those that are held out: the same wherever
the same Lean stands.

    benchmarks/sets.py --qstar target/release/qstar --out FOLDER

Writes `train.jsonl` (library and synthetic), `choice.jsonl` (60: tune on these) and `held-out.jsonl` (160: look at these
last). Library theorems are apart by modules, since every module belongs to one split by a hash of its name; synthetic ones by
statements, and three families are held out whole. A file that is there is kept.
"""

import argparse
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

# Families that nothing is trained or chosen on.
HELD_OUT = "quotient,maps,relations"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--qstar", type=pathlib.Path, default=pathlib.Path("target/release/qstar"))
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the folder of the sets")
    parser.add_argument("--modules", type=int, default=400, help="library modules to train on")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    def corpus(kind, *more):
        with tempfile.TemporaryDirectory() as folder:
            made = pathlib.Path(folder) / "made.jsonl"
            command = [str(args.qstar), "corpus", kind, *map(str, more), "--out", str(made)]
            if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
                sys.exit(f"{' '.join(command)} failed")
            return [json.loads(line) for line in made.read_text().splitlines()]

    def library(split, modules, per_module):
        return corpus("library", "--split", split, "--modules", modules, "--per-module", per_module, "--seed", 1)

    def synthetic(split, count, *more):
        rows = corpus("synthetic", "--count", count, "--seed", 1, *more)
        return [row for row in rows if split is None or row["split"] == split]

    sets = {
        "choice": lambda: some(45, library("validation", 200, 6)) + some(15, synthetic("validation", 600, "--without-family", HELD_OUT)),
        "held-out": lambda: some(120, library("test", 200, 12)) + some(40, synthetic(None, 120, "--family", HELD_OUT)),
        "train": lambda: library("train", args.modules, 12) + synthetic("train", 2000, "--without-family", HELD_OUT),
    }
    for name, make in sets.items():
        path = args.out / f"{name}.jsonl"
        if not path.exists():
            rows = make()
            unfinished = path.with_suffix(".new")
            unfinished.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
            unfinished.rename(path)
        print(f"{path}: {len(path.read_text().splitlines())} theorems", flush=True)


def some(count, rows):
    """So many of them, those whose names have the smallest hashes."""
    return sorted(rows, key=lambda row: hashlib.sha256(row["name"].encode()).digest())[:count]


main()
