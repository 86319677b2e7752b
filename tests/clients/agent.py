"""The real MCP client of PyPI (`mcp`) against qstar: tools, progress, a cancelled call, a time-out.

usage: agent.py http URL TOKEN FOLDER | agent.py stdio QSTAR FOLDER     (FOLDER: the server's root)

Over HTTP every tool is called; over standard streams those of an agent's day.
"""

import asyncio
import contextlib
import os
import pathlib
import sys

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
        args = ["serve", "--stdio", "--workers", "1", "--policy", "portfolio", "--max-searches", "1", "--root", sys.argv[3]]
        server = StdioServerParameters(command=sys.argv[2], args=args, env=dict(os.environ))
        async with Client(server, mode=mode) as client:
            yield client
    else:
        timeout = httpx2.Timeout(60, read=1800)
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {sys.argv[3]}"}, timeout=timeout) as http:
            async with Client(streamable_http_client(sys.argv[2], http_client=http), mode=mode) as client:
                yield client


async def call(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, f"{tool}: {result.content}"
    return result.structured_content


async def day(client, folder):
    """What an agent does: looks at the tools, proves, fills, verifies, gives up a call, waits in vain."""
    names = {tool.name: tool for tool in (await client.list_tools()).tools}
    wanted = "prove fill verify check goals try_tactics premises search_report lean_goal lean_diagnostic_messages lean_run_code"
    for name in wanted.split() + ["lean_multi_attempt", "lean_verify", "lean_local_search"]:
        assert names[name].description and names[name].input_schema, name
        assert name == "search_report" or names[name].output_schema, name
        # Some models' readers of tools take none of these.
        assert not any(word in str(names[name].input_schema) for word in ["anyOf", "$ref", "null"]), names[name].input_schema

    told = []

    async def progress(done, total, message):
        told.append(message)

    proved = await client.call_tool(
        "prove", {"statement": "theorem t (a b : Nat) (h : a ≤ b) : a * 2 ≤ b * 2", "time": 600}, progress_callback=progress
    )
    proved = proved.structured_content
    assert proved["verdict"] == "accepted" and proved["proof"].startswith("theorem t"), proved
    again = await call(client, "verify", certificate=proved["certificate"])
    assert again["verdict"] == "accepted", again
    report = await call(client, "search_report", search=proved["search"])
    page = await client.read_resource(report["uri"])
    assert "<html" in page.contents[0].text

    filled = await call(client, "fill", file="Example.lean", time=600)
    assert filled["verdict"] == "accepted" and "-  sorry" in filled["diff"] and not filled["written"], filled
    assert (folder / "Example.lean").read_text() == EXAMPLE
    finished = EXAMPLE.replace("  sorry", "  rfl")
    pair = await call(client, "verify", original=EXAMPLE, candidate=finished)
    assert pair["verdict"] == "accepted" and pair["theorems"][0]["name"] == "easy", pair

    late = await call(client, "check", code=ENDLESS, time=2)
    assert late["verdict"] == "could_not_check" and "timed out" in late["reason"], late

    # Cancelled by the client when it is under way: the place of the only search is free long before the search's time.
    under_way = asyncio.Event()

    async def tell(done, total, message):
        assert "checks" in message, message
        under_way.set()

    search = asyncio.create_task(client.call_tool("prove", {"statement": HARD, "time": 600}, progress_callback=tell))
    await under_way.wait()
    search.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await search
    async with asyncio.timeout(500):
        assert (await call(client, "prove", statement="theorem t : 2 + 2 = 4"))["verdict"] == "accepted"


async def every_tool(client, folder):
    proved = await call(client, "prove", file="Example.lean", name="easy", time=600)
    assert proved["verdict"] == "accepted", proved
    forged = dict(proved["certificate"], statement="theorem t : 1 = 2")
    assert (await call(client, "verify", certificate=forged))["verdict"] == "refused"
    wrong = await call(client, "prove", statement="theorem t : Nat.noSuchThing = 1")
    assert wrong["verdict"] == "refused" and "noSuchThing" in wrong["reason"], wrong
    late = await call(client, "prove", statement=HARD, time=1)
    assert late["verdict"] == "could_not_check" and "time" in late["reason"], late

    filled = await call(client, "fill", file="Example.lean", write=True, time=600)
    assert filled["written"] and "sorry" not in (folder / "Example.lean").read_text()
    pair = await call(client, "verify", original=EXAMPLE, candidate_file="Example.lean")
    assert pair["verdict"] == "accepted", pair
    (folder / "Example.lean").write_text(EXAMPLE)
    cheat = EXAMPLE.replace("n + 0 = n", "n = n").replace("sorry", "rfl")
    pair = await call(client, "verify", original=EXAMPLE, candidate=cheat)
    assert pair["verdict"] == "refused" and pair["reason"], pair

    checked = await call(client, "check", file="Example.lean")
    assert checked["verdict"] == "refused" and checked["sorries"][0]["line"] == 2, checked
    goals = await call(client, "goals", statement="theorem t (n : Nat) : n = n")
    assert goals["goals"] == ["n : Nat\n⊢ n = n"], goals
    tried = await call(client, "try_tactics", goal="p q : Prop\nhp : p\nhq : q\n⊢ p ∧ q", tactics=["constructor", "omega", "sorry"])
    assert [t["verdict"] for t in tried["items"]] == ["accepted", "refused", "refused"], tried
    assert len(tried["items"][0]["goals"]) == 2, tried
    fitting = await found(client, "premises", goal="a b : Nat\n⊢ a + b = b + a")
    assert any("add_comm" in p["name"] for p in fitting["items"]), fitting

    at = await call(client, "lean_goal", file_path="Example.lean", line=5)
    assert len(at["goals_before"]) == 1 and len(at["goals_after"]) == 2 and at["line_context"] == "  constructor", at
    at = await call(client, "lean_goal", file_path="Example.lean", line=5, column=3, format="structured")
    assert at["goals"][0]["goal"] == "p ∧ q" and {"name": "hp", "type": "p"} in at["goals"][0]["context"], at
    at = await call(client, "lean_goal", file_path="Example.lean", line=4, column=1)
    assert at["status"] == "no_goal_at_position", at
    at = await call(client, "lean_goal", file_path="Example.lean", line=7)
    assert at["status"] == "complete", at
    listed = await call(client, "lean_diagnostic_messages", file_path="Example.lean")
    assert listed["success"] and listed["items"][0]["severity"] == "warning", listed
    listed = await call(client, "lean_diagnostic_messages", file_path="Example.lean", declaration_name="both", severity="error")
    assert listed["items"] == [] and not listed["partial"], listed
    (folder / "Endless.lean").write_text(ENDLESS)
    late = await call(client, "lean_diagnostic_messages", file_path="Endless.lean", timeout_s=2)
    assert late["partial"] and late["timed_out"] and not late["success"] and late["verdict"] == "could_not_check", late
    ran = await call(client, "lean_run_code", code="#eval 5 * 7 + 3")
    assert ran["success"] and ran["diagnostics"][0]["message"] == "38", ran
    tried = await call(client, "lean_multi_attempt", file_path="Example.lean", line=2, snippets=["rfl", "intro x"])
    assert [(t["verdict"], t["goals"]) for t in tried["items"]][0] == ("accepted", []), tried
    assert tried["items"][1]["verdict"] == "refused" and tried["items"][1]["diagnostics"], tried
    sound = await call(client, "lean_verify", file_path="Example.lean", theorem_name="easy")
    assert sound["verdict"] in ("refused", "could_not_check") and sound["reason"], sound
    search = await found(client, "lean_local_search", query="Nat.add_comm")
    assert search["items"][0]["name"] == "Nat.add_comm", search

    for path in ["../secret.lean", "/etc/passwd", "link.lean"]:
        for tool, name in [("check", "file"), ("fill", "file"), ("prove", "file"), ("lean_run_code", "code")]:
            result = await client.call_tool(tool, {name: path})
            text = str(result.content) + str(result.structured_content)
            assert "is_secret" not in text and "root:" not in text, text
            assert name == "code" or (result.is_error and "not a file below a root" in text), result


async def found(client, tool, **arguments):
    """An answer from the index of the library, which is made with the first question."""
    while True:
        answer = await call(client, tool, **arguments)
        if answer["verdict"] != "could_not_check":
            return answer
        assert "being made" in answer["reason"], answer
        await asyncio.sleep(0.5)


async def main():
    folder = pathlib.Path(sys.argv[-1])
    (folder / "Example.lean").write_text(EXAMPLE)
    (folder.parent / "secret.lean").write_text("theorem is_secret : 1 = 1 := by sorry")
    with contextlib.suppress(FileExistsError):
        (folder / "link.lean").symlink_to("../secret.lean")
    async with connected("auto") as client:
        await day(client, folder)
        if sys.argv[1] == "http":
            await every_tool(client, folder)
    if sys.argv[1] == "http":
        # The handshake of older clients.
        async with connected("legacy") as client:
            assert (await call(client, "check", code="example : 2 + 2 = 4 := rfl"))["verdict"] == "accepted"
    print("all tools answer as they should")


asyncio.run(main())
