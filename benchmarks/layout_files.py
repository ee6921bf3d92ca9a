"""Reads layouts from anyone's maze files: suites, tables of texts, plain text, and maze-dataset's ``.zanj``."""

import csv
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from maze_env._cli import path_of
from maze_env.errors import TokenMazeError
from tokenmaze.benchmarks.external import FORMATS, InvalidSuite, rows_of_file
from tokenmaze.benchmarks.layouts import (
    Layout,
    layout_of_connections,
    layout_of_grid,
    layout_of_maze,
    layouts_of_text,
)
from tokenmaze.benchmarks.suite_specs import SUITES
from tokenmaze.benchmarks.suites import load

LIKELY = ("maze", "Prompt", "prompt", "question", "text", "raw_token", "observation")
"""Columns in which mazes are looked for first."""
MAX_PART = 2**30
"""Bytes of a part of an archive, unpacked."""


def read_layouts(source: str) -> list[Layout]:
    """The layouts of a suite or a file, in its order.

    Args:
        source: a suite's name, or the path of a ``.jsonl``, ``.json``, ``.parquet``, ``.csv``, ``.zanj`` or text file,
            or of a folder of ``.parquet`` files, such as ``tokenmaze export`` writes.

    Raises:
        InvalidSuite: for a file that cannot be read, or in which there is no maze.
        UnknownName: for what is neither a suite nor there.
    """
    path = path_of(source)
    if source in SUITES or not path.exists():
        return list(map(layout_of_maze, load(source).mazes))
    try:
        found = list(_layouts(path))
    except (OSError, ValueError, KeyError, TypeError, RecursionError, csv.Error, zlib.error) as error:
        words = str(error) if isinstance(error, TokenMazeError) else f"Expects a file of mazes, actual: {error!r}"
        raise InvalidSuite(f"{words[:1000]} (in {source})") from None
    if not found:
        raise InvalidSuite(f"Expects mazes in {source}, actual: none that can be read")
    return found


def _layouts(path: Path) -> Iterator[Layout]:
    if path.is_dir():
        return chain.from_iterable(map(_layouts, sorted(path.rglob("*.parquet"))))
    if path.suffix == ".zanj":
        return _of_zanj(path)
    if path.suffix == ".csv":
        text = path.read_text(encoding="utf-8-sig")
        return _of_rows(list(csv.DictReader(io.StringIO(text, newline=""))))
    if path.suffix in FORMATS:
        return _of_rows(rows_of_file(path))
    return layouts_of_text(path.read_text(encoding="utf-8-sig"))


def _of_rows(rows: list[Any]) -> Iterator[Layout]:
    """The layout of each row: of the first column in which the first row has one."""
    if rows and isinstance(rows[0], list):  # a grid by itself
        yield layout_of_grid(rows)
        return
    if not rows or not isinstance(rows[0], dict):
        raise InvalidSuite("Expects rows that are objects, actual: others")
    names = [name for name in LIKELY if name in rows[0]] + [name for name in rows[0] if name not in LIKELY]
    column = next((name for name in names if _of_value(rows[0][name])), None)
    if column is None:
        raise InvalidSuite(f"Expects a column with mazes, actual: {', '.join(map(str, rows[0]))[:200]}")
    for number, row in enumerate(rows, start=1):
        try:
            found = _of_value(row.get(column)) if isinstance(row, dict) else []
        except TokenMazeError as error:
            raise InvalidSuite(f"{error} (row {number})") from None
        if not found:
            raise InvalidSuite(f"Expects a maze in column {column} of every row, actual: none in row {number}")
        yield from found  # an example before the question has one too


def _of_value(value: Any) -> list[Layout]:
    if isinstance(value, str):
        return list(layouts_of_text(value))
    if isinstance(value, list) and value and all(isinstance(row, list) for row in value):
        return [layout_of_grid(value)]
    return []


def _of_zanj(path: Path) -> Iterator[Layout]:
    """The mazes of a data set that maze-dataset saved: as JSON where it is small, else as arrays beside it.

    Source: maze-dataset 1.4.2, ``MazeDataset.serialize`` and ``_serialize_minimal``, whose files were read.
    """
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise InvalidSuite(f"Expects a .zanj archive, actual: {error}") from None
    with archive:
        data = json.loads(_part(archive, "__zanj__.json"))
        if "mazes" in data:
            for maze in data["mazes"]:
                ends = [tuple(map(int, _array(archive, maze[name]).tolist())) for name in ("start_pos", "end_pos")]
                down, right = _array(archive, maze["connection_list"])
                yield layout_of_connections(down, right, (ends[0], ends[1]))  # type: ignore[arg-type]
            return
        lists, lengths, ways = (
            _array(archive, data[name]) for name in ("maze_connection_lists", "maze_solution_lengths", "maze_solutions")
        )
        for (down, right), length, way in zip(lists, lengths.tolist(), ways.tolist(), strict=True):
            yield layout_of_connections(down, right, (tuple(way[0]), tuple(way[length - 1])))


def _array(archive: zipfile.ZipFile, value: dict[str, Any]) -> np.ndarray:
    """An array that stands in the JSON, or in a part that it names."""
    if "data" in value:
        return np.array(value["data"])
    return np.load(io.BytesIO(_part(archive, value["$ref"])), allow_pickle=False)


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        if archive.getinfo(name).file_size > MAX_PART:
            raise InvalidSuite(f"Expects parts up to {MAX_PART:,} bytes, actual: {name} is larger")
        return archive.read(name)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise InvalidSuite(f"Expects part {name} of an archive, actual: {error}") from None
