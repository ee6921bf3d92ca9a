"""verifiers 0.4: the taskset, its verdict on traces, the game that its environment holds, and its commands."""
# ruff: noqa: E402  where the package is not installed, nothing of it can be imported

import asyncio
import json
import os
import pickle
import random
import shutil
import subprocess
import sys
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

vf = pytest.importorskip("verifiers.v1", reason="needs pip install 'tokenmaze[verifiers]'")

from verifiers.v1.graph import MessageNode
from verifiers.v1.trace import ModelCall, TraceTask
from verifiers.v1.types import AssistantMessage, UserMessage
from verifiers.v1.utils.loaders import environment_class, taskset_class

from maze_env import maze_from_text, split_of
from tests.benchmarks.doors.chat_server import chat_server, oracle, wall_lover
from tokenmaze.benchmarks.doors.task import score_answer, score_game, task_of_seed, tasks_of_suite
from tokenmaze.benchmarks.doors.verifiers import TokenMazeConfig, TokenMazeEnv, TokenMazeEnvConfig, TokenMazeTaskset

ID = "tokenmaze-verifiers"
LONG = {"min_length": 5}


def tasks(count=4, **config):
    return list(islice(TokenMazeTaskset(TokenMazeConfig(**config)), count))


def trace_of(task, *replies, finish_reason="stop"):
    """The trace of a conversation in which the model wrote ``replies``; the last one stopped for ``finish_reason``."""
    nodes, calls = [MessageNode(message=UserMessage(content=task.data.prompt))], []
    for number, reply in enumerate(replies):
        last = number == len(replies) - 1
        nodes.append(MessageNode(message=AssistantMessage(content=reply), sampled=True, parent=len(nodes) - 1))
        calls.append(ModelCall(node=len(nodes) - 1, finish_reason=finish_reason if last else "stop"))
        nodes.append(MessageNode(message=UserMessage(content="not read"), parent=len(nodes) - 1))
    agent = vf.AgentInfo(config=vf.AgentConfig())
    return vf.Trace(task=TraceTask(type="TokenMazeTask", data=task.data), agent=agent, nodes=nodes, calls=calls)


def scored(task, *replies, **options):
    trace = trace_of(task, *replies, **options)
    asyncio.run(task.score(trace))
    return trace


def test_the_id_names_taskset_and_environment():
    assert taskset_class(ID) is TokenMazeTaskset
    assert environment_class(ID) is TokenMazeEnv


@pytest.mark.parametrize("mode", ["plan", "play"])
def test_tasks_are_those_of_the_seed(mode):
    state, state_of_numpy = random.getstate(), pickle.dumps(np.random.get_state())  # noqa: NPY002
    made = tasks(5, seed=7, mode=mode)
    for index, task in enumerate(made):
        expected = task_of_seed(7, index)
        assert (task.data.name, task.data.maze, task.data.idx) == (expected.id, expected.text, index)
        assert split_of(expected.maze.walls) == "train"
        assert expected.text in task.data.prompt
        assert (task.data.prompt == expected.prompt) == (mode == "plan")
        assert asyncio.run(task.validate(None))
    assert random.getstate() == state
    assert pickle.dumps(np.random.get_state()) == state_of_numpy  # noqa: NPY002


def test_generated_mazes_have_no_end_and_suites_have():
    assert not TokenMazeTaskset(TokenMazeConfig()).bounded
    suite = TokenMazeTaskset(TokenMazeConfig(suite="mazebench-100"))
    assert suite.bounded
    assert [task.data.maze for task in suite] == [task.text for task in tasks_of_suite("mazebench-100")]


def test_a_suite_in_fog_is_played_in_fog():
    task = tasks(1, suite="fog", mode="play")[0]
    assert task.data.view_radius == 1
    assert "<|unseen|><|blank|>" in task.data.prompt


def test_keys_are_of_the_content():
    keys = [task.key for task in tasks(200)]
    assert len(set(keys)) == 200
    plan, play = tasks(1)[0], tasks(1, mode="play")[0]
    assert plan.key.split("/")[1:] == play.key.split("/")[1:]
    assert plan.key != play.key
    assert plan.with_data(idx=99, name="another").key == plan.key
    # The eight copies of a maze of suite symmetry: one layout, eight mazes.
    copies = [task.key.split("/") for task in tasks(8, suite="symmetry")]
    assert len({layout for _, layout, _ in copies}) == 1
    assert len({maze for _, _, maze in copies}) == 8


@pytest.mark.parametrize("config", [{"rows": 1}, {"split": "test"}, {"min_length": 25}, {"view_radius": -1}])
def test_impossible_configurations_are_refused_at_once(config):
    with pytest.raises(ValueError, match=r"Expects .*actual: "):
        TokenMazeConfig(**config)


def test_a_scheme_without_a_step_form_is_refused_in_play():
    assert TokenMazeConfig(task={"reward": "alphamaze"}).task.reward == "alphamaze"
    with pytest.raises(ValueError, match="step form"):
        TokenMazeConfig(mode="play", task={"reward": "alphamaze"})


