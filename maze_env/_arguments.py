"""The parser of command lines: strict in names and numbers, its errors this project's own."""

import argparse
import math
import re
import sys
from collections.abc import Iterable, Sequence
from functools import partial
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

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            raise unknown_name(
                f"value of {'/'.join(action.option_strings) or action.dest}", value, map(str, action.choices)
            )

    def error(self, message: str) -> NoReturn:
        """Raises InvalidConfig."""
        raise usage_error(message)


IN_OUR_WORDS = (
    (r"argument (\S+): (.*), actual: (.*)", "Expects {} as {}, actual: {}"),
    (r"argument (\S+): invalid (\S+) value: (.*)", "Expects {} as {}, actual: {}"),
    (r"argument (\S+): expected .*", "Expects a value of {}, actual: none"),
    (r"argument (\S+): not allowed with argument (\S+)", "Expects {} or {}, actual: both"),
    (r"argument (\S+): (.*)", "Expects {} as --help tells it, actual: {}"),
    (r"the following arguments are required: (.*)", "Expects {}, actual: none"),
    (r"unrecognized arguments: (.*)", "Expects no more arguments, actual: {}"),
)
"""What argparse says, and how this project's errors say it; the first that fits."""


def usage_error(message: str) -> InvalidConfig:
    """The error for what argparse has to say of a command line.

    >>> print(usage_error("the following arguments are required: --agent"))
    Expects --agent, actual: none
    """
    for pattern, words in IN_OUR_WORDS:
        if found := re.fullmatch(pattern, message, re.DOTALL):
            return InvalidConfig(words.format(*found.groups()))
    return InvalidConfig(f"Expects arguments as --help tells them, actual: {message}")


def suggest(action: argparse.Action, names: Iterable[str]) -> None:
    """Lets a shell complete these names for an argument, which takes other values as well."""
    vars(action)["names"] = tuple(names)


def read_pair(separator: str, text: str) -> tuple[int, int]:
    """Two numbers with a separator between them. Raises ArgumentTypeError."""
    numbers = re.fullmatch(rf"(\d{{1,9}}){separator}(\d{{1,9}})", text)
    if not numbers:
        raise argparse.ArgumentTypeError(f"two numbers as in 5{separator}8, actual: {text!r}")
    return int(numbers[1]), int(numbers[2])


def add_size(parser: argparse.ArgumentParser, default: tuple[int, int]) -> None:
    """Adds ``--size ROWSxCOLS``, whose value is (rows, cols)."""
    told = f"cells (default {'x'.join(map(str, default))})"
    parser.add_argument("--size", type=partial(read_pair, "x"), default=default, metavar="ROWSxCOLS", help=told)


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
