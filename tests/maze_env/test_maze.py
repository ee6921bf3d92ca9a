"""The maze as a value, its drawing, and the 8 symmetries."""

import copy
import doctest
import pickle

import numpy as np
import pytest
from hypothesis import given

import maze_env.errors
import maze_env.maze
from maze_env.attempt import End
from maze_env.errors import InvalidMaze
from maze_env.maze import Maze
from maze_env.moves import MOVES, UNSEEN_BITS
from maze_env.symmetry import SYMMETRIES, transform_cell, transform_maze, transform_move, transform_walls
from maze_env.token_maze import TokenMazeEnv
from tests.maze_env.golden import (
    CUT_OFF_ASCII,
    EXAMPLE_ASCII,
    ROOM_ASCII,
    SEALED_ASCII,
    cells_of,
    inner_sides,
    mazes,
    walls_with,
)

ROOM = Maze.from_ascii(ROOM_ASCII)


@pytest.mark.parametrize("module", [maze_env.maze, maze_env.errors])
def test_docstring_examples_are_true(module):
    failed, attempted = doctest.testmod(module)
    assert attempted > 0
    assert failed == 0


def test_a_maze_cannot_be_changed():
    with pytest.raises(AttributeError, match="cannot be changed"):
        ROOM.origin = (1, 1)
    with pytest.raises(ValueError, match="read-only"):
        ROOM.walls[0, 0] = 0


@pytest.mark.parametrize("make", [Maze, Maze.from_validated])
def test_a_maze_does_not_share_the_array_it_was_made_from(make):
    # Found in this package: a maze of validated parts made the array it was given read-only.
    walls = np.array([[5, 9], [6, 10]], dtype=np.uint8)
    maze = make(walls, (0, 0), (1, 1))
    walls[0, 0] = 15
    assert (maze.walls[0, 0], maze.bits) == (5, bytes([5, 9, 6, 10]))
    with pytest.raises(ValueError, match="read-only"):
        maze.walls[0, 0] = 0


def test_equality_and_hash_look_at_walls_and_both_endpoints():
    same = Maze(ROOM.walls.tolist(), (0, 0), [0, 2])
    assert same == ROOM
    assert hash(same) == hash(ROOM)
    others = [ROOM.with_endpoints((1, 0), (0, 2)), ROOM.with_endpoints((0, 0), (1, 2)), Maze.from_ascii(CUT_OFF_ASCII)]
    assert len({ROOM, *others}) == 4
    assert ROOM != "a maze"


@pytest.mark.parametrize("remake", [copy.copy, copy.deepcopy, lambda maze: pickle.loads(pickle.dumps(maze))])
def test_copies_and_pickles_are_equal_and_still_fixed(remake):
    again = remake(ROOM)
    assert again == ROOM
    assert not again.walls.flags.writeable


@pytest.mark.parametrize("drawing", [EXAMPLE_ASCII, ROOM_ASCII, SEALED_ASCII, CUT_OFF_ASCII])
def test_golden_drawings_are_read_and_drawn_back(drawing):
    assert Maze.from_ascii(drawing).to_ascii() == drawing.strip()


@given(mazes())
def test_every_maze_survives_its_drawing(maze):
    assert Maze.from_ascii(maze.to_ascii()) == maze


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("| O ", "|   ", "Expects one 'O' for the origin, actual: none"),
        ("  X |", "    |", "Expects one 'X' for the target, actual: none"),
        ("  X |", "  O |", r"Expects one 'O', actual: at \(0, 0\) and at \(0, 2\)"),
        ("  X |", "  Z |", r"Expects 'O', 'X', '.' or a blank in cell \(0, 2\), actual: 'Z'"),
        ("+   +   +   +\n", "", "Expects 2 .* rows \\+ 1 lines of drawing, actual: 4"),
        ("| O       X |", "| O      X |", "Expects 13 characters in line 1, actual: 12"),
        ("|           |", "|            ", "Expects 13 characters in line 3, actual: 1"),
    ],
)
def test_each_fault_of_a_drawing_has_its_message(old, new, message):
    assert old in ROOM_ASCII
    with pytest.raises(InvalidMaze, match=message):
        Maze.from_ascii(ROOM_ASCII.replace(old, new, 1))


