"""The OpenEnv door, with the real package: its server in a process of its own and its client."""

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("openenv")
import maze_env
from maze_env.episode import Episode
from maze_env.moves import MOVE_TOKENS
from maze_env.solving import shortest_path
from maze_env.splits import split_of
from maze_env.tokens import maze_from_text, maze_to_text
from tests.benchmarks.doors.openenv_server import Server
from tests.modules import ROOT
from tokenmaze.agents.prompts import reply_text
from tokenmaze.benchmarks.doors.openenv import MazeAction, MazeClient
from tokenmaze.benchmarks.doors.task import score_answer, score_game, task_of_seed, tasks_of_suite

SESSIONS = 3
UP, DOWN, LEFT, RIGHT = MOVE_TOKENS


@pytest.fixture(scope="module")
def server():
    started = Server(SESSIONS)
    yield started
    started.stop()


@pytest.fixture
def client(server):
    with MazeClient(server.base_url).sync() as connected:
        yield connected


def step(client, reply):
    return client.step(MazeAction(reply=reply))


def test_a_game_is_the_benchmarks(client):
    task = tasks_of_suite("mazebench-100", limit=61)[60]
    result = client.reset(split="mazebench-100", index=60, episode_id="one")
    assert result.observation.message.endswith(f"MAZE:\n{task.text}\n{opening(task)}")
    assert result.observation.maze == task.text
    assert (result.reward, result.done, result.observation.score) == (None, False, None)
    moves = [move.token for move in shortest_path(task.maze)]
    paid = 0.0
    for turn, move in enumerate(moves, start=1):
        assert not result.done
        result = step(client, move)
        assert result.observation.turn == client.state().step_count == turn
        paid += result.reward
    assert result.done
    assert result.observation.score == client.state().score == score_game(task.maze, moves)
    assert result.observation.score.solved
    assert paid == pytest.approx(result.observation.score.reward) == pytest.approx(1.1)
    state = client.state()
    assert (state.episode_id, state.task, state.level, state.mode) == ("one", task.id, task.level, "play")


def opening(task):
    """Where the benchmark tells a player that it stands at first."""
    return reply_text(Episode(task.maze).observation, bare=False)


def test_a_wall_is_told_and_costs_a_turn(client):
    client.reset(seed=3)
    result = step(client, UP)
    assert result.observation.message == "A wall is in the way. You are at <|0-1|>, <|up_left_wall|>."
    assert (result.reward, result.done, result.observation.turn) == (0.0, False, 1)
    assert step(client, f"<think>Up is closed.</think>{DOWN}").observation.message.startswith("You moved.")


@pytest.mark.parametrize("reply", ["north", "", "<think>", "<think><|down|>"])
def test_a_reply_without_a_move_ends_the_game(client, reply):
    maze = client.reset(seed=3).observation.maze
    result = step(client, reply)
    assert result.done
    assert result.observation.score == score_game(maze, [reply])
    assert (result.observation.score.end, result.reward) == ("not_a_move", 0.0)
    with pytest.raises(RuntimeError, match="Expects an episode that goes on, actual: one that has ended"):
        step(client, DOWN)


def test_the_budget_of_moves_ends_a_game(client):
    client.reset(seed=3, max_steps=2)
    assert not step(client, UP).done
    result = step(client, UP)
    assert (result.done, result.observation.score.ended_by) == (True, "step_budget")


def test_a_plan_is_one_answer(client):
    task = tasks_of_suite("mazebench-100", limit=1)[0]
    for answer in (task.answer, UP, f"<think>{task.answer}</think>{task.answer}", "I do not know."):
        result = client.reset(split="mazebench-100", index=0, mode="plan")
        assert result.observation.message == task.prompt
        result = step(client, answer)
        assert result.done
        assert result.observation.score == score_answer(task.maze, answer)
        assert result.reward == pytest.approx(result.observation.score.reward)
    # No game can be played to a target out of reach, but that it is can be said.
    with pytest.raises(RuntimeError, match="Expects suite unreachable in mode plan"):
        client.reset(split="unreachable", index=0)
    client.reset(split="unreachable", index=0, mode="plan")
    assert step(client, tasks_of_suite("unreachable", limit=1)[0].answer).observation.score.solved


