"""Functions of a user's own, checked where they are handed over and not deep inside what calls them."""

import inspect
from collections.abc import Callable
from typing import Any

from maze_env.errors import InvalidConfig


def require_parameters(what: str, function: Callable[..., Any], *names: str) -> None:
    """Raises InvalidConfig for a function that does not take as many arguments by position as there are names.

    Of a function that does not tell what it takes, as some that are not written in Python, nothing is known.

    >>> require_parameters("generator", lambda rng: rng, "rng", "rows", "cols")
    Traceback (most recent call last):
    ...
    maze_env.errors.InvalidConfig: Expects a generator of (rng, rows, cols), actual: <lambda>(rng)
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*names)
    except TypeError:
        called = getattr(function, "__name__", type(function).__name__)
        shown = signature.replace(return_annotation=inspect.Signature.empty)
        taken = f"{called}{' '.join(str(shown).split())}"
        raise InvalidConfig(f"Expects a {what} of ({', '.join(names)}), actual: {taken}") from None
