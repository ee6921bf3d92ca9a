"""Where agents fail: solved rates by length of the shortest path, size, turns and level; how attempts ended."""

from collections.abc import Callable, Sequence

from maze_env.attempt import End
from maze_env.maze import Maze
from maze_env.solving import UNREACHABLE, distances_to, fewest_turns
from maze_env.symmetry import SYMMETRIES
from tokenmaze.benchmarks.figures import SOLVED
from tokenmaze.benchmarks.present.markdown import interval_text
from tokenmaze.benchmarks.record import Result, solved_shares, suite_of
from tokenmaze.benchmarks.report.charts import Point, Series, line_chart, row_chart
from tokenmaze.benchmarks.report.leaderboard import Entry, in_columns
from tokenmaze.benchmarks.report.markup import Markup, data_table, element, joined
from tokenmaze.benchmarks.stats import wilson

MAX_BINS = 14  # up to so many values of a property have a bin each; more are put into ranges
MAX_LETTERS = 50  # that fit under a chart; of longer rows of labels, every second one is written


def path_length(maze: Maze) -> int | None:
    """Moves of the shortest path; None where the target cannot be reached."""
    distance = int(distances_to(maze.walls, maze.target)[maze.origin])
    return None if distance == UNREACHABLE else distance


PROPERTIES: dict[str, Callable[[Maze], int | None]] = {
    "moves of the shortest path": path_length,
    "side of the maze": lambda maze: max(maze.rows, maze.cols),
    "turns of the shortest path": lambda maze: None if path_length(maze) is None else fewest_turns(maze),
}


def bins_of(values: Sequence[int | None]) -> list[tuple[str, list[int]]]:
    """Labels and the indices of ``values`` in each bin, ascending: values or equal ranges; ``None`` is in no bin."""
    distinct = sorted({value for value in values if value is not None})
    first, last = distinct[0], distinct[-1]
    if len(distinct) <= MAX_BINS:
        groups = [(value, value) for value in distinct]
    else:
        width = next(w for w in (2, 5, 10, 20, 50, 100, 200, 500, 1000) if (last - first) // w < MAX_BINS)
        groups = [(low, low + width - 1) for low in range(first - first % width, last + 1, width)]
    labels = [str(low) if low == high else f"{low}-{high}" for low, high in groups]
    members = [
        [i for i, value in enumerate(values) if value is not None and low <= value <= high] for low, high in groups
    ]
    return [(label, some) for label, some in zip(labels, members, strict=True) if some]


def breakdown(groups: Sequence[tuple[str, Sequence[Result]]]) -> Markup:
    """A chart and a table for each of ``PROPERTIES`` in which the suite's mazes differ, and by level.

    Levels are left out where they are lengths of the shortest path and the leaderboard has a column for each.
    ``groups`` are the title and results of each line, all of one track; of several results, the mean is drawn.
    """
    first = groups[0][1][0]
    suite, levels = suite_of(first), first.summary.levels
    images = len(SYMMETRIES) if suite.spec.images else 1
    shares = [[sum(r) / len(r) for r in zip(*map(solved_shares, results), strict=True)] for _, results in groups]
    figures = []
    for name, measure in PROPERTIES.items():
        bins = bins_of([measure(maze) for maze in suite.mazes])
        if len(bins) == 1:
            continue
        rates = [[[some[index] for index in indices] for _, indices in bins] for some in shares]
        series = _series(groups, rates, [max(1, len(indices) // images) for _, indices in bins])
        ticks = [(float(x), label) for x, (label, _) in enumerate(bins)]
        ticks = ticks if len("  ".join(label for label, _ in bins)) <= MAX_LETTERS else ticks[::2]
        chart = line_chart("Solved", series, ticks, name, top=1.0, percent=True)
        figures.append(_figure(name, chart, series, {label: len(indices) for label, indices in bins}))
    if len(levels) > 1 and not (suite.spec.levels and in_columns(levels)):
        name = "phrasing" if len(suite.spec.phrasings) > 1 else "level"
        counts = {level: part.attempts // first.samples for level, part in levels.items()}
        rates = [[[one.summary.levels[level].solved_rate for one in some] for level in levels] for _, some in groups]
        series = _series(groups, rates, [count // images for count in counts.values()])
        figures.append(_figure(name, row_chart(f"Solved by {name}", series, list(levels)), series, counts))
    return element("div", *figures, class_="figures")


def _series(
    groups: Sequence[tuple[str, object]], rates: Sequence[Sequence[Sequence[float]]], trials: Sequence[int]
) -> list[Series]:
    """A line for each group: at each place the mean of its ``rates``, with the interval of so many ``trials``."""
    return [
        Series(title, number, [_point(x, *point) for x, point in enumerate(zip(some, trials, strict=True))])
        for number, ((title, _), some) in enumerate(zip(groups, rates, strict=True))
    ]


def _point(x: int, rates: Sequence[float], trials: int) -> Point:
    rate = sum(rates) / len(rates)
    interval = wilson(rate, trials)
    return Point(x, rate, *interval, interval_text(SOLVED, rate, interval, unit=" %"))


def _figure(name: str, chart: Markup, series: Sequence[Series], counts: dict[str, int]) -> Markup:
    """A chart, and below it its numbers on demand."""
    rows = [[line.name, *(point.note for point in line.points)] for line in series]
    header = ["", *(f"{place} ({count})" for place, count in counts.items())]
    return element("figure", element("figcaption", f"Solved, by {name}"), chart, _numbers(header, rows))


def _numbers(header: Sequence[object], rows: Sequence[Sequence[object]]) -> Markup:
    return element("details", element("summary", "numbers"), data_table(header, rows))


def endings(entries: Sequence[Entry]) -> Markup:
    """How attempts ended: a bar for each result with a part for each end, and the same as a table."""
    ends = [end for end in End if any(end in result.summary.ends for _, _, result in entries)]
    classes = {end: f"end k{number}" for number, end in enumerate(End)}
    bars, rows = [], []
    for number, title, result in entries:
        counts, attempts = result.summary.ends, result.summary.attempts
        parts = []
        for end in (end for end in ends if end in counts):
            label = f"{end.title}: {counts[end]} of {attempts}"
            shown: dict[str, object] = {"class_": classes[end], "style": f"flex-grow:{counts[end]}", "title": label}
            shown |= {"aria_label": f"{title}, {label}; replay", "data_result": number, "data_end": end}
            parts.append(element("a", href="#replay", **shown))
        failed = element("span", f"{attempts - counts.get(End.SOLVED, 0):,} failed", class_="count")
        stack = element("div", *parts, class_="stack")
        bars.append(element("div", element("span", title), stack, failed, class_="row"))
        truncated = {end: f" ({count} truncated)" for end, count in result.summary.truncated.items() if count}
        rows.append([title, *(f"{counts.get(end, 0)}{truncated.get(end, '')}" for end in ends)])
    key = [element("span", element("i", class_=classes[end]), end.title) for end in ends]
    return joined(
        element("p", *key, class_="key"),
        element("label", element("input", type="checkbox", class_="failures-only"), " failures only", class_="switch"),
        element("div", *bars, class_="stacks"),
        _numbers(["", *(end.title for end in ends)], rows),
    )
