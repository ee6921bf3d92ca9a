"""The leaderboard of a track: agents by solved rate, then the baselines, then what was published."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from tokenmaze.benchmarks.figures import LEGAL, SOLVED, SPL, TOKENS, TRACE_FIGURES, Baseline, Figure, Summary
from tokenmaze.benchmarks.present.published import ARXIV, MAZES, Published, published_rows
from tokenmaze.benchmarks.present.words import unanswered_text
from tokenmaze.benchmarks.record import Result
from tokenmaze.benchmarks.report.charts import interval_bar
from tokenmaze.benchmarks.report.markup import Markup, data_table, element, joined, scrolling
from tokenmaze.benchmarks.stats import Interval

OTHERS = (LEGAL, SPL, TOKENS)  # columns beside the solved rates
MAX_LETTERS, COLUMN_GAP = 36, 3  # of the levels' columns, gaps included, before the table is too wide for the page
UNKNOWN = "\N{EN DASH}"
"""In the cell of a figure that is not known."""
Values = Sequence[tuple[Figure, float | None]]


class Entry(NamedTuple):
    """A result on the page."""

    number: int
    """By which links and the replay find it."""
    title: str
    """Unique within its track."""
    result: Result
    """What was measured."""

    @property
    def is_measured(self) -> bool:
        """Whether any attempt got an answer; if not, its figures say nothing of the agent."""
        return self.result.summary.unanswered < self.result.summary.attempts

    @property
    def failures(self) -> str:
        """How many attempts got no answer, and the most frequent reason; "" where all did."""
        reasons = Counter(attempt.failure for attempt in self.result.attempts if attempt.failure)
        reason = "".join(f" ({reason})" for reason, _ in reasons.most_common(1))
        return f"{text}{reason}" if (text := unanswered_text(self.result.summary)) else ""


def in_columns(levels: Collection[str]) -> bool:
    """Whether the table has a column for each level; if not, the chart by level has them (breakdown.py)."""
    return sum(len(level) + COLUMN_GAP for level in levels) <= MAX_LETTERS


def leaderboard(entries: Sequence[Entry]) -> Markup:
    """The table of one track, its rows in the order of ``entries``."""
    first = entries[0].result
    levels = list(first.summary.levels) if in_columns(first.summary.levels) else []
    titles = [("agent", ""), (SOLVED.title, SOLVED.explanation), *((level, "") for level in ("95 % interval", *levels))]
    titles += [*((figure.title, figure.explanation) for figure in OTHERS), ("", "")]
    buttons = [element("button", title, type="button", title=note or None) if title else None for title, note in titles]
    head = element("thead", element("tr", *(element("th", button, scope="col") for button in buttons)))
    rows = [_row(_name(one), one.result.summary, levels, one.number, one.is_measured) for one in entries]
    others = [_row(element("span", f"{name} agent"), row, levels) for name, row in first.baselines.items()]
    others += [_published_row(row, levels) for row in published_rows(first.track, first.summary.levels)]
    body = [element("tbody", *rows), element("tbody", *others, class_="references")]
    return scrolling(element("table", head, *body, class_="leaderboard sortable"))


def reasoning(entries: Sequence[Entry]) -> Markup | None:
    """The figures of the traces; ``None`` where no result has any."""
    rows = []
    for _, title, result in entries:
        if figures := result.summary.reasoning:
            styles = ", ".join(f"{style} {one.completions}" for style, one in figures.by_style.items())
            rows.append([title, styles, *(_text(figure, figure.of(figures)) for figure in TRACE_FIGURES)])
    if not rows:
        return None
    explained = "; ".join(f"{figure.title}: {figure.explanation}" for figure in TRACE_FIGURES)
    note = f"In percent of the completions that reason in a known style. {explained}."
    header = ["", "styles", *(figure.title for figure in TRACE_FIGURES)]
    table = joined(element("p", note, class_="note"), data_table(header, rows))
    return element("details", element("summary", element("h3", "Reasoning")), table)


def _name(entry: Entry) -> Markup:
    title, agent, failures = entry.title, entry.result.agent, entry.failures
    named = None if agent == title else element("small", agent, class_="agent")
    return joined(element("strong", title), named, element("small", failures, class_="warning") if failures else None)


def _row(
    name: Markup, scores: Summary | Baseline, levels: Sequence[str], number: int | None = None, is_measured: bool = True
) -> Markup:
    values = [(SOLVED, SOLVED.of(scores.levels[level])) for level in levels]
    values += [(figure, figure.of(scores)) for figure in OTHERS]
    if not is_measured:
        return _line(name, None, (0.0, 1.0), [(figure, None) for figure, _ in values], number)
    return _line(name, scores.solved_rate, scores.solved_rate_wilson_95, values, number)


def _published_row(row: Published, levels: Sequence[str]) -> Markup:
    link = element("a", f"arXiv {ARXIV}", href=f"https://arxiv.org/abs/{ARXIV}")
    note = element("small", "published, not re-run: ", link, Markup(f", n&nbsp;=&nbsp;{MAZES}"))
    values = [(SOLVED, row.by_level[i] if row.by_level else None) for i in range(len(levels))]
    values += [(figure, None) for figure in OTHERS]
    name = joined(element("span", "AlphaMaze: ", row.stage), note)
    return _line(name, row.solved_rate, row.interval, values, class_="published")


def _line(
    name: Markup, rate: float | None, interval: Interval, values: Values, number: int | None = None, **attributes: str
) -> Markup:
    """A row whose cells are sorted by their values; an interval by its lower bound. ``number`` is of what to replay.

    Without a ``rate``, nothing was measured.
    """
    link = None if number is None else element("a", "replay", href="#replay", data_result=number)
    if rate is None:
        cells = [element("td", element("b", UNKNOWN), data_value=""), element("td", UNKNOWN, data_value="")]
    else:
        bar = interval_bar(rate, *interval, class_="bar", aria_hidden="true")
        bounds = element("small", " to ".join(map(SOLVED.text, interval)))
        cells = [element("td", element("b", f"{SOLVED.text(rate)} %"), data_value=rate)]
        cells += [element("td", element("div", bar, bounds, class_="interval"), data_value=interval[0])]
    cells += [element("td", _text(figure, one), data_value="" if one is None else one) for figure, one in values]
    return element("tr", element("th", name, scope="row"), *cells, element("td", link), **attributes)


def _text(figure: Figure, value: float | None) -> str:
    return UNKNOWN if value is None else figure.text(value)