def test_a_maze_as_text_is_its_drawing():
    assert str(ROOM) == ROOM.to_ascii() == ROOM_ASCII.strip()


@pytest.mark.parametrize("view_radius", [None, 0, 1, 2])
def test_a_rendering_is_read_wherever_it_shows_every_wall_and_else_refused(view_radius):
    read = refused = 0
    for seed in range(20):
        env = TokenMazeEnv(3, 4, view_radius=view_radius, render_mode="ansi", split=None, max_steps=30)
        env.reset(seed=seed)
        env.action_space.seed(seed)
        while env.end is None:
            seen = env.visible_walls != UNSEEN_BITS
            sides = np.pad(seen, 1, constant_values=True)
            known = sides[:-2, 1:-1] & sides[2:, 1:-1] & sides[1:-1, :-2] & sides[1:-1, 2:]
            try:
                maze = Maze.from_ascii(env.render())
            except InvalidMaze as error:
                maze, message = None, str(error)
            if maze is None:
                refused += not seen.all()
                assert "Expects a drawing that shows every wall, actual: an unseen side between (" in message
            else:
                read += 1
                assert (seen | known).all()
                assert maze == env.maze.with_endpoints(env.position, env.maze.target)
            env.step(env.action_space.sample())
        if env.end is End.SOLVED:
            with pytest.raises(InvalidMaze, match=r"actual: none \(an agent on the target hides it\)"):
                Maze.from_ascii(env.render())
    assert (read > 20) == (view_radius != 0)
    assert (refused > 20) == (view_radius is not None)


def test_a_drawing_given_for_a_text_is_told_what_reads_it():
    env = TokenMazeEnv(2, 3)
    with pytest.raises(InvalidMaze, match=r"Expects the tokens of a maze, actual: a drawing, .*Maze\.from_ascii"):
        env.reset(options={"maze": ROOM_ASCII})


@pytest.mark.parametrize("bit", [1, 2, 4, 8])
def test_an_open_border_is_refused_at_every_border_cell(bit):
    name = {1: "up", 2: "down", 4: "left", 8: "right"}[bit]
    for row, col in cells_of(3, 4):
        on_border = {1: row == 0, 2: row == 2, 4: col == 0, 8: col == 3}[bit]
        if on_border:
            walls = walls_with(3, 4, inner_sides(3, 4))
            walls[row, col] -= bit
            with pytest.raises(InvalidMaze, match=rf"a wall {name} of border cell \({row}, {col}\), actual: open"):
                Maze(walls, (0, 0), (2, 3))


def test_a_wall_seen_from_one_side_only_is_refused_at_every_side():
    for side in inner_sides(3, 4):
        for at, bit in side:
            walls = walls_with(3, 4, inner_sides(3, 4))
            walls[at] += bit
            message = f"between {side[0][0]} and {side[1][0]} .* a wall seen from {at} only"
            with pytest.raises(InvalidMaze, match=message.replace("(", r"\(").replace(")", r"\)")):
                Maze(walls, (0, 0), (2, 3))


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (65, 5), (5, 65), (0, 0), (5,), (2, 2, 2)])
def test_sizes_outside_2_to_64_are_refused(shape):
    with pytest.raises(InvalidMaze, match="Expects a grid of 2x2 to 64x64 cells, actual: an array of shape"):
        Maze(np.full(shape, 15), (0, 0), (0, 1))


