"""SkyRL: rows as its data set hands them on, and the two environments as its generator drives them."""
# ruff: noqa: E402  where the package is not installed, nothing of it can be imported

import json

import pytest

skyrl_gym = pytest.importorskip("skyrl_gym", reason="needs pip install 'tokenmaze[skyrl]'")

from skyrl_gym.metrics import aggregate_for_environment

from maze_env import maze_from_text, shortest_path, split_of
from maze_env.errors import InvalidConfig, UnknownName
from maze_env.generation import MazeSpec
from tokenmaze.benchmarks.doors.skyrl_gym import ENV_CLASSES, rows
from tokenmaze.benchmarks.doors.task import score_game, task_of_seed

LONG = MazeSpec(min_length=6)


def episode(row, answer, max_turns=100):
    """What SkyRL does with a row: the messages, the environment's steps, and the environment."""
    row = json.loads(json.dumps(row))  # as it comes from a file
    prompt, env_class = row.pop("prompt"), row.pop("env_class")
    row["max_turns"] = max_turns
    env = skyrl_gym.make(env_class, env_config={}, extras=row)
    messages, _ = env.init(prompt)
    steps = []
    while not steps or not steps[-1]["done"]:
        text = answer(maze_from_text(row["reward_spec"]["ground_truth"]), len(steps))
        steps.append(env.step(text))
        messages = [*messages, {"role": "assistant", "content": text}, *steps[-1]["observations"]]
    env.close()
    return messages, steps, env


def plan(maze, turn):
    return "<think>so</think>" + "".join(move.token for move in shortest_path(maze))


def walk(maze, turn):
    return shortest_path(maze)[turn].token


@pytest.mark.parametrize("mode", ENV_CLASSES)
def test_rows_are_the_tasks_of_the_seed(mode):
    made = rows(5, mode, seed=2)
    assert made == rows(8, mode, seed=2)[:5]
    for index, row in enumerate(made):
        task = task_of_seed(2, index)
        assert (row["id"], row["reward_spec"]["ground_truth"]) == (task.id, task.text)
        assert split_of(task.maze.walls) == "train"
        assert task.text in row["prompt"][0]["content"]
        assert (row["prompt"][0]["content"] == task.prompt) == (mode == "plan")


def test_a_plan_is_one_step():
    metrics = []
    for row, answer in zip(rows(3), (plan, plan, lambda maze, turn: "no idea"), strict=True):
        messages, steps, env = episode(row, answer)
        assert len(messages) == 2
        assert len(steps) == 1
        metrics.append(env.get_metrics())
    assert steps[0]["reward"] == 0
    assert steps[0]["metadata"]["end"] == "stray_text"
    assert aggregate_for_environment(row["env_class"], metrics)["solved"] == pytest.approx(2 / 3)


def test_a_game_pays_each_step():
    row = rows(1, "play", spec=LONG)[0]
    messages, steps, env = episode(row, walk)
    assert [message["role"] for message in messages] == ["user", "assistant"] * len(steps)
    assert messages[2]["content"].startswith("You moved. You are at <|")
    assert all(step["reward"] > 0 for step in steps)
    assert sum(step["reward"] for step in steps) == pytest.approx(1.1)
    assert [step["done"] for step in steps] == [False] * (len(steps) - 1) + [True]
    assert (
        steps[-1]["metadata"]
        == score_game(row["reward_spec"]["ground_truth"], [m["content"] for m in messages[1::2]]).as_dict()
    )
    assert env.get_metrics() == {"solved": 1.0, "legal": 1.0, "moves": len(steps)}


def test_max_turns_is_the_budget_of_moves():
    _, steps, env = episode(rows(1, "play")[0], lambda maze, turn: "<|up|>", max_turns=3)
    assert len(steps) == 3
    assert steps[-1]["metadata"]["ended_by"] == "step_budget"
    assert env.get_metrics()["solved"] == 0


def test_a_game_out_of_context_has_figures_too():
    row = rows(1, "play", spec=LONG)[0]
    env = skyrl_gym.make(row["env_class"], extras=row)
    assert not env.step(walk(maze_from_text(row["reward_spec"]["ground_truth"]), 0))["done"]
    assert env.get_metrics() == {"solved": 0.0, "legal": 1.0, "moves": 1.0}
    assert skyrl_gym.make("tokenmaze-plan", extras=rows(1)[0]).get_metrics() == {}


def test_fog_and_rewards_travel_with_the_rows():
    row = rows(1, "play", spec=LONG, view_radius=1)[0]
    assert "<|unseen|><|blank|>" in row["prompt"][0]["content"]
    _, steps, _ = episode(row, walk)
    assert any("You see: " in message["content"] for step in steps for message in step["observations"])
    _, steps, _ = episode(rows(1, reward="alphamaze")[0], plan)
    assert steps[0]["reward"] == pytest.approx(0.2 * steps[0]["metadata"]["moves"] + 0.75)


def test_what_cannot_be_is_refused_before_any_row():
    with pytest.raises(UnknownName, match="mode"):
        rows(1, "plann")
    with pytest.raises(UnknownName, match="reward scheme"):
        rows(1, reward="nothing")
    with pytest.raises(InvalidConfig, match="step form"):
        rows(1, "play", reward="alphamaze")
    with pytest.raises(InvalidConfig, match="view_radius"):
        rows(1, view_radius=-1)
