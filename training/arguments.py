"""Command lines and YAML files to dataclasses: ``--config FILE.yaml`` (or several), then ``--key value``.

``transformers``' own parser does the work, so ``--help`` lists every field. What is added: an unknown key anywhere is
an error that names the nearest valid one, and the file's values are checked by the same parser as the command line's.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

import yaml
from transformers import HfArgumentParser

from maze_env.errors import InvalidConfig, TokenMazeError, unknown_name


class _Parser(HfArgumentParser):
    """Raises where argparse would print the usage of all fields and exit."""

    def error(self, message: str) -> NoReturn:
        raise InvalidConfig(f"Expects values of the right kind (see --help), actual: {message}")


def parse(types: Sequence[type], argv: Sequence[str] | None = None, description: str | None = None) -> tuple[Any, ...]:
    """One instance of each dataclass in ``types``, made from ``argv`` (default: the command line).

    Raises:
        UnknownName: for a key that no dataclass has. InvalidConfig: for a file that is missing or no mapping, and for
        values that a dataclass refuses.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    valid = {field.name: field.default for kind in types for field in fields(kind) if field.init}
    arguments = _from_files(arguments, valid) + arguments
    for argument in arguments:
        name = argument.removeprefix("--").partition("=")[0].replace("-", "_")
        is_key = argument.startswith("--") and name not in ("help", "config")
        if is_key and name not in valid and name.removeprefix("no_") not in valid:
            raise unknown_name("configuration key", name, valid)
    parser = _Parser(list(types), description=description, allow_abbrev=False)
    parser.add_argument("--config", metavar="FILE.yaml", help="values to start from; the last file's count")
    try:
        parsed = parser.parse_args_into_dataclasses(args=arguments)
    except TokenMazeError:
        raise
    except ValueError as error:  # transformers and TRL check their own fields when the dataclass is made
        raise InvalidConfig(str(error)) from error
    return parsed[: len(types)]


def require_at_least(config: Any, **least: float) -> None:
    """Raises InvalidConfig unless each of the named fields is ``None`` or at least as great as given."""
    for name, bound in least.items():
        value = getattr(config, name)
        if value is not None and value < bound:
            raise InvalidConfig(f"Expects {name} of at least {bound}, actual: {value}")


def _from_files(arguments: list[str], defaults: dict[str, Any]) -> list[str]:
    """The values of all files named by ``--config`` (removed from ``arguments``), written as command-line arguments."""
    values: list[str] = []
    index = 0
    while index < len(arguments):
        argument = arguments[index]
        if argument == "--config" or argument.startswith("--config="):
            name = argument.partition("=")[2] or (arguments[index + 1] if index + 1 < len(arguments) else "")
            del arguments[index : index + (1 if "=" in argument else 2)]
            values += _from_file(name, defaults)
        else:
            index += 1
    return values


def _from_file(name: str, defaults: dict[str, Any]) -> list[str]:
    if not Path(name).is_file():
        raise InvalidConfig(f"Expects --config to name a YAML file, actual: {name!r}, which does not exist")
    try:
        values = yaml.safe_load(Path(name).read_text())
    except yaml.YAMLError as error:
        raise InvalidConfig(f"Expects valid YAML in {name!r}, actual: {error}") from None
    if not isinstance(values, dict):
        raise InvalidConfig(f"Expects a mapping of keys to values in {name!r}, actual: {type(values).__name__}")
    result: list[str] = []
    for key, value in values.items():
        if key not in defaults:
            raise unknown_name(f"configuration key in {name}", str(key), defaults)
        if value is None and defaults[key] is None:
            continue
        if value is None:
            raise InvalidConfig(
                f"Expects a value for {key} in {name!r} (its default is {defaults[key]!r}), actual: null"
            )
        items = value if isinstance(value, list) else [value]
        result += [f"--{key}", *(json.dumps(item) if isinstance(item, dict) else str(item) for item in items)]
    return result