def test_fog_hides_what_is_far(client):
    assert "<|unseen|><" in client.reset(seed=3, view_radius=1).observation.maze
    assert "You see: " in step(client, DOWN).observation.message
    task = tasks_of_suite("fog", limit=1)[0]
    seen = Episode(task.maze, view_radius=1).observation.text
    assert client.reset(split="fog", index=0).observation.maze == seen != task.text
    assert "<|unseen|><" not in client.reset(seed=3).observation.maze


def test_a_maze_of_ones_own(client):
    text = maze_to_text(maze_env.generate(5, maze_env.MazeSpec(rows=3, cols=4)))
    assert client.reset(maze=text).observation.maze == text
    assert client.state().level == "3x4"


def test_mazes_come_from_their_split_and_seed(client):
    def mazes(**options):
        return [client.reset(seed=seed, **options).observation.maze for seed in range(20)]

    seen = mazes()
    assert seen == mazes() == [task_of_seed(seed, 0).text for seed in range(20)]
    assert len(set(seen)) == 20
    assert {split_of(maze_from_text(maze).walls) for maze in seen} == {"train"}
    assert {split_of(maze_from_text(maze).walls) for maze in mazes(split="validation")} == {"validation"}
    assert len({client.reset().observation.maze for _ in range(3)}) == 3
    assert mazes(split="mazebench-100") == mazes(split="mazebench-100")
    long = [shortest_path(maze_from_text(maze)) for maze in mazes(rows=7, cols=6, min_length=12)]
    assert min(map(len, long)) >= 12


def test_tasks_are_what_a_reset_plays(server, client):
    name = "tokenmaze_env"
    assert server.request("list_environments") == (200, [name])
    splits = server.request(f"{name}/splits")[1]
    assert splits[:3] == [
        {"name": "train", "type": "train"},
        {"name": "validation", "type": "validation"},
        {"name": "mazebench-100", "type": "test"},
    ]
    for split in ("train", "validation", "fog"):
        for index in (0, 7):
            task = server.request(f"{name}/task", split=split, index=index)[1]["task"]
            client.reset(split=split, index=index)
            state = client.state()
            assert (task["id"], task["level"]) == (state.task, state.level)
    assert server.request(f"{name}/task", split="fog", index=1000) == (400, {"detail": "Invalid task index"})
    several = server.request(f"{name}/task_range", split="train", start=2, stop=5)[1]["tasks"]
    assert several == [server.request(f"{name}/task", split="train", index=index)[1]["task"] for index in (2, 3, 4)]
    assert len(server.request(f"{name}/tasks", split="train")[1]["tasks"]) == 1000
    status, answer = server.request(f"{name}/task_range", split="train", start=0)
    assert (status, answer["detail"]) == (400, "Expects at most 1000 tasks at once, actual: 4294967296")
    status, answer = server.request(f"{name}/num_tasks", split="tarin")
    assert status == 400
    assert answer["detail"].endswith("Did you mean 'train'?")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"split": "tarin"}, "Expects a split out of .*, actual: 'tarin'. Did you mean 'train'"),
        ({"split": "/etc/passwd"}, "Expects a split out of"),
        ({"split": ["train"]}, "Expects a split out of"),
        (
            {"split": "mazebench-100", "index": 100},
            "Expects an index of split 'mazebench-100' from 0 to 99, actual: 100",
        ),
        ({"index": -1}, "Expects an index of split 'train' from 0 to"),
        ({"index": "1"}, "Expects an index of split 'train' from 0 to .*, actual: '1'"),
        ({"seed": -1}, "Expects a seed from 0 up, actual: -1"),
        ({"seed": True}, "Expects a seed from 0 up, actual: True"),
        ({"mode": "paly"}, "Expects a mode out of 'plan', 'play', actual: 'paly'. Did you mean 'play'"),
        ({"view_radius": -1}, "Expects view_radius None"),
        ({"max_steps": 0}, "Expects max_steps of at least 1"),
        ({"row": 5}, "Expects an option of reset out of .*, actual: 'row'. Did you mean 'rows'"),
        ({"rows": 1}, "Expects rows from 2 to 64, actual: 1"),
        ({"rows": "5"}, "Expects rows from 2 to 64, actual: '5'"),
        ({"split": "fog", "rows": 5}, "Expects an option of reset for a suite out of"),
        ({"maze": "a maze", "rows": 5}, "Expects an option beside a maze out of"),
        ({"maze": "a maze"}, "Expects"),
        ({"maze": 5}, "Expects"),
    ],
)
def test_what_cannot_be_is_told_in_words_and_the_session_goes_on(client, options, words):
    before = client.reset(seed=3)
    with pytest.raises(RuntimeError, match=words):
        client.reset(**options)
    assert step(client, UP).observation.turn == 1  # of the episode before
    assert client.reset(seed=3).observation == before.observation


