"""Wall layouts as other projects write them: read from a text or a grid, with the endpoints where it has some.

| form | example | who writes it |
|---|---|---|
| tokens, alone or in a prompt | ``<|0-0|><|up_left_wall|><|origin|>...`` | AlphaMaze, this project |
| the same, of placed mazes | ``<|8-3|><|down_left_wall|><|blank|>...`` | this project |
| open sides | ``<ADJLIST_START> (0,0) <--> (0,1) ; ...`` | maze-dataset, AlphaMaze's ``raw_token`` |
| drawing of walls between cells | ``+---+---+`` | this project |
| grid of ``#`` and blanks, or of 1 and 0 | ``#####``, ``0 0 1 0`` | maze-dataset, OpenEnv's ``maze_env`` |

A grid whose outer cells and whose crossings at even rows and columns are walls, and whose cells at odd ones are free,
draws walls between cells. Of any other grid each entry is a cell, and those of walls are closed on all sides.

Standard mazes in tokens may follow one another at once; between placed ones (``maze_env.placement``) is a blank line.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from maze_env.errors import InvalidMazeText
from maze_env.maze import MAX_SIDE, Cell, Maze, check_walls
from maze_env.moves import ALL_WALLS, Move, Walls
from maze_env.placement import read_placed
from maze_env.tokens import ORIGIN, TARGET, maze_from_text

FIRST_CELL = "<|0-0|>"
BLANK_LINE = re.compile(r"\n\s*\n")
ADJACENCY = "<ADJLIST_START>"
CELL = re.compile(r"<\|[0-9]+-[0-9]+\|>\s*<\|\w+\|>\s*<\|\w+\|>\s*")
CELLS = re.compile(f"(?:{CELL.pattern})+")
PAIR = r"\(\s*([0-9]{1,2})\s*,\s*([0-9]{1,2})\s*\)"
SIDE = re.compile(rf"{PAIR}\s*<-->\s*{PAIR}")
END = re.compile(rf"<(ORIGIN|TARGET)_START>\s*{PAIR}")
BITS = re.compile(r"[\s,\[\]]*[01](?:[\s,\[\]]*[01])*[\s,\[\]]*")


class Layout(NamedTuple):
    """A wall layout, with or without endpoints."""

    walls: Walls
    """(rows, cols) uint8, the wall byte of each cell."""
    ends: tuple[Cell, Cell] | None = None
    """Origin and target, where they are known."""


def layout_of_maze(maze: Maze) -> Layout:
    """The layout of a maze, and its endpoints."""
    return Layout(maze.walls, (maze.origin, maze.target))


def layouts_of_text(text: str) -> Iterator[Layout]:
    """Every layout in a text. Raises InvalidMaze for what looks like one and is none; a text without any has none."""
    if CELL.search(text):
        for block in BLANK_LINE.split(text):
            for run in CELLS.findall(block):
                yield from map(layout_of_maze, _mazes_of_cells(run))
        return
    if ADJACENCY in text:
        yield from map(layout_of_adjacency, text.split(ADJACENCY)[1:])
        return
    for block in BLANK_LINE.split(text.strip("\n")):
        lines = [line.rstrip("\r") for line in block.split("\n") if line.strip()]
        if len(lines) < 2:
            continue
        if lines[0].lstrip().startswith("+-"):
            yield layout_of_maze(Maze.from_ascii(block))
        elif all(map(BITS.fullmatch, lines)):
            yield layout_of_grid([[mark == "1" for mark in line if mark in "01"] for line in lines])
        elif all(line.strip()[0] == line.strip()[-1] == "#" for line in lines):
            yield _layout_of_hashes([line.strip() for line in lines])


def _mazes_of_cells(run: str) -> Iterator[Maze]:
    """The mazes of cells without anything between them; none for those of a trace, which have no endpoints."""
    if not run.startswith(FIRST_CELL):
        if ORIGIN in run or TARGET in run:
            yield read_placed(run).maze
        return
    pieces = run.split(FIRST_CELL)[1:]
    try:
        yield from [maze_from_text(FIRST_CELL + piece) for piece in pieces]
    except InvalidMazeText:
        if len(pieces) > 1:
            raise
        yield read_placed(run).maze  # its cells may be shuffled


def layout_of_adjacency(text: str) -> Layout:
    """The layout of open sides; of the smallest square that holds them, for maze-dataset does not write the size."""
    listed = text.partition("<ADJLIST_END>")[0]
    sides = np.array([list(map(int, found)) for found in SIDE.findall(listed)], dtype=np.int64).reshape(-1, 2, 2)
    ends = {name: (int(row), int(col)) for name, row, col in END.findall(text)}
    side = 1 + max([int(sides.max(initial=0)), *(number for cell in ends.values() for number in cell)])
    walls = np.full((side, side), ALL_WALLS, dtype=np.uint8)
    for (row, col), (to_row, to_col) in sides.tolist():
        if abs(row - to_row) + abs(col - to_col) != 1:
            came = f"({row},{col}) <--> ({to_row},{to_col})"
            raise InvalidMazeText(f"Expects sides between neighbours, actual: {came}")
        move = {(-1, 0): Move.UP, (1, 0): Move.DOWN, (0, -1): Move.LEFT, (0, 1): Move.RIGHT}[to_row - row, to_col - col]
        walls[row, col] &= ~np.uint8(move.wall)
        walls[to_row, to_col] &= ~np.uint8(move.opposite.wall)
    check_walls(walls)
    return Layout(walls, (ends["ORIGIN"], ends["TARGET"]) if len(ends) == 2 else None)


def layout_of_connections(down: np.ndarray, right: np.ndarray, ends: tuple[Cell, Cell] | None = None) -> Layout:
    """The layout of maze-dataset's ``connection_list``.

    Args:
        down: (rows, cols) bool, whether a cell is open to the one below.
        right: likewise, to the one on its right.
        ends: origin and target.
    """
    walls = np.full(down.shape, ALL_WALLS, dtype=np.uint8)
    for open_sides, move in ((down[:-1], Move.DOWN), (right[:, :-1], Move.RIGHT)):
        opened = open_sides.astype(bool)
        here = (slice(None, -1), slice(None)) if move is Move.DOWN else (slice(None), slice(None, -1))
        there = (slice(1, None), slice(None)) if move is Move.DOWN else (slice(None), slice(1, None))
        walls[here] -= np.uint8(move.wall) * opened
        walls[there] -= np.uint8(move.opposite.wall) * opened
    check_walls(walls)
    return Layout(walls, ends)


def layout_of_grid(grid: Sequence[Sequence[Any]], ends: tuple[Cell, Cell] | None = None) -> Layout:
    """The layout of rows of walls (true) and free entries; ``ends`` are places in the grid.

    Raises InvalidMaze for rows of different lengths, and for a size that no maze has.
    """
    lengths = {len(row) for row in grid}
    most = 2 * MAX_SIDE + 1
    if len(lengths) != 1 or not (2 <= len(grid) <= most and 2 <= max(lengths) <= most):
        sizes = f"{len(grid)} rows of {', '.join(map(str, sorted(lengths)[:3]))}"
        raise InvalidMazeText(f"Expects a grid of 2 to {most} rows and columns, actual: {sizes}")
    blocked = np.array([[bool(entry) for entry in row] for row in grid])
    outer = (blocked[0], blocked[-1], blocked[:, 0], blocked[:, -1])
    odd = blocked.shape[0] % 2 and blocked.shape[1] % 2 and min(blocked.shape) >= 5
    if odd and all(map(np.all, outer)) and blocked[::2, ::2].all() and not blocked[1::2, 1::2].any():
        # Between the cells (2i + 1, 2j + 1) stand their walls.
        down, right = ~blocked[2::2, 1::2], ~blocked[1::2, 2::2]
        halves = None if ends is None else ((ends[0][0] // 2, ends[0][1] // 2), (ends[1][0] // 2, ends[1][1] // 2))
        return layout_of_connections(down, right, halves)
    down, right = np.zeros_like(blocked), np.zeros_like(blocked)
    down[:-1] = ~blocked[:-1] & ~blocked[1:]
    right[:, :-1] = ~blocked[:, :-1] & ~blocked[:, 1:]
    return layout_of_connections(down, right, ends)


def _layout_of_hashes(lines: list[str]) -> Layout:
    """Of ``#`` for walls; ``S`` and ``E`` are the endpoints, whatever else is free."""
    places = {mark: (row, line.index(mark)) for row, line in enumerate(lines) for mark in "SE" if mark in line}
    ends = (places["S"], places["E"]) if len(places) == 2 else None
    return layout_of_grid([[mark == "#" for mark in line] for line in lines], ends)
