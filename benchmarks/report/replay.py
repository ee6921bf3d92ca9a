"""What the replay viewer of the page draws, judged here: the page's script holds no rule of the maze.

Moves are written with a letter each: a capital (U, D, L, R) brings the agent nearer to the target, a small one leaves
every shortest path from where it stands, and a digit (0 to 3, a ``Move``) was refused by a wall.
"""

import base64
import gzip
import json
from collections.abc import Callable, Sequence
from typing import Any

from agents.rollout import NOT_A_MOVE, REQUEST_FAILED
from benchmarks.report.breakdown import cause_title
from benchmarks.report.thoughts import Piece, plan_pieces, play_pieces
from benchmarks.results import LETTERS, moves_of, phrasings_of, suite_of
from benchmarks.suites import Suite
from maze_env.attempt import End
from maze_env.dynamics import Outcome, transition
from maze_env.maze import Maze
from maze_env.moves import DELTA_PAIRS, MOVE_OF_TOKEN, MOVES
from maze_env.phrasings import phrasing_named
from maze_env.solving import UNREACHABLE, distances_to, shortest_path

Result = dict[str, Any]

ENDINGS: dict[str, str] = {
    End.UNCLOSED_THINKING: "never closes its thinking",
    End.EMPTY: "gives no answer",
    End.STRAY_TEXT: "has other text among its moves, so none is played",
    End.PAST_TARGET: "goes on past the target",
    End.SHORT_OF_TARGET: "ends short of the target",
    End.SAID_UNREACHABLE: "says that no way leads to the target",
    NOT_A_MOVE: "goes on with what is no move",
    REQUEST_FAILED: "ends in a request that failed",
}
"""What is wrong at the end, for the causes that no played move shows; of the others, the last move is refused."""


def replay_data(tracks: Sequence[tuple[str, Sequence[tuple[str, Result]]]]) -> dict[str, Any]:
    """All that the viewer needs, ready for JSON.

    Args:
        tracks: the title of each, and its results with their titles.

    Raises:
        InvalidResult: as ``suite_of``, and for moves that are none.
    """
    suites = {result["suite"]["name"]: suite_of(result) for _, results in tracks for _, result in results}
    return {
        "moves": [[LETTERS[move], move.name.lower(), *DELTA_PAIRS[move]] for move in MOVES],
        "suites": {name: suite_data(suite) for name, suite in suites.items()},
        "tracks": [title for title, _ in tracks],
        "results": [
            {"title": title, "track": track, **result_data(result)}
            for track, (_, results) in enumerate(tracks)
            for title, result in results
        ],
    }


def suite_data(suite: Suite) -> dict[str, Any]:
    """The mazes: rows, columns, wall bytes in hexadecimal, cells of origin and target, level, and a shortest path or
    null where there is no way.
    """
    names = list(dict.fromkeys(suite.labels))
    mazes = [
        [
            maze.rows,
            maze.cols,
            "".join(f"{bits:x}" for bits in maze.walls.flat),
            maze.origin[0] * maze.cols + maze.origin[1],
            maze.target[0] * maze.cols + maze.target[1],
            names.index(label),
            _letters_of_way(maze),
        ]
        for maze, label in zip(suite.mazes, suite.labels, strict=True)
    ]
    return {"levels": names, "mazes": mazes}


def _letters_of_way(maze: Maze) -> str | None:
    distances = distances_to(maze.walls, maze.target)
    if distances[maze.origin] == UNREACHABLE:
        return None
    return "".join(LETTERS[move] for move in shortest_path(maze, distances))


def attempt_names(result: Result) -> list[str]:
    """What tells the attempts at one maze apart, in their order: number of the sample, or the phrasing, or both."""
    samples, phrasings = range(1, result["samples"] + 1), phrasings_of(result["suite"])
    if len(phrasings) == 1:
        return [str(sample) for sample in samples]
    several = result["samples"] > 1
    return [f"{phrasing} {sample}" if several else phrasing for sample in samples for phrasing in phrasings]


def result_data(result: Result) -> dict[str, Any]:
    """The attempts as columns, in the order of the result; texts in pieces, compressed, where it stores them.

    Texts are shown in standard tokens, whatever the phrasing (maze_env/phrasings.py) that they were written in.

    Raises:
        InvalidResult: as ``replay_data``.
    """
    mazes, attempts = suite_of(result).mazes, result["attempts"]
    causes = list(dict.fromkeys(row[1] for row in attempts))
    distances = [distances_to(maze.walls, maze.target) for maze in mazes]
    data = {
        "suite": result["suite"]["name"],
        "names": attempt_names(result),
        "radius": result["view_radius"] if result["mode"] == "play" else None,
        "causes": [[cause, cause_title(cause), ENDINGS.get(cause)] for cause in causes],
        "cause": [causes.index(row[1]) for row in attempts],
        "moves": [marked_moves(mazes[row[0]], distances[row[0]], row[2]) for row in attempts],
        "tokens": [row[3] for row in attempts],
        "truncated": [row[4] for row in attempts],
        "texts": None,
    }
    if all(len(row) > 5 for row in attempts):
        phrasings = phrasings_of(result["suite"])
        readers = [phrasing_named(phrasings[i // len(mazes) % len(phrasings)]) for i in range(len(attempts))]
        data["texts"] = packed(
            [
                _pieces(result["mode"], mazes[row[0]], row, reader.translate)
                for row, reader in zip(attempts, readers, strict=True)
            ]
        )
    return data


def marked_moves(maze: Maze, distances: Any, letters: str) -> str:
    """Moves as letters that say what each did.

    Args:
        distances: (rows, cols), to the target. letters: as stored.
    """
    marked, cell = [], maze.origin
    for letter, move in zip(letters, moves_of(letters), strict=True):
        to, outcome = transition(maze, cell, move)
        if outcome is not Outcome.MOVED:
            marked.append(str(int(move)))
        else:
            marked.append(letter if distances[to] < distances[cell] else letter.lower())
        cell = to
    return "".join(marked)


def _pieces(mode: str, maze: Maze, row: Sequence[Any], translate: Callable[[str], str]) -> list[Piece] | None:
    """The texts of an attempt in pieces; ``None`` for a game of bare moves, which say no more than the moves."""
    _, cause, moves, _, _, texts = row
    if mode == "plan":
        return plan_pieces(maze, translate(texts[0]), cause, len(moves))
    return None if all(text in MOVE_OF_TOKEN for text in texts) else play_pieces(texts, len(moves))


def packed(value: Any) -> str:
    """JSON, compressed by gzip, in base64."""
    text = json.dumps(value, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode("ascii"), mtime=0)).decode("ascii")
