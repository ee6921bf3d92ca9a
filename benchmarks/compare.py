"""Measured files side by side: the difference of solved rates, its interval, and the exact McNemar test.

    tokenmaze compare A.json B.json
    tokenmaze compare A.json B.json C.json          A with each of the others; p-values corrected by Holm
    tokenmaze compare A.json B.json --points 2      also how many mazes it takes to see 2 points
    tokenmaze compare A.json B.json --metric spl    path efficiency, its difference bootstrapped over mazes
    tokenmaze compare samples_A.jsonl B.eval        files of other programs, paired by their ids
    tokenmaze compare A.csv B.csv --common          only the ids that all files have

Results of this benchmark compare on the same mazes, in the same phrasings and mode, with the same number of samples.
Other files are samples of lm-eval (--log_samples), logs of Inspect (.eval or .json), traces.jsonl of verifiers, and CSV
with the columns id and score; a result may stand beside them. Scores other than 0 and 1, and means over several
samples, get a bootstrap interval and a sign test.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, path_of, run_command
from maze_env._text import harmless
from maze_env.attempt import End
from maze_env.errors import InvalidConfig, lookup
from tokenmaze.benchmarks.comparison import METRICS, check_alike, compare_all, p_text, suite_text
from tokenmaze.benchmarks.figures import SPL
from tokenmaze.benchmarks.present.words import counted, unanswered_of
from tokenmaze.benchmarks.record import Result, check_once, load
from tokenmaze.benchmarks.score_files import is_result, read_scores
from tokenmaze.benchmarks.scores import Scores, common_to, compare_scores
from tokenmaze.benchmarks.stats import PairedDifference, mazes_needed, wilson


class Comparison(NamedTuple):
    """What is shown of the files."""

    heading: str
    """What they have in common."""
    figures: list[str]
    """Of each file, the first one included."""
    differences: list[tuple[PairedDifference, float]]
    """The first minus each of the others, with its p-value corrected."""
    noun: str
    """What is paired."""
    share: bool
    """Whether differences are points."""
    what: str
    """What the one of a pair does that did better."""


def power_note(difference: PairedDifference, points: float, noun: str = "maze") -> str:
    """How many mazes it takes to see such a difference, and one of ``points``, where the share that differs is this."""
    discordant = (difference.first_only + difference.second_only) / difference.mazes
    if not discordant:
        return f"no {noun} tells them apart"
    sizes = sorted({points / 100, *([abs(difference.difference)] if difference.difference else [])}, reverse=True)
    needed = [f"{mazes_needed(size, max(discordant, size)):,} for {100 * size:.1f} points" for size in sizes]
    return f"{noun}s needed to see a difference four times in five: {', '.join(needed)}"


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=called_as("benchmarks.compare"), description=__doc__)
    made.add_argument("first", type=path_of, metavar="A")
    made.add_argument("others", type=path_of, nargs="+", metavar="B")
    made.add_argument(
        "--metric", help="what to compare: of results solved (default) or spl, else a metric of the files"
    )
    made.add_argument("--points", type=float, default=1.0, help="difference for which to tell the mazes needed")
    made.add_argument("--common", action="store_true", help="compare the ids that all files have")
    made.add_argument("--json", action="store_true", help="print the comparison as JSON")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Compares the first file with each of the others."""
    options = parser().parse_args(arguments)
    if not 0 < options.points <= 100:
        raise InvalidConfig(f"Expects --points above 0 and up to 100, actual: {options.points}")
    paths = [options.first, *options.others]
    check_once(paths)
    results = [load(path) for path in paths if is_result(path)]
    for other in results[1:]:
        check_alike(results[0], other)
    if len(results) == len(paths) and not options.common:
        compared = _of_results(results, options.metric or "solved")
    else:
        compared = _of_scores([read_scores(path, options.metric) for path in paths], options.common)
    if options.json:
        print(json.dumps(_as_json(compared, paths), indent=1))
    else:
        _print(compared, options.points)


