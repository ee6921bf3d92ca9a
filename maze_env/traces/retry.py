"""``retry``: wrong attempts, each given up with a ``RESET``, then the right path from the start. Three forms.

``retry`` (compact) and ``retry-redraw`` are AlphaMaze's reset data (arXiv 2502.14669): a wrong attempt is 1-3 steps
long and breaks off at any cell. ``retry-dead-end`` (compact) walks a wrong branch to its end, where the walls show the
mistake. In all forms several wrong attempts may follow each other, each on a branch not yet tried.

In a redrawn trace a sentence says why an attempt is given up. The published generator (visual-thinker,
``synthetic_reset_maze.py``) has its two sentences swapped: "Hit a dead end" stands where the last cell has any
number of walls but three. Published traces are validated by what they say, so that most are false here.
"""

from collections.abc import Callable
from random import Random

from maze_env.maze import Cell, Maze
from maze_env.moves import Move
from maze_env.solving import distances_to, path_cells, shortest_path
from maze_env.traces import path, redraw
from maze_env.traces.errors import FalseDeadEnd, InvalidTrace
from maze_env.vocabulary import DEAD_END, RESET, WRONG_WAY

CLAIMS = {
    DEAD_END: DEAD_END,
    WRONG_WAY: WRONG_WAY,
    "Hit a dead end.": DEAD_END,
    "Hit a dead end. Let's reset to the original point and find another way.": DEAD_END,
    "Heading in the wrong direction.": WRONG_WAY,
    "Heading in the wrong direction. Let's reset to the origin and try a different path.": WRONG_WAY,
}
"""What each sentence before a ``RESET`` claims: this package's two, and those of the published data."""
MORE_ATTEMPTS = 0.5  # after each wrong attempt, the chance that another follows (while untried branches are left)
EARLY_STEPS = 3  # max steps of a wrong attempt in the published data

Attempts = Callable[[Maze, list[Move], Random], list[list[Move]]]  # maze, its shortest path, rng -> wrong attempts
Turn = tuple[int, Move]  # a branch off the path: steps along it, and the first wrong move


def wrong_turns(maze: Maze, moves: list[Move]) -> list[Turn]:
    """Every branch off the path."""
    turns = []
    distances = distances_to(maze.walls, maze.target)
    for index, (cell, right) in enumerate(zip(path_cells(maze.origin, moves), moves, strict=False)):
        for move in maze.open_moves(cell):
            leads_back = index > 0 and move is moves[index - 1].opposite
            shortens = distances[move.apply(cell)] < distances[cell]  # another shortest path is not wrong
            if move is not right and not leads_back and not shortens:
                turns.append((index, move))
    return turns


def walk_to_end(maze: Maze, start: list[Move], rng: Random) -> list[Move]:
    """``start``, then random moves without turning back, to a dead end or (in a maze with loops) to a cell seen."""
    moves, cells = list(start), path_cells(maze.origin, start)
    avoided = {*cells, maze.target}
    while onward := path.unseen_moves(maze, cells[-1], avoided):
        moves.append(rng.choice(onward))
        cells.append(moves[-1].apply(cells[-1]))
        avoided.add(cells[-1])
    return moves


def _attempts(
    maze: Maze, moves: list[Move], turns: list[Turn], rng: Random, cut: Callable[[list[Move], int], list[Move]]
) -> list[list[Move]]:
    """Wrong attempts on different branches, each what ``cut`` leaves of a walk to the branch's end."""
    rng.shuffle(turns)
    attempts = []
    for index, wrong in turns:
        if attempt := cut(walk_to_end(maze, [*moves[:index], wrong], rng), index):
            attempts.append(attempt)
            if rng.random() >= MORE_ATTEMPTS:
                break
    return attempts


def dead_end_attempts(maze: Maze, moves: list[Move], rng: Random) -> list[list[Move]]:
    """Wrong attempts on different branches, each walked to its end; none where the path has no forks."""

    def exhausted(attempt: list[Move], _index: int) -> list[Move]:  # in a maze with loops it can meet the target
        return attempt if is_exhausted(maze, path_cells(maze.origin, attempt)) else []

    return _attempts(maze, moves, wrong_turns(maze, moves), rng, exhausted)


