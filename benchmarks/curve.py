#!/usr/bin/env python3
"""How many theorems of benchmark runs were proved within so many checks, and within so many tactics.

    benchmarks/curve.py RUN...

Each RUN is the folder of `qstar bench --records --out RUN`, or of a loop's searches. A check may hold several tactics, of which Lean
tells how far it came (`one_of` in the records); a tactic counts where Lean ran it.
"""

import argparse
import gzip
import json
import pathlib

from end_to_end import tried

WITHIN = (8, 16, 32, 64, 128, 256)


def read(path):
    """Whether a search proved its theorem, and after how many checks and tactics."""
    tactics, checks, proved = 0, 0, False
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for event in map(json.loads, lines):
            if event["event"] == "tried":
                tactics += tried(event)
            elif event["event"] == "end":
                checks, proved = event["checks"], event.get("proof") is not None
    return proved, checks, tactics


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=pathlib.Path, nargs="+")
    rows = [read(path) for run in parser.parse_args().runs for path in sorted((run / "records").glob("*.jsonl.gz"))]
    print(f"{len(rows)} searches, {sum(proved for proved, _, _ in rows)} proved")
    print("| within | " + " | ".join(map(str, WITHIN)) + " |")
    print("| --- |" + " ---: |" * len(WITHIN))
    for name, at in (("checks", 1), ("tactics", 2)):
        print(f"| {name} | " + " | ".join(str(sum(row[0] and row[at] <= most for row in rows)) for most in WITHIN) + " |")


if __name__ == "__main__":
    main()
