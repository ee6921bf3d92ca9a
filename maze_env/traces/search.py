"""``search``: depth-first exploration with backtracking, every token decidable from those near it.

At a cell: its coordinate, its walls, and the first move in the order up, down, left, right that leads to a cell not yet
seen. Where there is none: ``BACK``, then the cell before, coordinate and walls again, and its next such move. On the
target: its coordinate, ``<|target|>``, then a line ``PATH`` and the walk from origin to target as coordinate and move.
"""

from random import Random

from maze_env.maze import Cell, Maze
from maze_env.moves import Move
from maze_env.tokens import TARGET, coordinate_token
from maze_env.traces import path
from maze_env.traces.errors import FalseArrival, FalseDeadEnd, FalseStep, InvalidTrace
from maze_env.vocabulary import BACK, PATH


def write(maze: Maze, rng: Random) -> tuple[str, list[Move]]:
    """The exploration; the answer is the path it found, which in a maze with loops need not be a shortest one."""
    pieces: list[str] = []
    found: list[tuple[Cell, Move]] = []
    cell, seen = maze.origin, {maze.origin}
    while cell != maze.target:
        pieces.append(path.cell_text(maze, cell))
        onward = path.unseen_moves(maze, cell, seen)
        if onward:
            found.append((cell, onward[0]))
            pieces.append(onward[0].token)
            cell = onward[0].apply(cell)
            seen.add(cell)
        elif found:
            pieces.append(BACK)
            cell, _ = found.pop()
        else:
            raise InvalidTrace(f"Expects a path from {maze.origin} to {maze.target}, actual: none")
    walk = "".join(coordinate_token(at) + move.token for at, move in found) + coordinate_token(cell)
    pieces.append(f"{coordinate_token(cell)}{TARGET}\n{PATH}\n{walk}")
    return "".join(pieces), [move for _, move in found]


def validate(maze: Maze, trace: str) -> list[Move]:
    """Replays the trace and returns the moves of its walk; an InvalidTrace names the step.

    Its claims have to be true; the order of moves need not be that of ``write``. A move passes no wall, and may lead to
    a cell seen before. ``BACK`` is allowed where no open side leads to an unseen cell, and returns to the cell before.
    The exploration ends on reaching the target. The walk is any path to the target through cells that it saw.
    """
    exploration, _, walk = trace.partition(f"\n{PATH}\n")
    return _replay_walk(maze, walk, _replay_exploration(maze, exploration))


def _replay_exploration(maze: Maze, exploration: str) -> set[Cell]:
    """Plays an exploration to the target. Returns the cells it saw."""
    visited, seen = [maze.origin], {maze.origin}
    tokens = path.trace_tokens(exploration, "an exploration", BACK)
    steps = len(tokens) // 3
    for step in range(1, steps + 1):
        name, wall, token = tokens[3 * step - 3 : 3 * step]
        cell = visited[-1]
        path.check_name(cell, name, step)
        if wall == TARGET or cell == maze.target:
            right, came = f"{TARGET} on {coordinate_token(maze.target)}", f"{wall}{token} on {name} in step {step}"
            raise FalseArrival(f"Expects {right} and nothing after it, actual: {came}")
        path.check_cell(maze, cell, name, wall, step)
        if token == BACK:
            if len(visited) == 1 or path.unseen_moves(maze, cell, seen):
                raise FalseDeadEnd(f"Expects a move on from {name} in step {step}, actual: {BACK}")
            visited.pop()
        else:
            _, reached = path.take(maze, cell, token, step)
            visited.append(reached)
            seen.add(reached)
    _check_end(maze, visited[-1], tokens[3 * steps :], coordinate_token(maze.target) + TARGET, "exploration")
    return seen


def _replay_walk(maze: Maze, walk: str, seen: set[Cell]) -> list[Move]:
    """Plays a walk to the target through cells of ``seen``. Returns its moves."""
    cell, moves = maze.origin, []
    tokens = path.trace_tokens(walk, "a walk")
    for step in range(1, len(tokens) // 2 + 1):
        name, token = tokens[2 * step - 2 : 2 * step]
        path.check_name(cell, name, step)
        move, cell = path.take(maze, cell, token, step)
        if cell not in seen:
            raise FalseStep(f"Expects step {step} of the walk in explored cells, actual: {token} to {cell}")
        moves.append(move)
    _check_end(maze, cell, tokens[2 * len(moves) :], coordinate_token(maze.target), "walk")
    return moves


def _check_end(maze: Maze, cell: Cell, tokens: list[str], right: str, what: str) -> None:
    came = "".join(tokens)
    if came != right or cell != maze.target:
        raise FalseArrival(f"Expects the {what} to end with {right}, actual: {came!r} after arriving at {cell}")