def early_attempts(maze: Maze, moves: list[Move], rng: Random) -> list[list[Move]]:
    """Wrong attempts of 1 to 3 steps each; none where the path has no forks so early."""
    turns = [turn for turn in wrong_turns(maze, moves) if turn[0] < EARLY_STEPS]
    return _attempts(maze, moves, turns, rng, lambda full, index: full[: rng.randint(index + 1, EARLY_STEPS)])


def write_compact(maze: Maze, rng: Random, find: Attempts = early_attempts) -> tuple[str, list[Move]]:
    """The wrong attempts that ``find`` gives and the right one, in the compact tokens of ``path``."""
    moves = shortest_path(maze)
    pieces = []
    for attempt in find(maze, moves, rng):
        steps, end = path.walk(maze, attempt)
        pieces.append(f"{steps}{path.cell_text(maze, end)}{RESET}\n")
    right, _ = path.write(maze, rng)
    return "".join(pieces) + right, moves


def is_exhausted(maze: Maze, cells: list[Cell]) -> bool:
    """Whether an attempt through ``cells`` went on until only cells it had seen were left to go to."""
    return not path.unseen_moves(maze, cells[-1], cells)


def validate_compact(maze: Maze, trace: str, reasons: tuple[str, ...] = (DEAD_END, WRONG_WAY)) -> list[Move]:
    """Replays every attempt, each wrong one given up for one of ``reasons``, and returns the moves of the last."""
    *wrong, right = trace.split(f"{RESET}\n")
    attempts = []
    for number, attempt in enumerate(wrong, start=1):
        tokens = path.trace_tokens(attempt, f"attempt {number}")
        if len(tokens) < 2:
            raise InvalidTrace(f"Expects attempt {number} to end with a cell and its walls, actual: {attempt!r}")
        moves, cell = path.replay(maze, tokens[:-2])
        path.check_cell(maze, cell, tokens[-2], tokens[-1], len(moves) + 1)
        attempts.append(moves)
    concluded = path.validate(maze, right)
    for number, moves in enumerate(attempts, start=1):
        check_given_up(maze, moves, number, reasons)
    return concluded


def write_redrawn(maze: Maze, rng: Random) -> tuple[str, list[Move]]:
    """Early wrong attempts and the right one, each step redrawn."""
    moves = shortest_path(maze)
    pieces = []
    for attempt in early_attempts(maze, moves, rng):
        sentence = DEAD_END if is_exhausted(maze, path_cells(maze.origin, attempt)) else WRONG_WAY
        pieces.append(f"{redraw.steps_text(maze, attempt)}\n\n{sentence}\n{RESET}\n")
    return "".join(pieces) + redraw.steps_text(maze, moves), moves


def validate_redrawn(maze: Maze, trace: str) -> list[Move]:
    """As ``validate_compact``, of redrawn attempts.

    The sentence before a ``RESET`` is one of ``CLAIMS``; this package writes a blank line before it, AlphaMaze none.
    """
    *wrong, right = trace.split(f"\n{RESET}\n")
    for number, attempt in enumerate(wrong, start=1):
        steps, _, sentence = attempt.rpartition("\n")
        if sentence not in CLAIMS:
            raise InvalidTrace(f"Expects {DEAD_END!r} or {WRONG_WAY!r} after attempt {number}, actual: {sentence!r}")
        moves, _ = redraw.replay(maze, steps.removesuffix("\n"))
        check_given_up(maze, moves, number, (CLAIMS[sentence],))
    return redraw.validate(maze, right)


def check_given_up(maze: Maze, moves: list[Move], number: int, reasons: tuple[str, ...]) -> None:
    """Raises InvalidTrace unless one of ``reasons`` to give up an attempt is true of it."""
    cells = path_cells(maze.origin, moves)
    if not reasons_to_give_up(maze, cells) & set(reasons):
        given = " or ".join(reasons)
        raise FalseDeadEnd(f"Expects a true reason to give up attempt {number} in {cells[-1]}, actual: {given!r}")


def reasons_to_give_up(maze: Maze, cells: list[Cell]) -> set[str]:
    """What is true of an attempt through ``cells``: ``DEAD_END``, ``WRONG_WAY``; nothing if it reached the target."""
    if maze.target in cells:
        return set()
    distances = distances_to(maze.walls, maze.target)
    leads_away = int(distances[cells[-1]]) + len(cells) - 1 > distances[maze.origin]
    true = {DEAD_END: is_exhausted(maze, cells), WRONG_WAY: leads_away}
    return {reason for reason, holds in true.items() if holds}
