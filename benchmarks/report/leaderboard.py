"""The leaderboard of a track: agents by solved rate, then the baselines, then what was published."""

from collections.abc import Collection, Sequence
from typing import Any

from benchmarks.mazebench import BASELINE_ROWS
from benchmarks.report.markup import Markup, data_table, element, joined, scrolling
from benchmarks.stats import wilson
from benchmarks.table import PAPER_MAZES, PAPER_ROWS, is_papers_track

PAPER = "https://arxiv.org/abs/2502.14669"
REASONING_TITLES = {
    "valid": "True",
    "follows": "Answer follows",
    "in_spite": "Solved in spite",
    "wrong_turn": "Wrong turn",
    "noticed": "… noticed",
    "repaired": "… repaired",
    "repeats": "Repeats",
}
"""The shares that ``benchmarks.trace_metrics`` tells, as the table's columns."""
BAR, BAR_HEIGHT = 160, 14
MOST_LETTERS = 36
"""That the levels' columns may take, ``COLUMN_GAP`` of each included, before the table is too wide for the page."""
COLUMN_GAP = 3


def in_columns(levels: Collection[str]) -> bool:
    """Whether the table has a column for each level; if not, the chart by level tells them apart (breakdown.py)."""
    return sum(len(level) + COLUMN_GAP for level in levels) <= MOST_LETTERS


def leaderboard(mode: str, results: Sequence[tuple[int, str, dict[str, Any]]]) -> Markup:
    """The table of one track.

    Args:
        results: number on the page, title and the result itself, in the order of the rows.
    """
    every_level = list(results[0][2]["summary"]["levels"])
    levels = every_level if in_columns(every_level) else []
    titles = ["Agent", "Solved", "95 % interval", *levels, "Legal", "SPL", "Tokens / solve", ""]
    head = [element("th", element("button", title, type="button") if title else None, scope="col") for title in titles]
    rows = [_row(_name(title, one), one["summary"], levels, number) for number, title, one in results]
    baselines = results[0][2]["baselines"]
    others = [
        _row(element("span", f"{name} agent"), baselines[name], levels) for name in BASELINE_ROWS if name in baselines
    ]
    if is_papers_track(every_level, mode):
        others += [_paper_row(levels, *row) for row in PAPER_ROWS]
    table = element(
        "table",
        element("thead", element("tr", *head)),
        element("tbody", *rows),
        element("tbody", *others, class_="references"),
        class_="leaderboard sortable",
    )
    return scrolling(table)


def reasoning(results: Sequence[tuple[int, str, dict[str, Any]]]) -> Markup | None:
    """What reasoning was worth, as ``benchmarks/reasoning.py`` measures it; ``None`` where no result tells."""
    told = [(title, one["summary"].get("reasoning")) for _, title, one in results]
    header: list[object] = ["", "Styles", *REASONING_TITLES.values()]
    rows: list[list[object]] = [
        [
            title,
            ", ".join(f"{style} {count}" for style, count in figures["styles"].items()),
            *("-" if figures[name] is None else f"{100 * figures[name]:.1f}" for name in REASONING_TITLES),
        ]
        for title, figures in told
        if figures
    ]
    if not rows:
        return None
    note = (
        "In percent of the completions that reason in a known style: traces true of their maze throughout, answers "
        "that follow from such a trace, solved although they do not, a wrong turn taken (of all wrong turns, those "
        "given up by RESET or BACK; of these completions, those solved all the same), the same attempt made twice."
    )
    return joined(
        element("h3", "What the reasoning was worth"), element("p", note, class_="note"), data_table(header, rows)
    )


def _name(title: str, result: dict[str, Any]) -> Markup:
    agent = str(result["agent"])
    return joined(element("strong", title), None if agent == title else element("small", agent, title=agent))


def _row(name: Markup, summary: dict[str, Any], levels: Sequence[str], number: int | None = None) -> Markup:
    rate, interval = summary["solved_rate"], summary["solved_rate_wilson_95"]
    by_level = [summary["levels"].get(level, {}).get("solved_rate") for level in levels]
    link = element("a", "replay", href="#replay", data_result=number) if number is not None else None
    cells = [
        *_rate_cells(rate, interval),
        *map(_percent_cell, by_level),
    ]
    cells += [_percent_cell(summary["legality"]), _cell(f"{summary['spl']:.3f}", summary["spl"])]
    tokens = summary["tokens_per_solve"]
    cells += [_cell("-" if tokens is None else f"{tokens:.0f}", tokens), element("td", link)]
    return element("tr", element("th", name, scope="row"), *cells)


def _paper_row(levels: Sequence[str], stage: str, rate: float, by_level: Sequence[float] | None) -> Markup:
    name = joined(
        element("span", "AlphaMaze: ", stage),
        element(
            "small", "published, not re-run: ", element("a", "arXiv 2502.14669", href=PAPER), f", n = {PAPER_MAZES}"
        ),
    )
    cells = _rate_cells(rate, wilson(rate, PAPER_MAZES))
    cells += [_percent_cell(by_level[i] if by_level else None) for i in range(len(levels))]
    return element(
        "tr", element("th", name, scope="row"), *cells, *[_cell("-", None)] * 3, element("td"), class_="published"
    )


def _cell(text: str, value: float | None) -> Markup:
    """A cell of the text, sorted by the value."""
    return element("td", text, data_value="" if value is None else value)


def _percent_cell(rate: float | None) -> Markup:
    return _cell("-" if rate is None else f"{100 * rate:.1f}", rate)


def _rate_cells(rate: float, interval: Sequence[float]) -> list[Markup]:
    low, high = interval
    text = element("small", f"{100 * low:.1f} to {100 * high:.1f}")
    return [
        element("td", element("b", f"{100 * rate:.1f} %"), data_value=rate),
        element("td", element("div", interval_bar(rate, low, high), text, class_="interval"), data_value=low),
    ]


def interval_bar(rate: float, low: float, high: float) -> Markup:
    """A rate as a line across, its interval as a bar around it, on a line from 0 to 1."""
    middle = BAR_HEIGHT / 2
    ends = (4 + (BAR - 8) * share for share in (low, high, rate))
    left, right, at = (round(end, 1) for end in ends)
    return element(
        "svg",
        element("line", x1=4, x2=BAR - 4, y1=middle, y2=middle, class_="rail"),
        element("rect", x=left, y=middle - 3, width=max(round(right - left, 1), 1), height=6, rx=2, class_="span"),
        element("line", x1=at, x2=at, y1=1, y2=BAR_HEIGHT - 1, class_="rate"),
        viewBox=f"0 0 {BAR} {BAR_HEIGHT}",
        class_="bar",
        aria_hidden="true",
    )
