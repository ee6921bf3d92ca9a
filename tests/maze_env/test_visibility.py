"""Fog: what is seen, what is remembered, and what an agent may conclude from it."""

import gymnasium
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maze_env.errors import InvalidMaze, InvalidMazeText
from maze_env.generation import MazeSpec, generate
from maze_env.maze import Maze, check_walls
from maze_env.tokens import UNSEEN_BITS, cell_texts, maze_from_text, maze_to_text
from maze_env.verifier import verify
from maze_env.visibility import initial_visible_walls, known_maze, open_unseen, revealed
from tests.maze_env.golden import bfs
from tokenmaze.agents.baselines import BASELINES

CORNER = Maze.from_ascii("""
    +---+---+---+---+
    | O |           |
    +   +   +---+   +
    |   |       |   |
    +   +---+   +   +
    |           | X |
    +---+---+---+---+
""")


def text_of(seen, maze):
    return "".join(cell_texts(seen, maze.origin, maze.target))


def test_a_window_of_the_radius_is_seen_through_walls_and_cut_at_the_border():
    for radius, cells in ((0, [(0, 0)]), (1, [(0, 0), (0, 1), (1, 0), (1, 1)])):
        seen = initial_visible_walls(CORNER, radius)
        assert [tuple(cell) for cell in np.argwhere(seen != UNSEEN_BITS).tolist()] == cells
        assert all(seen[cell] == CORNER.walls[cell] for cell in cells)
    assert np.array_equal(initial_visible_walls(CORNER, 3), CORNER.walls)
    assert np.array_equal(initial_visible_walls(CORNER, 1_000), CORNER.walls)


def test_what_was_seen_stays_seen():
    first = initial_visible_walls(CORNER, 0)
    seen = revealed(revealed(first, CORNER.walls, (1, 0), 0), CORNER.walls, (2, 0), 0)
    assert np.argwhere(first != UNSEEN_BITS).tolist() == [[0, 0]]  # whoever holds it sees no more than before
    assert np.argwhere(seen != UNSEEN_BITS).tolist() == [[0, 0], [1, 0], [2, 0]]


def test_sides_between_unseen_cells_count_as_open_and_known_walls_from_both_sides():
    known = known_maze(text_of(initial_visible_walls(CORNER, 0), CORNER))
    assert known == Maze.from_ascii("""
        +---+---+---+---+
        | O |           |
        +   +   +   +   +
        |               |
        +   +   +   +   +
        |             X |
        +---+---+---+---+
    """)
    assert known_maze(maze_to_text(CORNER)) == CORNER


def test_a_text_under_fog_is_no_maze_to_judge_by_and_says_so():
    with pytest.raises(
        InvalidMazeText, match=r"walls are all known, actual: <\|unseen\|> in cell <\|0-1\|>.*known_maze"
    ):
        maze_from_text(text_of(initial_visible_walls(CORNER, 0), CORNER))


def test_known_walls_that_contradict_each_other_are_an_error():
    seen = initial_visible_walls(CORNER, 1).copy()
    seen[1, 0] |= 1  # a wall above that the cell above does not have
    with pytest.raises(InvalidMaze, match=r"between \(0, 0\) and \(1, 0\) to be the same from both cells"):
        known_maze(text_of(seen, CORNER))


@given(st.integers(0, 2**64 - 1), st.integers(2, 7), st.integers(2, 7), st.integers(0, 3), st.sampled_from([0.0, 0.7]))
def test_what_is_concluded_is_a_maze_that_is_at_most_as_walled_as_the_real_one(key, rows, cols, radius, braid):
    maze = generate(key, MazeSpec(rows, cols, split=None, braid=braid))
    seen = initial_visible_walls(maze, radius)
    walls = open_unseen(seen)
    check_walls(walls)
    assert np.all(walls & ~maze.walls == 0)
    assert np.array_equal(walls[seen != UNSEEN_BITS], maze.walls[seen != UNSEEN_BITS])
    assert bfs(walls, maze.target)[maze.origin] <= bfs(maze.walls, maze.target)[maze.origin]


def play(agent, maze, view_radius):
    env = gymnasium.make("TokenMaze-v0", rows=maze.rows, cols=maze.cols, split=None, view_radius=view_radius)
    text, _ = env.reset(options={"maze": maze})
    agent.reset([0])
    steps, terminated, truncated = 0, False, False
    while not (terminated or truncated):
        text, _, terminated, truncated, _ = env.step(agent.act([text])[0].text)
        steps += 1
    return steps if terminated else None


MAZES = [generate(key, MazeSpec(6, 6, split=None, min_length=8)) for key in range(30)]


@pytest.mark.parametrize("name", ["left-hand", "right-hand", "depth-first", "shortest-path", "a-star"])
@pytest.mark.parametrize("view_radius", [0, 1])
def test_the_baselines_of_fog_solve_every_tree_within_twice_its_cells(name, view_radius):
    steps = [play(BASELINES[name](), maze, view_radius) for maze in MAZES]
    assert all(taken is not None and taken <= 2 * 36 for taken in steps)


def test_exploring_toward_the_target_beats_exploring_blindly_and_looking_farther_helps():
    mean = {
        (name, radius): np.mean([play(BASELINES[name](), maze, radius) for maze in MAZES])
        for name, radius in (("depth-first", 1), ("shortest-path", 0), ("shortest-path", 1), ("shortest-path", None))
    }
    assert mean["shortest-path", None] == np.mean([bfs(maze.walls, maze.target)[maze.origin] for maze in MAZES])
    assert mean["shortest-path", None] < mean["shortest-path", 1] < mean["shortest-path", 0]
    assert mean["shortest-path", 1] < mean["depth-first", 1]


def test_exploring_is_the_same_with_and_without_fog_for_who_looks_at_his_own_cell_alone():
    for name in ("left-hand", "depth-first"):
        agent = BASELINES[name]()
        assert [play(agent, maze, 0) for maze in MAZES[:10]] == [play(agent, maze, None) for maze in MAZES[:10]]


def test_a_plan_made_without_looking_does_not_solve():
    # The plan of the best planner there is, made from the first observation and judged on the real maze: now and then
    # the straight way is the right one.
    agent = BASELINES["shortest-path"]("plan")
    solved = 0
    for maze in MAZES:
        agent.reset([0])
        solved += bool(verify(maze, agent.act([text_of(initial_visible_walls(maze, 1), maze)])[0].text))
    assert solved <= 1
