"""The leaderboard of a track: agents by solved rate, then the baselines, then what was published."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from benchmarks.figures import LEGAL, SOLVED, SPL, TOKENS, TRACE_FIGURES, Baseline, Figure, Summary
from benchmarks.present.published import ARXIV, MAZES, Published, published_rows
from benchmarks.record import Result
from benchmarks.report.markup import Markup, data_table, element, joined, scrolling
from benchmarks.stats import Interval

BAR, BAR_HEIGHT = 140, 14
MAX_LETTERS, COLUMN_GAP = 36, 3  # of the levels' columns, gaps included, before the table is too wide for the page


class Entry(NamedTuple):
    """A result on the page."""

    number: int
    """By which links and the replay find it."""
    title: str
    """Unique within its track."""
    result: Result
    """What was measured."""


def in_columns(levels: Collection[str]) -> bool:
    """Whether the table has a column for each level; if not, the chart by level has them (breakdown.py)."""
    return sum(len(level) + COLUMN_GAP for level in levels) <= MAX_LETTERS


def leaderboard(entries: Sequence[Entry]) -> Markup:
    """The table of one track, its rows in the order of ``entries``."""
    first = entries[0].result
    levels = list(first.summary.levels) if in_columns(first.summary.levels) else []
    titles = [("agent", ""), (SOLVED.title, SOLVED.explanation), *((level, "") for level in ("95 % interval", *levels))]
    titles += [*((figure.title, figure.explanation) for figure in (LEGAL, SPL, TOKENS)), ("", "")]
    buttons = [element("button", title, type="button", title=note or None) if title else None for title, note in titles]
    head = element("thead", element("tr", *(element("th", button, scope="col") for button in buttons)))
    rows = [_row(_name(title, result), result.summary, levels, number) for number, title, result in entries]
    others = [_row(element("span", f"{name} agent"), row, levels) for name, row in first.baselines.items()]
    others += [_published_row(row, levels) for row in published_rows(first.track, first.summary.levels)]
    body = [element("tbody", *rows), element("tbody", *others, class_="references")]
    return scrolling(element("table", head, *body, class_="leaderboard sortable"))


def reasoning(entries: Sequence[Entry]) -> Markup | None:
    """The figures of the traces; ``None`` where no result has any."""
    rows = [
        [
            title,
            ", ".join(f"{style} {one.completions}" for style, one in figures.by_style.items()),
            *(figure.text(figure.of(figures)) for figure in TRACE_FIGURES),
        ]
        for _, title, result in entries
        if (figures := result.summary.reasoning) is not None
    ]
    if not rows:
        return None
    explained = "; ".join(f"{figure.title}: {figure.explanation}" for figure in TRACE_FIGURES)
    note = f"In percent of the completions that reason in a known style. {explained}."
    header = ["", "styles", *(figure.title for figure in TRACE_FIGURES)]
    return joined(element("h3", "Reasoning"), element("p", note, class_="note"), data_table(header, rows))


def _name(title: str, result: Result) -> Markup:
    agent = result.agent
    return joined(element("strong", title), None if agent == title else element("small", agent, title=agent))


def _row(name: Markup, summary: Summary | Baseline, levels: Sequence[str], number: int | None = None) -> Markup:
    link = element("a", "replay", href="#replay", data_result=number) if number is not None else None
    cells = [
        *_rate_cells(summary.solved_rate, summary.solved_rate_wilson_95),
        *(_cell(SOLVED, SOLVED.of(summary.levels[level])) for level in levels),
        *(_cell(figure, figure.of(summary)) for figure in (LEGAL, SPL, TOKENS)),
    ]
    return element("tr", element("th", name, scope="row"), *cells, element("td", link))


def _published_row(row: Published, levels: Sequence[str]) -> Markup:
    link = element("a", f"arXiv {ARXIV}", href=f"https://arxiv.org/abs/{ARXIV}")
    note = element("small", "published, not re-run: ", link, f", n = {MAZES}")
    name = joined(element("span", "AlphaMaze: ", row.stage), note)
    cells = _rate_cells(row.solved_rate, row.interval)
    cells += [_cell(SOLVED, row.by_level[i] if row.by_level else None) for i in range(len(levels))]
    cells += [_cell(figure, None) for figure in (LEGAL, SPL, TOKENS)]
    return element("tr", element("th", name, scope="row"), *cells, element("td"), class_="published")


def _cell(figure: Figure, value: float | None) -> Markup:
    """A cell that is sorted by its value."""
    return element("td", figure.text(value), data_value="" if value is None else value)


def _rate_cells(rate: float, interval: Interval) -> list[Markup]:
    text = element("small", " to ".join(map(SOLVED.text, interval)))
    return [
        element("td", element("b", f"{SOLVED.text(rate)} %"), data_value=rate),
        element("td", element("div", interval_bar(rate, *interval), text, class_="interval"), data_value=interval[0]),
    ]


def interval_bar(rate: float, low: float, high: float) -> Markup:
    """A rate as a tick and its interval as a bar, on a line from 0 to 1."""
    middle = BAR_HEIGHT / 2
    left, right, at = (round(4 + (BAR - 8) * share, 1) for share in (low, high, rate))
    parts = [
        element("line", x1=4, x2=BAR - 4, y1=middle, y2=middle, class_="rail"),
        element("rect", x=left, y=middle - 3, width=max(round(right - left, 1), 1), height=6, rx=2, class_="span"),
        element("line", x1=at, x2=at, y1=1, y2=BAR_HEIGHT - 1, class_="rate"),
    ]
    return element("svg", *parts, viewBox=f"0 0 {BAR} {BAR_HEIGHT}", class_="bar", aria_hidden="true")
