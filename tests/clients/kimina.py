"""The real `kimina-client` against a running server: 200 snippets, sync and async, judged by the client's own analysis.

usage: kimina.py ADDRESS TOKEN
"""

import asyncio
import collections
import sys

if sys.version_info < (3, 12):
    # The client's types are those that pydantic takes from Python 3.12 on only.
    import typing

    import typing_extensions

    typing.TypedDict = typing_extensions.TypedDict

from kimina_client import AsyncKiminaClient, KiminaClient, Snippet

address, token = sys.argv[1:]

# Runs for ever, whatever Lean's own limits say.
ENDLESS = "partial def f (n : Nat) : Nat := f (n + 1)\n#eval f 0"


def snippet(i):
    """The status that is right, and the code; no two are alike."""
    if i == 60:
        return "timeout_error", f"-- {i}\n{ENDLESS}"
    if i == 120:
        # Huge: 1,500 theorems.
        return "valid", "".join(f"theorem h{k} : {k} + {i} = {k + i} := rfl\n" for k in range(1500))
    if i == 130:
        return "server_error", f"-- {i}\n#eval (IO.Process.exit 0 : IO Unit)"
    hostile = {
        # None of these may change what the others are told.
        20: ("lean_error", "end Foo\nnamespace Bar\nopen Nonexistent"),
        21: ("valid", "set_option pp.all true\nset_option maxHeartbeats 1\nnamespace X\nsection\nopen Nat"),
        22: ("valid", "notation \"1\" => 2\ninstance : Add Nat := ⟨fun _ _ => 0⟩\ninstance (n : Nat) : OfNat Nat n := ⟨0⟩"),
        23: ("lean_error", "/- this comment does not end\ntheorem t : 1 = 1 := rfl"),
        24: ("lean_error", "theorem t : 1 = 2 := by\n  rfl\nimport Std"),
        25: ("lean_error", "import Nonexistent\ntheorem t : 1 = 1 := rfl"),
        26: ("valid", "axiom cheat : False\ntheorem t0 : 0 + 1 = 1 + 0 := rfl"),
        27: ("lean_error", "theorem t : 1 = 1 := by exact (\n«"),
        28: ("valid", "#eval (do IO.println \"Content-Length: 2\\r\\n\\r\\n{}\"; IO.eprintln \"out of memory\" : IO Unit)"),
        29: ("lean_error", "macro_rules | `(rfl) => `(sorry)\nelab \"boom\" : command => throwError \"timed out\"\nboom"),
    }
    if i in hostile:
        status, code = hostile[i]
        return status, f"{code}\n-- {i}"
    kind = i % 5
    if kind < 2:
        return "valid", f"import Std\n\ntheorem t{i} (a b : Nat) (h : a + b = {i}) : b + a = {i} := by omega"
    if kind == 2:
        return "sorry", f"theorem t{i} (p : Prop) (h : p) : p ∧ {i} = {i} := by\n  constructor\n  · exact h\n  · sorry"
    if kind == 3:
        return "lean_error", f"theorem t{i} : {i} + 1 = {i} := by\n  rfl"
    return "valid", f"def f (n : Nat) : Nat := n + {i}\nexample : f 1 = {i + 1} := by decide"


def judge(results, wanted):
    assert len(results) == len(wanted), f"{len(results)} results for {len(wanted)} snippets"
    seen = collections.Counter()
    for result in results:
        status = result.analyze().status.value
        seen[status] += 1
        assert status == wanted.pop(result.id), f"{result.id}: {status}: {result}"
    return seen


def main():
    client = KiminaClient(api_url=address, api_key=token)
    client.test()
    assert client.health()["status"] == "ok"
    cases = {f"s{i}": snippet(i) for i in range(200)}
    snippets = [Snippet(id=name, code=code) for name, (_, code) in cases.items()]
    wanted = {name: status for name, (status, _) in cases.items()}
    reply = client.check(snippets, timeout=20, batch_size=25, max_workers=4, show_progress=False)
    print("sync", dict(judge(reply.results, dict(wanted))))

    hole = next(r for r in reply.results if r.id == "s12").response
    assert hole["sorries"] == [
        {"pos": {"line": 4, "column": 4}, "endPos": {"line": 4, "column": 9}, "goal": "case right\np : Prop\nh : p\n⊢ 12 = 12"}
    ], hole
    wrong = next(r for r in reply.results if r.id == "s13").response["messages"][0]
    assert wrong["severity"] == "error" and wrong["pos"] == {"line": 2, "column": 2}, wrong

    async def again():
        client = AsyncKiminaClient(api_url=address, api_key=token)
        await client.test()
        quick = [s for s in snippets if wanted[s.id] in ("valid", "sorry", "lean_error")]
        reply = await client.check(quick, timeout=20, batch_size=8, max_workers=5, show_progress=False)
        print("async", dict(judge(reply.results, {s.id: wanted[s.id] for s in quick})))
        await client.close()

    asyncio.run(again())


main()
