"""The parser of command lines: strict in names and numbers, its errors this project's own."""

import argparse
import math
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from maze_env.errors import InvalidConfig, unknown_name

MAX_INTEGER = 2**63 - 1
SEEDS = range(2**32)
"""The seeds that NumPy and torch take."""


class ArgumentParser(argparse.ArgumentParser):
    """Takes dashes and underscores in names alike, guesses no abbreviations, and reads finite numbers alone.

    Where argparse would print its usage and exit, it raises UnknownName, with the nearest name, or InvalidConfig.
    Description and epilog are printed as they are.
    """

    def __init__(self, **options: Any):
        """A parser as argparse makes it."""
        super().__init__(**{"formatter_class": argparse.RawDescriptionHelpFormatter} | options, allow_abbrev=False)
        self.register("type", int, read_integer)
        self.register("type", float, read_number)

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:  # type: ignore[override]
        names = [name for name in self._option_string_actions if name.startswith("--")]
        by_letters = {name.replace("_", "-"): name for name in names}
        given, known = list(sys.argv[1:] if args is None else args), []
        for place, text in enumerate(given):
            if text == "--":
                known += given[place:]
                break
            name, equals, value = text.partition("=")
            if re.match(r"--\w", name):
                if name.replace("_", "-") not in by_letters:
                    raise unknown_name("argument", name, names)
                name = by_letters[name.replace("_", "-")]
            known.append(name + equals + value)
        return super().parse_known_args(known, namespace)

    def error(self, message: str) -> NoReturn:
        """Raises InvalidConfig."""
        found = re.fullmatch(r"argument (\S+): (.*), actual: (.*)", message, re.DOTALL)
        if found:
            raise InvalidConfig(f"Expects {found[1]} as {found[2]}, actual: {found[3]}")
        raise InvalidConfig(f"Expects arguments as --help tells them, actual: {message}")


def suggest(action: argparse.Action, names: Iterable[str]) -> None:
    """Lets a shell complete these names for an argument, which takes other values as well."""
    vars(action)["names"] = tuple(names)


def read_integer(text: str) -> int:
    """An integer of 64 bits. Raises ArgumentTypeError."""
    try:
        value = int(text)
    except ValueError:
        value = None
    if value is None or abs(value) > MAX_INTEGER:
        raise argparse.ArgumentTypeError(f"an integer of at most 64 bits, actual: {text!r}")
    return value


def read_number(text: str) -> float:
    """A finite number. Raises ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"a finite number, actual: {text!r}")
    return value


def read_seed(text: str) -> int:
    """A seed of NumPy's and torch's generators. Raises ArgumentTypeError."""
    if not re.fullmatch(r"\d{1,10}", text) or int(text) not in SEEDS:
        raise argparse.ArgumentTypeError(f"a seed from 0 to 2**32 - 1, actual: {text!r}")
    return int(text)
