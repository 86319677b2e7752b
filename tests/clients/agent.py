"""The real MCP client of PyPI (`mcp`) against qstar: every tool, progress, a cancelled call, a time-out.

usage: agent.py http URL TOKEN FOLDER | agent.py stdio QSTAR FOLDER     (FOLDER: the server's root)
"""

import asyncio
import contextlib
import os
import pathlib
import sys
import time

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

EXAMPLE = """theorem easy (n : Nat) : n + 0 = n := by
  sorry

theorem both (p q : Prop) (hp : p) (hq : q) : p ∧ q := by
  constructor
  · exact hp
  · exact hq
"""
ENDLESS = "partial def f (n : Nat) : Nat := f (n + 1)\n#eval f 0\n"
HARD = "theorem hard (f : Nat → Nat) (h : ∀ n, f (f n) = n + 3) : f 12 = f 7 + 5"


@contextlib.asynccontextmanager
async def connected(mode):
    if sys.argv[1] == "stdio":
        args = ["serve", "--stdio", "--workers", "1", "--policy", "portfolio", "--root", sys.argv[3]]
        server = StdioServerParameters(command=sys.argv[2], args=args, env=dict(os.environ))
        async with Client(server, mode=mode) as client:
            yield client
    else:
        timeout = httpx2.Timeout(30, read=300)
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {sys.argv[3]}"}, timeout=timeout) as http:
            async with Client(streamable_http_client(sys.argv[2], http_client=http), mode=mode) as client:
                yield client


