"""Result files: what a run stores, written whole or not at all, and read back."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.metrics import path_efficiency
from benchmarks.suites import Suite
from benchmarks.suites import load as load_suite
from maze_env._cli import check_folder
from maze_env.attempt import Attempt, End
from maze_env.errors import InvalidOutput, TokenMazeError
from maze_env.moves import Move
from maze_env.phrasings import STANDARD
from maze_env.solving import distances_to

TITLE = "AlphaMaze-compatible MazeBench"
LETTERS = {Move.UP: "U", Move.DOWN: "D", Move.LEFT: "L", Move.RIGHT: "R"}
MOVE_OF_LETTER = {letter: move for move, letter in LETTERS.items()}
COLUMNS = ("maze", "cause", "moves", "tokens", "truncated")
"""Of a stored attempt: index of the maze in its suite; cause; replayed moves as letters; tokens, or null where the
agent counts none; 1 where a budget cut it short. Sample after sample, in each phrasing after phrasing, in each of those
every maze of the suite in order."""

NEEDED = (
    *("suite", "mode", "view_radius", "agent", "agent_options", "samples", "recipe", "stage", "train_seed"),
    *("summary", "baselines", "provenance", "attempts"),
)
"""What reports, tables and comparisons read of a result."""


class InvalidResult(TokenMazeError):
    """A file is no result of this benchmark, or does not compare with another one."""


def attempt_rows(records: Sequence[Attempt], mazes: int, texts: bool = False) -> list[list[Any]]:
    """The stored form of attempts: a list for each, as ``COLUMNS`` says, with all that the agent wrote if ``texts``."""
    rows: list[list[Any]] = []
    for index, record in enumerate(records):
        moves = "".join(LETTERS[move] for move in record.moves[: len(record.outcomes)])
        row = [index % mazes, str(record.cause), moves, record.tokens, int(record.truncated)]
        rows.append([*row, list(record.texts)] if texts else row)
    return rows


def moves_of(letters: str) -> tuple[Move, ...]:
    """The moves of a stored attempt. Raises InvalidResult for a letter that stands for none."""
    try:
        return tuple(MOVE_OF_LETTER[letter] for letter in letters)
    except KeyError as error:
        raise InvalidResult(f"Expects moves written with {''.join(MOVE_OF_LETTER)}, actual: {error}") from None


def solved_shares(result: dict[str, Any]) -> list[float]:
    """For each maze of the suite, the share of its attempts that solved it."""
    solved = [0] * result["suite"]["mazes"]
    for maze, cause, *_ in result["attempts"]:
        solved[maze] += cause == End.SOLVED
    return [count / attempts_at_each(result) for count in solved]


def suite_of(result: dict[str, Any]) -> Suite:
    """The mazes that a result was measured on.

    Raises:
        InvalidResult: when what the suite's name stands for holds other mazes now.
    """
    stored, suite = result["suite"], load_suite(result["suite"]["name"])
    if suite.spec.sha256 != stored["sha256"]:
        raise InvalidResult(
            f"Expects {stored['name']} as it was measured, sha256 {stored['sha256']}, actual: {suite.spec.sha256}"
        )
    return suite


def path_scores(result: dict[str, Any]) -> list[float]:
    """For each maze of the suite, the mean of its attempts' terms of SPL (benchmarks/metrics.py).

    Raises:
        InvalidResult: as ``suite_of``.
    """
    mazes = suite_of(result).mazes
    scores = [0.0] * len(mazes)
    for index, cause, moves, *_ in result["attempts"]:
        if cause == End.SOLVED:
            maze = mazes[index]
            shortest = int(distances_to(maze.walls, maze.target)[maze.origin])
            scores[index] += path_efficiency(shortest, len(moves))
    return [score / attempts_at_each(result) for score in scores]


def phrasings_of(suite: dict[str, Any]) -> list[str]:
    """The phrasings in which a result's mazes were given; its suite names them where there are several."""
    return list(suite.get("phrasings", (STANDARD,)))


def attempts_at_each(result: dict[str, Any]) -> int:
    """Attempts at each maze: samples in each phrasing."""
    return int(result["samples"]) * len(phrasings_of(result["suite"]))


def check_output(path: Path, overwrite: bool) -> None:
    """Raises InvalidOutput unless a result can be written to ``path`` later; makes its folder."""
    if path.is_dir():
        raise InvalidOutput(f"Expects a file to write to, actual: {path} is a folder")
    if path.exists() and not overwrite:
        raise InvalidOutput(f"Expects a new file, actual: {path} exists; --overwrite replaces it")
    check_folder(path.parent)


def result_text(result: dict[str, Any]) -> str:
    """A result as JSON with one line for each attempt."""
    head = json.dumps({**result, "attempts": None}, indent=1)
    rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in result["attempts"])
    before, after = head.rsplit('"attempts": null', 1)
    return f'{before}"attempts": [\n{rows}\n ]{after}\n'


def load_result(path: Path) -> dict[str, Any]:
    """A stored result.

    Raises:
        InvalidResult: for a file that is missing, is not JSON, or is not a result.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidResult(f"Expects a result file of benchmarks.mazebench, actual: {path} ({error})") from None
    if not isinstance(result, dict) or result.get("benchmark") != TITLE:
        raise InvalidResult(f"Expects a result file with benchmark {TITLE!r}, actual: {path}")
    if missing := [name for name in NEEDED if name not in result]:
        raise InvalidResult(f"Expects a whole result in {path}, actual: one without {', '.join(missing)}")
    suite = result["suite"]
    attempts, expected = len(result["attempts"]), suite["mazes"] * result["samples"] * len(phrasings_of(suite))
    if attempts != expected:
        raise InvalidResult(f"Expects {expected} attempts in {path}, actual: {attempts}")
    if any(row[0] != index % suite["mazes"] for index, row in enumerate(result["attempts"])):
        raise InvalidResult(f"Expects attempts at every maze of the suite in order in {path}, actual: another order")
    return result
