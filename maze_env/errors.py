"""Every error this project raises on purpose, one class per cause.

Messages follow one grammar: what was expected, then what came ("Expects X, actual: Y"), and where there is one, the
nearest valid choice. All of them are ``ValueError`` too, so code that does not know this package can still catch them.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

Entry = TypeVar("Entry")
MAX_LISTED = 30
"""Names beyond which an error does not list them: the nearest one would be far behind."""


class TokenMazeError(ValueError):
    """The root of the hierarchy."""


class InvalidMaze(TokenMazeError):
    """Walls, border or endpoints contradict each other; the message names the cell."""


class InvalidMazeText(InvalidMaze):
    """A text is not the AlphaMaze form of a maze; the message names the cell and the cause."""


class InvalidMove(TokenMazeError):
    """An action is neither an index 0-3 nor a movement token."""


class ImpossibleMaze(TokenMazeError):
    """No maze can meet the parameters, or none was found within the bounded number of tries."""


class UnreadableMaze(TokenMazeError):
    """A maze is written in a way that an agent cannot take: outside its vocabulary, or ambiguous."""


class UnknownName(TokenMazeError):
    """A name (agent, reward scheme, trace style, suite, configuration key ...) that does not exist."""


class InvalidConfig(TokenMazeError):
    """Values that are impossible by themselves or contradict each other."""


class InvalidOutput(TokenMazeError):
    """A place to write to cannot be used: it exists already, or cannot be written."""


def is_integer(value: object) -> bool:
    """Whether a value is an integer of Python or NumPy, and no ``bool``."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def nearest(name: Any, valid: Iterable[str]) -> str:
    """What an error ends with where a valid name is like the one that came; else nothing.

    >>> nearest("defualt/sft.yaml", ["default/sft.yaml", "default/grpo.yaml"])
    ". Did you mean 'default/sft.yaml'?"
    """
    close = difflib.get_close_matches(name, sorted(valid), n=1) if isinstance(name, str) else []
    return f". Did you mean {close[0]!r}?" if close else ""


def unknown_name(kind: str, name: Any, valid: Iterable[str]) -> UnknownName:
    """The error for a name that does not exist, or is no text, with the nearest valid one when there is one.

    >>> print(unknown_name("reward scheme", "sovled", ["solved", "alphamaze"]))
    Expects a reward scheme out of 'alphamaze', 'solved', actual: 'sovled'. Did you mean 'solved'?
    """
    names = sorted(valid)
    listed = ", ".join(map(repr, names)) if len(names) <= MAX_LISTED else f"{len(names)} that there are"
    article = "an" if kind[:1] in "aeiou" else "a"
    return UnknownName(f"Expects {article} {kind} out of {listed}, actual: {name!r}{nearest(name, names) or '.'}")


def lookup(kind: str, name: Any, table: Mapping[str, Entry]) -> Entry:
    """The entry of that name; else UnknownName with the nearest valid one."""
    if not isinstance(name, str) or name not in table:
        raise unknown_name(kind, name, table)
    return table[name]
