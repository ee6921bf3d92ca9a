"""Mazes published by others, as a suite: AlphaMaze's Maze-Bench, or any data in its columns.

    tokenmaze bench --suite homebrewltd/Maze-Bench-v0.2 ...    a data set's name on the Hugging Face hub
    tokenmaze bench --suite folder/maze_bench.parquet ...      a file, parquet or JSON

``Prompt`` holds a maze in tokens, alone or at the end of the published instruction; ``Level`` is optional. They may be
called ``maze`` and ``level``, as ``tokenmaze generate`` and ``tokenmaze suites --export`` do. No other column is read:
answers are verified by replay, not against a reference. Unlike the frozen suites', these mazes are not excluded from
training here; a result records how many of them have a layout of the training split.
"""

import hashlib
import io
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from maze_env._cli import path_of, why_unread
from maze_env.errors import TokenMazeError
from maze_env.maze import MAX_SIDE, Maze
from maze_env.solving import shortest_path
from maze_env.tokens import maze_from_text, maze_to_text
from tokenmaze.benchmarks.suite_specs import PAPER_LEVELS, Draw, SuiteSpec

PUBLISHED, OWN = ("Prompt", "Level"), ("maze", "level")
"""The columns of a maze and of its level: AlphaMaze's, and those of this project's commands."""
SPLIT = "test"
INSTRUCTION_END = "MAZE:"
"""The end of the published instruction, before the maze."""
FORMATS = (".parquet", ".json", ".jsonl")
LEVELS = {**PAPER_LEVELS, "Longer": (14, MAX_SIDE**2 - 1)}
"""The levels by shortest length, where the data has no column for them."""


class InvalidSuite(TokenMazeError):
    """Published data cannot be read, or holds a row that is not a maze and its level; the message names the row."""


def is_source(name: str) -> bool:
    """Whether ``name`` is that of a file or of a data set on the hub."""
    return "/" in name or Path(name).suffix in FORMATS


def read(source: str) -> tuple[SuiteSpec, tuple[Maze, ...]]:
    """Published mazes, and the definition of their suite: each row is a draw of one maze.

    Its hash is the sha256 of all mazes in their canonical text, concatenated. Raises InvalidSuite.
    """
    mazes, draws = [], []
    bounds: dict[str, tuple[int, int]] = {}
    rows = _rows(source)
    column, level_column = PUBLISHED if PUBLISHED[0] in rows[0] else OWN
    for number, row in enumerate(rows, start=1):
        try:
            maze = maze_from_text(_value(row, column, str).rpartition(INSTRUCTION_END)[2])
            length = len(shortest_path(maze))
            level = str(_value(row, level_column, (str, int))) if level_column in row else ""
        except TokenMazeError as error:
            raise InvalidSuite(f"{error} (row {number} of {source})") from None
        low, high = bounds.get(level, (length, length))
        bounds[level] = min(low, length), max(high, length)
        mazes.append(maze)
        draws.append(Draw(length, length, 1, size=(maze.rows, maze.cols), level=level))
    levels = LEVELS if "" in bounds else dict(sorted(bounds.items(), key=lambda item: item[1]))
    sha256 = hashlib.sha256("".join(map(maze_to_text, mazes)).encode("utf-8")).hexdigest()
    return SuiteSpec(name=source, levels=levels, draws=tuple(draws), sha256=sha256), tuple(mazes)


def _value(row: dict[str, Any], column: str, kind: type | tuple[type, ...]) -> Any:
    """A row's value in a column. Raises InvalidSuite unless it is of one of the types ``kind``, and not empty."""
    value = row[column]
    if not isinstance(value, kind) or value == "":
        raise InvalidSuite(f"Expects a value in column {column}, actual: {value!r}")
    return value


def _rows(source: str) -> list[dict[str, Any]]:
    """The rows of a file or of a hub data set's ``test`` split, with a maze's two columns. Raises InvalidSuite."""
    try:
        rows = rows_of_file(path_of(source)) if Path(source).suffix in FORMATS else _rows_of_hub(source)
        if not rows or not all(isinstance(row, dict) for row in rows):
            raise ValueError("no rows, or some that are no objects")
        columns = dict.fromkeys(name for row in rows for name in row)
        kept = _kept(columns)
    except (OSError, ValueError, TypeError) as error:
        raise InvalidSuite(
            f"Expects a parquet or JSON file, or a data set on the Hugging Face hub, actual: {source!r}"
            f"{why_unread(path_of(source), error)}"
        ) from None
    if not kept:
        raise InvalidSuite(f"Expects a column {PUBLISHED[0]} or {OWN[0]} in {source}, actual: {', '.join(columns)}")
    return [{name: row.get(name) for name in kept} for row in rows]


def _kept(columns: Collection[str]) -> list[str]:
    """Those of the columns that are read; none where no column holds mazes."""
    return next(([name for name in names if name in columns] for names in (PUBLISHED, OWN) if names[0] in columns), [])


def rows_of_file(path: Path) -> list[dict[str, Any]]:
    """Read without ``datasets``, which takes names for patterns and copies files into a cache."""
    if path.suffix == ".parquet":
        from pyarrow import parquet  # its errors are ValueError and OSError

        return list(parquet.read_table(io.BytesIO(path.read_bytes())).to_pylist())
    text = path.read_text(encoding="utf-8-sig")
    try:
        value = json.loads(text)
        return value if isinstance(value, list) else [value]
    except ValueError:
        return [json.loads(line) for line in text.split("\n") if line.strip()]


def _rows_of_hub(name: str) -> list[dict[str, Any]]:
    import datasets  # takes a second, and frozen suites do not need it

    try:
        data = datasets.load_dataset(name, split=SPLIT)
    except datasets.exceptions.DatasetsError as error:
        raise ValueError(error.__cause__ or error) from None
    kept = _kept(data.column_names)
    return list(data.select_columns(kept) if kept else data)
