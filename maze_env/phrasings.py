"""Other ways of writing a maze, each with its reader: the same task in other tokens, in another order, as another form.

A phrasing changes one thing and leaves the rest as the AlphaMaze format has it. Moves keep their meaning in all of
them, so one verifier serves all, once ``translate`` has put an answer into standard tokens. What a prompt says about a
phrasing is in ``agents/prompts.py``.

The tiny model's vocabulary holds ``transposed``, ``bottom-up`` and ``shuffled``; ``renamed``, ``adjacency`` and
``ascii`` are for models that read any text. A model that reads the bare maze is not told which phrasing it has:
``transposed`` can be recognised by the order of the cells and the walls of the border only.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np

from maze_env.errors import InvalidMazeText, lookup
from maze_env.maze import Cell, Maze
from maze_env.moves import ALL_WALLS, MOVES, Move
from maze_env.tokens import COORDINATE_TOKEN, MARKERS, MAZE_TOKEN, WALL_TOKENS, cell_texts, maze_from_text, maze_to_text
from maze_env.visibility import known_maze


@dataclass(frozen=True)
class Phrasing:
    """A format for mazes."""

    write: Callable[[Maze], str]
    """The text of a maze."""
    read: Callable[[str], Maze]
    """The maze of a text; raises InvalidMaze with the first thing that is wrong."""
    translate: Callable[[str], str] = str
    """An agent's text from the phrasing's tokens to the standard ones, and back: it is its own inverse, so a standard
    token that the phrasing replaces is none of its tokens."""


COMPASS = {Move.UP: "north", Move.DOWN: "south", Move.LEFT: "west", Move.RIGHT: "east"}


def _renamed_wall(bits: int) -> str:
    if bits in (0, ALL_WALLS):
        return "<|all_closed|>" if bits else "<|all_open|>"
    return "<|closed_" + "_".join(COMPASS[move] for move in MOVES if bits & move.wall) + "|>"


_RENAMED = {
    **{move.token: f"<|{COMPASS[move]}|>" for move in MOVES},
    **{token: _renamed_wall(bits) for bits, token in enumerate(WALL_TOKENS)},
    **dict(zip(MARKERS, ("<|empty|>", "<|start|>", "<|goal|>"), strict=True)),
}
_EXCHANGED = _RENAMED | {new: token for token, new in _RENAMED.items()}


def rename(text: str) -> str:
    """Exchanges the names of moves, walls and markers with others: compass directions, start and goal."""
    return MAZE_TOKEN.sub(lambda token: _EXCHANGED.get(token[0], token[0]), text)


def transpose(text: str) -> str:
    """Exchanges row and column in each coordinate token."""
    return COORDINATE_TOKEN.sub(r"<|\2-\1|>", text)


def bottom_up_to_text(maze: Maze) -> str:
    """The rows from the last to the first."""
    return "".join(maze_to_text(maze).splitlines(keepends=True)[::-1])


def shuffled_to_text(maze: Maze, key: int | None = None) -> str:
    """The cells in an order that is a pure function of ``key``, or of the maze, in lines as long as the rows."""
    cells = [text.rstrip("\n") for text in cell_texts(maze.walls, maze.origin, maze.target)]
    Random("".join(cells) if key is None else key).shuffle(cells)
    return "".join("".join(cells[start : start + maze.cols]) + "\n" for start in range(0, len(cells), maze.cols))


def maze_from_cells(text: str) -> Maze:
    """As ``maze_from_text``, of cells in any order."""

    def place(cell: str) -> Cell:
        name = COORDINATE_TOKEN.match(cell)
        return (int(name[1]), int(name[2])) if name else (-1, -1)  # stray text comes first, and is an error there

    begins = [match.start() for match in COORDINATE_TOKEN.finditer(text)]
    cells = [text[start:end] for start, end in zip([0, *begins], [*begins, None], strict=True)]
    return maze_from_text("".join(sorted(cells, key=place)))


def open_sides(maze: Maze) -> str:
    """Every open side once, row by row, then the endpoints, as maze-dataset writes them in tokens.

    Source: Ivanitskiy et al., "A configurable library for generating and manipulating maze datasets", arXiv 2309.10498;
    AlphaMaze's published data has it as ``raw_token``, its sides shuffled.
    """
    sides = [
        f"{_pair(cell)} <--> {_pair(move.apply(cell))} ;"
        for cell in np.ndindex(maze.rows, maze.cols)
        for move in (Move.DOWN, Move.RIGHT)
        if maze.is_open(cell, move)
    ]
    ends = f"<ORIGIN_START> {_pair(maze.origin)} <ORIGIN_END> <TARGET_START> {_pair(maze.target)} <TARGET_END>"
    return f"<ADJLIST_START> {' '.join(sides)} <ADJLIST_END> {ends}"


def _pair(cell: Cell) -> str:
    return f"({cell[0]},{cell[1]})"


_PAIR = r"\(([0-9]{1,2}),([0-9]{1,2})\)"
_SIDE = re.compile(rf"{_PAIR} <--> {_PAIR}")
_ADJACENCY = re.compile(
    r"\s*([0-9]{1,2})x([0-9]{1,2})\s+<ADJLIST_START>(.*)<ADJLIST_END>\s+"
    rf"<ORIGIN_START> {_PAIR} <ORIGIN_END>\s+<TARGET_START> {_PAIR} <TARGET_END>\s*",
    re.DOTALL,
)


def maze_from_adjacency(text: str) -> Maze:
    """The maze of a size and a list of open sides in any order."""
    form = _ADJACENCY.fullmatch(text)
    if form is None:
        right = "ROWSxCOLS, <ADJLIST_START> (sides) <ADJLIST_END> and both endpoints as (row,column)"
        raise InvalidMazeText(f"Expects {right}, actual: {text[:40]!r}")
    rows, cols, *ends = (int(form[group]) for group in (1, 2, 4, 5, 6, 7))
    walls = np.full((rows, cols), ALL_WALLS, dtype=np.uint8)
    for written in filter(None, map(str.strip, form[3].split(";"))):
        side = _SIDE.fullmatch(written)
        row, col, to_row, to_col = map(int, side.groups()) if side else (0, 0, 0, 0)
        cell, to = (row, col), (to_row, to_col)
        move = next((move for move in MOVES if move.apply(cell) == to), None)
        if move is None or not (max(row, to_row) < rows and max(col, to_col) < cols):
            raise InvalidMazeText(f"Expects a side between neighbours in the {rows}x{cols} grid, actual: {written!r}")
        if not walls[cell] & move.wall:
            raise InvalidMazeText(f"Expects every open side once, actual: {written!r} again")
        walls[cell] ^= move.wall
        walls[to] ^= move.opposite.wall
    return Maze(walls, ends[:2], ends[2:])


STANDARD = "standard"
PHRASINGS: dict[str, Phrasing] = {
    STANDARD: Phrasing(maze_to_text, known_maze),
    "terse": Phrasing(maze_to_text, known_maze),  # another wording of the prompt around the same text
    "renamed": Phrasing(lambda maze: rename(maze_to_text(maze)), lambda text: maze_from_text(rename(text)), rename),
    "transposed": Phrasing(
        lambda maze: transpose(maze_to_text(maze)), lambda text: maze_from_text(transpose(text)), transpose
    ),
    "bottom-up": Phrasing(bottom_up_to_text, maze_from_cells),
    "shuffled": Phrasing(shuffled_to_text, maze_from_cells),
    # With the size, which a closed last row would hide.
    "adjacency": Phrasing(lambda maze: f"{maze.rows}x{maze.cols}\n{open_sides(maze)}", maze_from_adjacency),
    "ascii": Phrasing(Maze.to_ascii, Maze.from_ascii),
}


def phrasing_named(name: str) -> Phrasing:
    """The phrasing of that name."""
    return lookup("phrasing", name, PHRASINGS)
