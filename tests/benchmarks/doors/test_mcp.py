"""The MCP door, with the real package: its command in a process of its own, and the SDK's client over stdio."""

import asyncio
import csv
import json
import sys
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

pytest.importorskip("mcp.server.mcpserver", reason="the door is written for mcp 2")
from mcp import Client, StdioServerParameters, stdio_client

from maze_env.episode import Episode
from maze_env.errors import InvalidConfig
from maze_env.solving import shortest_path
from maze_env.splits import split_of
from maze_env.tokens import maze_from_text
from tokenmaze.agents.prompts import tool_conversation
from tokenmaze.benchmarks.doors import mcp as door
from tokenmaze.benchmarks.doors.task import score_game, task_of_seed, tasks_of_suite


@asynccontextmanager
async def connected(*arguments):
    """A client of the command."""
    command = ["-m", "tokenmaze.benchmarks.doors.mcp", *map(str, arguments)]
    async with Client(stdio_client(StdioServerParameters(command=sys.executable, args=command, cwd="/"))) as client:
        yield client


async def call(client, tool, **arguments):
    """A tool's answer; raises ValueError with its words for an error."""
    result = await client.call_tool(tool, arguments)
    (content,) = result.content
    if result.is_error:
        raise ValueError(content.text)
    return content.text


def played(*arguments):
    """Runs a test, a coroutine that takes a client of the command."""

    def run(test):
        async def main(*given):
            async with asyncio.timeout(120), connected(*arguments) as client:
                await test(client, *given)

        def sync():
            asyncio.run(main())

        sync.__name__ = test.__name__
        return sync

    return run


def verdict(text):
    """The verdict at the end of an answer."""
    return json.loads(text.rpartition("\nVerdict: ")[2])


def directions(maze):
    return [move.name.lower() for move in shortest_path(maze)]


async def solve(client, maze):
    for direction in directions(maze):
        answer = await call(client, "move", direction=direction)
    return answer


@played()
async def test_the_tools(client):
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(tools) == ["new_maze", "move", "look", "give_up"]
    assert tools["move"].input_schema["properties"]["direction"]["enum"] == ["up", "down", "left", "right"]
    assert list(tools["new_maze"].input_schema["properties"]) == ["seed", "rows", "cols"]
    assert all(tool.description for tool in tools.values())


@played()
async def test_a_game_is_the_benchmarks(client):
    task = task_of_seed(3, 0)
    assert split_of(task.maze.walls) == "train"
    assert await call(client, "new_maze", seed=3) == tool_conversation(Episode(task.maze).observation)[0]["content"]
    assert await call(client, "move", direction="up") == "A wall is in the way. You are at <|0-1|>, <|up_left_wall|>."
    assert await call(client, "look") == f"{task.text}\nYou are at <|0-1|>, <|up_left_wall|>."
    answer = await solve(client, task.maze)
    assert answer.startswith("You stand on the target. The game is over.\n")
    moves = ["<|up|>", *(move.token for move in shortest_path(task.maze))]
    expected = score_game(task.maze, moves).as_dict()
    assert verdict(answer) == {"maze": task.id, **expected}
    assert (expected["solved"], expected["legal"], expected["reward"]) == (True, False, pytest.approx(1.1))


@played()
async def test_another_maze_follows(client):
    for seed, sides in ((1, {}), (1, {"rows": 4, "cols": 7}), (2, {"rows": 9})):
        question = await call(client, "new_maze", seed=seed, **sides)
        maze = maze_from_text(question.rpartition("MAZE:\n")[2].partition("\n\n")[0])
        assert (maze.rows, maze.cols) == (sides.get("rows", 5), sides.get("cols", 5))
        assert verdict(await solve(client, maze))["solved"]
    one = await call(client, "new_maze")
    await call(client, "give_up")
    assert await call(client, "new_maze") != one


@played()
async def test_errors_are_words_and_the_game_goes_on(client):
    for tool in ("look", "give_up"):
        with pytest.raises(ValueError, match="Expects new_maze first, actual: no maze"):
            await call(client, tool)
    with pytest.raises(ValueError, match="Expects rows from 2 to 64, actual: 1"):
        await call(client, "new_maze", rows=1)
    with pytest.raises(ValueError, match="Input should be a valid integer"):
        await call(client, "new_maze", rows="many")
    await call(client, "new_maze", seed=3)
    with pytest.raises(ValueError, match=r"Expects the maze to be solved or given up first \(give_up\)"):
        await call(client, "new_maze", seed=4)
    assert await call(client, "move", direction="north") == "Expects one of up, down, left, right, actual: 'north'."
    with pytest.raises(ValueError, match="Field required"):
        await call(client, "move")
    assert (await call(client, "move", direction="down")).startswith("You moved.")
    left = verdict(await call(client, "give_up"))
    assert (left["solved"], left["end"], left["ended_by"], left["moves"]) == (False, "not_a_move", "agent", 1)
    with pytest.raises(ValueError, match="Expects new_maze first"):
        await call(client, "move", direction="down")


@played()
async def test_the_budget_counts_every_call(client):
    await call(client, "new_maze", seed=3, rows=2, cols=2)
    for _ in range(4 * 2 * 2 - 1):
        assert "The game is over" not in await call(client, "move", direction="nowhere")
    ended = verdict(await call(client, "move", direction="nowhere"))
    assert (ended["end"], ended["ended_by"], ended["moves"]) == ("short_of_target", "step_budget", 0)


