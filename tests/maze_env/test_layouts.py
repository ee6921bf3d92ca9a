"""Generators of one's own: drawn by key, checked, and bounded like those that come along."""

import copy
import pickle
from dataclasses import replace
from functools import partial

import gymnasium
import numpy as np
import pytest

import maze_env
from maze_env import MazeSpec, generate, generate_batch
from maze_env.errors import ImpossibleMaze, InvalidConfig, InvalidMaze, UnknownName
from maze_env.layouts import closed, open_side
from maze_env.maze import Maze
from maze_env.moves import Move
from maze_env.solving import fewest_turns, shortest_path
from maze_env.splits import SPLITS, split_of
from maze_env.token_maze import TokenMazeEnv
from maze_env.vector import TokenMazeVectorEnv
from tests.maze_env.golden import EXAMPLE_TEXT
from tests.maze_env.test_generation import run_python
from tests.maze_env.test_vector import assert_same, make, make_sync

EXAMPLE = maze_env.maze_from_text(EXAMPLE_TEXT)


def combs(rng, rows, cols):
    """A corridor along the top with a shaft below each cell, some of which are joined at the bottom."""
    walls = closed(rows, cols)
    for col in range(cols):
        for row in range(rows - 1):
            open_side(walls, (row, col), Move.DOWN)
        if col + 1 < cols:
            open_side(walls, (0, col), Move.RIGHT)
            if rng.random() < 0.3:
                open_side(walls, (rows - 1, col), Move.RIGHT)
    return walls


def sidewinder(rng, rows, cols):
    """Corridors from left to right, each with one way up."""
    walls = closed(rows, cols)
    for row in range(rows):
        run = 0
        for col in range(cols):
            if col + 1 < cols and (row == 0 or rng.random() < 0.5):
                open_side(walls, (row, col), Move.RIGHT)
            else:
                if row > 0:
                    open_side(walls, (row, int(rng.integers(run, col + 1))), Move.UP)
                run = col + 1
    return walls


def corners(rng, rows, cols):
    """A whole maze, from corner to corner."""
    return Maze(sidewinder(rng, rows, cols), (rows - 1, 0), (rows - 1, cols - 1))


def whole(rng, rows, cols):
    """A comb from its lower left to its lower right corner."""
    return Maze(combs(rng, rows, cols), (rows - 1, 0), (rows - 1, cols - 1))


@pytest.mark.parametrize(
    ("wrong", "shown"),
    [
        (lambda rng: closed(5, 5), r"<lambda>\(rng\)"),
        (lambda: closed(5, 5), r"<lambda>\(\)"),
        (lambda rng, rows, cols, more: closed(rows, cols), r"<lambda>\(rng, rows, cols, more\)"),
        (lambda rng, *, rows, cols: closed(rows, cols), r"<lambda>\(rng, \*, rows, cols\)"),
        (closed, r"closed\(rows: int, cols: int\)"),
        (partial(sidewinder, None), r"partial\(rows, cols\)"),
    ],
)
def test_a_function_of_other_arguments_is_told_where_it_is_handed_over(wrong, shown):
    env, envs = TokenMazeEnv(), TokenMazeVectorEnv(2)
    for hand_over in (
        lambda: MazeSpec(generator=wrong),
        lambda: TokenMazeEnv(generator=wrong),
        lambda: TokenMazeVectorEnv(2, generator=wrong),
        lambda: env.reset(options={"generator": wrong}),
        lambda: envs.reset(options={"generator": wrong}),
        lambda: gymnasium.make("TokenMaze-v0", generator=wrong),
    ):
        with pytest.raises(InvalidConfig, match=rf"^Expects a generator of \(rng, rows, cols\), actual: {shown}$"):
            hand_over()


class Shafts:
    """What is called need not be a function."""

    def __call__(self, rng, rows, cols, more=0):
        return combs(rng, rows, cols)


@pytest.mark.parametrize("right", [lambda *arguments: combs(*arguments), Shafts(), partial(combs), Shafts().__call__])
def test_whatever_takes_the_arguments_is_a_generator(right):
    assert generate(3, MazeSpec(4, 6, generator=right)) == generate(3, MazeSpec(4, 6, generator=combs))


