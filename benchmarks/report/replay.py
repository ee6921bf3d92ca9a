"""The data of the page's replay. All judging of moves is done here: the page's script has no rule of the maze.

Moves are written with a letter each: a capital (U, D, L, R) brings the agent nearer to the target, a small one leaves
every shortest path from where it stands, and a digit (0 to 3, a ``Move``) is an illegal move.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maze_env.attempt import ILLEGAL, Attempt, End
from maze_env.dynamics import MOVED
from maze_env.moves import DELTA_PAIRS, MOVE_OF_TOKEN, MOVES
from maze_env.phrasings import phrasing_named
from maze_env.solving import UNREACHABLE, distances_to, shortest_path
from tokenmaze.benchmarks.path_metrics import visited_cells
from tokenmaze.benchmarks.record import Result, suite_of
from tokenmaze.benchmarks.report.leaderboard import Entry
from tokenmaze.benchmarks.report.markup import packed
from tokenmaze.benchmarks.report.trace_replay import Piece, is_reasoned, plan_pieces, play_pieces
from tokenmaze.benchmarks.stored_attempts import LETTERS, restored
from tokenmaze.benchmarks.suites import Suite

SHOWN_BY_MOVES = {End.SOLVED, *ILLEGAL}  # of other ends the replay says after the last move what is wrong


def replay_data(tracks: Sequence[tuple[str, Sequence[Entry]]]) -> dict[str, Any]:
    """All that the replay needs, for ``markup.data_block``."""
    suites = {entry.result.suite.name: suite_of(entry.result) for _, entries in tracks for entry in entries}
    return {
        "moves": [[LETTERS[move], move.name.lower(), *DELTA_PAIRS[move]] for move in MOVES],
        "suites": {name: suite_data(suite) for name, suite in suites.items()},
        "tracks": [title for title, _ in tracks],
        "results": [
            {"title": entry.title, "track": track, **result_data(entry.result)}
            for track, (_, entries) in enumerate(tracks)
            for entry in entries
        ],
    }


def suite_data(suite: Suite) -> dict[str, Any]:
    """The mazes: rows, columns, walls in hexadecimal, cells of origin and target, level, shortest path or null."""
    names, mazes = list(dict.fromkeys(suite.labels)), []
    for maze, label in zip(suite.mazes, suite.labels, strict=True):
        distances = distances_to(maze.walls, maze.target)
        path = None if distances[maze.origin] == UNREACHABLE else shortest_path(maze, distances)
        letters = None if path is None else "".join(LETTERS[move] for move in path)
        walls = "".join(f"{bits:x}" for bits in maze.walls.flat)
        cells = [row * maze.cols + col for row, col in (maze.origin, maze.target)]
        mazes.append([maze.rows, maze.cols, walls, *cells, names.index(label), letters])
    return {"levels": names, "mazes": mazes}


def attempt_names(result: Result) -> list[str]:
    """Names of the attempts at one maze, in their order: number of the sample, or the phrasing, or both."""
    samples, phrasings = range(1, result.samples + 1), result.suite.phrasings
    if len(phrasings) == 1:
        return [str(sample) for sample in samples]
    several = result.samples > 1
    return [f"{phrasing} {sample}" if several else phrasing for sample in samples for phrasing in phrasings]


def result_data(result: Result) -> dict[str, Any]:
    """The attempts as columns, in the order of the result; texts in pieces, compressed, where it keeps them.

    Texts are shown in standard tokens, whatever the phrasing (maze_env/phrasings.py) that they were written in.
    """
    mazes = suite_of(result).mazes
    distances = [distances_to(maze.walls, maze.target) for maze in mazes]
    attempts = [restored(stored, mazes[stored.maze], result.seed) for stored in result.attempts]
    ends = list(dict.fromkeys(attempt.end for attempt in attempts))
    has_texts = any(stored.texts is not None for stored in result.attempts)
    pieces = [_pieces(result.mode, attempt) for attempt in attempts] if has_texts else None
    return {
        "suite": result.suite.name,
        "names": attempt_names(result),
        "radius": result.view_radius if result.mode == "play" else None,
        "ends": [[end, end.title, None if end in SHOWN_BY_MOVES else end.title] for end in ends],
        "end": [ends.index(attempt.end) for attempt in attempts],
        "moves": [marked_moves(a, distances[of.maze]) for a, of in zip(attempts, result.attempts, strict=True)],
        "tokens": [attempt.tokens for attempt in attempts],
        "truncated": [int(attempt.truncated) for attempt in attempts],
        "reasoned": pieces and [sum(map(is_reasoned, some or ())) for some in pieces],
        "texts": pieces and packed(pieces),
    }


def marked_moves(attempt: Attempt, distances: NDArray[np.int16]) -> str:
    """The executed moves as letters that say what each did. ``distances``: (rows, cols) int16, to the target."""
    marked, cells = [], iter(visited_cells(attempt))
    cell = next(cells)
    for move, outcome in zip(attempt.moves, attempt.outcomes, strict=False):  # a plan's rest is not executed
        if outcome is not MOVED:
            marked.append(str(int(move)))
            continue
        before, cell = cell, next(cells)
        marked.append(LETTERS[move] if distances[cell] < distances[before] else LETTERS[move].lower())
    return "".join(marked)


def _pieces(mode: str, attempt: Attempt) -> list[Piece] | None:
    """The texts of an attempt in pieces; ``None`` for bare moves, which say no more than the moves."""
    if mode == "plan":
        text = phrasing_named(attempt.phrasing).translate("".join(attempt.texts[:1]))  # none where a request failed
        return plan_pieces(attempt.maze, text, attempt.thinking_opened, len(attempt.outcomes))
    if all(text in MOVE_OF_TOKEN for text in attempt.texts):
        return None
    return play_pieces(attempt.texts, len(attempt.moves))
