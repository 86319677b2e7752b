#!/usr/bin/env python3
"""How often the first, the second, … move tried at a goal is the one that proves it, out of records of searches: whether the order of
moves is good, and whether their priors fall as fast as their worth.

    benchmarks/places.py loop/round-3/search/records

Prints a table: places, moves tried there, how many of them began their goal's proof, their share and its logarithm, and the mean
prior that they were tried with. A proof of a goal begins with the first of its moves whose goals are all proved.
"""

import argparse
import collections
import gzip
import json
import math
import pathlib

# Places are counted together between these.
BOUNDS = [1, 2, 3, 4, 6, 9, 13, 21, 33, 65, 129]


def events(path):
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def proofs(tried):
    """For each goal that is proved the place of the move with which its proof begins."""
    begins, changed = {}, True
    while changed:
        changed = False
        for goal, moves in tried.items():
            if goal in begins:
                continue
            for place, move in enumerate(moves):
                left = move.get("left", [])
                if move["verdict"] == "closed" or left and all(other in begins for other in left):
                    begins[goal], changed = place, True
                    break
    return begins


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=pathlib.Path, help="the folder with a file for each search")
    folder = parser.parse_args().records
    tries, helped, priors = collections.Counter(), collections.Counter(), collections.Counter()
    for path in sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.gz")]):
        tried = collections.defaultdict(list)
        for event in events(path):
            # Repairs and questions' answers have no place of their own.
            if event["event"] == "tried" and event["by"] in ("portfolio", "premises", "memory", "network"):
                tried[event["goal"]].append(event)
        begins = proofs(tried)
        for goal, moves in tried.items():
            for place, move in enumerate(moves[: begins.get(goal, len(moves)) + 1]):
                tries[place] += 1
                priors[place] += move["log_prior"]
                helped[place] += begins.get(goal) == place
    print("| place | tried | began a proof | share | its logarithm | mean prior (logarithm) |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    for first, end in zip(BOUNDS, BOUNDS[1:]):
        here = range(first - 1, end - 1)
        n, good, prior = (sum(counter[place] for place in here) for counter in (tries, helped, priors))
        if n:
            name = str(first) if end == first + 1 else f"{first} to {end - 1}"
            share = f"{100 * good / n:.1f} % | {math.log(good / n):.2f}" if good else "0 | "
            print(f"| {name} | {n} | {good} | {share} | {prior / n:.2f} |")


if __name__ == "__main__":
    main()