def test_a_seed_fixes_the_mazes_alone_in_a_vector_and_by_key():
    env, envs = TokenMazeEnv(4, 6, generator=combs), TokenMazeVectorEnv(3, rows=4, cols=6, generator=combs)
    envs.reset(seed=7)
    mazes = []
    for index in range(3):
        env.reset(seed=7 + index)
        mazes.append(env.maze)
    assert [envs.maze(index) for index in range(3)] == mazes
    assert len(set(mazes)) == 3
    spec = MazeSpec(4, 6, generator=combs)
    batch = generate_batch(range(20), spec)
    assert [batch[key] for key in range(20)] == [generate(key, spec) for key in range(20)]
    assert all(split_of(batch[key].walls) == "train" for key in range(20))


def test_it_gives_the_same_in_another_process():
    code = "from tests.maze_env.test_layouts import *\nprint(generate_batch(range(5), MazeSpec(3, 4, generator=combs)))"
    assert run_python(code, PYTHONHASHSEED="1") == run_python(code, PYTHONHASHSEED="2") != ""


@pytest.mark.parametrize("split", [*SPLITS, None])
@pytest.mark.parametrize("generator", [sidewinder, corners])
def test_bounds_and_split_are_met(generator, split):
    bounds = {"min_length": 5, "max_length": 11, "min_turns": 2, "max_turns": 4}
    batch = generate_batch(range(15), MazeSpec(4, 6, generator=generator, split=split, **bounds))
    for maze in map(batch.__getitem__, range(15)):
        assert 5 <= len(shortest_path(maze)) <= 11
        assert 2 <= fewest_turns(maze) <= 4
        assert split in (None, split_of(maze.walls))


def test_braid_opens_its_dead_ends():
    def shafts(rng, rows, cols):
        return combs(np.random.default_rng(1), rows, cols)

    def dead_ends(maze):
        return sum(bits.bit_count() == 3 for bits in maze.bits)

    spec = MazeSpec(4, 6, generator=shafts, split=None)
    assert dead_ends(generate(0, spec)) > 0
    assert dead_ends(generate(0, replace(spec, braid=1.0))) == 0


def test_of_a_layout_in_parts_origin_and_target_are_in_one():
    def halves(rng, rows, cols):
        walls = closed(rows, cols)
        for row in range(rows):
            for col in (0, 1, 3):
                open_side(walls, (row, col), Move.RIGHT)
            if row > 0:
                open_side(walls, (row, 0), Move.UP)
                open_side(walls, (row, 3), Move.UP)
        return walls

    batch = generate_batch(range(60), MazeSpec(5, 6, generator=halves, split=None))
    mazes = [batch[key] for key in range(60)]
    assert {maze.origin[1] // 3 for maze in mazes} == {0, 1}
    assert all(maze.origin[1] // 3 == maze.target[1] // 3 and maze.origin[1] < 5 for maze in mazes)
    assert all(shortest_path(maze) for maze in mazes)


def test_a_layout_of_which_a_small_part_is_open_is_used_wherever_the_search_begins():
    def corridor(rng, rows, cols):
        walls = closed(rows, cols)
        for col in range(9):
            open_side(walls, (0, col), Move.RIGHT)
        return walls

    for key in range(20):
        maze = generate(key, MazeSpec(64, 64, generator=corridor, min_length=5))
        assert len(shortest_path(maze)) >= 5


def test_a_whole_maze_stays_as_it_is_and_can_be_chosen_anew_at_each_autoreset():
    levels = [EXAMPLE, EXAMPLE.with_endpoints((0, 0), (4, 4)), EXAMPLE.with_endpoints((4, 4), (0, 0))]

    def replay(rng, rows, cols):
        return levels[rng.integers(3)]

    envs = make(4, "SameStep", generator=replay, max_steps=3, split=None)
    envs.reset(seed=0)
    seen = set()
    for _ in range(30):
        seen |= set(envs.call("maze"))
        envs.step([0, 1, 2, 3])
    assert seen == set(levels)


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_a_vector_is_as_gymnasiums_of_single_environments(mode):
    options = {"rows": 3, "cols": 4, "generator": combs, "max_steps": 6, "braid": 0.4}
    fast, slow = make(3, mode, **options), make_sync(3, mode, **options)
    assert_same(slow.reset(seed=1), fast.reset(seed=1))
    for actions in np.random.default_rng(0).integers(0, 4, (25, 3)):
        assert_same(slow.step(actions), fast.step(actions))


def test_it_is_an_option_of_a_reset_and_of_a_curriculum():
    env, envs = TokenMazeEnv(4, 4, split=None), TokenMazeVectorEnv(2, rows=4, cols=4, split=None)
    spec = MazeSpec(4, 4, split=None)
    texts, _ = envs.reset(seed=3, options={"generator": [combs, "wilson"]})
    assert texts[0] == env.reset(seed=3, options={"generator": combs})[0]
    assert texts[1] == env.reset(seed=4, options={"generator": "wilson"})[0]
    env.maze_spec = replace(spec, generator=combs)
    envs.set_attr("maze_spec", env.maze_spec)
    assert envs.reset(seed=3)[0][0] == texts[0] == env.reset(seed=3)[0]


def test_environments_with_one_are_copied_and_stored():
    for remake in (copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))):
        env = TokenMazeEnv(4, 4, generator=combs)
        env.reset(seed=1)
        assert remake(env).reset()[0] == env.reset()[0]
    assert repr(TokenMazeEnv(3, 4, generator=combs)) == "TokenMazeEnv(3x4 combs)"


