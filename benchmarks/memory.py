#!/usr/bin/env python3
"""What memory is worth on a project: each theorem of `benchmarks/memory/Depot.lean` is searched in its place, with what people
proved before it remembered, and without.

    benchmarks/memory.py --qstar target/release/qstar [--file PROJECT.lean] [--checks 128]

The file's theorems are taken in blocks; the memory of a block is the steps of all proofs before it. What a theorem's file holds
before it, earlier theorems included, may be used either way. Prints a table.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
THEOREM = re.compile(r"^theorem (\S+).*?:= by\n", re.S | re.M)
BLOCK = 8


def run(command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.DEVNULL)
    # 1: not all were proved.
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(map(str, command))} failed")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--qstar", type=pathlib.Path, default=pathlib.Path("target/release/qstar"))
    parser.add_argument("--file", type=pathlib.Path, default=HERE / "memory/Depot.lean")
    parser.add_argument("--checks", type=int, default=128)
    parser.add_argument("--policy", default="mixed")
    args = parser.parse_args()
    text = args.file.read_text()
    rows = [
        {"name": m[1], "header": text[: m.start()], "formal_statement": m[0].rstrip(), "line": text.count("\n", 0, m.start()) + 1}
        for m in THEOREM.finditer(text)
    ]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        run([args.qstar, "corpus", "project", args.file, "--out", folder / "people"])
        tables = sorted((folder / "people").glob("policy.*.jsonl"))
        steps = [json.loads(line) for table in tables for line in table.read_text().splitlines()]
        found = {"without": {}, "with": {}}
        for at in range(0, len(rows), BLOCK):
            block = folder / f"block-{at}.jsonl"
            block.write_text("".join(json.dumps(row) + "\n" for row in rows[at : at + BLOCK]))
            memory = folder / f"memory-{at}"
            memory.mkdir()
            known = [step for step in steps if step["line"] < rows[at]["line"]]
            (memory / "people.jsonl").write_text("".join(json.dumps(step) + "\n" for step in known))
            for way, more in (("without", []), ("with", ["--remember", memory])):
                out = folder / f"{way}-{at}"
                run([args.qstar, "bench", "--data", block, "--policy", args.policy, "--checks", args.checks, "--time", 60]
                    + ["--out", out, *more])
                for attempt in json.loads((out / "results.json").read_text())["attempts"]:
                    found[way][attempt["theorem"]] = attempt["checks"] if attempt["proved"] else None
            print(f"{min(at + BLOCK, len(rows))} of {len(rows)}", file=sys.stderr)
    names = [row["name"] for row in rows]
    proved = {way: [n for n in names if found[way].get(n) is not None] for way in found}
    both = [n for n in names if all(found[way].get(n) is not None for way in found)]
    print("| memory | proved | checks of both |\n| --- | ---: | ---: |")
    for way in found:
        print(f"| {way} | {len(proved[way])} of {len(names)} | {sum(found[way][n] for n in both)} |")
    for one, other in (("with", "without"), ("without", "with")):
        only = [n for n in proved[one] if n not in proved[other]]
        fewer = [n for n in both if found[one][n] < found[other][n]]
        print(f"{one}: {len(only)} that the other leaves open ({', '.join(only) or 'none'}), {len(fewer)} in fewer checks")


if __name__ == "__main__":
    main()
