"""Walks: rows that teach to read larger mazes than any that is solved, for SFT.

A tree without a target, and a walk through it at random that enters no cell twice, to a dead end or ``MOST`` moves: no
demonstration, as there is nothing to solve. The completion has the form of a solution: for each cell its coordinate,
walls, marker and the move made, then ``PATH`` with coordinates and moves, numbered, and the moves as the answer. All
tokens but the moves chosen are read off the prompt or what was written, at the lengths of explorations of such mazes.
A longer helper task carries over to a shorter main one: Cai et al., arXiv 2506.09251.

Some of the cells are marked as origins, and the walk begins in one of them. In a maze to be solved all markers but two
are blank, and reading them is learned late.
"""

import re
from collections.abc import Collection
from itertools import product
from random import Random

import numpy as np

from maze_env import traces
from maze_env.generation import MazeSpec, generate_batch
from maze_env.keys import key_of
from maze_env.maze import Cell, Maze
from maze_env.moves import Move
from maze_env.tokens import BLANK, ORIGIN, TARGET, WALL_TOKENS, coordinate_token
from maze_env.traces import line_numbers
from maze_env.traces.path import unseen_moves
from maze_env.vocabulary import NUMERALS, PATH

WALK = "walk"
"""What the style of such a row is called."""
MOST = 40
"""Moves of the longest walk."""
MARKED = 0.25
"""How many of the cells, about, are marked as origins."""


def walk_maze(rows: int, cols: int, split: str, key: int) -> Maze:
    """The maze of a walk; its target is not shown."""
    return generate_batch(np.array([key], np.uint64), MazeSpec(rows, cols, split=split))[0]


def origins_of(maze: Maze, key: int) -> set[Cell]:
    """The cells that are marked as origins."""
    rng = Random(key_of("walk-origins", key))
    return {maze.origin, *(cell for cell in product(range(maze.rows), range(maze.cols)) if rng.random() < MARKED)}


def walk_text(text: str, origins: Collection[Cell], offset: Cell) -> str:
    """The text of a maze, its names moved by ``offset``, with these origins and no target."""
    text, (down, right) = text.replace(TARGET, BLANK), offset
    for row, col in origins:
        name = coordinate_token((row + down, col + right))
        text = re.sub(rf"({re.escape(name)}<\|\w+\|>){re.escape(BLANK)}", rf"\1{ORIGIN}", text)
    return text


def write_walk(maze: Maze, origins: Collection[Cell], key: int) -> str:
    """The completion of a walk from the origin of ``maze``; the key chooses its moves."""
    rng, cell, moves, pieces, way = Random(key_of("walk", key)), maze.origin, list[Move](), "", list[str]()
    seen = {cell}
    while len(moves) < MOST and (onward := unseen_moves(maze, cell, seen)):
        move, name = rng.choice(onward), coordinate_token(cell)
        pieces += name + WALL_TOKENS[maze.walls[cell]] + (ORIGIN if cell in origins else BLANK) + move.token
        way.append(name + move.token)
        moves.append(move)
        cell = move.apply(cell)
        seen.add(cell)
    end = coordinate_token(cell)
    numbered = line_numbers.numbered([*way, end], rng.randrange(len(NUMERALS)))
    return traces.wrap(f"{pieces}{end}\n{PATH}\n{numbered}", moves, line_numbers.numerals_of_answer)
