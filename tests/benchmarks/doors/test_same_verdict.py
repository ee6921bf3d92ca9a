"""Every door gives the same verdict for the same maze and text: that of the environment and its verifier.

A door is a function of this file, and stands in ``PLAN_DOORS`` or ``PLAY_DOORS``. Its package is imported inside it, so
that the doors whose package is not installed are skipped.
"""

import asyncio
import json
from typing import NamedTuple

import pytest

from maze_env import Maze, maze_to_text
from maze_env.attempt import End, EndedBy, Reply
from maze_env.episode import Episode
from maze_env.tokens import maze_from_text
from tokenmaze.agents.tool_game import DIRECTIONS
from tokenmaze.benchmarks.doors.task import Task, score_answer, score_game

MAZE = Maze([[5, 9], [14, 14]], (0, 0), (1, 1))
"""From the top left corner right and down."""
CLOSED = Maze([[5, 9], [14, 14]], (0, 0), (1, 0))
"""Here ``<|down|>`` leads to the target."""
WALLED = Maze([[5, 11], [14, 15]], (0, 0), (1, 1))
"""No way leads to the target."""


class Verdict(NamedTuple):
    """What all doors agree on. A door that does not tell one of them gives ``None`` for it."""

    solved: bool
    reward: float | None
    end: str | None


RIGHT = "<|right|><|down|>"
ANSWERS = {
    "solved": (MAZE, f"<think>right, then down</think>{RIGHT}", End.SOLVED),
    "solved without thinking": (MAZE, RIGHT, End.SOLVED),
    "solved with blanks": (MAZE, "<think>\n</think>\n\n<|right|> <|down|>\n", End.SOLVED),
    "another maze": (CLOSED, f"<think></think>{RIGHT}", End.SHORT_OF_TARGET),
    "a wall": (MAZE, "<|right|><|right|>", End.LEFT_GRID),
    "a wall between cells": (WALLED, "<|right|><|down|>", End.HIT_WALL),
    "off the grid": (MAZE, "<|up|>", End.LEFT_GRID),
    "past the target": (MAZE, f"{RIGHT}<|up|>", End.PAST_TARGET),
    "too short": (MAZE, "<|right|>", End.SHORT_OF_TARGET),
    "stray text": (MAZE, f"The way: {RIGHT}", End.STRAY_TEXT),
    "an answer in the thinking": (MAZE, f"<think>{RIGHT}</think>", End.EMPTY),
    "unclosed thinking": (MAZE, f"<think>{RIGHT}", End.UNCLOSED_THINKING),
    "nothing": (MAZE, "", End.EMPTY),
    "wrongly unreachable": (MAZE, "<|unreachable|>", End.SAID_UNREACHABLE),
    "rightly unreachable": (WALLED, "<think>no way</think><|unreachable|>", End.SOLVED),
}


def inspect_plan(maze, answer):
    model = pytest.importorskip("inspect_ai.model", reason="needs pip install 'tokenmaze[inspect]'")
    from tokenmaze.benchmarks.doors.inspect_ai import verdict

    return _inspect_score(verdict(), maze, model.ModelOutput.from_content("a model", answer))


def inspect_play(maze, calls):
    model = pytest.importorskip("inspect_ai.model", reason="needs pip install 'tokenmaze[inspect]'")
    from tokenmaze.benchmarks.doors.inspect_ai import CALLS, game_verdict

    output = model.ModelOutput.from_content("a model", "I am done.")
    return _inspect_score(game_verdict(), maze, output, {CALLS: calls})


def _inspect_score(scorer, maze, output, store=None):
    from inspect_ai.scorer import Target
    from inspect_ai.solver import TaskState

    metadata = {"maze": maze, "view_radius": None}
    state = TaskState("a model", "id", 1, "", [], output=output, metadata=metadata, store=store)
    score = asyncio.run(scorer(state, Target("")))
    assert score.value == ("C" if score.metadata["solved"] else "I")
    return Verdict(score.metadata["solved"], score.metadata["reward"], score.metadata["end"])


def lm_eval_plan(maze, answer):
    pytest.importorskip("lm_eval", reason="needs pip install 'tokenmaze[lm-eval]'")
    from tokenmaze.benchmarks.doors.lm_eval import verdict

    return Verdict(bool(verdict({"maze": maze}, [answer])["solved"]), None, None)


def openenv_plan(maze, answer):
    return _openenv_verdict(maze, "plan", [answer])


def openenv_play(maze, calls):
    return _openenv_verdict(maze, "play", [*(DIRECTIONS[direction].token for direction in calls), "I am done."])


def _openenv_verdict(maze, mode, replies):
    pytest.importorskip("openenv", reason="needs pip install 'tokenmaze[openenv]'")
    from tokenmaze.benchmarks.doors.openenv import MazeAction
    from tokenmaze.benchmarks.doors.openenv.server.environment import MazeEnvironment

    environment, paid = MazeEnvironment(), 0.0
    environment.reset(maze=maze, mode=mode)
    for reply in replies:
        observation = environment.step(MazeAction(reply=reply))
        paid += observation.reward
        if observation.done:
            break
    assert paid == pytest.approx(observation.score.reward)
    return Verdict(observation.score.solved, observation.score.reward, observation.score.end)


