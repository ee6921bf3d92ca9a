"""Command lines and YAML files to dataclasses: ``--config FILE.yaml`` (or several), then ``--key value``.

``transformers``' own parser does the work, so ``--help`` lists every field. What is added: an unknown key anywhere is
an error that names the nearest valid one, and the file's values are checked by the same parser as the command line's.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NoReturn

from transformers import HfArgumentParser

from maze_env.errors import InvalidConfig, TokenMazeError, unknown_name
from training.yaml_files import read_config


class _Parser(HfArgumentParser):
    """Raises where argparse would print the usage of all fields and exit."""

    def error(self, message: str) -> NoReturn:
        raise InvalidConfig(f"Expects values of the right kind (see --help), actual: {message}")


def parse(types: Sequence[type], argv: Sequence[str] | None = None, description: str | None = None) -> tuple[Any, ...]:
    """One instance of each dataclass in ``types``, made from ``argv``.

    Args:
        types: dataclasses, no two with a field of one name.
        argv: the command line; ``None`` for this process's own.
        description: for ``--help``.

    Raises:
        UnknownName: for a key that no dataclass has.
        InvalidConfig: for a file that is missing or no mapping, and for values that a dataclass refuses.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    defaults = {field.name: field.default for kind in types for field in fields(kind) if field.init}
    arguments = _from_files(arguments, defaults) + arguments
    for argument in arguments:
        name = argument.removeprefix("--").partition("=")[0].replace("-", "_")
        is_key = argument.startswith("--") and name not in ("help", "config")
        if is_key and name not in defaults and name.removeprefix("no_") not in defaults:
            raise unknown_name("configuration key", name, defaults)
    parser = _Parser(list(types), description=description, allow_abbrev=False)
    parser.add_argument("--config", metavar="FILE.yaml", help="values to start from; the last file's count")
    try:
        parsed = parser.parse_args_into_dataclasses(args=arguments)
    except TokenMazeError:
        raise
    except ValueError as error:  # transformers and TRL check their own fields when the dataclass is made
        raise InvalidConfig(str(error)) from error
    return parsed[: len(types)]


def require_at_least(config: Any, **minimums: float) -> None:
    """Raises InvalidConfig unless each of the named fields is ``None`` or at least its minimum."""
    for name, minimum in minimums.items():
        value = getattr(config, name)
        if value is not None and value < minimum:
            raise InvalidConfig(f"Expects {name} of at least {minimum}, actual: {value}")


def _from_files(arguments: list[str], defaults: dict[str, Any]) -> list[str]:
    """The values of all files named by ``--config`` (removed from ``arguments``), written as command-line arguments."""
    values: dict[str, Any] = {}
    index = 0
    while index < len(arguments):
        argument = arguments[index]
        if argument == "--config" or argument.startswith("--config="):
            name = argument.partition("=")[2] or (arguments[index + 1] if index + 1 < len(arguments) else "")
            del arguments[index : index + (1 if "=" in argument else 2)]
            values |= read_config(name, defaults)
        else:
            index += 1
    result: list[str] = []
    for key, value in values.items():
        if value is None and defaults[key] is not None:
            raise InvalidConfig(
                f"Expects a value for {key} in the configuration files (its default is {defaults[key]!r}), actual: null"
            )
        if value is not None:
            # A list is several arguments, but where it holds mappings: those are one value, which its field reads.
            is_list = isinstance(value, list) and not any(isinstance(item, dict) for item in value)
            items = value if is_list else [value]
            result += [
                f"--{key}",
                *(json.dumps(item) if isinstance(item, (dict, list)) else str(item) for item in items),
            ]
    return result
