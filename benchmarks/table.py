"""The tables of README and documentation, made from stored results.

    python -m benchmarks.table benchmarks/results/main/*.json                               prints it
    python -m benchmarks.table benchmarks/results/main/*.json --readme docs/results.md      puts it between its markers
    python -m benchmarks.table benchmarks/results/main/*.json --short --readme README.md    without each seed, and tests

A part for each suite and track. Results of one recipe and stage are one row, whatever the number of training seeds.
"""

from collections.abc import Sequence

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, path_of, run_command
from tokenmaze.benchmarks.comparison import compare_all, p_text
from tokenmaze.benchmarks.figures import LEGAL, SOLVED, SPL, TOKENS, Baseline, Summary
from tokenmaze.benchmarks.present.markdown import code, interval_text, markdown_table, mean_text, named, publish
from tokenmaze.benchmarks.present.published import Published, published_rows
from tokenmaze.benchmarks.present.words import counted, unanswered_of
from tokenmaze.benchmarks.record import (
    STAGES,
    TITLE,
    Group,
    Result,
    Track,
    group_title,
    groups_of,
    load_each,
    suite_title,
    tracks_of,
)

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
DIFFERENCES = "paired difference in points [95 %], exact McNemar, Holm-corrected over the table"
CONTRASTS = (("grpo", "sft"), ("grpo", "sft-continued"), ("sft-continued", "sft"))
"""Pairs of stages that are compared, later minus earlier."""


def table(results: Sequence[Result], short: bool = False) -> str:
    """The Markdown of all results; those that do not compare (``Track``) are in tables of their own.

    Args:
        results: what is shown.
        short: leaves out what each training seed solved, and the paired differences.
    """
    return "\n\n".join(_track_table(track, members, short) for track, members in tracks_of(results).items())


def _track_table(track: Track, results: Sequence[Result], short: bool) -> str:
    """The rows of one track, and the paired differences below them."""
    groups, first = groups_of(results), results[0]
    levels = list(first.summary.levels)
    figures = [figure.title for figure in (LEGAL, SPL, TOKENS)]
    header = ["", SOLVED.title, "each training seed [95 % Wilson]", " / ".join(map(named, levels)), *figures]
    rows = []
    for group, members in groups.items():
        title = named(group_title(group)) if group[1] else code(group_title(group))
        rows.append(_row(title + unanswered_of(members), [(one.train_seed, one.summary) for one in members], levels))
    rows += [_row(f"{named(name)} agent", [(None, baseline)], levels) for name, baseline in first.baselines.items()]
    rows += map(_published_row, published_rows(track, levels))
    about = ", ".join([counted(first.suite.mazes, "maze"), *map(named, track.conditions)])
    title = f"**{TITLE}, {named(suite_title(track.suite))}** ({about})"
    if short:
        return f"{title}\n\n{markdown_table(*_shortened(header, rows))}"
    parts = [title, markdown_table(header, rows)]
    if differences := _differences(groups):
        parts.append(markdown_table([DIFFERENCES, "each training seed"], differences))
    return "\n\n".join(parts)


def _shortened(header: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """A table without its column of seeds; a figure of one run alone takes its interval from there."""
    cells = [[title, mean if "; " in each else each.rpartition(": ")[2], *rest] for title, mean, each, *rest in rows]
    return [header[0], f"{header[1]} (range over seeds) or [95 % Wilson]", *header[3:]], cells


def _row(title: str, runs: Sequence[tuple[int | None, Summary | Baseline]], levels: Sequence[str]) -> list[str]:
    summaries = [one for _, one in runs]
    each = [
        ("" if seed is None else f"{seed}: ") + interval_text(SOLVED, one.solved_rate, one.solved_rate_wilson_95)
        for seed, one in runs
    ]
    by_level = [mean_text(SOLVED, [one.levels[level] for one in summaries]) for level in levels]
    solved = mean_text(SOLVED, summaries, bounds=len(runs) > 1)
    figures = [mean_text(figure, summaries) for figure in (LEGAL, SPL, TOKENS)]
    return [title, solved, "; ".join(each), " / ".join(by_level), *figures]


def _published_row(row: Published) -> list[str]:
    title = f"*paper: {row.stage} (as published, not re-run)*"
    by_level = " / ".join(map(SOLVED.text, row.by_level)) if row.by_level else "-"
    interval = interval_text(SOLVED, row.solved_rate, row.interval)
    return [title, SOLVED.text(row.solved_rate), interval, by_level, "-", "-", "-"]


def _differences(groups: dict[Group, list[Result]]) -> list[list[str]]:
    """A row for each of ``CONTRASTS`` that the results allow: same recipe, same training seed."""
    pairs: dict[tuple[str, int | None], tuple[Result, Result]] = {}
    by_seed = {group: {one.train_seed: one for one in members} for group, members in groups.items()}
    for recipe in dict.fromkeys(recipe for recipe, stage in groups if stage):
        for later, earlier in CONTRASTS:
            first, second = by_seed.get((recipe, later), {}), by_seed.get((recipe, earlier), {})
            title = f"{recipe}: {STAGES[later]} minus {STAGES[earlier]}"
            pairs |= {(title, seed): (first[seed], second[seed]) for seed in first if seed in second}
    rows: dict[str, list[str]] = {}
    for (title, seed), (one, p_value) in zip(pairs, compare_all(pairs.values()), strict=True):
        cell = f"{seed}: {interval_text(SOLVED, one.difference, one.interval, '+')}, {p_text(p_value)}"
        rows.setdefault(named(title), []).append(cell)
    return [[title, "; ".join(cells)] for title, cells in rows.items()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table, or puts it into a page."""
    parser = ArgumentParser(prog=called_as("benchmarks.table"), description="The table of stored results.")
    parser.add_argument("results", type=path_of, nargs="+", metavar="RESULT.json")
    parser.add_argument("--readme", type=path_of, help=f"file in which to replace what is between {BEGIN} and {END}")
    parser.add_argument("--short", action="store_true", help="leave out each training seed and the differences")
    options = parser.parse_args(arguments)
    publish(table(load_each(options.results), options.short), options.readme, BEGIN, END)


if __name__ == "__main__":
    run_command(main)
