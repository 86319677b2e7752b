"""Runs a dataset with qstar workers under Ray: `python ray_bench.py DATA.jsonl --out results.jsonl --workers 4`.

Each actor holds one `qstar worker` process and speaks with it in JSON lines. A task is a pure function of its line: an
actor that dies is made again by Ray, its task is given out again, and the outcome is the same. The same script runs on a
cluster: see docs/scale.md.
"""

import argparse
import json
import os
import subprocess
import sys

import ray


@ray.remote(max_restarts=-1, max_task_retries=-1)
class Worker:
    """One `qstar worker` process. When the process is gone, so is the actor, and Ray begins both again."""

    def __init__(self, program, options):
        self.process = subprocess.Popen(
            [program, "worker", "--workers", "1", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def pid(self):
        return self.process.pid

    def prove(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            os._exit(1)
        return answer.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="rows as JSON lines, as `qstar worker` takes them")
    parser.add_argument("--out", required=True, help="results, one JSON line each; lines that are there are not made again")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--qstar", default="qstar", help="the qstar program")
    parser.add_argument("--checks", type=int, default=400)
    parser.add_argument("--time", type=float, default=600)
    parser.add_argument("--address", help="a Ray cluster; without it, this machine")
    args = parser.parse_args()

    with open(args.data, encoding="utf-8") as rows:
        tasks = [json.loads(row) for row in rows if row.strip()]
    for task in tasks:
        task.setdefault("id", task.get("name"))
    done = set()
    if os.path.exists(args.out):
        with open(args.out, encoding="utf-8") as lines:
            done = {json.loads(line)["id"] for line in lines if line.endswith("\n")}
    todo = [json.dumps(task, ensure_ascii=False) for task in tasks if task["id"] not in done]

    ray.init(address=args.address, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    options = ["--checks", str(args.checks), "--time", str(args.time)]
    workers = [Worker.options(num_cpus=0.5).remote(args.qstar, options) for _ in range(args.workers)]
    flights = {}
    proved = 0
    with open(args.out, "a", encoding="utf-8") as out:
        while todo or flights:
            busy = {worker for worker, _ in flights.values()}
            for worker in workers:
                if worker not in busy and todo:
                    line = todo.pop(0)
                    flights[worker.prove.remote(line)] = (worker, line)
            ready, _ = ray.wait(list(flights), num_returns=1)
            _, line = flights.pop(ready[0])
            answer = json.loads(ray.get(ready[0]))
            if answer.get("retry"):
                todo.append(line)
                continue
            proved += bool(answer.get("attempt", {}).get("proved"))
            out.write(json.dumps(answer, ensure_ascii=False) + "\n")
            out.flush()
            print(f"{answer['id']}: {'proved' if answer.get('attempt', {}).get('proved') else 'open'}", file=sys.stderr)
    print(f"{proved} proved of {len(tasks) - len(done)}")


if __name__ == "__main__":
    main()
