"""How speeds are measured, compared and stored."""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from agents.provenance import provenance
from benchmarks.record import check_output
from maze_env._arguments import ArgumentParser
from maze_env._cli import write_whole
from maze_env.errors import InvalidConfig


def rate(work: Callable[[Any], object], inputs: Collection[Any], each: int = 1) -> float:
    """Things per second where ``work`` takes the inputs one after the other and does ``each`` of them with one."""
    start = time.perf_counter()
    for one in inputs:
        work(one)
    return each * len(inputs) / (time.perf_counter() - start)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """The ratio within each round: median, minimum and maximum."""
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}


def parsed(parser: ArgumentParser, rounds: int, arguments: Sequence[str]) -> argparse.Namespace:
    """Parses a command with the options of every measurement added. Raises InvalidConfig and InvalidOutput."""
    parser.add_argument("--rounds", type=int, default=rounds, help="of each measurement (default %(default)s)")
    parser.add_argument("--output", type=Path, help="a JSON file to store the results in")
    parser.add_argument("--overwrite", action="store_true", help="replace that file")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        raise InvalidConfig(f"Expects --rounds of at least 1, actual: {options.rounds}")
    check_output(options.output, options.overwrite)
    return options


def store(stored: dict[str, Any], path: Path | None, module: str, arguments: Sequence[str], started: float) -> None:
    """Writes results and the provenance of a run that began at ``started``; without a path, does nothing."""
    if path is not None:
        stored["provenance"] = provenance(module, arguments, time.monotonic() - started)
        write_whole(path, json.dumps(stored, indent=1) + "\n")
        print(f"stored in {path}")
