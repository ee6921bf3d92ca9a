"""How an agent walked: detours, first refused moves, cells visited again. Pure functions of records.

A walk is the moves that were played. The strict rule plays none of a malformed answer and nothing behind a plan's first
refused move; in play a refused move leaves the agent where it stands, and the game goes on. Every attempt is in every
denominator, but for the optimality gap.
"""

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from maze_env.attempt import Attempt
from maze_env.dynamics import Outcome
from maze_env.maze import Cell
from maze_env.solving import UNREACHABLE
from maze_env.tokens import UNSEEN_BITS
from maze_env.visibility import initial_visible_walls, reveal


def optimality_gap(records: Sequence[Attempt]) -> dict[str, float] | None:
    """How much longer ways that arrived are than the shortest: means of p/l - 1 (``ratio``) and p - l (``moves``).

    p is the walked and l the shortest length, as in ``metrics.spl``. Over the attempts that arrived alone, because no
    others have a length to compare: SPL counts a failure as nothing, and saying rightly that no way leads to the target
    in full. None where nothing arrived.
    """
    arrived = [record for record in records if record.solved and record.start_distance != UNREACHABLE]
    lengths = [(len(record.moves), record.start_distance) for record in arrived]
    if not lengths:
        return None
    return {
        "ratio": sum(walked / shortest - 1 for walked, shortest in lengths) / len(lengths),
        "moves": sum(walked - shortest for walked, shortest in lengths) / len(lengths),
    }


def first_illegal_moves(records: Sequence[Attempt]) -> dict[str, dict[str, Any]]:
    """Where the first refused move stands, by what refused it: ``hit_wall`` or ``left_grid`` (the border).

    For each of them that came first in any attempt: ``attempts``, their ``share`` of all attempts, the ``median`` of
    the move's number, and how many attempts had each number (``at``). Moves are numbered from 1.
    """
    numbers: dict[Outcome, list[int]] = {Outcome.HIT_WALL: [], Outcome.LEFT_GRID: []}
    for record in records:
        for number, outcome in enumerate(record.outcomes, start=1):
            if outcome is not Outcome.MOVED:
                numbers[outcome].append(number)
                break
    return {
        str(outcome): {
            "attempts": len(some),
            "share": len(some) / len(records),
            "median": median(some),
            "at": {str(number): count for number, count in sorted(Counter(some).items())},
        }
        for outcome, some in numbers.items()
        if some
    }


def cells_walked(record: Attempt) -> list[Cell]:
    """The cells that an attempt was in, the origin first; a refused move adds none."""
    cells = [record.maze.origin]
    for move, outcome in zip(record.moves, record.outcomes, strict=False):  # moves behind a plan's refused one
        if outcome is Outcome.MOVED:
            cells.append(move.apply(cells[-1]))
    return cells


def returns(records: Sequence[Attempt], view_radius: int | None = None) -> dict[str, float]:
    """Ways back: ``revisits``, moves onto a cell visited before, by attempt; ``loops``, the share of attempts with one
    that taught nothing.

    A return is a loop when the agent comes to a cell and knows what it knew there before: what a memoryless agent did
    then, it will do again. In fog (``view_radius``, for play; a plan is made from the first view) it may have seen more
    since, and then it may have good reason to come back.
    """
    revisits = loops = 0
    for record in records:
        cells = cells_walked(record)
        again = len(cells) - len(set(cells))
        revisits += again
        loops += again > 0 and (view_radius is None or _same_knowledge(record, cells, view_radius))
    return {"revisits": revisits / len(records), "loops": loops / len(records)}


def _same_knowledge(record: Attempt, cells: Sequence[Cell], view_radius: int) -> bool:
    """Whether a cell is visited twice with nothing seen in between. Knowledge only grows: its size says it all."""
    seen = initial_visible_walls(record.maze, view_radius)
    states = set()
    for cell in cells:
        reveal(seen, record.maze.walls, cell, view_radius)
        states.add((cell, int((seen == UNSEEN_BITS).sum())))
    return len(states) < len(cells)