@played()
async def test_calls_sent_together_are_played_in_their_order(client):
    task = task_of_seed(3, 0)
    await call(client, "new_maze", seed=3)
    answers = await asyncio.gather(*(call(client, "move", direction=one) for one in directions(task.maze)))
    assert verdict(answers[-1])["solved"]


@played("--view-radius", 1)
async def test_fog_hides_what_is_far(client):
    assert "<|unseen|><" in await call(client, "new_maze", seed=3)
    assert "You see: " in await call(client, "move", direction="down")
    assert "You see: " not in await call(client, "look")


def test_two_sessions_are_apart():
    async def main():
        async with asyncio.timeout(120), connected() as one, connected() as other:
            await call(one, "new_maze", seed=3)
            with pytest.raises(ValueError, match="Expects new_maze first"):
                await call(other, "look")
            await call(other, "new_maze", seed=4)
            assert verdict(await solve(one, task_of_seed(3, 0).maze))["solved"]
            assert verdict(await solve(other, task_of_seed(4, 0).maze))["solved"]

    asyncio.run(main())


def test_a_suite_is_dealt_once_over_several_sessions(tmp_path):
    output, tasks = tmp_path / "new" / "scores.csv", tasks_of_suite("fog", limit=4, mode="play")

    async def first():
        async with asyncio.timeout(120), connected("--suite", "fog", "--output", output) as client:
            (tool,) = [tool for tool in (await client.list_tools()).tools if tool.name == "new_maze"]
            assert tool.input_schema["properties"] == {}
            assert "<|unseen|><" in await call(client, "new_maze")
            assert verdict(await solve(client, tasks[0].maze))["maze"] == "fog/0"
            await call(client, "new_maze")
            await call(client, "give_up")
            await call(client, "new_maze")  # the session ends in the middle

    async def second():
        async with asyncio.timeout(120), connected("--suite", "fog", "--output", output) as client:
            await call(client, "new_maze")
            await solve(client, tasks[3].maze)

    asyncio.run(first())
    asyncio.run(second())
    rows = list(csv.DictReader(output.open()))
    assert [(row["id"], row["score"], row["end"]) for row in rows] == [
        ("fog/0", "1", "solved"),
        ("fog/1", "0", "not_a_move"),
        ("fog/2", "0", "not_a_move"),
        ("fog/3", "1", "solved"),
    ]
    moves = [move.token for move in shortest_path(tasks[3].maze)]
    expected = score_game(tasks[3].maze, moves, view_radius=1).as_dict()
    assert {name: rows[3][name] for name in expected} == {name: str(value) for name, value in expected.items()}
    assert [row["level"] for row in rows] == [task.level for task in tasks]


def test_no_maze_is_left_at_the_end(monkeypatch):
    monkeypatch.setattr(door, "tasks_of_suite", lambda name, mode: tasks_of_suite(name, limit=1, mode=mode))
    session = door.Session("mazebench-100")
    session.next()
    session.give_up()
    with pytest.raises(InvalidConfig, match="Expects a maze that is left, actual: verdicts on all 1"):
        session.next()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--suite", "fgo"], "Expects a suite out of .* Did you mean 'fog'"),
        (["--suite", "unreachable"], "Expects suite unreachable in mode plan"),
        (["--output", "x.csv"], "Expects --output only with --suite"),
        (["--port", "3"], "Expects an argument out of"),
        (["--view-radius", "-1", "--suite", "fog"], "Expects view_radius None"),
    ],
)
def test_wrong_commands_are_told_before_anything_is_served(arguments, words):
    with pytest.raises(ValueError, match=words):
        door.main(arguments)


@pytest.mark.parametrize("text", ["", "id,score\nfog/0,1\n", "{}", ",".join(door.COLUMNS) + "\nfog/0,1\n"])
def test_a_file_that_is_something_else_is_left_alone(tmp_path, text):
    output = tmp_path / "scores.csv"
    output.write_text(text)
    with pytest.raises(
        InvalidConfig, match="Expects a file with the columns id, score, level, view_radius, sha256, reward"
    ):
        door.Session("fog", output)
    assert output.read_text() == text


@pytest.mark.parametrize("change", ["view radius", "maze"])
def test_verdicts_on_mazes_that_were_others_or_seen_further_are_left_alone(tmp_path, monkeypatch, change):
    output = tmp_path / "scores.csv"
    session = door.Session("fog", output, view_radius=1)
    session.next()
    session.close()
    before = output.read_text()
    door.Session("fog", output)  # which is as far as the suite says
    if change == "maze":
        tasks = door.tasks_of_suite("fog", mode="play")
        other = [replace(tasks[0], maze=tasks[1].maze), *tasks[1:]]
        monkeypatch.setattr(door, "tasks_of_suite", lambda *_, **__: other)
    with pytest.raises(InvalidConfig, match="actual: another maze or view radius for fog/0"):
        door.Session("fog", output, view_radius=2 if change == "view radius" else 1)
    assert output.read_text() == before


def test_verdicts_on_another_suite_are_left_alone(tmp_path):
    output = tmp_path / "scores.csv"
    session = door.Session("fog", output)
    session.next()
    session.close()
    session.close()  # has nothing to end
    before = output.read_text()
    assert before.count("\n") == 2
    with pytest.raises(InvalidConfig, match=r"Expects verdicts on mazebench-100 in .*, actual: one on fog/0"):
        door.Session("mazebench-100", output)
    assert output.read_text() == before
