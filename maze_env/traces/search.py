"""``search``: depth-first exploration with backtracking, every token decidable from what stands near it.

At a cell: its coordinate, its walls, and the first move in the order up, down, left, right that leads to a cell not yet
seen. Where there is none: ``BACK``, then the cell before, coordinate and walls again, and its next such move. On the
target: its coordinate, ``<|target|>``, then a line ``PATH`` and the walk from origin to target as coordinate and move.
"""

from random import Random

from maze_env.errors import FalseArrival, FalseDeadEnd, FalseDrawing, FalseStart, FalseStep, InvalidTrace
from maze_env.maze import Cell, Maze
from maze_env.moves import MOVE_OF_TOKEN, Move
from maze_env.tokens import COORDINATE_TOKEN, MAZE_TOKEN, TARGET, WALL_TOKENS, WALLS_OF_TOKEN, coordinate_token

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
        came, right = _pieces(trace), _pieces(expected)
        index = next((i for i, pair in enumerate(zip(came, right, strict=False)) if pair[0] != pair[1]), None)
        if index is None:
            raise InvalidTrace(f"Expects the exploration to end with {expected[-20:]!r}, actual: {trace[-20:]!r}")
        error = _error_of(index, came[index], right[index], right[index - 1])
        raise error(f"Expects {right[index]} as piece {index} of the exploration, actual: {came[index]}")
    return moves


def _error_of(index: int, came: str, right: str, before: str) -> type[InvalidTrace]:
    """What a piece says that is not so; ``before`` stands before it and is true."""
    if came in WALLS_OF_TOKEN and right in WALLS_OF_TOKEN:
        return FalseDrawing
    if TARGET in (came, right):
        return FalseArrival
    if COORDINATE_TOKEN.fullmatch(came) and COORDINATE_TOKEN.fullmatch(right):
        return FalseStep if index else FalseStart
    if came in MOVE_OF_TOKEN and WALLS_OF_TOKEN.get(before, 0) & MOVE_OF_TOKEN[came].wall:
        return FalseStep
    return FalseDeadEnd if BACK in (came, right) else InvalidTrace


def _pieces(trace: str) -> list[str]:
    """Tokens and words of a trace, in order."""
    return MAZE_TOKEN.sub(lambda token: f" {token[0]} ", trace).split()