@pytest.mark.parametrize("value", [16, -1, 256 + 15, 2**40])
def test_wall_bytes_that_are_none_are_refused_instead_of_wrapped(value):
    # 271 is 15 in a byte: an array cast first and checked later would take it.
    with pytest.raises(InvalidMaze, match=r"Expects wall bits 0-15 in cell \(1, 0\)"):
        Maze(np.array([[5, 9], [value, 10]]), (0, 0), (1, 1))
    with pytest.raises(InvalidMaze, match="Expects walls as integers, actual: float64"):
        Maze(np.array([[5.0, 9.0], [6.0, 10.0]]), (0, 0), (1, 1))


@pytest.mark.parametrize("cell", [(-1, 0), (2, 0), (0, 3), (0,), (0, 0, 0)])
def test_endpoints_off_the_grid_are_refused(cell):
    with pytest.raises(InvalidMaze, match="Expects the origin inside the 2x3 grid, actual: "):
        Maze(ROOM.walls, cell, (1, 1))
    with pytest.raises(InvalidMaze, match="Expects the target inside the 2x3 grid, actual: "):
        Maze(ROOM.walls, (1, 1), cell)


def test_origin_and_target_in_one_cell_are_refused():
    with pytest.raises(InvalidMaze, match=r"different cells, actual: both at \(1, 1\)"):
        Maze(ROOM.walls, (1, 1), (1, 1))


@given(mazes())
def test_open_moves_are_the_open_sides_in_order(maze):
    for cell in cells_of(maze.rows, maze.cols):
        assert maze.open_moves(cell) == [move for move in MOVES if maze.is_open(cell, move)]


@given(mazes())
def test_moves_and_cells_go_along_with_every_symmetry(maze):
    shape = (maze.rows, maze.cols)
    for symmetry in SYMMETRIES:
        image = transform_maze(maze, symmetry)
        assert Maze(image.walls, image.origin, image.target) == image  # still consistent
        assert image.origin == transform_cell(maze.origin, shape, symmetry)
        for cell in cells_of(*shape):
            there = transform_cell(cell, shape, symmetry)
            for move in MOVES:
                renamed = transform_move(move, symmetry)
                assert image.is_open(there, renamed) == maze.is_open(cell, move)
                if maze.is_open(cell, move):
                    assert renamed.apply(there) == transform_cell(move.apply(cell), shape, symmetry)


def test_the_symmetries_are_8_different_ones_closed_under_composition_with_inverses():
    # A 3x4 array of different numbers (not walls) tells all images apart; cells move as the table of images says.
    cells = cells_of(3, 4)

    def table(*symmetries):
        placed = []
        for cell in cells:
            shape = (3, 4)
            for symmetry in symmetries:
                cell = transform_cell(cell, shape, symmetry)
                shape = shape[::-1] if symmetry & 4 else shape
            placed.append(cell)
        return tuple(placed)

    singles = {table(symmetry): symmetry for symmetry in SYMMETRIES}
    assert len(singles) == 8
    assert table(0) == tuple(cells)
    for first in SYMMETRIES:
        products = {singles[table(first, second)] for second in SYMMETRIES}
        assert products == set(SYMMETRIES)  # closed, and each row holds the identity: an inverse exists
        for second in SYMMETRIES:
            product = singles[table(first, second)]
            for move in MOVES:
                assert transform_move(transform_move(move, first), second) == transform_move(move, product)


def test_named_images_of_the_example_are_those_seen_by_eye():
    example = Maze.from_ascii(EXAMPLE_ASCII)
    columns_flipped = """
+---+---+---+---+---+
|   |               |
+   +   +---+---+   +
|   |       |       |
+   +---+   +   +---+
| X         |       |
+---+---+---+---+   +
|       |     O |   |
+   +---+   +   +   +
|           |       |
+---+---+---+---+---+
"""
    assert transform_maze(example, 1) == Maze.from_ascii(columns_flipped)
    assert transform_walls(ROOM.walls, 4).shape == (3, 2)
    assert transform_maze(ROOM, 4).target == (2, 0)
    assert transform_maze(ROOM, 2).target == (1, 2)
