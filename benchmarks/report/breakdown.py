"""Where agents fail: solved rates by length of the shortest path, size and turns; attempts by cause."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from agents.episodes import NOT_A_MOVE, REQUEST_FAILED
from benchmarks.report.charts import Point, Series, line_chart
from benchmarks.report.markup import Markup, data_table, element, joined
from benchmarks.results import solved_shares
from benchmarks.statistics import wilson
from benchmarks.suites import load
from maze_env.judging import Cause
from maze_env.maze import SYMMETRIES, Maze
from maze_env.solving import UNREACHABLE, distances_to, fewest_turns

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

CAUSES: tuple[str, ...] = (*map(str, Cause), NOT_A_MOVE, REQUEST_FAILED)
"""In the order of the bars, ``solved`` first."""


def cause_title(cause: str) -> str:
    """A cause in words."""
    return cause.replace("_", " ")


@lru_cache(maxsize=32)
def values_of(suite: str, name: str) -> tuple[int | None, ...]:
    """A property of each maze of a suite; None where a maze has none."""
    return tuple(map(PROPERTIES[name], load(suite).mazes))


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


def breakdown(suite: str, groups: Sequence[tuple[str, Sequence[dict[str, Any]]]]) -> Markup:
    """A chart and a table for each of ``PROPERTIES`` in which the suite's mazes differ.

    Args:
        groups: title and results of each line; of several results, the mean is drawn. Intervals are Wilson's at the
            number of mazes, as everywhere: however many attempts there are at a maze, it is one trial.
    """
    shares = [
        [sum(some) / len(some) for some in zip(*map(solved_shares, results), strict=True)] for _, results in groups
    ]
    images = len(SYMMETRIES) if load(suite).spec.images else 1
    figures = []
    for name in PROPERTIES:
        bins = bins_of(values_of(suite, name))
        if len(bins) == 1:
            continue
        points = [[_point(x, some, places, images) for x, (_, places) in enumerate(bins)] for some in shares]
        series = [
            Series(title, number, line) for number, ((title, _), line) in enumerate(zip(groups, points, strict=True))
        ]
        labels = [label for label, _ in bins]
        ticks: list[tuple[float, str]] = [(float(x), label) for x, label in enumerate(labels)]
        ticks = ticks if len("  ".join(labels)) <= MOST_LETTERS else ticks[::2]
        chart = line_chart("Solved", series, ticks, "solved", name, most=1.0, percent=True)
        header = ["", *(f"{label} ({len(places)})" for label, (_, places) in zip(labels, bins, strict=True))]
        rows = [[line.name, *(point.note for point in line.points)] for line in series]
        numbers = element(
            "details", element("summary", "numbers"), data_table(list(header), [list(row) for row in rows])
        )
        figures.append(element("figure", element("figcaption", f"Solved, by {name}"), chart, numbers))
    return element("div", *figures, class_="figures")


def _point(x: int, shares: Sequence[float], places: Sequence[int], images: int) -> Point:
    rate = sum(shares[place] for place in places) / len(places)
    low, high = wilson(rate, max(1, len(places) // images))
    note = f"{100 * rate:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
    return Point(x, rate, low, high, note)


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
        failed = attempts - counts.get(Cause.SOLVED, 0)
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
