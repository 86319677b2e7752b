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

import httpx
from kimina_client import AsyncKiminaClient, Code, KiminaClient, Snippet, VerifyRequestBody, VerifyResponse

address, token = sys.argv[1:]

# These run for ever, whatever Lean's own limits say; all others may take what the machine needs.
ENDLESS = {
    60: "partial def f (n : Nat) : Nat := f (n + 1)\n#eval f 0",
    61: "set_option maxHeartbeats 0\nset_option maxRecDepth 1000000\ntheorem t : (List.range 100000000).length = 0 := by decide",
}
LONG = 1800


def snippet(i):
    """The status that is right, and the code; no two are alike."""
    if i in ENDLESS:
        return "timeout_error", f"-- {i}\n{ENDLESS[i]}"
    if i == 120:
        # Huge: much text, many theorems, a deep term.
        theorems = "".join(f"theorem h{k} : {k} + {i} = {k + i} := rfl\n" for k in range(100))
        return "valid", "-- " + "x" * 500_000 + f"\n{theorems}example : {' + '.join(['1'] * 100)} = 100 := rfl"
    if i == 130:
        # More memory than a worker may have.
        return "server_error", f"-- {i}\n#eval (Array.replicate 400000000 0).size"
    hostile = {
        # None of these may change what the others are told.
        20: ("lean_error", "end Foo\nnamespace Bar\nopen Nonexistent"),
        21: ("valid", "set_option pp.all true\nset_option maxHeartbeats 1\nnamespace X\nsection\nopen Nat"),
        22: ("valid", "notation \"≡≡\" => 2\ninstance : Add Nat := ⟨fun _ _ => 0⟩\ninstance (n : Nat) : OfNat Nat n := ⟨0⟩"),
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
        # A change of imports costs a worker's start: it is enough that there are some.
        imports = "import Std\n\n" if i < 20 else ""
        return "valid", f"{imports}theorem t{i} (a b : Nat) (h : a + b = {i}) : b + a = {i} := by omega"
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
    client = KiminaClient(api_url=address, api_key=token, http_timeout=LONG)
    client.test()
    assert client.health()["status"] == "ok"
    cases = {f"s{i}": snippet(i) for i in range(200)}
    snippets = [Snippet(id=name, code=code) for name, (_, code) in cases.items()]
    wanted = {name: status for name, (status, _) in cases.items()}
    late = [s for s in snippets if wanted[s.id] == "timeout_error"]
    rest = [s for s in snippets if wanted[s.id] != "timeout_error"]
    reply = client.check(rest, timeout=LONG, batch_size=25, max_workers=4, show_progress=False)
    reply.results += client.check(late, timeout=2, show_progress=False).results
    print("sync", dict(judge(reply.results, dict(wanted))))

    hole = next(r for r in reply.results if r.id == "s12").response
    assert hole["sorries"] == [
        {"pos": {"line": 4, "column": 4}, "endPos": {"line": 4, "column": 9}, "goal": "case right\np : Prop\nh : p\n⊢ 12 = 12"}
    ], hole
    wrong = next(r for r in reply.results if r.id == "s13").response["messages"][0]
    assert wrong["severity"] == "error" and wrong["pos"] == {"line": 2, "column": 2}, wrong

    async def again():
        client = AsyncKiminaClient(api_url=address, api_key=token, http_timeout=LONG)
        await client.test()
        quick = [s for s in rest if wanted[s.id] != "server_error"]
        reply = await client.check(quick, timeout=LONG, batch_size=8, max_workers=5, show_progress=False)
        print("async", dict(judge(reply.results, {s.id: wanted[s.id] for s in quick})))
        # Judged anew, with all that may be asked for.
        few = quick[:5]
        reply = await client.check(few, timeout=LONG, debug=True, reuse=False, infotree="original", show_progress=False)
        judge(reply.results, {s.id: wanted[s.id] for s in few})
        assert all(r.diagnostics["memory_max"] > 0 and r.time > 0 for r in reply.results), reply
        await client.close()

    asyncio.run(again())

    # The older protocol, by the types that the client still has for it.
    few = [s for s in rest if s.id in ("s10", "s12", "s13")]
    body = VerifyRequestBody(codes=[Code(custom_id=s.id, proof=s.code) for s in few] + [Code(custom_id=7, code="#check Nat")])
    headers = {"Authorization": f"Bearer {token}"}
    older = httpx.post(f"{address}/verify", json=body.model_dump(), headers=headers, timeout=LONG)
    results = {r["custom_id"]: r for r in VerifyResponse.model_validate(older.raise_for_status().json()).results}
    assert set(results) == {"s10", "s12", "s13", "7"} and all(r["error"] is None for r in results.values()), results
    assert results["7"]["response"]["messages"][0]["data"] == "Nat : Type" and "time" in results["7"]["response"], results
    assert results["s12"]["response"]["sorries"] and results["s13"]["response"]["messages"][0]["severity"] == "error", results


main()
