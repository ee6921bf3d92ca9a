"""The tables of a page such as ``STUDY.md``, each made from the result files that its marker names.

    python -m benchmarks.study benchmarks/STUDY.md

A marker is a comment in the page; the text between it and the next ``<!-- end -->`` is replaced. File names are
relative to the page's folder.

    <!-- solved: results/settings/*.json against base: GRPO -->   a row for each recipe and stage, over its seeds
    <!-- spl: results/fog/*.json against right-hand -->                 the same of path efficiency
    <!-- levels: results/sizes/*.json -->                               a column for each, a row for each level
    <!-- reasoning: results/styles/*.json -->                           validity and use of the traces
    <!-- symmetry: results/ood/symmetry-*.json -->                      how many answers to images are images
"""

import argparse
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.comparison import METRICS, compare, p_text
from benchmarks.figures import SOLVED, SYMMETRY, TOKENS, TRACE_FIGURES, Figure
from benchmarks.present.markdown import interval_text, markdown_table, range_text, values_of
from benchmarks.record import Result, group_title, groups_of, load, tracks_of
from benchmarks.stats import bootstrap_seeds, holm
from benchmarks.typed_json import InvalidResult
from maze_env._cli import path_of, run_command, write_whole
from maze_env.errors import InvalidOutput, unknown_name

KINDS = "solved|spl|levels|reasoning|symmetry"
MARKER = re.compile(rf"(<!-- ({KINDS}): (\S+(?: \S+\.json)*)(?: against (.+?))? -->\n).*?(<!-- end -->)", re.DOTALL)
Groups = dict[str, list[Result]]


def read(folder: Path, patterns: str) -> Groups:
    """The results that glob ``patterns`` name, by the title of their recipe and stage.

    Raises InvalidResult for a pattern without a file.
    """
    matches = {pattern: sorted(folder.glob(pattern)) for pattern in patterns.split()}
    for pattern, paths in matches.items():
        if not paths:
            raise InvalidResult(f"Expects result files {pattern} in {folder}, actual: none")
    tracks = tracks_of([load(path) for paths in matches.values() for path in paths])
    if len(tracks) > 1:
        raise InvalidResult(f"Expects results of one suite and track in {patterns}, actual: {sorted(tracks)}")
    (results,) = tracks.values()
    return {group_title(group): members for group, members in groups_of(results).items()}


def over_seeds(groups: Groups, against: str | None, metric: str) -> str:
    """A row for each group: mean over its training seeds, each seed, and its difference to ``against``, seed by seed.

    The exact tests of a table are corrected for their number.
    """
    if against is not None and against not in groups:
        raise unknown_name("recipe and stage", against, groups)
    figure, score = METRICS[metric]
    scores = {title: {one.train_seed: np.array(score(one)) for one in members} for title, members in groups.items()}
    header = ["", f"{figure.title}{', %' * (figure.scale == 100)}: mean [95 %]", "each training seed"]
    differences: dict[str, list[str]] = {}
    if against is not None:
        header += [f"minus {against}: mean [95 %]", "each training seed, exact test (Holm)"]
        differences = differences_to(groups, against, metric, scores)
    rows = []
    for title, by_seed in scores.items():
        stacked = np.array(list(by_seed.values()))
        row = [title, _mean(stacked, figure), "; ".join(map(figure.text, stacked.mean(axis=1)))]
        rows.append([*row, *differences.get(title, [""] * (len(header) - len(row)))])
    return markdown_table(header, rows)


def differences_to(
    groups: Groups, against: str, metric: str, scores: dict[str, dict[int | None, NDArray[np.float64]]]
) -> dict[str, list[str]]:
    """For each other group its difference to ``against``: the mean, and each seed with its exact test.

    ``scores``: for each title and training seed, (mazes,) float64.
    """
    pairs = {title: pairs_of(members, groups[against]) for title, members in groups.items() if title != against}
    compared = {title: [compare(*pair, metric) for pair in some] for title, some in pairs.items()}
    figure = METRICS[metric].figure
    corrected = iter(holm([one.p_value for some in compared.values() for one in some]))
    cells = {}
    for title, some in compared.items():
        each = [f"{figure.text(one.difference, '+')}, {p_text(next(corrected))}" for one in some]
        deltas = [scores[title][one.train_seed] - scores[against][other.train_seed] for one, other in pairs[title]]
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
        rates = [values_of(SOLVED, [one.summary.levels[level] for one in members]) for members in groups.values()]
        rows.append([level, *(range_text(SOLVED, some) for some in rates)])
    return markdown_table([f"{first.suite.name}: solved, %", *groups], rows)


def reasoning(groups: Groups) -> str:
    """A row for each group: its tokens a solve and what its traces were worth, as in ``by_level``."""
    tokens = replace(TOKENS, digits=1)
    rows = []
    for title, members in groups.items():
        traced = [one.summary.reasoning for one in members if one.summary.reasoning is not None]
        traces = [range_text(figure, values_of(figure, traced)) for figure in TRACE_FIGURES]
        rows.append([title, range_text(tokens, values_of(tokens, [one.summary for one in members])), *traces])
    return markdown_table(["%, but for tokens", tokens.title, *(figure.title for figure in TRACE_FIGURES)], rows)


def symmetry(groups: Groups) -> str:
    """A row for each group, on suite ``symmetry``; cells as in ``by_level``."""
    figures = (SOLVED, SYMMETRY)
    rows = [
        [title, *(range_text(figure, values_of(figure, [one.summary for one in members])) for figure in figures)]
        for title, members in groups.items()
    ]
    return markdown_table(["%", *(figure.title for figure in figures)], rows)


TABLES = {"levels": by_level, "reasoning": reasoning, "symmetry": symmetry}


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
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study", description="Replaces the tables of a page.")
    parser.add_argument("page", type=path_of, help="Markdown file with markers")
    options = parser.parse_args(arguments)
    if not options.page.is_file():
        raise InvalidOutput(f"Expects an existing page, actual: {options.page}")
    page = options.page.read_text(encoding="utf-8")
    started, complete = len(re.findall(f"<!-- (?:{KINDS}):", page)), len(MARKER.findall(page))
    if not complete or started != complete:
        started_text = f"each of the {started} tables started in {options.page}"
        raise InvalidOutput(f"Expects an end to {started_text}, actual: {complete}")
    write_whole(options.page, filled(page, options.page.parent))


if __name__ == "__main__":
    run_command(main)
