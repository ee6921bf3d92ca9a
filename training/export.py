"""Supervised rows as parquet files, for whoever trains elsewhere.

    tokenmaze export --trace_styles redraw --examples 100000 --output_dir DIR

``datasets.load_dataset("DIR")``, ``pandas.read_parquet("DIR")`` and whatever else reads parquet take the folder;
``DIR/data/*.parquet`` are its files.

A million rows take minutes and little memory: rows go through ``datasets``' cache on disk, which lies in the output
folder while it is needed.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import MISSING, asdict, dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, List, Value
from transformers import HfArgumentParser

from maze_env._cli import called_as, check_folder, path_of, run_command, write_whole
from maze_env.answers import parse_answer
from maze_env.errors import InvalidConfig, InvalidOutput, lookup
from maze_env.maze import Maze
from maze_env.moves import Move
from maze_env.phrasings import PHRASINGS, open_sides
from maze_env.solving import path_cells
from maze_env.tokens import THINK_CLOSE, THINK_OPEN
from tokenmaze.agents.prompts import PROMPT_TEMPLATES
from tokenmaze.agents.provenance import provenance
from tokenmaze.training.arguments import option, parse, parser_of
from tokenmaze.training.mazes import DataConfig, Written, supervised_rows

ROWS_PER_FILE = 500_000
DATA = "data"
"""The subfolder of the parquet files, in which ``datasets`` takes a file's name for its split."""
DESCRIPTION = "_dataset.json"
"""Readers of a folder of parquet files pass over names that begin with an underscore."""
TEXT = Value("string")
OWN = Features(dict.fromkeys(("maze", "phrasing", "style", "completion"), TEXT))
MESSAGES = List({"role": TEXT, "content": TEXT})
CONVERSATIONAL = Features({"prompt": MESSAGES, "completion": MESSAGES, "maze": TEXT})
PLAIN = Features(dict.fromkeys(("prompt", "completion", "maze"), TEXT))
PUBLISHED = Features(
    dict.fromkeys(("Prompt", "Cot_Response", "Response", "raw_token"), TEXT) | {"conversations": MESSAGES}
)


def published_columns(row: dict[str, str]) -> dict[str, Any]:
    """The columns of AlphaMaze's published data (arXiv 2502.14669; code in menloresearch/visual-thinker).

    ``Prompt`` (instructions, in this project's words, and the maze), ``Cot_Response`` (the trace without think tags),
    ``Response`` (the moves), ``raw_token`` (an adjacency list) and ``conversations`` (messages of user and assistant,
    with the tags).
    """
    thinking, _, response = row["completion"].partition(THINK_CLOSE)
    prompt, phrasing = plain_columns(row)["prompt"], row["phrasing"]
    answer = parse_answer(PHRASINGS[phrasing].translate(row["completion"]))
    return {
        "Prompt": prompt,
        "Cot_Response": thinking.removeprefix(THINK_OPEN).strip("\n"),
        "Response": response.strip(),
        "raw_token": adjacency_list(Written(row["maze"], phrasing).maze, list(answer.moves)),
        "conversations": [{"role": "user", "content": prompt}, {"role": "assistant", "content": row["completion"]}],
    }


def plain_columns(row: dict[str, str]) -> dict[str, str]:
    """``prompt`` and ``completion`` as texts, and the ``maze``."""
    prompt = PROMPT_TEMPLATES[row["phrasing"]].replace("{maze}", row["maze"])
    return {"prompt": prompt, "completion": row["completion"], "maze": row["maze"]}


def conversational_columns(row: dict[str, str]) -> dict[str, Any]:
    """``prompt`` and ``completion`` as messages, and the ``maze``."""
    plain = plain_columns(row)
    return {
        "prompt": [{"role": "user", "content": plain["prompt"]}],
        "completion": [{"role": "assistant", "content": plain["completion"]}],
        "maze": plain["maze"],
    }


COLUMNS: dict[str, tuple[Features, Callable]] = {
    "own": (OWN, dict),
    "conversational": (CONVERSATIONAL, conversational_columns),
    "plain": (PLAIN, plain_columns),
    "published": (PUBLISHED, published_columns),
}
"""Sets of columns: this project's, TRL's two forms of a prompt with its completion, and those of AlphaMaze's data."""


def adjacency_list(maze: Maze, path: list[Move]) -> str:
    """A maze and a path as maze-dataset writes them in tokens (``maze_env.phrasings.open_sides`` has the source)."""
    walked = " ".join(f"({row},{col})" for row, col in path_cells(maze.origin, path))
    return f"{open_sides(maze)} <PATH_START> {walked} <PATH_END>"


def write_parquet(config: DataConfig, folder: Path, columns: str = "own", arguments: Sequence[str] = ()) -> list[Path]:
    """Writes rows, and a ``DESCRIPTION`` of what they are; each file appears whole, and that one last.

    Args:
        config: which rows, and how many.
        folder: where to; new or empty.
        columns: a name in ``COLUMNS``.
        arguments: the command's, for the record.

    Returns:
        The parquet files.

    Raises:
        InvalidOutput: for a folder that is in use or cannot be written to.
        InvalidConfig: for walks with the published columns, which hold a path to the target.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidOutput(f"Expects a new or empty folder, actual: {str(folder)!r} is in use")
    check_folder(folder)
    started = time.monotonic()
    if columns == "published" and set(config.walk_shares) != {None}:
        raise InvalidConfig(f"Expects walks none with columns published (which solve), actual: walks={config.walks}")
    features, convert = COLUMNS[columns]
    with tempfile.TemporaryDirectory(prefix=".cache-", dir=folder, ignore_cleanup_errors=True) as cache:
        dataset = Dataset.from_generator(lambda: map(convert, supervised_rows(config)), features, cache)
        count = -(-len(dataset) // ROWS_PER_FILE)
        files = [folder / DATA / f"{config.split}-{number:05d}-of-{count:05d}.parquet" for number in range(count)]
        (folder / DATA).mkdir()
        for number, path in enumerate(files):
            part = dataset.select(range(number * ROWS_PER_FILE, min(len(dataset), (number + 1) * ROWS_PER_FILE)))
            with open(os.path.join(cache, path.name), "wb") as stream:  # a name could be taken for an address
                part.to_parquet(stream)
            os.replace(os.path.join(cache, path.name), path)
    origin = provenance("training.export", arguments, time.monotonic() - started)
    description = {"columns": list(features), "configuration": asdict(config), "provenance": origin}
    write_whole(folder / DESCRIPTION, json.dumps(description, indent=1) + "\n")
    return files


@dataclass
class ExportConfig:
    """Where the files go and what is in them."""

    output_dir: str = option(MISSING, "A new or empty folder.")
    columns: str = option(
        "own",
        "own: maze, style, completion; conversational or plain: prompt, completion and maze, as TRL reads them; "
        "published: those of AlphaMaze's data.",
    )

    def __post_init__(self) -> None:
        lookup("set of columns", self.columns, COLUMNS)


def parser() -> HfArgumentParser:
    """The command line."""
    return parser_of([DataConfig, ExportConfig], prog=called_as("training.export"), description=__doc__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and writes."""
    arguments = sys.argv[1:] if arguments is None else arguments
    data, target = parse([DataConfig, ExportConfig], arguments, parser())
    files = write_parquet(data, path_of(target.output_dir), target.columns, arguments)
    print(f"{data.examples:,} rows in {len(files)} file(s) in {target.output_dir}")


if __name__ == "__main__":
    run_command(main)
