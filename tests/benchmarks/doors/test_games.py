"""A game in messages, and tasks by seed: what doors to frameworks of text are built on."""

import pytest

from maze_env import Maze, maze_to_text, shortest_path, split_of
from maze_env.answers import moves_to_text
from maze_env.attempt import End, EndedBy
from maze_env.errors import InvalidConfig
from maze_env.generation import MazeSpec
from tokenmaze.agents.prompts import PLAY_DESCRIBED
from tokenmaze.benchmarks.doors.task import Game, score_game, task_of_seed, tasks_of_suite

MAZE = Maze([[5, 9], [14, 14]], (0, 0), (1, 1))
"""From the top left corner right and down."""


def test_the_player_is_told_what_the_benchmark_tells():
    game = Game(maze_to_text(MAZE))
    assert game.prompt.startswith(PLAY_DESCRIBED.partition("{act}")[0])
    assert game.prompt.endswith(f"{maze_to_text(MAZE)}\nYou are at <|0-0|>, <|up_left_wall|>.")
    assert game.turn("<|up|>") == "A wall is in the way. You are at <|0-0|>, <|up_left_wall|>."
    assert game.turn("<think>right it is</think><|right|>") == "You moved. You are at <|0-1|>, <|up_right_wall|>."
    assert not game.over
    assert game.turn("<|down|>") == "You stand on the target."
    assert game.over
    assert game.score.as_dict() == {
        "reward": pytest.approx(1.1), "solved": True, "legal": False, "end": "solved", "ended_by": "environment",
        "moves": 3, "shortest": 2,
    }  # fmt: skip
    with pytest.raises(InvalidConfig, match="goes on"):
        game.turn("<|down|>")


def test_in_fog_the_player_sees_what_comes_into_view():
    game = Game(MAZE, view_radius=0)
    assert game.prompt.count("<|unseen|>") == 1 + 3  # the rules speak of it
    assert game.turn("<|right|>").endswith("You see: <|0-1|><|up_right_wall|>")


@pytest.mark.parametrize(
    ("replies", "options", "end", "ended_by"),
    [
        (["<|right|>", "<|down|>", "not read"], {}, End.SOLVED, EndedBy.ENVIRONMENT),
        (["<|right|>", "I give up"], {}, End.NOT_A_MOVE, EndedBy.AGENT),
        (["<|right|>"], {}, End.NOT_A_MOVE, EndedBy.AGENT),
        ([], {}, End.NOT_A_MOVE, EndedBy.AGENT),
        (["<|right|>"], {"truncated": True}, End.SHORT_OF_TARGET, EndedBy.TOKEN_BUDGET),
        (["<|right|>", "<think>so"], {"truncated": True}, End.NOT_A_MOVE, EndedBy.TOKEN_BUDGET),
        (["<|up|>"] * 3, {"max_steps": 2}, End.SHORT_OF_TARGET, EndedBy.STEP_BUDGET),
    ],
)
def test_how_games_end(replies, options, end, ended_by):
    score = score_game(MAZE, replies, **options)
    assert (score.end, score.ended_by, score.solved) == (end, ended_by, end is End.SOLVED)


def test_a_seed_names_the_same_mazes_everywhere_and_they_are_training_mazes():
    spec = MazeSpec(6, 4, max_length=5)
    tasks = [task_of_seed(3, index, spec) for index in range(20)]
    assert tasks == [task_of_seed(3, index, spec) for index in range(20)]
    assert len({task.text for task in [*tasks, *(task_of_seed(4, index, spec) for index in range(20))]}) == 40
    assert {split_of(task.maze.walls) for task in tasks} == {"train"}
    assert all(1 <= task.shortest <= 5 for task in tasks)
    assert all(task.answer == moves_to_text(shortest_path(task.maze)) for task in tasks)


def test_a_suite_is_seen_as_far_as_it_says():
    fog, clear = tasks_of_suite("fog", 1, "play")[0], tasks_of_suite("mazebench-100", 1)[0]
    assert fog.view_radius == 1
    assert "<|unseen|>" in fog.bare_prompt
    assert clear.bare_prompt == clear.text
    with pytest.raises(InvalidConfig, match="unreachable in mode plan, actual: 'play'"):
        tasks_of_suite("unreachable", mode="play")
