"""Command lines and YAML files to dataclasses: ``--config FILE.yaml`` (or several), then ``--key value``.

A YAML file may name another as its ``base``, over whose values its own stand.
``transformers``' own parser does the work, so ``--help`` lists every field. What is added: an unknown key anywhere is
an error that names the nearest valid one, and the file's values are checked by the same parser as the command line's.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import field, fields
from pathlib import Path
from typing import Any, NoReturn

import yaml
from transformers import HfArgumentParser

from maze_env.errors import InvalidConfig, TokenMazeError, unknown_name

MAX_VALUES = 10_000
"""Of one configuration."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader lets the last of two equal keys win."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > MAX_VALUES:  # a merge of merges of merges
            raise yaml.constructor.ConstructorError(None, None, f"more than {MAX_VALUES} keys", node.start_mark)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        return mapping


def option(default: Any, explanation: str) -> Any:
    """A field of a dataclass that is a key of the configuration; ``MISSING`` for one that has to be given."""
    return field(default=default, metadata={"help": explanation})


def read_yaml(text: str, where: str) -> Any:
    """The value of a text from ``where``.

    Raises InvalidConfig for what is no YAML, has a key twice in one mapping, or holds more than ``MAX_VALUES`` values,
    those that an alias repeats among them.
    """
    try:
        value = yaml.load(text, _Loader)
    except RecursionError:
        raise InvalidConfig(f"Expects valid YAML in {where}, actual: values within values without end") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: the 99th of a month, an integer of very many digits
        raise InvalidConfig(f"Expects valid YAML in {where}, actual: {error}") from None
    waiting, count = [value], 0
    while waiting:
        one = waiting.pop()
        inside = [*one, *one.values()] if isinstance(one, dict) else one if isinstance(one, list | tuple | set) else ()
        waiting += inside
        count += 1
        if count > MAX_VALUES:
            raise InvalidConfig(f"Expects at most {MAX_VALUES} values in {where}, actual: more, or a value in itself")
    return value


def read_config(name: str | Path, valid: Collection[str], above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The values of a YAML file; where it has a ``base``, a file named relative to it, over that file's values.

    ``valid`` are the keys there may be, ``above`` the files whose base it is.
    """
    path = Path(name)
    if not path.is_file():
        raise InvalidConfig(f"Expects a YAML file, actual: {str(name)!r}, which does not exist")
    if path.resolve() in above:
        raise InvalidConfig(f"Expects a file whose base is another one, actual: {str(name)!r} is a base of itself")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfig(f"Expects a text in UTF-8 in {str(name)!r}, actual: {error}") from None
    values = read_yaml(text, repr(str(name)))
    if not isinstance(values, dict):
        raise InvalidConfig(f"Expects a mapping of keys to values in {str(name)!r}, actual: {type(values).__name__}")
    base = values.pop("base", None)
    for key in values:
        if key not in valid:
            raise unknown_name(f"configuration key in {name}", str(key), valid)
    return values if base is None else read_config(path.parent / str(base), valid, (*above, path.resolve())) | values


class _Parser(HfArgumentParser):
    """Raises where argparse would print the usage of all fields and exit."""

    def error(self, message: str) -> NoReturn:
        raise InvalidConfig(f"Expects values of the right kind (see --help), actual: {message}")


def parse(types: Sequence[type], argv: Sequence[str] | None = None, description: str | None = None) -> tuple[Any, ...]:
    """One instance of each dataclass in ``types`` (no two with a field of one name), made from ``argv``.

    Raises UnknownName for a key that no dataclass has; InvalidConfig for a file that is missing or no mapping, and for
    values that a dataclass refuses.
    """
    finder = _Parser([], add_help=False, allow_abbrev=False)
    finder.add_argument("--config", action="append", default=[])
    found, arguments = finder.parse_known_args(argv)
    defaults = {entry.name: entry.default for kind in types for entry in fields(kind) if entry.init}
    values: dict[str, Any] = {}
    for name in found.config:
        values |= read_config(name, defaults)
    arguments = _as_arguments(values, defaults) + arguments
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
    except (ValueError, TypeError, OSError) as error:  # fields are checked, ours and TRL's, when the dataclass is made
        raise InvalidConfig(str(error)) from error
    return parsed[: len(types)]


def require_at_least(config: Any, **minimums: float) -> None:
    """Raises InvalidConfig unless each of the named fields is ``None`` or at least its minimum."""
    for name, minimum in minimums.items():
        value = getattr(config, name)
        if value is not None and value < minimum:
            raise InvalidConfig(f"Expects {name} of at least {minimum}, actual: {value}")


def require_default(config: Any, name: str, reason: str) -> None:
    """Raises InvalidConfig unless the named field has its default."""
    default, value = type(config).__dataclass_fields__[name].default, getattr(config, name)
    if value != default:
        raise InvalidConfig(f"Expects {name} to stay {default!r} ({reason}), actual: {value!r}")


def _as_arguments(values: dict[str, Any], defaults: dict[str, Any]) -> list[str]:
    """The values of files, written as command-line arguments."""
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
            result.append(f"--{key}")
            result += [json.dumps(item) if isinstance(item, (dict, list)) else str(item) for item in items]
    return result
