"""The leaderboard of a track: agents by solved rate, then the baselines, then what was published."""

from collections.abc import Sequence
from typing import Any

from benchmarks.mazebench import BASELINE_ROWS
from benchmarks.report.markup import Markup, element, joined
from benchmarks.statistics import wilson
from benchmarks.suites import spec_named
from benchmarks.table import PAPER_MAZES, PAPER_ROWS, is_papers_track

PAPER = "https://arxiv.org/abs/2502.14669"
BAR, BAR_HEIGHT = 150, 14
MOST_LEVELS = 4
"""A suite of more levels has no column for each; its charts tell them apart."""


def leaderboard(suite: str, mode: str, results: Sequence[tuple[int, str, dict[str, Any]]]) -> Markup:
    """The table of one track.

    Args:
        results: number on the page, title and the result itself.
    """
    levels = spec_named(suite).level_names
    levels = levels if len(levels) <= MOST_LEVELS else []
    titles = ["Agent", "Seed", "Solved", "95 % interval", *levels, "Legal", "SPL", "Tokens a solve", ""]
    head = [element("th", element("button", title, type="button") if title else None, scope="col") for title in titles]
    ranked = sorted(results, key=lambda one: -one[2]["summary"]["solved_rate"])
    rows = [_row(_name(title, one), one["train_seed"], one["summary"], levels, number) for number, title, one in ranked]
    baselines = results[0][2]["baselines"]
    others = [
        _row(element("span", f"{name} agent"), None, baselines[name], levels)
        for name in BASELINE_ROWS
        if name in baselines
    ]
    if is_papers_track(suite, mode):
        others += [_paper_row(levels, *row) for row in PAPER_ROWS]
    table = element(
        "table",
        element("thead", element("tr", *head)),
        element("tbody", *rows),
        element("tbody", *others, class_="references"),
        class_="leaderboard sortable",
    )
    return element("div", table, class_="scroll", tabindex="0")


def _name(title: str, result: dict[str, Any]) -> Markup:
    agent = str(result["agent"])
    return joined(element("strong", title), None if agent == title else element("small", agent))


def _row(
    name: Markup, seed: int | None, summary: dict[str, Any], levels: Sequence[str], number: int | None = None
) -> Markup:
    rate, interval = summary["solved_rate"], summary["solved_rate_wilson_95"]
    by_level = [summary["levels"].get(level, {}).get("solved_rate") for level in levels]
    link = element("a", "replay", href="#replay", data_result=number) if number is not None else None
    cells = [
        _cell("" if seed is None else f"{seed}", seed),
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
            "small", "published, not re-run: ", element("a", "arXiv 2502.14669", href=PAPER), f", {PAPER_MAZES} mazes"
        ),
    )
    cells = [_cell("", None), *_rate_cells(rate, wilson(rate, PAPER_MAZES))]
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
        element("td", interval_bar(rate, low, high), text, data_value=low, class_="interval"),
    ]


def interval_bar(rate: float, low: float, high: float) -> Markup:
    """A rate as a dot, its interval as a bar around it, on a line from 0 to 1."""
    middle = BAR_HEIGHT / 2
    ends = (4 + (BAR - 8) * share for share in (low, high, rate))
    left, right, at = (round(end, 1) for end in ends)
    return element(
        "svg",
        element("line", x1=4, x2=BAR - 4, y1=middle, y2=middle, class_="rail"),
        element("rect", x=left, y=middle - 3, width=max(round(right - left, 1), 1), height=6, rx=2, class_="span"),
        element("circle", cx=at, cy=middle, r=3.2, class_="dot"),
        viewBox=f"0 0 {BAR} {BAR_HEIGHT}",
        class_="bar",
        aria_hidden="true",
    )
