"""Mazes that a model always or never solves are left out before training, and none without a word."""

import random

import pytest

from maze_env.answers import moves_to_text
from maze_env.errors import InvalidConfig
from maze_env.solving import shortest_path
from maze_env.tokens import maze_from_text, maze_to_text
from tests import tiny
from tests.training import runs
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.tiny_model import build_model, build_tokenizer
from tokenmaze.training.difficulty_filter import filter_by_pass_rate
from tokenmaze.training.grpo import MazeGRPOConfig, check_fills_generations
from tokenmaze.training.mazes import DataConfig, make_mazes

DATA = DataConfig(examples=10, sizes="3x3", maze_seed=5)


def answering(chances):
    """A model that answers right with the chance that ``chances`` has for the maze's shortest path, else 0.5."""
    policy = LLMPolicy(build_model(tiny.SMALL, 0), build_tokenizer(), temperature=1.0, max_new_tokens=20)
    rng = random.Random(0)

    def write(prompt):
        path = shortest_path(maze_from_text(prompt))
        return moves_to_text(path if rng.random() < chances.get(len(path), 0.5) else path[:1] * 9)

    return tiny.scripted(policy, write)


def test_what_is_always_or_never_solved_is_left_out():
    mazes = filter_by_pass_rate(DATA, answering({1: 1.0, 2: 0.0}), samples=4, seed=0)
    assert len(mazes) == 10
    assert {len(shortest_path(maze)) for maze in mazes}.isdisjoint({1, 2})
    # In the order in which they are drawn, and of the same draw.
    drawn = [maze_to_text(maze) for maze, _ in make_mazes(DataConfig(examples=500, sizes="3x3", maze_seed=5))]
    places = [drawn.index(maze_to_text(maze)) for maze in mazes]
    assert places == sorted(places)


def test_a_model_that_has_nothing_to_learn_is_an_error():
    with pytest.raises(InvalidConfig, match=r"Expects 10 mazes that the model sometimes solves .* actual: 0 of 500"):
        filter_by_pass_rate(DATA, answering(dict.fromkeys(range(1, 9), 1.0)), samples=4, seed=0)


@pytest.mark.parametrize("examples", [3, 25])
def test_mazes_that_would_be_left_out_are_an_error(trained, tmp_path, examples):
    with pytest.raises(InvalidConfig, match=f"multiple of 4, the mazes of a generation .* actual: {examples}$"):
        runs.train_grpo(tmp_path / "run", trained, examples=examples)


def test_a_filter_may_leave_any_number_above_one_generation():
    args = runs.parsed({**runs.GRPO, "output_dir": "run", "filter_samples": 2}, MazeGRPOConfig)[-1]
    check_fills_generations(25, args)
    with pytest.raises(InvalidConfig, match="multiple of 4"):
        check_fills_generations(3, args)
