"""Placed mazes: a maze in names that lie anywhere in a larger grid of names, its cells listed in one of several orders.

A model that knows mazes of one size at the origin has read few of the coordinates that its vocabulary holds, each in
one place of the text. A placed maze is the same task, its moves mean the same, and only names and order differ. It is a
text of its own kind: what reads standard mazes refuses it.

>>> from maze_env.tokens import maze_from_text
>>> maze = maze_from_text(
...     "<|0-0|><|up_left_wall|><|origin|><|0-1|><|up_right_wall|><|blank|>"
...     "<|1-0|><|down_left_right_wall|><|blank|><|1-1|><|down_left_right_wall|><|target|>"
... )
>>> text = placed_text(maze, (7, 3), "bottom-up")
>>> print(text.rstrip())
<|8-3|><|down_left_right_wall|><|blank|><|8-4|><|down_left_right_wall|><|target|>
<|7-3|><|up_left_wall|><|origin|><|7-4|><|up_right_wall|><|blank|>
>>> read_placed(text) == (maze, (7, 3))
True
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from maze_env.errors import ImpossibleMaze, InvalidMazeText, lookup
from maze_env.maze import Cell, Maze
from maze_env.phrasings import STANDARD, bottom_up_to_text, maze_from_cells, shuffled_to_text
from maze_env.tokens import coordinate_token, maze_to_text

MAX_NAMES_SIDE = 10_000
"""Rows and columns of the largest grid of names: readers take coordinates of four digits."""
NAME = re.compile(r"<\|(0|[1-9][0-9]{0,3})-(0|[1-9][0-9]{0,3})\|>")
"""A coordinate as ``coordinate_token`` writes it: one that is written in another way is not moved, and no reader's."""
UNMOVED = (0, 0)
"""The offset of a maze in standard names."""
LISTINGS: dict[str, Callable[[Maze, int], str]] = {
    STANDARD: lambda maze, key: maze_to_text(maze),
    "bottom-up": lambda maze, key: bottom_up_to_text(maze),
    "shuffled": shuffled_to_text,
}
"""Orders of a maze's cells: their names, and (maze, key) -> the text in standard names; the key chooses a shuffle."""


class Placed(NamedTuple):
    """A placed maze."""

    maze: Maze
    """The maze itself."""
    offset: Cell
    """The name of its cell (0, 0)."""


def placed_text(maze: Maze, offset: Cell = UNMOVED, listing: str = STANDARD, key: int = 0) -> str:
    """The text of a placed maze.

    Args:
        maze: the one to write.
        offset: row and column in the grid of names of the maze's cell (0, 0), from 0.
        listing: the order of the cells, one of ``LISTINGS``.
        key: chooses the order of ``shuffled``; others do not read it.

    Raises:
        ImpossibleMaze: for names outside the largest grid of names.
        UnknownName: for a listing that does not exist.
    """
    text = lookup("listing", listing, LISTINGS)(maze, key)
    last = (offset[0] + maze.rows - 1, offset[1] + maze.cols - 1)
    if min(offset) < 0 or max(last) >= MAX_NAMES_SIDE:
        came = f"{coordinate_token(offset)} to {coordinate_token(last)}"
        raise ImpossibleMaze(f"Expects a place in a grid of {MAX_NAMES_SIDE}x{MAX_NAMES_SIDE} names, actual: {came}")
    return shift_names(text, offset)


def read_placed(text: str) -> Placed:
    """The maze and the offset of a placed text, its cells in any order.

    Raises:
        InvalidMazeText: as ``maze_from_text``, in the names of the text.
    """
    names = [(int(row), int(col)) for row, col in NAME.findall(text)]
    row, col = (min(numbers) for numbers in zip(*names, strict=True)) if names else UNMOVED
    try:
        return Placed(maze_from_cells(shift_names(text, (-row, -col))), (row, col))
    except InvalidMazeText as error:
        raise InvalidMazeText(shift_names(str(error), (row, col))) from None


def shift_names(text: str, offset: Cell) -> str:
    """A text, of a maze, a trace or a whole answer, with every coordinate in it moved.

    Args:
        text: whatever it holds besides coordinates stays.
        offset: rows and columns to add; negative ones move back.

    Raises:
        InvalidMazeText: for a coordinate that would be outside the largest grid of names.
    """
    if offset == UNMOVED:
        return text
    rows, cols = offset

    def moved(name: re.Match[str]) -> str:
        row, col = int(name[1]) + rows, int(name[2]) + cols
        if not (0 <= row < MAX_NAMES_SIDE and 0 <= col < MAX_NAMES_SIDE):
            right = f"coordinates from 0 to {MAX_NAMES_SIDE - 1} once moved by {offset}"
            raise InvalidMazeText(f"Expects {right}, actual: {name[0]}")
        return coordinate_token((row, col))

    return NAME.sub(moved, text)
