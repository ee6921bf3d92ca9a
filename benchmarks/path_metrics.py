"""Paths: detours, first illegal moves, cells visited again. Pure functions of attempts.

A path is the moves that were played. The strict rule plays none of a malformed answer and nothing behind a plan's first
illegal move; in play an illegal move leaves the agent where it stands, and the game goes on. Every attempt is in every
denominator, but for the optimality gap.
"""

from collections import Counter
from collections.abc import Sequence
from statistics import median

from maze_env.attempt import Attempt, End
from maze_env.dynamics import MOVED
from maze_env.maze import Cell
from maze_env.solving import UNREACHABLE
from maze_env.tokens import UNSEEN_BITS
from maze_env.visibility import initial_visible_walls, revealed
from tokenmaze.benchmarks.figures import FirstIllegalMove, OptimalityGap


def optimality_gap(attempts: Sequence[Attempt]) -> OptimalityGap | None:
    """How much longer paths that reached the target are than the shortest: means of p/l - 1 and p - l.

    p is the walked and l the shortest length, as in ``metrics.spl``. Only over the attempts that reached it, because no
    others have a length to compare: SPL counts a failure as nothing, and a right ``unreachable`` in full. ``None``
    where nothing reached it.
    """
    arrived = [attempt for attempt in attempts if attempt.solved and attempt.start_distance != UNREACHABLE]
    lengths = [(len(attempt.moves), attempt.start_distance) for attempt in arrived]
    if not lengths:
        return None
    ratio = sum(walked / shortest - 1 for walked, shortest in lengths) / len(lengths)
    return OptimalityGap(ratio=ratio, moves=sum(walked - shortest for walked, shortest in lengths) / len(lengths))


def first_illegal_moves(attempts: Sequence[Attempt]) -> dict[End, FirstIllegalMove]:
    """Where the first illegal move stands, by what refused it: a wall, or the border (``left_grid``)."""
    numbers: dict[End, list[int]] = {end: [] for end in (End.HIT_WALL, End.LEFT_GRID)}
    for attempt in attempts:
        for number, outcome in enumerate(attempt.outcomes, start=1):
            if outcome is not MOVED:
                numbers[End(outcome)].append(number)
                break
    figures = {}
    for end, found in numbers.items():
        if found:
            at, share = dict(sorted(Counter(found).items())), len(found) / len(attempts)
            figures[end] = FirstIllegalMove(attempts=len(found), share=share, median=median(found), at=at)
    return figures


def visited_cells(attempt: Attempt) -> list[Cell]:
    """The cells that an attempt was in, the origin first; an illegal move adds none."""
    cells = [attempt.maze.origin]
    for move, outcome in zip(attempt.moves, attempt.outcomes, strict=False):  # moves behind a plan's illegal one
        if outcome is MOVED:
            cells.append(move.apply(cells[-1]))
    return cells


def revisits_of(attempt: Attempt, view_radius: int | None = None) -> tuple[int, bool]:
    """Moves onto a cell visited before, and whether one of them is a loop.

    A revisit is a loop when the agent knows what it knew in that cell before: what a memoryless agent did then, it will
    do again. Under partial observability it may have seen more since, and then it may have good reason to come back.
    ``view_radius`` is that of play; ``None`` for plans, which are made from the first view.
    """
    cells = visited_cells(attempt)
    again = len(cells) - len(set(cells))
    return again, again > 0 and (view_radius is None or _has_same_knowledge(attempt, cells, view_radius))


def _has_same_knowledge(attempt: Attempt, cells: Sequence[Cell], view_radius: int) -> bool:
    """Whether a cell is visited twice with nothing seen in between. Knowledge only grows, so its size identifies it."""
    seen = initial_visible_walls(attempt.maze, view_radius)
    states = set()
    for cell in cells:
        seen = revealed(seen, attempt.maze.walls, cell, view_radius)
        states.add((cell, int((seen == UNSEEN_BITS).sum())))
    return len(states) < len(cells)