async def call(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, f"{tool}: {result.content}"
    return result.structured_content


async def tools(client, folder):
    names = {tool.name: tool for tool in (await client.list_tools()).tools}
    wanted = "prove fill verify check goals try_tactics premises search_report lean_goal lean_diagnostic_messages lean_run_code"
    for name in wanted.split() + ["lean_multi_attempt", "lean_verify", "lean_local_search"]:
        assert names[name].description and names[name].input_schema, name
        assert name == "search_report" or names[name].output_schema, name

    told = []

    async def progress(done, total, message):
        told.append(message)

    proved = await client.call_tool(
        "prove", {"statement": "theorem t (a b : Nat) (h : a ≤ b) : a * 2 ≤ b * 2"}, progress_callback=progress
    )
    proved = proved.structured_content
    assert proved["verdict"] == "accepted" and proved["proof"].startswith("theorem t"), proved
    again = await call(client, "verify", certificate=proved["certificate"])
    assert again["verdict"] == "accepted", again
    forged = dict(proved["certificate"], statement="theorem t : 1 = 2")
    assert (await call(client, "verify", certificate=forged))["verdict"] == "refused"
    report = await call(client, "search_report", search=proved["search"])
    page = await client.read_resource(report["uri"])
    assert "<html" in page.contents[0].text

    named = await call(client, "prove", file="Example.lean", name="easy")
    assert named["verdict"] == "accepted", named
    wrong = await call(client, "prove", statement="theorem t : Nat.noSuchThing = 1")
    assert wrong["verdict"] == "refused" and "noSuchThing" in wrong["reason"], wrong

    filled = await call(client, "fill", file="Example.lean")
    assert filled["verdict"] == "accepted" and "-  sorry" in filled["diff"] and not filled["written"], filled
    assert (folder / "Example.lean").read_text() == EXAMPLE
    filled = await call(client, "fill", file="Example.lean", write=True)
    assert filled["written"] and "sorry" not in (folder / "Example.lean").read_text()
    pair = await call(client, "verify", original=EXAMPLE, candidate_file="Example.lean")
    assert pair["verdict"] == "accepted" and pair["theorems"][0]["name"] == "easy", pair
    cheat = EXAMPLE.replace("n + 0 = n", "n = n").replace("sorry", "rfl")
    pair = await call(client, "verify", original=EXAMPLE, candidate=cheat)
    assert pair["verdict"] == "refused" and pair["reason"], pair
    (folder / "Example.lean").write_text(EXAMPLE)

    checked = await call(client, "check", file="Example.lean")
    assert checked["verdict"] == "refused" and checked["sorries"][0]["line"] == 2, checked
    assert (await call(client, "check", code="example : 1 + 1 = 2 := rfl"))["verdict"] == "accepted"
    goals = await call(client, "goals", statement="theorem t (n : Nat) : n = n")
    assert goals["goals"] == ["n : Nat\n⊢ n = n"], goals
    tried = await call(client, "try_tactics", goal="p q : Prop\nhp : p\nhq : q\n⊢ p ∧ q", tactics=["constructor", "omega", "sorry"])
    assert [t["verdict"] for t in tried["items"]] == ["accepted", "refused", "refused"], tried
    assert len(tried["items"][0]["goals"]) == 2, tried
    fitting = await call(client, "premises", goal="a b : Nat\n⊢ a + b = b + a")
    assert any("add_comm" in p["name"] for p in fitting["items"]), fitting

    at = await call(client, "lean_goal", file_path="Example.lean", line=5)
    assert len(at["goals_before"]) == 1 and len(at["goals_after"]) == 2 and at["line_context"] == "  constructor", at
    at = await call(client, "lean_goal", file_path="Example.lean", line=4, column=1)
    assert at["status"] == "no_goal_at_position", at
    at = await call(client, "lean_goal", file_path="Example.lean", line=7)
    assert at["status"] == "complete", at
    found = await call(client, "lean_diagnostic_messages", file_path="Example.lean")
    assert found["success"] and found["items"][0]["severity"] == "warning", found
    found = await call(client, "lean_diagnostic_messages", file_path="Example.lean", declaration_name="both")
    assert found["items"] == [], found
    ran = await call(client, "lean_run_code", code="#eval 5 * 7 + 3")
    assert ran["success"] and ran["diagnostics"][0]["message"] == "38", ran
    tried = await call(client, "lean_multi_attempt", file_path="Example.lean", line=2, snippets=["rfl", "intro x"])
    assert [(t["verdict"], t["goals"]) for t in tried["items"]][0] == ("accepted", []), tried
    assert tried["items"][1]["verdict"] == "refused" and tried["items"][1]["diagnostics"], tried
    sound = await call(client, "lean_verify", file_path="Example.lean", theorem_name="easy")
    assert sound["verdict"] in ("refused", "could_not_check") and sound["reason"], sound
    search = await call(client, "lean_local_search", query="Nat.add_comm")
    assert search["items"][0]["name"] == "Nat.add_comm", search

    for path in ["../secret.lean", "/etc/passwd", "link.lean"]:
        result = await client.call_tool("check", {"file": path})
        assert result.is_error and "not a file below a root" in result.content[0].text, result
    return told


async def limits(client):
    late = await call(client, "check", code=ENDLESS, time=3)
    assert late["verdict"] == "could_not_check" and "timed out" in late["reason"], late
    late = await call(client, "prove", statement=HARD, time=3)
    assert late["verdict"] == "could_not_check" and late["reason"], late
    assert late["open_subgoals"] or late["proved_subgoals"] or late["checks"] > 0, late

    told = []

    async def progress(done, total, message):
        told.append(message)

    # Cancelled by the client: the search ends, and the worker is free for the next call.
    with anyio.move_on_after(5) as scope:
        await client.call_tool("prove", {"statement": HARD, "time": 600}, progress_callback=progress)
    assert scope.cancelled_caught
    start = time.monotonic()
    assert (await call(client, "check", code="example : 2 + 2 = 4 := rfl"))["verdict"] == "accepted"
    assert time.monotonic() - start < 60
    assert told and "checks" in told[-1], told


async def main():
    folder = pathlib.Path(sys.argv[-1])
    (folder / "Example.lean").write_text(EXAMPLE)
    (folder.parent / "secret.lean").write_text("theorem secret : 1 = 1 := rfl")
    with contextlib.suppress(FileExistsError):
        (folder / "link.lean").symlink_to("../secret.lean")
    async with connected("auto") as client:
        await tools(client, folder)
        await limits(client)
    # The handshake of older clients.
    async with connected("legacy") as client:
        assert (await call(client, "check", code="example : 2 + 2 = 4 := rfl"))["verdict"] == "accepted"
    print("all tools answer as they should")


asyncio.run(main())