OPEN_BORDER = np.zeros((5, 5), np.uint8)
WRONG = {
    "nothing": (
        lambda rng, rows, cols: None,
        r"Expects a Maze or its walls from <lambda>, actual: NoneType \(Expects a",
    ),
    "ragged": (lambda rng, rows, cols: [[1], [2, 3]], "Expects a Maze or its walls from <lambda>, actual: list"),
    "open": (lambda rng, rows, cols: OPEN_BORDER, "actual: ndarray .Expects a wall down of border cell"),
    "floats": (
        lambda rng, rows, cols: OPEN_BORDER + 0.5,
        "actual: ndarray .Expects walls as integers, actual: float64",
    ),
    "small": (lambda rng, rows, cols: combs(rng, 4, 4), "Expects a maze of 5x5 from <lambda>, actual: 4x4"),
    "another size": (lambda rng, rows, cols: whole(rng, 4, 5), "Expects a maze of 5x5 from <lambda>, actual: 4x5"),
    "text": (lambda rng, rows, cols: EXAMPLE_TEXT, "Expects a Maze or its walls from <lambda>, actual: str"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_layout_is_refused_when_the_environment_is_made(name):
    generator, message = WRONG[name]
    for make_env in (TokenMazeEnv, TokenMazeVectorEnv, lambda generator: generate(0, MazeSpec(generator=generator))):
        with pytest.raises(InvalidMaze, match=message):
            make_env(generator=generator)


def test_errors_inside_it_are_its_own():
    def failing(rng, rows, cols):
        raise KeyError("level 7")

    with pytest.raises(KeyError, match="level 7"):
        TokenMazeEnv(generator=failing)


def test_bounds_that_it_cannot_meet_end_in_words():
    with pytest.raises(ImpossibleMaze, match=r"Expects a 5x5 maze \(generator=<function whole .* none in 1000 layouts"):
        generate(0, MazeSpec(generator=whole, min_length=20, split=None))
    with pytest.raises(UnknownName, match="Expects a generator out of"):
        MazeSpec(generator=7)
    with pytest.raises(InvalidConfig, match="Expects a MazeSpec of 5x5, actual: 7"):
        TokenMazeEnv().maze_spec = 7


def test_gymnasium_makes_it_by_name():
    env = gymnasium.make("TokenMaze-v0", generator=combs, render_mode="ansi")
    env.reset(seed=0)
    assert env.render().splitlines()[0] == "+---+---+---+---+---+"
