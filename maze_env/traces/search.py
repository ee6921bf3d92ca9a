"""``search``: depth-first exploration with backtracking, every token decidable from what stands near it.

At a cell: its coordinate, its walls, and the first move in the order up, down, left, right that leads to a cell not yet
seen. Where there is none: ``BACK``, then the cell before, coordinate and walls again, and its next such move. On the
target: its coordinate, ``<|target|>``, then a line ``PATH`` and the walk from origin to target as coordinate and move.
"""

from random import Random

from maze_env.errors import InvalidTrace
from maze_env.maze import Cell, Maze
from maze_env.moves import Move
from maze_env.tokens import MAZE_TOKEN, TARGET, WALL_TOKENS, coordinate_token

BACK = "BACK"
PATH = "PATH"


def write(maze: Maze, random: Random) -> tuple[str, list[Move]]:
    """The exploration; the answer is the way it found, which in a maze with loops need not be the shortest."""
    pieces: list[str] = []
    way: list[tuple[Cell, Move]] = []
    cell, seen = maze.origin, {maze.origin}
    while cell != maze.target:
        pieces.append(coordinate_token(cell) + WALL_TOKENS[maze.walls[cell]])
        onward = [move for move in maze.open_moves(cell) if move.from_cell(cell) not in seen]
        if onward:
            way.append((cell, onward[0]))
            pieces.append(onward[0].token)
            cell = onward[0].from_cell(cell)
            seen.add(cell)
        elif way:
            pieces.append(BACK)
            cell, _ = way.pop()
        else:
            raise InvalidTrace(f"Expects a way from {maze.origin} to {maze.target}, actual: none")
    walk = "".join(coordinate_token(at) + move.token for at, move in way) + coordinate_token(cell)
    pieces.append(f"{coordinate_token(cell)}{TARGET}\n{PATH}\n{walk}")
    return "".join(pieces), [move for _, move in way]


def validate(maze: Maze, trace: str) -> list[Move]:
    """Compares the trace with the exploration of its maze, which is unique; returns the moves it found."""
    expected, moves = write(maze, Random(0))
    if trace != expected:
        pairs = zip(_pieces(trace), _pieces(expected), strict=False)
        index, (came, right) = next(
            ((i, pair) for i, pair in enumerate(pairs) if pair[0] != pair[1]), (0, (trace[-20:], expected[-20:]))
        )
        raise InvalidTrace(f"Expects {right} as piece {index} of the exploration, actual: {came}")
    return moves


def _pieces(trace: str) -> list[str]:
    """Tokens and words of a trace, in order."""
    return MAZE_TOKEN.sub(lambda token: f" {token[0]} ", trace).split()