def test_sessions_are_apart(server):
    tasks = tasks_of_suite("mazebench-100", limit=100)[50:52]
    with MazeClient(server.base_url).sync() as one, MazeClient(server.base_url).sync() as other:
        clients = (one, other)
        for client, task in zip(clients, tasks, strict=True):
            client.reset(maze=task.text)
        moves = [[move.token for move in shortest_path(task.maze)] for task in tasks]
        results = [None, None]
        for turn in range(max(map(len, moves))):  # in turns
            for number, client in enumerate(clients):
                if turn < len(moves[number]):
                    results[number] = step(client, moves[number][turn])
        for number, task in enumerate(tasks):
            assert results[number].observation.score == score_game(task.maze, moves[number])
            assert results[number].observation.score.solved


def test_many_games_at_once_are_what_they_are_alone(server):
    def walk(seed):
        with MazeClient(server.base_url).sync() as client:
            seen = [client.reset(seed=seed).observation]
            for turn in range(40):
                seen.append(step(client, MOVE_TOKENS[(seed + turn * turn) % 4]).observation)
                if seen[-1].done:
                    break
            return seen

    with ThreadPoolExecutor(SESSIONS) as pool:
        together = list(pool.map(walk, range(12)))
    assert together == [walk(seed) for seed in range(12)]


def test_no_more_sessions_than_there_may_be_and_a_dead_clients_place_is_free_again(server):
    hold = """
import sys
from tokenmaze.benchmarks.doors.openenv import MazeClient
with MazeClient(sys.argv[1]).sync() as client:
    client.reset()
    print("begun", flush=True)
    sys.stdin.read()"""
    command = [sys.executable, "-c", hold, server.base_url]
    held = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(SESSIONS)
    ]
    try:
        assert [process.stdout.readline() for process in held] == ["begun\n"] * SESSIONS
        with pytest.raises(RuntimeError, match="capacity"), MazeClient(server.base_url).sync() as refused:
            refused.reset()
    finally:
        for process in held:
            process.kill()
            process.communicate()
    deadline = time.monotonic() + 30
    while True:
        try:
            with MazeClient(server.base_url).sync() as client:
                assert client.reset(seed=3).observation.turn == 0
                return
        except RuntimeError:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_a_client_that_reconnects_is_told_that_its_episode_is_gone(client):
    client.reset(seed=3)
    client.disconnect()
    with pytest.raises(RuntimeError, match=r"Expects an episode that a reset began, actual: .* in a new session"):
        step(client, DOWN)
    assert client.reset(seed=3).observation.turn == 0


def test_no_reply_is_taken_for_that_to_another_request(server):
    # OpenEnv's issue 1143: after a time-out each reply was taken for that to the request before.
    slow = {"rows": 40, "cols": 40, "min_length": 1500}
    with MazeClient(server.base_url, message_timeout_s=0.2).sync() as client:
        client.reset(seed=3)
        with pytest.raises(TimeoutError):
            client.reset(seed=3, **slow)
        with pytest.raises(RuntimeError, match="Expects an episode that a reset began"):
            step(client, DOWN)
        assert client.reset(seed=4).observation.maze == task_of_seed(4, 0).text
        assert step(client, UP).observation.turn == 1


def test_requests_without_a_session(server):
    status, answer = server.request("reset", seed=3, split="mazebench-100")
    assert (status, answer["done"], answer["observation"]["turn"]) == (200, False, 0)
    status, answer = server.request("step", action={"reply": UP})
    assert status == 400
    assert answer["detail"].startswith("Expects an episode that a reset began")
    assert server.request("reset", row=5)[0] == 400
    assert server.request("state")[1]["task"] == ""


def test_the_page_shows_what_its_example_prints(server, capsys):
    page = (ROOT / "docs" / "doors" / "openenv.md").read_text(encoding="utf-8")
    code, shown = re.search(r"```python\n(.*?)```\s*```text\n(.*?)```", page, re.DOTALL).groups()
    assert "http://localhost:8000" in code
    exec(code.replace("http://localhost:8000", server.base_url), {})
    assert capsys.readouterr().out == shown
