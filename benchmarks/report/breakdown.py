"""Where agents fail: solved rates by length of the shortest path, size, turns and level; attempts by cause."""

from collections.abc import Callable, Sequence
from typing import Any

from agents.rollout import NOT_A_MOVE, REQUEST_FAILED
from benchmarks.report.charts import Point, Series, line_chart, row_chart
from benchmarks.report.leaderboard import in_columns
from benchmarks.report.markup import Markup, data_table, element, joined
from benchmarks.results import solved_shares, suite_of
from benchmarks.stats import wilson
from maze_env.attempt import End
from maze_env.maze import Maze
from maze_env.solving import UNREACHABLE, distances_to, fewest_turns
from maze_env.symmetry import SYMMETRIES

MOST_BINS = 14
"""Values of a property that are told apart one by one; of more, ranges are made."""

MOST_LETTERS = 50
"""That fit under a chart; of longer rows of labels, every second one is written."""


def moves_of_way(maze: Maze) -> int | None:
    """The length of the shortest path; None where there is no way."""
    distance = int(distances_to(maze.walls, maze.target)[maze.origin])
    return None if distance == UNREACHABLE else distance


def turns_of_way(maze: Maze) -> int | None:
    """Its turns; None where there is no way."""
    return None if moves_of_way(maze) is None else fewest_turns(maze)


PROPERTIES: dict[str, Callable[[Maze], int | None]] = {
    "moves of the shortest path": moves_of_way,
    "side of the maze": lambda maze: max(maze.rows, maze.cols),
    "turns of the shortest path": turns_of_way,
}

CAUSES: tuple[str, ...] = (*map(str, End), NOT_A_MOVE, REQUEST_FAILED)
"""In the order of the bars, ``solved`` first."""


def cause_title(cause: str) -> str:
    """A cause in words."""
    return cause.replace("_", " ")


