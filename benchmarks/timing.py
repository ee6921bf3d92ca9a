"""How speeds are measured, compared and stored."""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, check_output, path_of, write_result
from maze_env.errors import InvalidConfig
from tokenmaze.agents.provenance import provenance


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


class Measurement(ArgumentParser):
    """The command line of a module that measures, with the options of every one, and where its results go."""

    def __init__(self, module: str, description: str, rounds: int):
        shown = argparse.RawDescriptionHelpFormatter
        super().__init__(prog=called_as(module), description=description, formatter_class=shown)
        self._module, self._started = module, time.monotonic()
        self.add_argument("--rounds", type=int, default=rounds, help="of each measurement (default %(default)s)")
        self.add_argument("--output", type=path_of, help="a JSON file to store the results in")
        self.add_argument("--overwrite", action="store_true", help="replace that file")

    def checked(self, arguments: Sequence[str] | None) -> argparse.Namespace:
        """Parses the arguments, or those of the process. Raises InvalidConfig and InvalidOutput."""
        self._arguments = sys.argv[1:] if arguments is None else arguments
        options = self.parse_args(self._arguments)
        if options.rounds < 1:
            raise InvalidConfig(f"Expects --rounds of at least 1, actual: {options.rounds}")
        check_output(options.output, options.overwrite)
        return options

    def store(self, measured: dict[str, Any], path: Path | None) -> None:
        """Writes results and where they come from; without a path, does nothing."""
        if path is not None:
            source = provenance(self._module, self._arguments, time.monotonic() - self._started)
            write_result(path, json.dumps(measured | {"provenance": source}, indent=1) + "\n")
            print(f"stored in {path}")
