"""A stored result beside others: the difference of solved rates, its interval, and the exact McNemar test.

    tokenmaze compare A.json B.json
    tokenmaze compare A.json B.json C.json          A with each of the others; p-values corrected by Holm
    tokenmaze compare A.json B.json --points 2      also how many mazes it takes to see 2 points
    tokenmaze compare A.json B.json --metric spl    path efficiency, its difference bootstrapped over mazes

Only results on the same mazes, in the same phrasings and mode, with the same number of samples, are compared.
"""

from collections.abc import Sequence

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, path_of, run_command
from maze_env._text import harmless
from maze_env.attempt import End
from maze_env.errors import InvalidConfig
from tokenmaze.benchmarks.comparison import METRICS, compare_all, p_text, suite_text
from tokenmaze.benchmarks.figures import SPL
from tokenmaze.benchmarks.present.words import counted, unanswered_of
from tokenmaze.benchmarks.record import Result, load_each
from tokenmaze.benchmarks.stats import PairedDifference, mazes_needed


def power_note(difference: PairedDifference, points: float) -> str:
    """How many mazes it takes to see such a difference, and one of ``points``, where the share that differs is this."""
    discordant = (difference.first_only + difference.second_only) / difference.mazes
    if not discordant:
        return "no maze tells them apart"
    sizes = sorted({points / 100, *([abs(difference.difference)] if difference.difference else [])}, reverse=True)
    needed = [f"{mazes_needed(size, max(discordant, size)):,} for {100 * size:.1f} points" for size in sizes]
    return f"mazes needed to see a difference four times in five: {', '.join(needed)}"


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=called_as("benchmarks.compare"), description=__doc__)
    made.add_argument("first", type=path_of, metavar="A.json")
    made.add_argument("others", type=path_of, nargs="+", metavar="B.json")
    made.add_argument("--metric", choices=tuple(METRICS), default="solved", help="what to compare")
    made.add_argument("--points", type=float, default=1.0, help="difference for which to tell the mazes needed")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Compares the first file with each of the others."""
    options = parser().parse_args(arguments)
    if not 0 < options.points <= 100:
        raise InvalidConfig(f"Expects --points above 0 and up to 100, actual: {options.points}")
    first, *others = load_each([options.first, *options.others])
    compared = compare_all([(first, other) for other in others], options.metric)
    print(harmless(f"{suite_text(first)}, {first.mode} track, {counted(first.samples, 'sample')} a maze"))
    print(f"A: {_figure(first, options.metric)}{unanswered_of([first])}")
    no_images = compared[0][0].mazes == first.suite.mazes
    exact = first.attempts_per_maze == 1 and no_images and options.metric == "solved"
    test = "exact McNemar test" if exact else "exact sign test over mazes"
    what = "solved more often" if options.metric == "solved" else "higher"
    for number, (other, (difference, p_value)) in enumerate(zip(others, compared, strict=True), start=1):
        letter = chr(ord("A") + number) if number < 26 else f"file {number + 1}"
        low, high = difference.interval
        print(f"\n{letter}: {_figure(other, options.metric)}{unanswered_of([other])}")
        points = f"{100 * difference.difference:+.1f} points"
        print(f"A - {letter}: {points}, 95 % interval [{100 * low:+.1f}, {100 * high:+.1f}]")
        by_first, by_second = (counted(count, "maze") for count in (difference.first_only, difference.second_only))
        print(f"{what} by A: {by_first}, by {letter}: {by_second}")
        several = f"; corrected for {len(others)} comparisons (Holm): {p_text(p_value)}" if len(others) > 1 else ""
        print(f"{test}, two-sided: {p_text(difference.p_value)}{several}")
        if exact:
            print(power_note(difference, options.points))


def _figure(result: Result, metric: str) -> str:
    summary = result.summary
    failed = summary.ends.get(End.REQUEST_FAILED, 0)
    told = f" ({failed} of {summary.attempts} attempts without an answer: request failed)" if failed else ""
    agent = harmless(result.agent) + told
    if metric == "spl":
        return f"{SPL.title} {SPL.text(summary.spl)}  {agent}"
    low, high = summary.solved_rate_wilson_95
    return f"{summary.solved_rate:6.1%} [{low:.1%}, {high:.1%}]  {agent}"


if __name__ == "__main__":
    run_command(main)
