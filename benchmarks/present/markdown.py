"""Markdown tables, and the places in a page that hold them."""

from collections.abc import Sequence

from maze_env.errors import InvalidOutput


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def insert_between(page: str, text: str, begin: str, end: str) -> str:
    """``page`` with what stands between its markers replaced by ``text``.

    Raises:
        InvalidOutput: when there is not exactly one pair of markers.
    """
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise InvalidOutput(f"Expects one {begin} and after it one {end} in the README, actual: not so")
    return f"{page.partition(begin)[0]}{begin}\n{text}\n{end}{page.partition(end)[2]}"