def mcp_play(maze, calls):
    pytest.importorskip("mcp.server.mcpserver", reason="needs pip install 'tokenmaze[mcp]'")
    from mcp import Client

    from tokenmaze.benchmarks.doors.mcp import Session, make_server

    session = Session()
    session.begin(Task("given", "2x2", maze_from_text(maze)))

    async def play():
        async with Client(make_server(session, of_suite=False)) as client:
            for tool, arguments in [*(("move", {"direction": call}) for call in calls), ("give_up", {})]:
                said = (await client.call_tool(tool, arguments)).content[0].text
                if "\nVerdict: " in said:
                    return json.loads(said.rpartition("\nVerdict: ")[2])
        raise AssertionError("giving up ends a game")

    score = asyncio.run(play())
    return Verdict(score["solved"], score["reward"], score["end"])


def verifiers_verdict(mode, maze, replies):
    pytest.importorskip("verifiers.v1", reason="needs pip install 'tokenmaze[verifiers]'")
    from tokenmaze.benchmarks.doors.verifiers import TokenMazeData, TokenMazeTask

    score = TokenMazeTask(TokenMazeData(maze=maze, mode=mode)).verdict(replies)
    return Verdict(score.solved, score.reward, score.end)


def verifiers_plan(maze, answer):
    return verifiers_verdict("plan", maze, [answer])


def verifiers_play(maze, calls):
    return verifiers_verdict("play", maze, texts_of(calls))


def skyrl_verdict(mode, maze, replies):
    skyrl_gym = pytest.importorskip("skyrl_gym", reason="needs pip install 'tokenmaze[skyrl]'")
    from tokenmaze.benchmarks.doors.skyrl_gym import ENV_CLASSES

    row = {"reward_spec": {"ground_truth": maze, "scheme": "solved"}}
    env, reward = skyrl_gym.make(ENV_CLASSES[mode], extras=row), 0.0
    for reply in replies:
        step = env.step(reply)
        reward += step["reward"]
        if step["done"]:
            break
    assert env.get_metrics()["solved"] == step["metadata"]["solved"]
    assert reward == pytest.approx(step["metadata"]["reward"])
    return Verdict(step["metadata"]["solved"], step["metadata"]["reward"], step["metadata"]["end"])


def skyrl_plan(maze, answer):
    return skyrl_verdict("plan", maze, [answer])


def skyrl_play(maze, calls):
    return skyrl_verdict("play", maze, texts_of(calls))


def reasoning_gym_plan(maze, answer):
    pytest.importorskip("reasoning_gym", reason="needs pip install 'tokenmaze[reasoning-gym]'")
    from tokenmaze.benchmarks.doors.reasoning_gym import TokenMazeConfig, TokenMazeDataset

    score = TokenMazeDataset(TokenMazeConfig(seed=0)).score_answer(answer, {"metadata": {"maze": maze}})
    return Verdict(score == 1.0, None, None)


def texts_of(calls):
    """What a model writes that moves by text and then gives up."""
    return [*(DIRECTIONS[direction].token for direction in calls), "I am done."]


PLAN_DOORS = {
    "inspect": inspect_plan, "lm-eval": lm_eval_plan, "openenv": openenv_plan, "verifiers": verifiers_plan,
    "skyrl": skyrl_plan, "reasoning-gym": reasoning_gym_plan,
}  # fmt: skip
"""Of each a function of a maze's text and a model's whole answer that gives a ``Verdict``."""
PLAY_DOORS = {
    "inspect": inspect_play, "openenv": openenv_play, "mcp": mcp_play, "verifiers": verifiers_play, "skyrl": skyrl_play,
}  # fmt: skip
"""Of each a function of a maze's text and the directions that are called, after which the model gives up."""


def agree(verdict, expected):
    """Whether a door's verdict is the expected one, as far as it tells."""
    told = Verdict(*(None if said is None else due for said, due in zip(verdict, expected, strict=True)))
    return verdict == told


@pytest.mark.parametrize("case", ANSWERS)
@pytest.mark.parametrize("door", PLAN_DOORS)
def test_an_answer(door, case):
    maze, answer, end = ANSWERS[case]
    score = score_answer(maze, answer)
    assert score.end == end
    assert agree(PLAN_DOORS[door](maze_to_text(maze), answer), Verdict(end is End.SOLVED, score.reward, end))


GAMES = {
    "solved": (["right", "down"], End.SOLVED),
    "solved after a wall": (["up", "right", "right", "down"], End.SOLVED),
    "solved and on": (["right", "down", "up"], End.SOLVED),
    "given up": (["right"], End.NOT_A_MOVE),
    "given up at once": ([], End.NOT_A_MOVE),
    "out of moves": (["up"] * 16, End.SHORT_OF_TARGET),
}


@pytest.mark.parametrize("case", GAMES)
@pytest.mark.parametrize("door", PLAY_DOORS)
def test_a_game(door, case):
    calls, end = GAMES[case]
    episode = Episode(MAZE)
    for call in [*(DIRECTIONS[direction].token for direction in calls), "I am done."]:
        if episode.end is None:
            episode.step(Reply(call))
    assert episode.end is end
    score = score_game(MAZE, [*(DIRECTIONS[direction].token for direction in calls), "I am done."])
    assert (score.end, score.reward) == (end, episode.attempt.reward)
    assert agree(PLAY_DOORS[door](maze_to_text(MAZE), calls), Verdict(end is End.SOLVED, score.reward, end))


def test_an_answer_that_was_cut_pays_nothing():
    score = score_answer(MAZE, RIGHT, truncated=True)
    assert (score.solved, score.reward, score.ended_by) == (True, 0.0, EndedBy.TOKEN_BUDGET)
