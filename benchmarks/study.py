"""The tables of a page such as ``docs/study.md``, each made from the result files that its marker names.

    python -m benchmarks.study docs/study.md

A marker is a comment in the page; the text between it and the next ``<!-- end -->`` is replaced. File names are
relative to the page's folder.

    <!-- solved: RESULTS against base: GRPO -->     a row for each recipe and stage, over its seeds
    <!-- spl: RESULTS against right-hand -->        the same of path efficiency
    <!-- levels: RESULTS -->                        a column for each, a row for each level
    <!-- reasoning: RESULTS -->                     validity and use of the traces
    <!-- symmetry: RESULTS -->                      how many answers to images are images
    <!-- cost: RESULTS -->                          memory, and tokens a second, of one machine

RESULTS are file names with ``*`` and ``?``, such as ``../benchmarks/results/fog/*.json``.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, path_of, read_utf8, run_command, write_whole
from maze_env.errors import InvalidOutput, unknown_name
from tokenmaze.benchmarks.comparison import METRICS, compare_all, mean_over_images, p_text
from tokenmaze.benchmarks.figures import MEMORY, SOLVED, SPEED, SYMMETRY, TOKENS, TRACE_FIGURES, Figure
from tokenmaze.benchmarks.present.markdown import interval_text, markdown_table, mean_text, named
from tokenmaze.benchmarks.present.words import unanswered_of
from tokenmaze.benchmarks.record import Result, group_title, groups_of, load_each, suite_title, tracks_of
from tokenmaze.benchmarks.stats import bootstrap_seeds
from tokenmaze.benchmarks.typed_json import InvalidResult

KINDS = "solved|spl|levels|reasoning|symmetry|cost"
MARKER = re.compile(rf"(<!-- ({KINDS}): (\S+(?: \S+\.json)*)(?: against (.+?))? -->\n).*?(<!-- end -->)", re.DOTALL)
Groups = dict[str, list[Result]]
Scores = dict[str, dict[int | None, NDArray[np.float64]]]
"""For each title and training seed, (mazes,)."""


def read(folder: Path, patterns: str) -> Groups:
    """The results that glob ``patterns``, each with a file, name, by the title of their recipe and stage."""
    matches = {pattern: sorted(folder.glob(pattern)) for pattern in patterns.split()}
    for pattern, paths in matches.items():
        if not paths:
            raise InvalidResult(f"Expects result files {pattern} in {folder}, actual: none")
    tracks = tracks_of(load_each([path for paths in matches.values() for path in paths]))
    if len(tracks) > 1:
        raise InvalidResult(f"Expects results of one suite and track in {patterns}, actual: {sorted(tracks)}")
    (results,) = tracks.values()
    return {group_title(group): members for group, members in groups_of(results).items()}


def over_seeds(groups: Groups, against: str | None, metric: str) -> str:
    """A row for each group: mean over its training seeds, each seed, and the same of its difference to ``against``."""
    if against is not None and against not in groups:
        raise unknown_name("recipe and stage", against, groups)
    figure, score = METRICS[metric]
    scores = {
        title: {one.train_seed: np.array(mean_over_images(score(one), one.suite.name)) for one in members}
        for title, members in groups.items()
    }
    header = ["", f"{figure.title}{', %' * (figure.scale == 100)}: mean [95 %]", "each training seed"]
    differences = {}
    if against is not None:
        header += [f"minus {named(against)}: mean [95 %]", "each training seed, exact test (Holm)"]
        differences = differences_to(groups, against, metric, scores)
    rows = []
    for title, by_seed in scores.items():
        stacked = np.array(list(by_seed.values()))
        row = [
            named(title) + unanswered_of(groups[title]),
            _mean(stacked, figure),
            "; ".join(map(figure.text, stacked.mean(axis=1))),
        ]
        rows.append([*row, *differences.get(title, [""] * (len(header) - len(row)))])
    return markdown_table(header, rows)


def differences_to(groups: Groups, against: str, metric: str, scores: Scores) -> dict[str, list[str]]:
    """For each other group its difference to ``against``: the mean, and each seed with its exact test, corrected."""
    pairs = {title: pairs_of(members, groups[against]) for title, members in groups.items() if title != against}
    compared = iter(compare_all([pair for some in pairs.values() for pair in some], metric))
    figure = METRICS[metric].figure
    cells = {}
    for title, some in pairs.items():
        each = [f"{figure.text(one.difference, '+')}, {p_text(p)}" for one, p in islice(compared, len(some))]
        deltas = [scores[title][one.train_seed] - scores[against][other.train_seed] for one, other in some]
        mean = _mean(np.array(deltas), figure, "+") if each else "no seed in common"
        cells[title] = [mean, "; ".join(each)]
    return cells


def pairs_of(results: Sequence[Result], others: Sequence[Result]) -> list[tuple[Result, Result]]:
    """Each result and what it is compared with: that of its training seed, or that of a baseline, which has none."""
    by_seed = {other.train_seed: other for other in others}
    pairs = [(result, by_seed.get(result.train_seed, by_seed.get(None))) for result in results]
    return [(result, other) for result, other in pairs if other is not None]


def _mean(scores: NDArray[np.float64], figure: Figure, sign: str = "") -> str:
    """The mean of (seeds, mazes) scores, and its interval."""
    return interval_text(figure, scores.mean(), bootstrap_seeds(scores), sign)


def by_level(groups: Groups) -> str:
    """A row for each level and a column for each group: solved, mean over the training seeds (minimum-maximum)."""
    first = next(iter(groups.values()))[0]
    rows = []
    for level in first.summary.levels:
        each = [[one.summary.levels[level] for one in members] for members in groups.values()]
        rows.append([named(level), *(mean_text(SOLVED, scores, bounds=True) for scores in each)])
    titles = [named(title) + unanswered_of(members) for title, members in groups.items()]
    return markdown_table([f"{named(suite_title(first.suite.name))}: solved, %", *titles], rows)


def by_figure(groups: Groups, unit: str, of_run: Sequence[Figure], of_traces: Sequence[Figure] = ()) -> str:
    """A row for each group and a column for each figure of its runs and of their traces; cells as in ``by_level``."""
    rows = []
    for title, members in groups.items():
        runs = [one.summary for one in members]
        traced = [run.reasoning for run in runs if run.reasoning is not None]
        cells = [mean_text(figure, runs, bounds=True) for figure in of_run]
        rows.append(
            [
                named(title) + unanswered_of(members),
                *cells,
                *(mean_text(figure, traced, bounds=True) for figure in of_traces),
            ]
        )
    return markdown_table([unit, *(figure.title for figure in (*of_run, *of_traces))], rows)


def by_cost(groups: Groups) -> str:
    """A row for each group: solved, tokens a second and memory; cells as in ``by_level``."""
    rows = []
    for title, members in groups.items():
        cells = [
            mean_text(SOLVED, [one.summary for one in members], bounds=True),
            mean_text(SPEED, members, bounds=True),
            mean_text(MEMORY, [one.provenance for one in members], bounds=True),
        ]
        rows.append([named(title), *cells])
    return markdown_table(["", f"{SOLVED.title}, %", SPEED.title, f"{MEMORY.title}, GiB"], rows)


MEAN_TOKENS = replace(TOKENS, digits=1)
TABLES: dict[str, Callable[[Groups], str]] = {
    "levels": by_level,
    "reasoning": partial(by_figure, unit="%, but for tokens", of_run=[MEAN_TOKENS], of_traces=TRACE_FIGURES),
    "symmetry": partial(by_figure, unit="%", of_run=[SOLVED, SYMMETRY]),
    "cost": by_cost,
}


def filled(page: str, folder: Path) -> str:
    """``page`` with every table replaced."""

    def table(marker: re.Match[str]) -> str:
        head, kind, patterns, against, end = marker.groups()
        groups = read(folder, patterns)
        text = over_seeds(groups, against, kind) if kind in METRICS else TABLES[kind](groups)
        return f"{head}{text}\n{end}"

    return MARKER.sub(table, page)


def main(arguments: Sequence[str] | None = None) -> None:
    """Replaces the tables of a page."""
    parser = ArgumentParser(prog=called_as("benchmarks.study"), description="Replaces the tables of a page.")
    parser.add_argument("page", type=path_of, help="Markdown file with markers")
    options = parser.parse_args(arguments)
    page = read_utf8(options.page)
    started, complete = len(re.findall(f"<!-- (?:{KINDS}):", page)), len(MARKER.findall(page))
    if not complete or started != complete:
        tables = f"{started} tables started in {options.page}"
        raise InvalidOutput(f"Expects an end to each of the {tables}, actual: {complete}")
    write_whole(options.page, filled(page, options.page.parent))


if __name__ == "__main__":
    run_command(main)