def bins_of(values: Sequence[int | None]) -> list[tuple[str, list[int]]]:
    """Labels and the places in ``values`` that belong to them, ascending: single values, or ranges of equal width.

    What has no value is in none of them.
    """
    distinct = sorted({value for value in values if value is not None})
    least, most = distinct[0], distinct[-1]
    if len(distinct) <= MOST_BINS:
        groups = [(value, value) for value in distinct]
    else:
        width = next(w for w in (2, 5, 10, 20, 50, 100, 200, 500, 1000) if (most - least) // w < MOST_BINS)
        groups = [(low, low + width - 1) for low in range(least - least % width, most + 1, width)]
    labelled = (
        (
            str(low) if low == high else f"{low}-{high}",
            [i for i, value in enumerate(values) if value is not None and low <= value <= high],
        )
        for low, high in groups
    )
    return [(label, places) for label, places in labelled if places]


def breakdown(groups: Sequence[tuple[str, Sequence[dict[str, Any]]]]) -> Markup:
    """A chart and a table for each of ``PROPERTIES`` in which the suite's mazes differ, and by level.

    Levels are left out where they are lengths of the shortest path and the leaderboard has a column for each.

    Args:
        groups: title and results of each line, all of one track; of several results, the mean is drawn. Intervals are
            Wilson's at the number of mazes, as everywhere: however many attempts there are at a maze, it is one trial.
    """
    first = groups[0][1][0]
    suite, levels = suite_of(first), first["summary"]["levels"]
    images = len(SYMMETRIES) if suite.spec.images else 1
    shares = [
        [sum(some) / len(some) for some in zip(*map(solved_shares, results), strict=True)] for _, results in groups
    ]
    figures = []
    for name, measure in PROPERTIES.items():
        bins = bins_of([measure(maze) for maze in suite.mazes])
        if len(bins) == 1:
            continue
        trials = {label: max(1, len(places) // images) for label, places in bins}
        rates = [[[some[place] for place in places] for _, places in bins] for some in shares]
        series = _series(groups, rates, list(trials.values()))
        ticks: list[tuple[float, str]] = [(float(x), label) for x, label in enumerate(trials)]
        ticks = ticks if len("  ".join(trials)) <= MOST_LETTERS else ticks[::2]
        chart = line_chart("Solved", series, ticks, "solved", name, most=1.0, percent=True)
        figures.append(_figure(name, chart, series, [f"{label} ({len(places)})" for label, places in bins]))
    if len(levels) > 1 and not (suite.spec.levels and in_columns(levels)):
        name = "phrasing" if len(suite.spec.phrasings) > 1 else "level"
        counts = {level: part["attempts"] // first["samples"] for level, part in levels.items()}
        rates = [
            [[one["summary"]["levels"][level]["solved_rate"] for one in results] for level in levels]
            for _, results in groups
        ]
        series = _series(groups, rates, [count // images for count in counts.values()])
        chart = row_chart(f"Solved by {name}", series, list(levels))
        figures.append(_figure(name, chart, series, [f"{level} ({count})" for level, count in counts.items()]))
    return element("div", *figures, class_="figures")


def _series(
    groups: Sequence[tuple[str, object]], rates: Sequence[Sequence[Sequence[float]]], trials: Sequence[int]
) -> list[Series]:
    """A line for each group, with the mean of its ``rates`` at each place, of which there are so many ``trials``."""
    return [
        Series(title, number, [_point(x, *place) for x, place in enumerate(zip(some, trials, strict=True))])
        for number, ((title, _), some) in enumerate(zip(groups, rates, strict=True))
    ]


def _point(x: int, rates: Sequence[float], trials: int) -> Point:
    rate = sum(rates) / len(rates)
    low, high = wilson(rate, trials)
    note = f"{100 * rate:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
    return Point(x, rate, low, high, note)


def _figure(name: str, chart: Markup, series: Sequence[Series], places: Sequence[str]) -> Markup:
    """A chart, and below it its numbers on demand."""
    rows: list[list[object]] = [[line.name, *(point.note for point in line.points)] for line in series]
    numbers = element("details", element("summary", "numbers"), data_table(["", *places], rows))
    return element("figure", element("figcaption", f"Solved, by {name}"), chart, numbers)


def failures(results: Sequence[tuple[int, str, dict[str, Any]]]) -> Markup:
    """How attempts ended: a bar for each result, of a part for each cause, and the same as a table.

    Args:
        results: number on the page, title and the result itself.
    """
    found = {cause for _, _, one in results for cause in one["summary"]["causes"]}
    causes = [*(cause for cause in CAUSES if cause in found), *sorted(found - set(CAUSES))]
    bars = []
    for number, title, one in results:
        counts, attempts = one["summary"]["causes"], one["summary"]["attempts"]
        parts = [
            element(
                "a",
                href="#replay",
                class_=cause_class(cause),
                style=f"flex-grow:{counts[cause]}",
                title=f"{cause_title(cause)}: {counts[cause]} of {attempts}",
                aria_label=f"{title}, {cause_title(cause)}: {counts[cause]} of {attempts}; replay",
                data_result=number,
                data_cause=cause,
            )
            for cause in causes
            if cause in counts
        ]
        failed = attempts - counts.get(End.SOLVED, 0)
        bars.append(
            element(
                "div",
                element("span", title),
                element("div", *parts, class_="stack"),
                element("span", f"{failed:,} failed", class_="count"),
                class_="row",
            )
        )
    key = [element("span", element("i", class_=cause_class(cause)), cause_title(cause)) for cause in causes]
    header: list[object] = ["", *map(cause_title, causes)]
    rows: list[list[object]] = [
        [title, *(_counted(one["summary"], cause) for cause in causes)] for _, title, one in results
    ]
    return joined(
        element("p", *key, class_="key"),
        element("label", element("input", type="checkbox", class_="alone"), " failures alone", class_="switch"),
        element("div", *bars, class_="stacks"),
        element("details", element("summary", "numbers"), data_table(header, rows)),
    )


def cause_class(cause: str) -> str:
    """The style sheet's class of a cause."""
    return f"cause k{CAUSES.index(cause)}" if cause in CAUSES else "cause"


def _counted(summary: dict[str, Any], cause: str) -> str:
    count, cut = summary["causes"].get(cause, 0), summary["truncations"].get(cause, 0)
    return f"{count} ({cut} cut short)" if cut else f"{count}"
