"""The tables of a page such as ``STUDY.md``, each made from the result files that its marker names.

    python -m benchmarks.study benchmarks/STUDY.md

A marker is a comment in the page; what stands between it and the next ``<!-- end -->`` is replaced. File names are
taken from the page's folder.

    <!-- seeds: results/settings/*.json against base: GRPO -->    a row for each recipe and stage, over its seeds
    <!-- spl: results/fog/*.json against right-hand -->                 the same of path efficiency
    <!-- levels: results/sizes/*.json -->                               a column for each, a row for each level
    <!-- reasoning: results/styles/*.json -->                           what the traces were worth
    <!-- symmetry: results/ood/symmetry-*.json -->                      how many answers to images are images
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.compare import compare, p_text
from benchmarks.results import InvalidResult, load_result, path_scores, solved_shares
from benchmarks.stats import bootstrap_seeds, holm
from benchmarks.table import Result, group_title, groups_of, markdown, tracks_of
from maze_env._cli import run_command, write_whole
from maze_env.errors import InvalidOutput, unknown_name

KINDS = "seeds|spl|levels|reasoning|symmetry"
MARKER = re.compile(rf"(<!-- ({KINDS}): (\S+(?: \S+\.json)*)(?: against (.+?))? -->\n).*?(<!-- end -->)", re.DOTALL)
METRICS = {"seeds": solved_shares, "spl": path_scores}
COMPARED = {"seeds": "solved", "spl": "spl"}
"""The metric of ``benchmarks.compare`` that each kind of table tests."""

Groups = dict[str, list[Result]]


def read(folder: Path, patterns: str) -> Groups:
    """The results that glob ``patterns`` name, by the title of their recipe and stage.

    Raises:
        InvalidResult: for a pattern without a file, or results that do not compare.
    """
    paths = []
    for pattern in patterns.split():
        found = sorted(folder.glob(pattern))
        if not found:
            raise InvalidResult(f"Expects result files {pattern} in {folder}, actual: none")
        paths += found
    tracks = tracks_of([load_result(path) for path in paths])
    if len(tracks) > 1:
        raise InvalidResult(f"Expects results of one suite and track in {patterns}, actual: {sorted(tracks)}")
    (results,) = tracks.values()
    return {group_title(group): some for group, some in groups_of(results).items()}


def over_seeds(groups: Groups, against: str | None, metric: str) -> str:
    """A row for each group: mean over its training seeds, each seed, and what it leads ``against`` by, seed by seed.

    The exact tests of a table are corrected for their number.
    """
    if against is not None and against not in groups:
        raise unknown_name("recipe and stage", against, groups)
    unit = 100 if metric == "seeds" else 1
    what = "solved, %" if metric == "seeds" else "SPL"
    header = ["", f"{what}: mean [95 %]", "each training seed"]
    if against is not None:
        header += [f"minus {against}: mean [95 %]", "each training seed, exact test (Holm)"]
    leads = leads_over(groups, against, metric, unit) if against is not None else {}
    rows = []
    for title, results in groups.items():
        scores = np.array([METRICS[metric](result) for result in results])
        row = [title, _mean(scores, unit), "; ".join(f"{unit * one:.{_digits(unit)}f}" for one in scores.mean(axis=1))]
        rows.append([*row, *leads.get(title, [""] * (len(header) - len(row)))])
    return markdown(header, rows)


def leads_over(groups: Groups, against: str, metric: str, unit: int) -> dict[str, list[str]]:
    """For each other group what it leads ``against`` by: the mean, and each seed with its exact test."""
    pairs = {title: pairs_of(results, groups[against]) for title, results in groups.items() if title != against}
    found = {title: [compare(*pair, COMPARED[metric]) for pair in some] for title, some in pairs.items()}
    corrected = iter(holm([one.p_value for some in found.values() for one in some]))
    leads = {}
    for title, some in found.items():
        each = [f"{unit * one.difference:+.{_digits(unit)}f}, {p_text(next(corrected))}" for one in some]
        mean = _mean(_differences(pairs[title], metric), unit, sign="+") if each else "no seed in common"
        leads[title] = [mean, "; ".join(each)]
    return leads


def pairs_of(results: Sequence[Result], others: Sequence[Result]) -> list[tuple[Result, Result]]:
    """Each result and what it is compared with: that of its training seed, or that of a baseline, which has none."""
    of_seed = {other["train_seed"]: other for other in others}
    alike = [(result, of_seed.get(result["train_seed"], of_seed.get(None))) for result in results]
    return [(result, other) for result, other in alike if other is not None]


def _differences(pairs: Sequence[tuple[Result, Result]], metric: str) -> NDArray[np.float64]:
    score = METRICS[metric]
    return np.array([np.array(score(one)) - np.array(score(other)) for one, other in pairs])


def _mean(scores: NDArray[np.float64], unit: int, sign: str = "") -> str:
    low, high = bootstrap_seeds(scores)
    form = f"{sign}.{_digits(unit)}f"
    return f"{unit * scores.mean():{form}} [{unit * low:{form}}, {unit * high:{form}}]"


def _digits(unit: int) -> int:
    return 1 if unit == 100 else 3


def by_level(groups: Groups) -> str:
    """A row for each level and a column for each group: solved, mean over the training seeds (least-greatest)."""
    first = next(iter(groups.values()))[0]
    rows = []
    for level in first["summary"]["levels"]:
        parts = [[one["summary"]["levels"][level]["solved_rate"] for one in results] for results in groups.values()]
        rows.append([level, *map(_spread, parts)])
    return markdown([f"{first['suite']['name']}: solved, %", *groups], rows)


REASONING = {
    "trace true": "valid",
    "answer follows": "follows",
    "right in spite": "in_spite",
    "a wrong turn": "wrong_turn",
    "turned back from": "noticed",
    "repaired": "repaired",
}
"""Columns on the traces, and the figures of ``reasoning.reasoning_figures`` in them."""


def reasoning(groups: Groups) -> str:
    """A row for each group: its tokens a solve and what its traces were worth, mean over the seeds (least-greatest)."""
    rows = []
    for title, results in groups.items():
        summaries = [one["summary"] for one in results]
        tokens = [one["tokens_per_solve"] for one in summaries if one["tokens_per_solve"] is not None]
        figures = [one["reasoning"] or {} for one in summaries]
        told = [[one[key] for one in figures if one.get(key) is not None] for key in REASONING.values()]
        rows.append([title, _spread(tokens, 1), *map(_spread, told)])
    return markdown(["%, but for tokens", "tokens a solve", *REASONING], rows)


def symmetry(groups: Groups) -> str:
    """A row for each group, on suite ``symmetry``: mean over the training seeds (least-greatest)."""
    rows = []
    for title, results in groups.items():
        summaries = [one["summary"] for one in results]
        told = [[one[key] for one in summaries] for key in ("solved_rate", "symmetry_consistency")]
        rows.append([title, *map(_spread, told)])
    return markdown(["%", "solved", "answers to images that are the image of the answer"], rows)


TABLES = {"levels": by_level, "reasoning": reasoning, "symmetry": symmetry}


def _spread(values: Sequence[float], unit: int = 100) -> str:
    if not values:
        return "-"
    return f"{unit * np.mean(values):.1f} ({unit * min(values):.1f}-{unit * max(values):.1f})"


def filled(page: str, folder: Path) -> str:
    """``page`` with every table made anew."""

    def table(marker: re.Match[str]) -> str:
        head, kind, patterns, against, end = marker.groups()
        groups = read(folder, patterns)
        if kind in METRICS:
            return f"{head}{over_seeds(groups, against, kind)}\n{end}"
        return f"{head}{TABLES[kind](groups)}\n{end}"

    return MARKER.sub(table, page)


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes the tables of a page anew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study", description="Makes a page's tables anew.")
    parser.add_argument("page", type=Path, help="Markdown file with markers")
    options = parser.parse_args(arguments)
    if not options.page.is_file():
        raise InvalidOutput(f"Expects an existing page, actual: {options.page}")
    page = options.page.read_text(encoding="utf-8")
    begun, complete = len(re.findall(f"<!-- (?:{KINDS}):", page)), len(MARKER.findall(page))
    if not complete or begun != complete:
        raise InvalidOutput(f"Expects an end to each of the {begun} tables begun in {options.page}, actual: {complete}")
    write_whole(options.page, filled(page, options.page.parent))


if __name__ == "__main__":
    run_command(main)
