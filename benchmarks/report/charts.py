"""Line charts as inline SVG. Colours are classes of the page's style sheet; every point tells its numbers on hover."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tokenmaze.benchmarks.report.markup import Markup, element

WIDTH, HEIGHT = 430, 250
LEFT, RIGHT, TOP, BOTTOM = 48, 20, 10, 42  # margins of the plot, in the units of the drawing
COLORS = 8  # of the style sheet; further series reuse them, dashed
DODGE = 4.0  # distance between the intervals of two series at the same place
Ticks = Sequence[tuple[float, str]]  # of an axis: places and their labels


@dataclass(frozen=True)
class Point:
    """A value, with its interval where it has one."""

    x: float
    """Where it stands."""
    y: float
    """The value."""
    low: float | None = None
    """The interval's lower end."""
    high: float | None = None
    """The interval's upper end."""
    note: str = ""
    """Its numbers in words."""


@dataclass(frozen=True)
class Series:
    """A line of a chart."""

    name: str
    """In the legend."""
    number: int
    """Gives the colour, and identifies it to the legend."""
    points: Sequence[Point]
    """In the order of ``x``."""
    faint: bool = False
    """Whether it is drawn behind the others, without dots."""


def color_class(number: int) -> str:
    """The style sheet's classes for a series."""
    return f"c{number % COLORS}" + (" again" if number >= COLORS else "")


def line_chart(
    title: str, series: Sequence[Series], ticks: Ticks, x_title: str, top: float | None = None, percent: bool = False
) -> Markup:
    """Lines over an axis from 0, or from the minimum where that is negative. ``percent``: values are shares."""
    points = [point for line in series for point in line.points]
    xs = [point.x for point in points] + [x for x, _ in ticks]
    left, right = min(xs), max(xs)
    pad = 0.5 if any(point.low is not None for point in points) else 0.0
    span = max(right - left + 2 * pad, 1e-9)
    minimum, maximum = min(point.y for point in points), max(point.high or point.y for point in points)
    bottom = -nice_ceiling(-minimum) if minimum < 0 else 0.0
    top = top or (nice_ceiling(maximum) if maximum > 0 else 0.0 if minimum < 0 else 1.0)
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def across(x: float) -> float:
        return round(LEFT + (x - left + pad) / span * width, 1)

    def up(y: float) -> float:
        return round(TOP + height * (top - y) / (top - bottom), 1)

    parts = []
    for value in (bottom + (top - bottom) * i / 4 for i in range(5)):
        label = f"{100 * value:.3g} %" if percent else f"{value:.3g}"
        parts.append(_line(LEFT, WIDTH - RIGHT, up(value), up(value), class_="grid"))
        parts.append(element("text", label, x=LEFT - 6, y=up(value) + 4, text_anchor="end"))
    for x, label in ticks:
        parts.append(element("text", label, x=across(x), y=HEIGHT - BOTTOM + 16, text_anchor="middle"))
    parts.append(element("text", x_title, x=LEFT + width / 2, y=HEIGHT - 6, text_anchor="middle", class_="axis"))
    dodge = min(DODGE, 0.7 * width / span / len(series)) if pad else 0.0
    for place, line in enumerate(series):
        offset = dodge * (place - (len(series) - 1) / 2)
        drawn = [(across(point.x) + offset, up(point.y), point) for point in line.points]
        marks = [element("polyline", points=" ".join(f"{x:.1f},{y}" for x, y, _ in drawn))]
        for x, y, point in drawn if not line.faint else []:
            interval = None if point.low is None or point.high is None else _line(x, x, up(point.low), up(point.high))
            dot = element("circle", cx=round(x, 1), cy=y, r=2.6 if pad else 1.9)
            marks.append(element("g", element("title", f"{line.name}: {point.note}"), interval, dot))
        classes = f"series {color_class(line.number)}{' faint' * line.faint}"
        parts.append(element("g", *marks, class_=classes, data_series=line.number))
    shown = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "class_": "chart", "role": "img"}
    return element("svg", *parts, **shown, aria_label=f"{title}, by {x_title}")


def _line(x1: float, x2: float, y1: float, y2: float, **attributes: str) -> Markup:
    return element("line", x1=x1, x2=x2, y1=y1, y2=y2, **attributes)


def interval_bar(rate: float, low: float | None, high: float | None, **attributes: object) -> Markup:
    """A rate and its interval on a line from 0 to 1, which the style sheet draws."""
    return element("i", style=f"--rate:{rate:.4f};--low:{low or 0:.4f};--high:{high or 0:.4f}", **attributes)


def row_chart(title: str, series: Sequence[Series], labels: Sequence[str]) -> Markup:
    """A row for each of ``labels``, in which every series has a dot (``y``, a share) and interval: its point there."""
    cells = []
    for place, label in enumerate(labels):
        bars = []
        for line in series:
            point, classes = line.points[place], f"bar series {color_class(line.number)}"
            said = {"class_": classes, "data_series": line.number, "title": f"{line.name}, {label}: {point.note}"}
            bars.append(interval_bar(point.y, point.low, point.high, **said))
        cells += [element("span", label), element("div", *bars, class_="bars")]
    scale = element("div", *(element("span", f"{percent} %") for percent in (0, 25, 50, 75, 100)), class_="scale")
    return element("div", *cells, element("span"), scale, class_="rows", role="img", aria_label=title)


def legend(names: Sequence[tuple[int, str]]) -> Markup:
    """A button for each series, which toggles it."""
    buttons = []
    for number, name in names:
        color = element("i", class_=color_class(number))
        buttons.append(element("button", color, name, type="button", aria_pressed="true", data_series=number))
    return element("div", *buttons, class_="legend")


def nice_ceiling(value: float, steps: Sequence[float] = (1, 1.2, 2, 4, 6, 8)) -> float:
    """The smallest of ``steps`` times a power of ten that is not below ``value``."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (*steps, 10, 20) if step * power >= value * (1 - 1e-9))


def step_ticks(last: float) -> Ticks:
    """Five ticks or so of an axis of steps from 0 to ``last``."""
    step = nice_ceiling(max(last, 1) / 5, (1, 2, 5))
    return [(i * step, f"{i * step:,.10g}") for i in range(int(last / step + 1e-9) + 1)]


def thinned(points: Sequence[tuple[float, float]], count: int) -> list[tuple[float, float]]:
    """At most ``count`` points (x, y): as they are, or the means of chunks of equal length."""
    if len(points) <= count:
        return list(points)
    size = math.ceil(len(points) / count)
    chunks = (points[start : start + size] for start in range(0, len(points), size))
    return [(chunk[-1][0], sum(y for _, y in chunk) / len(chunk)) for chunk in chunks]
