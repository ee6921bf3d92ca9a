"""What is tried: for each kind of input how one is made, and what has to hold of it."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

SHARES = {
    "mazes": 280, "answers": 395, "traces": 140, "endpoint": 103, "suites": 30, "results": 20, "attempts": 12,
    "configs": 10, "commands": 5, "scores": 5,
}  # fmt: skip
"""The kinds, and how many of a thousand inputs are of each; each is a module here."""


class Wrong(AssertionError):
    """What was fuzzed does what it must not."""


@dataclass(frozen=True)
class Kind:
    """One kind of input."""

    make: Callable[[Random], Any]
    """An input."""
    check: Callable[[Any], str]
    """Tries it; returns in a word what came of it. Raises what is a failure."""


def kind_named(name):
    """The kind of that name; what it reads is imported now."""
    return importlib.import_module(f"tests.fuzz.{name}").KIND
