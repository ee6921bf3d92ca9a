"""Numbers in white space before the lines of a path and the moves of its answer, so that it can be copied.

An answer is moves and white space, nothing else. Moves repeat themselves: whoever copies a long path by the moves that
stand before loses the place at the first corridor that looks like another. Numbered, each move has a key of its own,
the same in the path and in the answer, and each number follows from the one before, wherever counting began. It is what
random positions do (Ruoss et al., arXiv 2305.16843), written down. There are as many numbers as paths up to 10x10 have
lines; were there more, each would be rarer in training, and learned later.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import cycle, islice

from maze_env.vocabulary import NUMERALS, PATH

_NUMBER_OF = {numeral: number for number, numeral in enumerate(NUMERALS)}
_FIRST = re.compile(rf"\n{PATH}\n([ \t]*)")


def numerals_from(start: int) -> Iterator[str]:
    """The numerals from ``start`` on, without end: the first one comes after the last."""
    return islice(cycle(NUMERALS), start, None)


def numbered(lines: Iterable[str], start: int) -> str:
    """The lines, each after its numeral."""
    return "".join(numeral + line for numeral, line in zip(numerals_from(start), lines, strict=False))


def first_number(trace: str) -> int | None:
    """The number of the first line of a trace's path; ``None`` where there is none."""
    found = _FIRST.search(trace)
    return _NUMBER_OF.get(found[1]) if found else None


def numerals_of_answer(trace: str) -> Iterator[str]:
    """What stands before the moves of the answer to a trace, without end: the numerals of the path's lines."""
    return numerals_from(first_number(trace) or 0)
