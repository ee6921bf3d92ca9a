"""Markdown tables, figures in their cells, and the places in a page that hold them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.figures import Figure
from maze_env._cli import write_whole
from maze_env.errors import InvalidOutput


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def values_of(figure: Figure, scores: Iterable[object]) -> list[float]:
    """The values of a figure in each of ``scores`` that has one."""
    return [value for value in map(figure.of, scores) if value is not None]


def mean_text(figure: Figure, values: Sequence[float]) -> str:
    """The mean of a figure's values; ``-`` without any."""
    return figure.text(sum(values) / len(values) if values else None)


def range_text(figure: Figure, values: Sequence[float]) -> str:
    """The same, and their minimum and maximum."""
    bounds = f" ({figure.text(min(values))}-{figure.text(max(values))})" if values else ""
    return mean_text(figure, values) + bounds


def interval_text(figure: Figure, value: float, interval: Sequence[float], sign: str = "", unit: str = "") -> str:
    """A value and its interval."""
    return f"{figure.text(value, sign)}{unit} [{', '.join(figure.text(bound, sign) for bound in interval)}]"


def insert_between(page: str, text: str, begin: str, end: str) -> str:
    """``page`` with what stands between its markers replaced by ``text``."""
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise InvalidOutput(f"Expects one {begin} and after it one {end} in the README, actual: not so")
    return f"{page.partition(begin)[0]}{begin}\n{text}\n{end}{page.partition(end)[2]}"


def publish(text: str, readme: Path | None, begin: str, end: str) -> None:
    """Puts ``text`` between two markers of an existing file; prints it where none is given."""
    if readme is None:
        print(text)
    elif readme.is_file():
        write_whole(readme, insert_between(readme.read_text(encoding="utf-8"), text, begin, end))
    else:
        raise InvalidOutput(f"Expects an existing file for --readme, actual: {readme}")
