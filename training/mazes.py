"""Supervised rows and GRPO rows: which mazes, of what sizes and lengths, written in which trace styles.

    python -m training.mazes --style redraw --size 5 --count 100000 --split train -o DIR    writes parquet files

A row is a pure function of (``maze_seed``, its index, the distributions), so a longer run begins with the rows of a
shorter one.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maze_env import traces
from maze_env._cli import run_command
from maze_env.errors import InvalidConfig
from maze_env.generation import GENERATORS, MazeSpec, generate_batch
from maze_env.maze import Maze
from maze_env.tokens import maze_to_text

CHUNK = 4096
"""Mazes made at a time."""


@dataclass
class DataConfig:
    """Which mazes a stage trains on. Stated with every result that comes of it."""

    examples: int = field(default=10_000, metadata={"help": "Rows to make; the run's budget, with its batch size."})
    sizes: str = field(default="5x5:1", metadata={"help": "Grid sizes and their weights, e.g. '4x4:1,5x5:3'."})
    lengths: str = field(
        default="",
        metadata={
            "help": "Ranges of the shortest path's moves and their weights, e.g. '1-4:5,5-8:4,9-13:1'; empty for "
            "whatever a uniformly drawn maze and pair of endpoints has."
        },
    )
    generators: str = field(
        default="dfs:1", metadata={"help": f"How mazes are made, and weights, out of {', '.join(GENERATORS)}."}
    )
    braids: str = field(
        default="0:1", metadata={"help": "Shares of dead ends that are opened, and weights, e.g. '0:1,0.5:1'."}
    )
    styles: str = field(
        default="path:1,retry:1",
        metadata={
            "help": f"Trace styles and their weights, out of {', '.join(traces.TRACE_STYLES)}. SFT alone reads this. "
            "'path:1@30000;path:1,retry:1' is a curriculum: paths alone in the first 30,000 rows, then the mix."
        },
    )
    split: str = field(default="train", metadata={"help": "The split to draw from: train, validation or benchmark."})
    maze_seed: int = field(default=0, metadata={"help": "Chooses the mazes; the run's own seed does not."})

    def __post_init__(self) -> None:
        if self.examples < 1:
            raise InvalidConfig(f"Expects examples of at least 1, actual: {self.examples}")
        for spec in self.specs():
            for least, greatest in parse_lengths(self.lengths):
                replace(spec, min_length=least, max_length=greatest)
        for _, weights in parse_styles(self.styles):
            for style in weights:
                traces.style_named(style)

    def specs(self) -> list[MazeSpec]:
        """Every kind of maze that is drawn: sizes, within them generators, within them braids."""
        return [
            MazeSpec(rows, cols, generator=generator, braid=braid, split=self.split)
            for rows, cols in parse_sizes(self.sizes)
            for generator in parse_weights(self.generators, "generators")
            for braid in parse_braids(self.braids)
        ]


def parse_weights(text: str, what: str) -> dict[str, float]:
    """``'a:1,b:3'`` as ``{'a': 0.25, 'b': 0.75}``. Raises InvalidConfig."""
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = part.strip().partition(":")
        try:
            value = float(weight) if weight else 1.0
        except ValueError:
            value = -1.0
        if not name or value <= 0 or not np.isfinite(value) or name in weights:
            raise InvalidConfig(f"Expects {what} as 'name:weight,name:weight' with weights above 0, actual: {text!r}")
        weights[name] = value
    total = sum(weights.values())
    return {name: value / total for name, value in weights.items()}


def _parse_pairs(text: str, separator: str, what: str, form: str) -> dict[tuple[int, int], float]:
    pairs = {}
    for name, weight in parse_weights(text, what).items():
        first, _, second = name.partition(separator)
        if not (first.isdigit() and second.isdigit()):
            raise InvalidConfig(f"Expects {what} as '{form}:weight', actual: {name!r} in {text!r}")
        if (int(first), int(second)) in pairs:
            raise InvalidConfig(f"Expects each of the {what} once, actual: {name!r} again in {text!r}")
        pairs[int(first), int(second)] = weight
    return pairs


def parse_sizes(text: str) -> dict[tuple[int, int], float]:
    """``'4x4:1,5x5:3'`` as (rows, cols) to weight."""
    return _parse_pairs(text, "x", "sizes", "ROWSxCOLS")


def parse_lengths(text: str) -> dict[tuple[int, int], float]:
    """``'1-4:5,5-8:4'`` as (least, greatest) to weight; empty for an empty text."""
    return _parse_pairs(text, "-", "lengths", "LEAST-GREATEST") if text else {}


def parse_braids(text: str) -> dict[float, float]:
    """``'0:1,0.5:3'`` as share of dead ends to weight."""
    try:
        return {float(share): weight for share, weight in parse_weights(text, "braids").items()}
    except ValueError as error:
        if isinstance(error, InvalidConfig):
            raise
        raise InvalidConfig(f"Expects braids as 'share:weight,share:weight', actual: {text!r}") from None


def parse_styles(text: str) -> list[tuple[int | None, dict[str, float]]]:
    """``'a@500;a:1,b:1'`` as [(500, {'a': 1.0}), (None, {'a': 0.5, 'b': 0.5})]: rows of each phase, and its weights.

    Raises InvalidConfig.
    """
    phases: list[tuple[int | None, dict[str, float]]] = []
    parts = text.split(";")
    for number, part in enumerate(parts):
        weights, at, rows = part.partition("@")
        if (number < len(parts) - 1) != bool(at) or (at and not (rows.strip().isdigit() and int(rows) > 0)):
            raise InvalidConfig(
                "Expects styles as phases 'weights@ROWS;weights', with a number of rows for each but the last, "
                f"actual: {part!r} in {text!r}"
            )
        phases.append((int(rows) if at else None, parse_weights(weights, "styles")))
    return phases


def make_mazes(config: DataConfig) -> Iterator[tuple[Maze, int]]:
    """``config.examples`` mazes, each with a key of its own for whatever else its row draws."""
    sizes, lengths = parse_sizes(config.sizes), parse_lengths(config.lengths)
    generators, braids = parse_weights(config.generators, "generators"), parse_braids(config.braids)
    for start in range(0, config.examples, CHUNK):
        random = np.random.default_rng([config.maze_seed, start // CHUNK])
        size_of = random.choice(len(sizes), size=CHUNK, p=list(sizes.values()))
        length_of = random.choice(len(lengths), size=CHUNK, p=list(lengths.values())) if lengths else None
        keys: NDArray[np.uint64] = random.integers(0, 2**64, size=CHUNK, dtype=np.uint64)
        kind_of = size_of
        for weights in (generators, braids):
            kind_of = kind_of * len(weights) + _choose(random, weights)
        made: dict[int, Maze] = {}
        for number, spec in enumerate(config.specs()):
            chosen = np.flatnonzero(kind_of == number)
            bounds = None
            if length_of is not None:
                ranges = np.array(list(lengths))[length_of[chosen]]
                bounds = (ranges[:, 0], ranges[:, 1])
            batch = generate_batch(keys[chosen], spec, bounds)
            made.update((int(index), batch[i]) for i, index in enumerate(chosen))
        for index in range(min(CHUNK, config.examples - start)):
            yield made[index], int(keys[index])


def _choose(random: np.random.Generator, weights: Mapping[Any, float]) -> NDArray[np.int64]:
    """Which of the weighted things each row of a chunk gets; where there is no choice, nothing is drawn."""
    if len(weights) == 1:
        return np.zeros(CHUNK, np.int64)
    return random.choice(len(weights), size=CHUNK, p=list(weights.values()))


def supervised_rows(config: DataConfig) -> Iterator[dict[str, str]]:
    """Rows for SFT: ``maze`` (its text), ``style`` and ``completion``."""
    random = np.random.default_rng([config.maze_seed, 2**32])
    mazes = make_mazes(config)
    phases = ((weights, maze) for rows, weights in parse_styles(config.styles) for maze in islice(mazes, rows))
    for weights, (maze, key) in phases:
        style = list(weights)[random.choice(len(weights), p=list(weights.values()))]
        yield {"maze": maze_to_text(maze), "style": style, "completion": traces.write(style, maze, key)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes supervised rows as parquet files."""
    from training.export import COLUMNS, write_parquet  # it needs this module

    parser = argparse.ArgumentParser(prog="python -m training.mazes", description=main.__doc__)
    parser.add_argument("--style", default="path", help="trace styles and weights, e.g. redraw or path:1,retry:1")
    parser.add_argument("--size", default="5", help="5, or 5x7, or sizes and weights as in --sizes of a stage")
    parser.add_argument("--lengths", default="", help="ranges of the shortest path and weights, e.g. 1-4:1,5-8:1")
    parser.add_argument("--count", type=int, default=10_000, help="rows (default %(default)s)")
    parser.add_argument("--split", default="train", help="train, validation or benchmark (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="chooses the mazes (default %(default)s)")
    parser.add_argument("--columns", default="own", choices=tuple(COLUMNS), help="ours, or those of AlphaMaze's data")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a new folder")
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(arguments)
    sizes = f"{options.size}x{options.size}" if options.size.isdigit() else options.size
    config = DataConfig(
        examples=options.count, sizes=sizes, lengths=options.lengths, styles=options.style, split=options.split,
        maze_seed=options.seed,
    )  # fmt: skip
    files = write_parquet(config, options.output, options.columns, arguments)
    print(f"{options.count:,} rows in {len(files)} file(s) in {options.output}")


if __name__ == "__main__":
    run_command(main)
