"""The generation algorithms, one by one: what each must draw, and how often."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from maze_env.errors import ImpossibleMaze
from maze_env.generation import GENERATORS, MazeSpec, generate, generate_batch
from maze_env.maze import Maze
from maze_env.symmetry import SYMMETRIES, transform_walls
from tests.maze_env.golden import bfs, cells_of, open_neighbours, spanning_trees

KEYS = np.array([0, 1, 2, 2**63, 2**64 - 1], dtype=np.uint64)
SIZES = [(2, 2), (2, 7), (9, 3), (5, 5), (64, 2), (64, 64)]


def openings(walls):
    return sum(len(list(open_neighbours(walls, cell))) for cell in cells_of(*walls.shape)) // 2


def dead_ends(walls):
    return [cell for cell in cells_of(*walls.shape) if len(list(open_neighbours(walls, cell))) == 1]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("generator", GENERATORS)
def test_every_layout_is_a_spanning_tree_that_passes_the_checks(generator, size):
    batch = generate_batch(KEYS, MazeSpec(*size, generator=generator))
    for index, maze in enumerate(batch[i] for i in range(len(batch))):
        assert Maze(maze.walls, maze.origin, maze.target) == maze
        assert openings(maze.walls) == maze.walls.size - 1
        assert len(bfs(maze.walls, (0, 0))) == maze.walls.size
        assert generate(int(KEYS[index]), MazeSpec(*size, generator=generator)) == maze


def tree_counts(generator, count):
    """How often each of the 192 spanning trees of 3x3 is drawn from ``count`` keys."""
    index = {walls.tobytes(): number for number, walls in enumerate(spanning_trees(3, 3))}
    drawn = generate_batch(np.arange(count, dtype=np.uint64), MazeSpec(3, 3, generator=generator, split=None))
    return np.bincount([index[walls.tobytes()] for walls in drawn.walls], minlength=192)


def test_wilson_draws_every_spanning_tree_with_the_same_chance():
    # Fixed keys, so this cannot fail by chance from one run to the next; a uniform source fails it once in a thousand.
    counts = tree_counts("wilson", 192 * 250)
    assert len(counts) == 192
    assert chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize("generator", sorted(set(GENERATORS) - {"wilson"}))
def test_the_others_are_told_apart_by_the_same_test(generator):
    # Kruskal's and Prim's trees all come up, with a bias that only counting shows.
    assert chisquare(tree_counts(generator, 192 * 250)).pvalue < 1e-12


@pytest.mark.parametrize(
    ("generator", "trees"), [("wilson", 192), ("kruskal", 192), ("prim", 192), ("binary-tree", 16)]
)
def test_how_many_trees_can_come_up(generator, trees):
    assert np.count_nonzero(tree_counts(generator, 20_000)) == trees


def test_a_binary_tree_has_its_two_corridors_and_leads_up_and_left():
    for walls in generate_batch(KEYS, MazeSpec(6, 8, generator="binary-tree")).walls:
        assert all(walls[0, col] & 0b1000 == 0 for col in range(7))
        assert all(walls[row, 0] & 0b0010 == 0 for row in range(5))
        inner = walls[1:, 1:]
        assert np.all((inner & 1 == 0) ^ (inner & 4 == 0))  # one of up and left, never both


def test_the_mazes_of_known_keys_never_change():
    drawings = {
        "wilson": """
            +---+---+---+---+
            |     O         |
            +   +---+   +   +
            |   |       |   |
            +   +---+---+   +
            |   | X         |
            +---+---+---+---+
        """,
        "kruskal": """
            +---+---+---+---+
            |   |           |
            +   +   +---+---+
            |       |       |
            +   +---+   +---+
            | O   X         |
            +---+---+---+---+
        """,
        "prim": """
            +---+---+---+---+
            |   |     X | O |
            +   +---+   +   +
            |       |   |   |
            +   +---+   +   +
            |               |
            +---+---+---+---+
        """,
        "binary-tree": """
            +---+---+---+---+
            |               |
            +   +---+---+---+
            | X             |
            +   +   +---+---+
            |   | O         |
            +---+---+---+---+
        """,
    }
    for generator, drawing in drawings.items():
        assert generate(1, MazeSpec(3, 4, generator=generator)) == Maze.from_ascii(drawing), generator


@given(st.integers(0, 2**64 - 1), st.integers(2, 7), st.integers(2, 7), st.sampled_from(sorted(GENERATORS)))
def test_braiding_opens_its_share_of_the_dead_ends(key, rows, cols, generator):
    tree = generate(key, MazeSpec(rows, cols, generator=generator, split=None))
    before = len(dead_ends(tree.walls))
    for share in (0.25, 0.5, 1.0):
        braided = generate(key, MazeSpec(rows, cols, generator=generator, split=None, braid=share))
        assert Maze(braided.walls, braided.origin, braided.target) == braided
        assert np.all(braided.walls & ~tree.walls == 0)  # walls are opened, never built
        chosen = int(share * before + 0.5)
        assert len(dead_ends(braided.walls)) <= before - chosen
        assert (chosen + 1) // 2 <= openings(braided.walls) - openings(tree.walls) <= chosen
    assert dead_ends(braided.walls) == []


def fewest_turns(walls, origin, target):
    """Over all shortest paths, one by one: the fewest changes of direction."""
    distance = bfs(walls, target)
    ways = [(origin, None, 0)]
    fewest = None
    while ways:
        cell, last, turns = ways.pop()
        if cell == target:
            fewest = turns if fewest is None else min(fewest, turns)
        for step, to in open_neighbours(walls, cell):
            if distance[to] == distance[cell] - 1:
                ways.append((to, step, turns + (last is not None and step != last)))
    return fewest


@given(
    st.integers(0, 2**64 - 1),
    st.integers(3, 6),
    st.integers(3, 6),
    st.sampled_from(sorted(GENERATORS)),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.integers(0, 3),
    st.none() | st.integers(0, 2),
)
def test_the_turns_of_the_shortest_path_keep_within_their_bounds(key, rows, cols, generator, braid, least, spread):
    greatest = None if spread is None else least + spread
    spec = MazeSpec(rows, cols, min_turns=least, max_turns=greatest, generator=generator, braid=braid, split=None)
    try:
        maze = generate(key, spec)
    except ImpossibleMaze:  # e.g. three turns in a braided binary tree of 3x3, whose layouts are few
        assert (rows, cols) < (4, 4)
        assert least > 1
        return
    turns = fewest_turns(maze.walls, maze.origin, maze.target)
    assert least <= turns <= (rows * cols if greatest is None else greatest)


def test_length_and_turns_can_be_bounded_together():
    spec = MazeSpec(8, 8, min_length=10, max_length=12, min_turns=4, max_turns=4, braid=0.3)
    for index in range(20):
        maze = generate(index, spec)
        assert 10 <= bfs(maze.walls, maze.target)[maze.origin] <= 12
        assert fewest_turns(maze.walls, maze.origin, maze.target) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"min_turns": 24}, "Expects min_turns from 0 to 23, the most that a path of 24 moves can make, actual: 24"),
        ({"min_turns": 4, "max_length": 4}, "Expects min_turns from 0 to 3, the most that a path of 4 moves can make"),
        ({"min_turns": -1}, "actual: -1"),
        ({"min_turns": 3, "max_turns": 2}, "Expects max_turns of at least min_turns 3, actual: 2"),
        ({"braid": 1.5}, "Expects braid, the share of dead ends to open, from 0 to 1, actual: 1.5"),
        ({"braid": float("nan")}, "actual: nan"),
    ],
)
def test_impossible_turns_and_shares_are_refused_at_construction(arguments, message):
    with pytest.raises(ImpossibleMaze, match=message):
        MazeSpec(**arguments)


def test_bounds_that_were_not_met_are_quoted_within_seconds_at_any_size():
    # A straight corridor through a whole 64x64 grid: every layout would be searched from every cell.
    message = r"64x64 maze .* 63 to 63 moves and 0 to 0 turns, actual: none in \d+ layouts"
    with pytest.raises(ImpossibleMaze, match=message):
        generate(0, MazeSpec(64, 64, min_length=63, max_length=63, max_turns=0))


@pytest.mark.parametrize("generator", GENERATORS)
def test_all_but_binary_tree_make_the_images_of_a_layout_equally_often(generator):
    trees = spanning_trees(3, 3)
    number_of = {walls.tobytes(): number for number, walls in enumerate(trees)}
    counts = tree_counts(generator, 40_000)
    surplus = 0.0  # of a layout over its image, in standard deviations
    for symmetry in SYMMETRIES:
        images = [number_of[transform_walls(walls, symmetry).tobytes()] for walls in trees]
        gap, total = np.abs(counts - counts[images]), counts + counts[images]
        surplus = max(surplus, (gap / np.sqrt(np.maximum(total, 1))).max())
    assert (surplus > 50) if generator == "binary-tree" else (surplus < 5)