def test_the_verdict_on_an_answer():
    task = tasks(1)[0]
    answer = f"<think>so</think>{oracle([{'content': task.data.prompt}])}"
    for replies in ([answer], ["no idea"], [""], ["not read", answer], []):
        expected = score_answer(task.data.maze, replies[-1] if replies else "")
        trace = scored(task, *replies)
        assert trace.reward == expected.reward
        assert trace.info["verdict"] == expected.as_dict()
        assert trace.metrics == {name: float(getattr(expected, name)) for name in ("solved", "legal", "moves")}
    cut = scored(task, answer, finish_reason="length")
    assert (cut.reward, cut.metrics["solved"], cut.info["verdict"]["ended_by"]) == (0.0, 1.0, "token_budget")
    named = tasks(1, task={"reward": "alphamaze"})[0]
    assert scored(named, answer).reward == score_answer(task.data.maze, answer, "alphamaze").reward


def moves_of(task):
    return [token + ">" for token in oracle([{"content": task.data.prompt.rpartition("\nYou")[0]}]).split(">")[:-1]]


def test_the_verdict_on_a_game():
    task = tasks(1, mode="play", max_steps=20, **LONG)[0]
    moves = moves_of(task)
    for replies in (moves, [*moves, "<|up|>"], moves[:-1], [*moves[:-1], "no move"], ["<|up|>"] * 20, []):
        expected = score_game(task.data.maze, replies, max_steps=20)
        trace = scored(task, *replies)
        assert trace.reward == expected.reward
        assert trace.info["verdict"] == expected.as_dict()
    assert scored(task, *moves[:2], finish_reason="length").info["verdict"]["ended_by"] == "token_budget"


class Player:
    """Stands for a seat whose model knows every maze; each of its turns waits until the others had theirs."""

    def __init__(self):
        self.traces = []

    @asynccontextmanager
    async def interaction(self, task):
        known, told, replies = {"content": f"MAZE:\n{task.data.maze}"}, task.data.prompt, []

        async def turn(text=None):
            await asyncio.sleep(0)
            replies.append(oracle([known, {"content": told if text is None else text}]))
            return SimpleNamespace(last_reply=replies[-1], terminated=False)

        yield SimpleNamespace(turn=turn)
        self.traces.append(trace_of(task, *replies))


@pytest.mark.parametrize("config", [{}, {"view_radius": 1}])
def test_games_that_run_side_by_side_do_not_disturb_each_other(config):
    state = random.getstate()
    made, player = tasks(16, mode="play", **LONG, **config), Player()
    env = TokenMazeEnv(TokenMazeEnvConfig(taskset={"id": ID, **config}))

    async def play():
        await asyncio.gather(*(env.run(task, SimpleNamespace(agent=player)) for task in made))
        for trace in player.traces:
            await made[trace.task.data.idx].score(trace)

    asyncio.run(play())
    assert len(player.traces) == 16
    assert all(trace.metrics["solved"] and trace.reward == pytest.approx(1.1) for trace in player.traces)
    assert random.getstate() == state


def command(name, *arguments, folder):
    """Runs one of verifiers' commands in ``folder``."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "SOME_KEY": "none"}
    argv = [str(Path(sys.executable).parent / name), *arguments]
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("mode", ["plan", "play"])
def test_vf_validate_finds_every_task_valid(tmp_path, mode):
    arguments = ("-n", "4", "--taskset.mode", mode, "--runtime.type", "subprocess", "--no-rich", "-o", str(tmp_path))
    command("vf-validate", ID, *arguments, folder=tmp_path)
    (summary,) = tmp_path.rglob("summary.json")
    assert json.loads(summary.read_text())["outcomes"]["valid"] == 4


def traces_in(file):
    episodes = [json.loads(line) for line in file.read_text().splitlines()]
    return [trace for episode in episodes for trace in episode.get("traces", [episode])]


def rewards_of(traces):
    return {trace["task"]["key"]: trace["rewards"]["maze_reward"]["score"] for trace in traces}


@pytest.mark.parametrize("mode", ["plan", "play"])
@pytest.mark.parametrize("player", [oracle, wall_lover])
def test_vf_eval_measures_a_model_behind_a_server_and_vf_replay_agrees(tmp_path, mode, player):
    if not shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"):
        pytest.skip("verifiers runs its chat program with uv (pip install uv)")
    keys = {"mode": mode, "rows": "4", "cols": "4", "max-length": "3", "max-steps": "4"}
    arguments = [text for key, value in keys.items() for text in (f"--env.taskset.{key}", value)]
    with chat_server(player) as url:
        arguments += ["-n", "2", "-r", "1", "-m", "a-model", "--client.base-url", url]
        arguments += ["--client.api-key-var", "SOME_KEY", "--no-push", "--no-rich", "-o", str(tmp_path)]
        command("vf-eval", ID, *arguments, folder=tmp_path)
    (file,) = tmp_path.rglob("traces.jsonl")
    traces = traces_in(file)
    assert len(traces) == 2
    command("vf-replay", str(file.parent), "--no-rich", folder=tmp_path)
    (replayed,) = set(tmp_path.rglob("traces.jsonl")) - {file}
    assert sorted(trace["id"] for trace in traces) == sorted(trace["id"] for trace in traces_in(replayed))
    assert rewards_of(traces_in(replayed)) == rewards_of(traces)
    for trace in traces:
        maze, verdict = maze_from_text(trace["task"]["data"]["maze"]), trace["info"]["verdict"]
        assert maze.walls.shape == (4, 4)
        assert verdict["reward"] == trace["rewards"]["maze_reward"]["score"]
        if player is oracle:
            assert verdict["solved"]
            assert verdict["moves"] == verdict["shortest"]