def _of_results(results: list[Result], metric: str) -> Comparison:
    lookup("--metric of results", metric, METRICS)
    first, *others = results
    compared = compare_all([(first, other) for other in others], metric)
    decodings = len({one.decoding for one in results if one.settings}) > 1
    return Comparison(
        f"{suite_text(first)}, {first.mode} track, {counted(first.samples, 'sample')} a maze",
        [
            f"{_figure(result, metric)}{f', {result.decoding}' * decodings}{unanswered_of([result])}"
            for result in results
        ],
        compared,
        "maze",
        share=True,
        what="solved more often" if metric == "solved" else "higher",
    )


def _figure(result: Result, metric: str) -> str:
    summary = result.summary
    failed = summary.ends.get(End.REQUEST_FAILED, 0)
    told = f" ({failed} of {summary.attempts} attempts without an answer: request failed)" if failed else ""
    agent = harmless(result.called) + told
    if metric == "spl":
        return f"{SPL.title} {SPL.text(summary.spl)}  {agent}"
    low, high = summary.solved_rate_wilson_95
    return f"{summary.solved_rate:6.1%} [{low:.1%}, {high:.1%}]  {agent}"


def _of_scores(given: list[Scores], common: bool) -> Comparison:
    each = common_to(given) if common else given
    compared = compare_scores(each[0], each[1:])
    share, pairs = all(one.is_share for one in each), compared[0][0].mazes
    left_out = [f"{len(one.by_id) - len(each[0].by_id):,} of {_letter(number)}" for number, one in enumerate(given)]
    told = f"; left out: {', '.join(left_out)}" if common else ""
    figures = [_score_figure(one, share, pairs) for one in each]
    what = "solved" if share and all(difference.exact for difference, _ in compared) else "higher"
    return Comparison(f"{counted(pairs, 'id')} in common{told}", figures, compared, "id", share, what)


def _score_figure(scores: Scores, share: bool, pairs: int) -> str:
    mean = sum(scores.by_id.values()) / len(scores.by_id)
    low, high = wilson(mean, pairs) if share else (0.0, 0.0)
    figure = f"{mean:6.1%} [{low:.1%}, {high:.1%}]" if share else f"mean {mean:.4g}"
    several = f", {scores.samples} samples of each" if scores.samples > 1 else ""
    unscored = f", {counted(scores.unscored, 'id')} without a score" if scores.unscored else ""
    return f"{figure}  {scores.metric} of {scores.title} ({scores.kind}{several}{unscored})"


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"file {number + 1}"


def _print(compared: Comparison, points: float) -> None:
    first, *others = map(harmless, compared.figures)
    print(f"{harmless(compared.heading)}\nA: {first}")
    for number, (figure, (difference, p_value)) in enumerate(zip(others, compared.differences, strict=True), start=1):
        letter, (low, high) = _letter(number), difference.interval
        if number > 1:
            print()
        print(f"{letter}: {figure}")
        if compared.share:
            shown = f"{100 * difference.difference:+.1f} points, 95 % interval [{100 * low:+.1f}, {100 * high:+.1f}]"
        else:
            shown = f"{difference.difference:+.4g}, 95 % interval [{low:+.4g}, {high:+.4g}]"
        print(f"A - {letter}: {shown}")
        by_first, by_second = (counted(n, compared.noun) for n in (difference.first_only, difference.second_only))
        print(f"{compared.what} by A: {by_first}, by {letter}: {by_second}")
        several = f"; corrected for {len(others)} comparisons (Holm): {p_text(p_value)}" if len(others) > 1 else ""
        test = "exact McNemar test" if difference.exact else f"exact sign test over {compared.noun}s"
        print(f"{test}, two-sided: {p_text(difference.p_value)}{several}")
        if difference.exact:
            print(power_note(difference, points, compared.noun))


def _as_json(compared: Comparison, paths: Sequence[Path]) -> dict[str, Any]:
    others = [
        {
            "file": str(path),
            "difference": difference.difference,
            "interval_95": difference.interval,
            "interval": "Newcombe" if difference.exact else "percentile bootstrap",
            "test": "exact McNemar" if difference.exact else "exact sign test",
            "p_value": difference.p_value,
            "p_value_holm": p_value,
            "first_only": difference.first_only,
            "second_only": difference.second_only,
            "pairs": difference.mazes,
        }
        for path, (difference, p_value) in zip(paths[1:], compared.differences, strict=True)
    ]
    return {"what": compared.heading, "first": str(paths[0]), "others": others}


if __name__ == "__main__":
    run_command(main)
