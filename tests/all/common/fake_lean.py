#!/usr/bin/env python3
"""A Lean that knows almost nothing, to provoke what the real one does on bad days only.

Its statements are words: `easy` is closed by `rfl`, all others by nothing; `HANG` makes no progress, `CRASH` ends the
process. A fresh process (`--json`) ends as by a signal, or hangs. Everything else is refused.
"""
import json
import os
import sys
import time

if "--version" in sys.argv:
    print("Lean (version 4.99.0, wasm32, fake)")
    sys.exit(0)


def hang():
    # The test waits for this file, not for a time.
    place = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hanging")
    with open(place + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(place + ".new", place)
    time.sleep(600)


if "--worker" not in sys.argv:
    with open(sys.argv[-1]) as file:
        if "HANG" in file.read():
            hang()
    os.abort()


def read():
    length = 0
    while line := sys.stdin.buffer.readline().strip():
        name, value = line.split(b":")
        if name.lower() == b"content-length":
            length = int(value)
    body = sys.stdin.buffer.read(length)
    if not body:
        sys.exit(0)
    return json.loads(body)


def send(message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    sys.stdout.buffer.flush()


def place(line, column):
    return {"start": {"line": line, "character": column}, "end": {"line": line, "character": column + 1}}


def diagnostics(lines):
    found = []
    for i, line in enumerate(lines):
        if line.startswith("#check"):
            found.append({"range": place(i, 0), "severity": 3, "message": "True.intro : True"})
        if not line.endswith(" := by"):
            continue
        block, column, row = i, len(line) - 2, i + 1
        # `fill` asks inside of a bullet, or of a term's own `by`.
        if lines[row].strip() in ("·", "(by"):
            block, column, row = row, len(lines[row].rstrip()) - len(lines[row].strip().lstrip("(")), row + 1
        tactic = [t.strip() for t in lines[row:] if t.strip()][0]
        if "nonsense" in line:
            found.append({"range": place(i, 0), "severity": 1, "message": "Unknown identifier `nonsense`"})
        elif tactic in ("skip", "show (_ : Prop)"):
            message = "unsolved goals\n⊢ " + line[:-6].split(":")[-1].strip()
            found.append({"range": place(block, column), "severity": 1, "message": message})
        elif not (tactic == "rfl" and "easy" in line or tactic.startswith("trivial") and "True" in line):
            found.append({"range": place(row, 2), "severity": 1, "message": "no"})
    return found


text, version, uri = "", 0, ""
while True:
    message = read()
    method, params = message.get("method"), message.get("params", {})
    if method in ("textDocument/didOpen", "textDocument/didChange"):
        document = params["textDocument"]
        uri, version = document["uri"], document["version"]
        text = document.get("text") or params["contentChanges"][-1]["text"]
        if "CRASH" in text:
            os.abort()
    elif method == "textDocument/waitForDiagnostics":
        lines = text.split("\n")
        stuck = [i for i, line in enumerate(lines) if "HANG" in line]
        if stuck:
            processing = [{"range": place(stuck[0], 0), "kind": 1}]
            send({"method": "$/lean/fileProgress", "params": {"textDocument": {"uri": uri, "version": version}, "processing": processing}})
            hang()
        found = {"uri": uri, "version": version, "diagnostics": diagnostics(lines)}
        send({"method": "textDocument/publishDiagnostics", "params": found})
        send({"id": message["id"], "result": {}})
