"""Distances and shortest paths, against a breadth-first search of the test's own."""

from itertools import pairwise

import pytest
from hypothesis import given

from maze_env.answers import moves_to_text
from maze_env.errors import InvalidMaze
from maze_env.generation import MazeSpec, generate
from maze_env.maze import Maze
from maze_env.moves import Move
from maze_env.solving import (
    distances_to,
    fewest_turns,
    has_unique_shortest_path,
    longest_corridor,
    path_cells,
    shortest_path,
)
from maze_env.tokens import maze_from_text
from maze_env.verifier import verify
from tests.maze_env.golden import (
    CUT_OFF_ASCII,
    EXAMPLE_ANSWER,
    EXAMPLE_TEXT,
    ROOM_ASCII,
    bfs,
    cells_of,
    endpoint_pairs,
    mazes,
    spanning_trees,
)


def assert_distances(walls):
    for cell in cells_of(*walls.shape):
        expected = bfs(walls, cell)
        found = distances_to(walls, cell)
        assert {at: expected.get(at, -1) for at in cells_of(*walls.shape)} == {
            at: int(found[at]) for at in cells_of(*walls.shape)
        }


def test_distances_are_right_on_all_192_trees_of_3x3():
    layouts = spanning_trees(3, 3)
    assert len(layouts) == 192
    for walls in layouts:
        assert_distances(walls)


@given(mazes(max_side=5))
def test_distances_are_right_with_loops_and_where_there_is_no_way(maze):
    assert_distances(maze.walls)


def test_distances_of_the_largest_grid_fit_their_type():
    maze = generate(3, MazeSpec(64, 64))
    assert distances_to(maze.walls, maze.target)[maze.origin] == bfs(maze.walls, maze.target)[maze.origin]


def test_the_oracle_solves_all_192_trees_of_3x3_from_everywhere_at_exactly_the_shortest_length():
    for walls in spanning_trees(3, 3):
        lengths = {cell: bfs(walls, cell) for cell in cells_of(3, 3)}
        for origin, target in endpoint_pairs(3, 3):
            maze = Maze.from_validated(walls, origin, target)
            path = shortest_path(maze)
            assert len(path) == lengths[target][origin]
            assert verify(maze, moves_to_text(path))


@given(mazes(solvable=True))
def test_the_oracle_is_shortest_and_right_in_mazes_with_loops(maze):
    path = shortest_path(maze)
    assert len(path) == bfs(maze.walls, maze.target)[maze.origin]
    assert verify(maze, moves_to_text(path))
    assert shortest_path(maze, distances_to(maze.walls, maze.target)) == path


def test_among_shortest_paths_the_first_in_the_order_of_moves_is_taken():
    room = Maze.from_ascii(ROOM_ASCII)
    assert shortest_path(room.with_endpoints((0, 0), (1, 2))) == [Move.DOWN, Move.RIGHT, Move.RIGHT]
    assert shortest_path(room.with_endpoints((1, 2), (0, 0))) == [Move.UP, Move.LEFT, Move.LEFT]


def test_the_example_has_the_published_answer():
    assert moves_to_text(shortest_path(maze_from_text(EXAMPLE_TEXT))) == EXAMPLE_ANSWER


def test_a_target_out_of_reach_is_an_error_that_names_both_cells():
    with pytest.raises(InvalidMaze, match=r"Expects a path from \(0, 0\) to \(0, 2\), actual: none"):
        shortest_path(Maze.from_ascii(CUT_OFF_ASCII))


def test_path_cells_begin_with_the_origin():
    assert path_cells((2, 2), [Move.UP, Move.LEFT]) == [(2, 2), (1, 2), (1, 1)]
    assert path_cells((2, 2), []) == [(2, 2)]


@given(mazes(max_side=4, solvable=True))
def test_a_shortest_path_is_unique_where_no_other_is_as_short(maze):
    ways = [[maze.origin]]
    for _ in shortest_path(maze):
        ways = [[*way, move.apply(way[-1])] for way in ways for move in maze.open_moves(way[-1])]
    assert has_unique_shortest_path(maze) == (sum(way[-1] == maze.target for way in ways) == 1)


@given(mazes(max_side=4))
def test_the_fewest_turns_are_those_of_the_straightest_shortest_path(maze):
    ways, left = [([], maze.origin)], bfs(maze.walls, maze.target)
    if maze.origin not in left:
        with pytest.raises(InvalidMaze, match="Expects a path"):
            fewest_turns(maze)
        return
    for _ in range(left[maze.origin]):
        ways = [
            ([*way, move], move.apply(cell))
            for way, cell in ways
            for move in maze.open_moves(cell)
            if left[move.apply(cell)] < left[cell]
        ]
    turns = (sum(a is not b for a, b in pairwise(way)) for way, _ in ways)
    assert fewest_turns(maze) == min(turns)


@pytest.mark.parametrize(
    ("drawing", "cells"),
    [
        (
            """
            +---+---+---+
            | O       X |
            +---+---+   +
            |           |
            +---+---+---+
            """,
            6,
        ),
        (  # two forks, one above the other, between arms of one cell
            """
            +---+---+---+
            | O       X |
            +---+   +---+
            |           |
            +---+---+---+
            """,
            1,
        ),
        (
            """
            +---+---+---+
            | O       X |
            +---+   +---+
            |       |   |
            +   +---+   +
            |           |
            +---+---+---+
            """,
            6,
        ),
    ],
)
def test_the_longest_corridor_by_hand(drawing, cells):
    assert longest_corridor(Maze.from_ascii(drawing)) == cells
