"""Markdown tables, figures in their cells, and the places in a page that hold them."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from maze_env._cli import read_utf8, write_whole
from maze_env._text import harmless
from maze_env.errors import InvalidOutput
from tokenmaze.benchmarks.figures import Figure

PLAIN = re.compile(r"(?!.*(?:www\.|//))[\w .,:+%()/-]*")
"""Names that Markdown takes for nothing else."""


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as Markdown. No text in a cell ends it."""
    lines = [[harmless(cell).replace("|", r"\|") for cell in line] for line in (header, ["---"] * len(header), *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def named(name: str) -> str:
    """A name for a cell: as it is, or as code where Markdown would make something of it."""
    return name if PLAIN.fullmatch(name) else code(name)


def code(text: str) -> str:
    """Text as code, in which Markdown has no effect."""
    text = harmless(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    blank = " " if "`" in text else ""
    return f"{fence}{blank}{text}{blank}{fence}"


def mean_text(figure: Figure, scores: Iterable[object], bounds: bool = False) -> str:
    """The mean of a figure over the ``scores`` that have it, with minimum and maximum if asked; ``-`` without any."""
    values = [value for value in map(figure.of, scores) if value is not None]
    mean = figure.text(sum(values) / len(values) if values else None)
    return f"{mean} ({figure.text(min(values))}-{figure.text(max(values))})" if bounds and values else mean


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
    else:
        write_whole(readme, insert_between(read_utf8(readme), text, begin, end))
