"""``path``: the shortest path, cell by cell, in the tokens of the maze and no others.

For each step the cell's coordinate, its walls, and the move out of it; last the target's coordinate and
``<|target|>``. Example, two moves:

    <|0-0|><|up_left_wall|><|right|><|0-1|><|up_right_wall|><|down|><|1-1|><|target|>

The walls are copied from the prompt when they are needed, so that the move can be decided from the tokens next to it.
"""

import re
from collections.abc import Collection
from random import Random

from maze_env.dynamics import Outcome, transition
from maze_env.maze import Cell, Maze
from maze_env.moves import MOVE_OF_TOKEN, Move
from maze_env.solving import path_cells, shortest_path
from maze_env.tokens import MAZE_TOKEN, TARGET, WALL_TOKENS, coordinate_token
from maze_env.traces.errors import FalseArrival, FalseDrawing, FalseStart, FalseStep, InvalidTrace


def write(maze: Maze, rng: Random) -> tuple[str, list[Move]]:
    """The trace of the shortest path."""
    moves = shortest_path(maze)
    steps, cell = walk(maze, moves)
    return steps + coordinate_token(cell) + TARGET, moves


def cell_text(maze: Maze, cell: Cell) -> str:
    """Coordinate and walls."""
    return coordinate_token(cell) + WALL_TOKENS[maze.walls[cell]]


def walk(maze: Maze, moves: list[Move]) -> tuple[str, Cell]:
    """The steps of ``moves`` from the origin, and the cell where they end."""
    *left, end = path_cells(maze.origin, moves)
    return "".join(cell_text(maze, cell) + move.token for cell, move in zip(left, moves, strict=True)), end


def validate(maze: Maze, trace: str) -> list[Move]:
    """Replays the trace and returns its moves; an InvalidTrace names the step."""
    tokens = trace_tokens(trace, "a path trace")
    moves, cell = replay(maze, tokens[:-2])
    if tokens[-2:] != [coordinate_token(cell), TARGET] or cell != maze.target:
        right, came = coordinate_token(maze.target) + TARGET, "".join(tokens[-2:])
        raise FalseArrival(f"Expects the trace to end with {right}, actual: {came} after arriving at {cell}")
    return moves


def trace_tokens(trace: str, what: str, *words: str, spaces: bool = False) -> list[str]:
    """The tokens of a trace, called ``what`` in an error: those of mazes and ``words``, and nothing between them.

    With ``spaces`` runs of blanks and tabs are tokens too.
    """
    more = (*words, *["[ \t]+"] * spaces)
    pattern = re.compile("|".join((MAZE_TOKEN.pattern, *more))) if more else MAZE_TOKEN
    stray = pattern.sub("", trace)
    if stray:
        known = " and ".join(("maze tokens", *words, *["blanks"] * spaces))
        raise InvalidTrace(f"Expects nothing but {known} in {what}, actual: {stray[:40]!r} among them")
    return pattern.findall(trace)


def unseen_moves(maze: Maze, cell: Cell, seen: Collection[Cell]) -> list[Move]:
    """The moves from ``cell`` to cells not among ``seen``."""
    return [move for move in maze.open_moves(cell) if move.apply(cell) not in seen]


def check_name(cell: Cell, name: str, step: int) -> None:
    """Raises InvalidTrace unless step ``step`` names the cell that it is in."""
    if name != coordinate_token(cell):
        error = FalseStart if step == 1 else FalseStep
        raise error(f"Expects step {step} in {coordinate_token(cell)}, actual: {name}")


def check_cell(maze: Maze, cell: Cell, name: str, wall: str, step: int) -> None:
    """Raises InvalidTrace unless step ``step`` names the cell that it is in, and its walls."""
    check_name(cell, name, step)
    if wall != WALL_TOKENS[maze.walls[cell]]:
        raise FalseDrawing(f"Expects {WALL_TOKENS[maze.walls[cell]]} for {name} in step {step}, actual: {wall}")


def take(maze: Maze, cell: Cell, token: str, step: int) -> tuple[Move, Cell]:
    """The move of step ``step``, and where it leads. Raises InvalidTrace unless it is possible."""
    if token not in MOVE_OF_TOKEN:
        raise InvalidTrace(f"Expects a movement token in step {step}, actual: {token}")
    move = MOVE_OF_TOKEN[token]
    reached, outcome = transition(maze, cell, move)
    if outcome is not Outcome.MOVED:
        name = coordinate_token(cell)
        raise FalseStep(f"Expects a possible move in step {step}, actual: {token} from {name}, {outcome}")
    return move, reached


def replay(maze: Maze, tokens: list[str]) -> tuple[list[Move], Cell]:
    """Plays steps of three tokens from the origin. Returns the moves and the cell reached."""
    cell, moves = maze.origin, []
    for index in range(0, len(tokens) - len(tokens) % 3, 3):
        name, wall, move_token = tokens[index : index + 3]
        step = index // 3 + 1
        check_cell(maze, cell, name, wall, step)
        move, cell = take(maze, cell, move_token, step)
        moves.append(move)
    if len(tokens) % 3:
        raise InvalidTrace(f"Expects three tokens for each step, actual: {len(tokens)} tokens")
    return moves, cell
