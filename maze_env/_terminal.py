"""Drawings in a terminal: their colors, and whether it has any."""

import os
import sys

CLEAR = "\x1b[H\x1b[2J"
"""Empties the screen."""
COLORS = {
    mark: f"\x1b[{code}m{{}}\x1b[0m"
    for mark, code in {
        "O": "1;33", "X": "1;32", ".": "36", ":": "35", "!": "1;31", "?": "2", "+": "2", "-": "2", "|": "2",
    }.items()
}  # fmt: skip
"""What each mark of a drawing is wrapped in: agent yellow, target green, cells left cyan, cells that reasoning was at
magenta, walls hit red, others dim."""


def in_color(drawing: str) -> str:
    """A drawing, its marks in color."""
    return "".join(COLORS.get(mark, "{}").format(mark) for mark in drawing)


def has_color() -> bool:
    """Whether the output is a terminal with colors, and nobody asked for none (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
