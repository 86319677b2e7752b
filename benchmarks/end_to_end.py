#!/usr/bin/env python3
"""Old and new qstar in one go: what a person waits for, with ratios.

    benchmarks/end_to_end.py --old OLD/qstar --new target/release/qstar [--dataset DATA.jsonl] [--first] [--ci]
    benchmarks/end_to_end.py --new target/release/qstar --where

Each program has a cache folder of its own (QSTAR_HOME), made ready before anything is measured. `--first` measures the
README's first command from nothing, in a copy of this checkout; `--ci` runs .ci/run in one; `--dataset` runs a whole
benchmark at 128 checks a theorem. All three take long. `--where` tells instead where the time of a hard search goes. Where a
point has no counterpart in the old program, the new one's figure stands beside its limit.
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
DATA = HERE / "end_to_end"
# Documents of a search that are profiled.
SAMPLED = 16
# Theorems of a header that Lean reads for some 40 s.
SLOW = 20


def run(program, home, *args, check=True, cwd=None):
    """Seconds, standard output and exit code of one command."""
    environment = {**os.environ, "QSTAR_HOME": str(home)}
    start = time.monotonic()
    done = subprocess.run([str(program), *map(str, args)], env=environment, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    seconds = time.monotonic() - start
    if check and done.returncode not in (0, 1):
        sys.exit(f"{program} {' '.join(map(str, args))} ended with {done.returncode}: {done.stderr[-2000:]}")
    return seconds, done.stdout, done.returncode


def rows(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


class Report:
    def __init__(self):
        self.missed = 0

    def line(self, what, old, new, wanted, good):
        self.missed += not good
        shown = lambda x: "-" if x is None else f"{x:.2f}" if isinstance(x, float) else str(x)
        print(f"{'ok  ' if good else 'MISS'} {what:58} old {shown(old):>9} new {shown(new):>9}  wanted: {wanted}", flush=True)


def easy(programs, report):
    found = {}
    for name, (program, home) in programs.items():
        run(program, home, "prove", f"{DATA / 'easy.lean'}:easy01")
        seconds, text, _ = run(program, home, "prove", DATA / "easy.lean", "--json")
        proved = sum(row["proved"] for row in rows(text))
        single = [run(program, home, "prove", f"{DATA / 'easy.lean'}:easy{i:02}")[0] for i in (2, 7, 11, 13, 17)]
        found[name] = (seconds, proved, statistics.median(single))
    (old, before, one), (new, after, fast) = found["old"], found["new"]
    report.line("20 easy theorems, seconds to the last certificate", old, new, "a third", new * 3 <= old)
    report.line("20 easy theorems, proved", before, after, "all of the old", after >= before)
    report.line("one easy theorem, all warm, median seconds", one, fast, "half", fast * 2 <= one)


def runaway(programs, report):
    found = {}
    for name, (program, home) in programs.items():
        times, proved = [], 0
        for i in range(1, 11):
            seconds, text, _ = run(program, home, "prove", f"{DATA / 'runaway.lean'}:runaway{i:02}", "--json")
            times.append(seconds)
            proved += sum(row["proved"] for row in rows(text))
        found[name] = (max(times), proved)
    (old, before), (new, after) = found["old"], found["new"]
    report.line("runaway numbers, the slowest of ten, seconds", old, new, "at most 15", new <= 15)
    report.line("runaway numbers, proved of ten", before, after, "10", after == 10)


def ways(tactic):
    """How many tactics a candidate tries: one, and one more for each further alternative of its `first`s."""
    count, depth, firsts = 1, 0, []
    for word in re.findall(r"first(?= \|)|[()\[\]{}⟨⟩]|\|\|?", tactic):
        if word == "first":
            firsts.append([depth, -1])
        elif word in "([{⟨":
            depth += 1
        elif word in ")]}⟩":
            depth -= 1
            while firsts and firsts[-1][0] > depth:
                count += max(0, firsts.pop()[1])
        elif firsts and firsts[-1][0] == depth:
            firsts[-1][1] += 1
    return count + sum(max(0, n) for _, n in firsts)


def tried(event):
    """How many tactics Lean ran for an event: where it told which way was the last, those up to it; else at most so many."""
    whole = event.get("one_of")
    # With its bars: one way may begin like another.
    return ways(whole[: f"{whole} |".index(f"| {event['tactic']} |") + 1] if whole else event["tactic"])


def rates(program, home, seconds, *more):
    """Checks and tactics a second in the hard searches that end without a proof."""
    told, count = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for i in range(1, 6):
            trace = pathlib.Path(folder) / f"{i}.jsonl"
            hard = f"{DATA / 'hard.lean'}:hard{i:02}"
            (row,) = rows(run(program, home, "prove", hard, "--json", "--time", seconds, "--trace", trace, *more)[1])
            if not row["proved"]:
                told.append(row)
                count += sum(tried(event) for event in rows(trace.read_text()) if event["event"] == "tried")
    spent = sum(row["seconds"] for row in told)
    return sum(row["checks"] for row in told) / spent, count / spent


def speed(programs, report, seconds):
    old, new = (rates(program, home, seconds) for program, home in programs.values())
    # A check of the old program is one tactic, one of today's tries several: as many checks of one tactic each, and all tactics.
    alone, _ = rates(*programs["new"], seconds, "--without", "share")
    for what, before, now in (
        ("checks a second in five hard searches", old[0], new[0]),
        ("checks a second in five hard searches, one tactic each", old[0], alone),
        ("tactics a second in five hard searches", old[1], new[1]),
    ):
        report.line(what, before, now, "1.5 times", now >= 1.5 * before)


def dataset(programs, report, path):
    found = {}
    for name, (program, home) in programs.items():
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "run"
            seconds, _, _ = run(program, home, "bench", "--data", path, "--out", out, "--checks", "128", "--time", "600")
            attempts = json.loads((out / "results.json").read_text())["attempts"]
            found[name] = (seconds, {a["theorem"] for a in attempts if a["proved"]})
    (old, before), (new, after) = found["old"], found["new"]
    report.line("a benchmark at 128 checks, seconds", old, new, "half", new * 2 <= old)
    report.line("a benchmark at 128 checks, proved", len(before), len(after), "all of the old", before <= after)
    for lost in sorted(before - after):
        print(f"     lost: {lost}")


def faults(program, home, report):
    """Ten rows, one behind a header of some 40 s, one behind a header that never ends, one on which Lean dies; killed and resumed."""
    easy_rows = [{"name": f"easy{i}", "formal_statement": f"theorem easy{i} (n : Nat) : n + {i} = {i} + n := by"} for i in range(7)]
    slow = "".join(f"theorem slow{i} : ∀ a < 45, ∀ b < 45, (a * b + {i}) % 7 < 7 := by decide\n" for i in range(SLOW))
    hard_rows = [
        {"name": "slow", "header": slow, "formal_statement": "theorem slow (n : Nat) : n + 0 = n := by"},
        {"name": "endless", "header": "partial def f (n : Nat) : Nat := f (n + 1)\n#eval f 0", "formal_statement": "theorem endless : 1 = 1 := by"},
        {"name": "deadly", "header": f"example : 1 = 1 := {'(' * 20_000}rfl{')' * 20_000}", "formal_statement": "theorem deadly : 1 = 1 := by"},
    ]
    with tempfile.TemporaryDirectory() as folder:
        data, out = pathlib.Path(folder) / "ten.jsonl", pathlib.Path(folder) / "run"
        data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in hard_rows + easy_rows))
        command = [program, "bench", "--data", data, "--out", out, "--checks", "20", "--time", "120"]
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, env={**os.environ, "QSTAR_HOME": str(home)}, capture_output=True, timeout=30)
        _, _, code = run(program, home, *command[1:])
        attempts = json.loads((out / "results.json").read_text())["attempts"]
    proved = {a["theorem"] for a in attempts if a["proved"]}
    told = all(a["error"] for a in attempts if a["theorem"] in ("endless", "deadly"))
    report.line("ten rows, three of them bad, resumed: results", None, len(attempts), "10", len(attempts) == 10 and code == 0)
    report.line("of these proved, the others with an error", None, len(proved), "8", len(proved) == 8 and told)


def documents(log):
    """The texts that a Lean server was sent, from the bytes of its input."""
    for head in re.finditer(rb"Content-Length: (\d+)\r\n\r\n", log):
        message = json.loads(log[head.end() : head.end() + int(head[1])])
        if message.get("method") == "textDocument/didOpen":
            yield message["params"]["textDocument"]["text"]
        elif message.get("method") == "textDocument/didChange":
            yield message["params"]["contentChanges"][-1]["text"]


def where(program, home, seconds):
    """Where the time of hard searches goes: waiting, and Lean's own parts (its `--profile`) on the same documents."""
    lean = json.loads(run(program, home, "doctor", "--json")[1])["toolchain"]["lean"]
    told, spent, texts = [], 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        heard, script = pathlib.Path(folder) / "heard", pathlib.Path(folder) / "lean"
        script.write_text(
            "#!/usr/bin/env bash\n"
            f'case " $* " in *" --worker "*) tee -a "{heard}.$$" | exec "{lean}" "$@" ;; *) exec "{lean}" "$@" ;; esac\n'
        )
        script.chmod(0o755)
        for i in range(1, 6):
            command = [program, "prove", f"{DATA / 'hard.lean'}:hard{i:02}", "--json", "--time", seconds, "--workers", 1]
            done = subprocess.run(
                [*map(str, command), "--lean", str(script), "-vv"],
                env={**os.environ, "QSTAR_HOME": str(home)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            told += rows(done.stdout)
            times = re.findall(r"document .*elapsed=([\d.]+)(s|ms|µs)", done.stderr)
            spent += sum(float(n) * {"s": 1, "ms": 0.001, "µs": 1e-6}[unit] for n, unit in times)
        for file in sorted(pathlib.Path(folder).glob("heard.*")):
            texts += documents(file.read_bytes())
        # A sample: each costs a process that imports.
        parts = collections.Counter()
        for text in texts[:: max(1, len(texts) // SAMPLED)]:
            (pathlib.Path(folder) / "Sample.lean").write_text(text)
            profile = subprocess.run(["timeout", "60", lean, "--profile", "Sample.lean"], cwd=folder, capture_output=True, text=True)
            total = (profile.stdout + profile.stderr).partition("cumulative profiling times:")[2]
            for name, n, unit in re.findall(r"^\t(.+?) ([\d.]+)(s|ms)$", total, re.M):
                parts[name] += float(n) * (1 if unit == "s" else 0.001)
    for once in ("import", "initialization"):
        del parts[once]
    checks, wall = sum(row["checks"] for row in told), sum(row["seconds"] for row in told)
    lean_all = sum(parts.values())
    print(f"{checks} checks in {len(texts)} documents, {wall:.0f} s of searching: {1000 * wall / checks:.0f} ms a check")
    print("| where | share |\n| --- | ---: |")
    print(f"| no document under way (networks, graph, start of a process) | {max(0, 1 - spent / wall):.0%} |")
    for name, n in parts.most_common(9):
        print(f"| Lean: {name} | {min(1, spent / wall) * n / lean_all:.0%} |")


def checkout(folder):
    """A copy of what git knows of this checkout."""
    copy = pathlib.Path(folder) / "qstar"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(copy)], check=True)
    return copy


def first(report):
    with tempfile.TemporaryDirectory() as folder:
        copy, home = checkout(folder), pathlib.Path(folder) / "home"
        command = ["run", "--release", "--no-default-features", "--", "prove", "lean-project/Examples.lean"]
        cold, _, code = run("cargo", home, *command, cwd=copy)
        warm, _, again = run("cargo", home, *command, cwd=copy)
    report.line("the first command, from nothing, seconds", None, cold, "at most 150", cold <= 150 and code == 0)
    report.line("the first command, again, seconds", None, warm, "at most 20", warm <= 20 and again == 0)


def ci(report):
    with tempfile.TemporaryDirectory() as folder:
        copy, home = checkout(folder), pathlib.Path(folder) / "home"
        seconds, _, code = run(copy / ".ci/run", home, check=False, cwd=copy)
    report.line(".ci/run from a fresh clone, seconds", None, seconds, "at most 900", seconds <= 900 and code == 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", type=pathlib.Path, help="the program to compare with")
    parser.add_argument("--new", type=pathlib.Path, default=ROOT / "target/release/qstar")
    parser.add_argument("--dataset", type=pathlib.Path, help="JSON lines for a whole benchmark at 128 checks")
    parser.add_argument("--seconds", type=int, default=40, help="for each hard search")
    parser.add_argument("--first", action="store_true", help="the README's first command from nothing")
    parser.add_argument("--ci", action="store_true", help=".ci/run from a fresh clone")
    parser.add_argument("--where", action="store_true", help="where the time of a hard search goes")
    args = parser.parse_args()
    if args.where:
        with tempfile.TemporaryDirectory() as home:
            run(args.new.resolve(), home, "setup")
            return where(args.new.resolve(), home, args.seconds)
    if not args.old:
        parser.error("--old names the program to compare with")
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        programs = {}
        for name, program in (("old", args.old.resolve()), ("new", args.new.resolve())):
            home = pathlib.Path(folder) / name
            run(program, home, "setup")
            programs[name] = (program, home)
        easy(programs, report)
        runaway(programs, report)
        speed(programs, report, args.seconds)
        faults(*programs["new"], report)
        if args.dataset:
            dataset(programs, report, args.dataset.resolve())
    if args.first:
        first(report)
    if args.ci:
        ci(report)
    sys.exit(1 if report.missed else 0)


if __name__ == "__main__":
    main()
