"""Two stored results side by side: the difference of their solved rates, its interval, and the exact McNemar test.

    python -m benchmarks.compare A.json B.json
    python -m benchmarks.compare A.json B.json --metric spl    path efficiency, its difference bootstrapped over mazes

Only results on the same suite, in the same mode, with the same number of samples compare.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.results import InvalidResult, load_result, path_scores, solved_shares
from benchmarks.statistics import PairedDifference, paired_difference
from maze_env.commands import run_command


def compare(first: dict[str, Any], second: dict[str, Any], metric: str = "solved") -> PairedDifference:
    """First minus second, maze by maze, in ``solved`` or ``spl``.

    Raises:
        InvalidResult: when the two were not measured on the same mazes, in the same mode, with as many samples.
    """
    for what, one, two in (
        ("suite", _suite(first), _suite(second)),
        ("mode", first["mode"], second["mode"]),
        ("fog", first["view_radius"], second["view_radius"]),
        ("number of samples", first["samples"], second["samples"]),
    ):
        if one != two:
            raise InvalidResult(f"Expects two results with the same {what}, actual: {one} and {two}")
    values = {"solved": solved_shares, "spl": path_scores}[metric]
    return paired_difference(values(first), values(second))


def _suite(result: dict[str, Any]) -> str:
    suite = result["suite"]
    return f"{suite['name']} v{suite['version']} sha256 {suite['sha256']}"


def p_text(p_value: float) -> str:
    """A p-value as tables write it."""
    return f"p = {p_value:.3f}" if p_value >= 0.001 else f"p = {p_value:.0e}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Compares two files."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description="Compares two stored results.")
    parser.add_argument("first", type=Path, metavar="A.json")
    parser.add_argument("second", type=Path, metavar="B.json")
    parser.add_argument("--metric", choices=("solved", "spl"), default="solved", help="what to compare")
    options = parser.parse_args(arguments)
    first, second = load_result(options.first), load_result(options.second)
    difference = compare(first, second, options.metric)
    low, high = difference.interval
    print(f"{_suite(first)}, {first['mode']} track, {first['samples']} sample(s) a maze")
    for letter, result in (("A", first), ("B", second)):
        summary = result["summary"]
        if options.metric == "spl":
            print(f"{letter}: SPL {summary['spl']:.3f}  {result['agent']}")
        else:
            least, most = summary["solved_rate_wilson_95"]
            print(f"{letter}: {summary['solved_rate']:6.1%} [{least:.1%}, {most:.1%}]  {result['agent']}")
    print(f"A - B: {100 * difference.difference:+.1f} points, 95 % interval [{100 * low:+.1f}, {100 * high:+.1f}]")
    what = "solved more often" if options.metric == "solved" else "higher"
    print(f"{what} by A: {difference.first_only} mazes, by B: {difference.second_only} mazes")
    exact = first["samples"] == 1 and options.metric == "solved"
    test = "exact McNemar test" if exact else "exact sign test over mazes"
    print(f"{test}, two-sided: {p_text(difference.p_value)}")


if __name__ == "__main__":
    run_command(main)
