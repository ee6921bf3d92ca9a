"""Command lines and YAML files to dataclasses: ``--config FILE.yaml`` (or several), then ``--key value``.

A YAML file may name another as its ``base``, over whose values its own stand.
``transformers``' own parser does the work, so ``--help`` lists every field. What is added: an unknown key anywhere is
an error that names the nearest valid one, and the file's values are checked by the same parser as the command line's.
"""

import argparse
import json
import math
from collections.abc import Collection, Sequence
from dataclasses import MISSING, field, fields
from pathlib import Path
from typing import Any, NoReturn

import yaml
from transformers import HfArgumentParser

from maze_env._arguments import MAX_INTEGER, SEEDS, usage_error
from maze_env._cli import near, path_of, read_utf8
from maze_env.errors import InvalidConfig, TokenMazeError, nearest, unknown_name

CONFIGS = Path(__file__).parent / "configs"
"""Configurations that come along."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader lets the last of two equal keys win, and a few aliases stand for more than memory holds."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            where = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, "an alias (common values belong into a base)", where)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        return mapping


def option(default: Any, explanation: str) -> Any:
    """A field of a dataclass that is a key of the configuration; ``MISSING`` for one that has to be given."""
    return field(default=default, metadata={"help": explanation})


def read_yaml(text: str, where: str) -> Any:
    """The value of a text from ``where``; InvalidConfig if it is no YAML, has an alias or a key twice in a mapping."""
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a number or date that cannot be
        raise InvalidConfig(f"Expects valid YAML in {where}, actual: {' '.join(str(error).split())}") from None


def read_config(name: str | Path, valid: Collection[str], above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The values of a YAML file; where it has a ``base``, a file named relative to it, over that file's values.

    A file that does not exist is looked for among ``CONFIGS``, so that ``default/sft.yaml`` is one in any folder.
    ``valid`` are the keys there may be, ``above`` the files whose base it is.
    """
    path = name if isinstance(name, Path) else path_of(name)
    if not path.is_file() and (CONFIGS / path).is_file():
        path = CONFIGS / path
    if not path.is_file():
        shipped = [str(one.relative_to(CONFIGS)) for one in CONFIGS.rglob("*.yaml")]
        hint = nearest(str(name), shipped) or near(path)
        raise InvalidConfig(f"Expects a YAML file, actual: {str(name)!r}, which does not exist{hint}")
    if path.resolve() in above:
        raise InvalidConfig(f"Expects a file whose base is another one, actual: {str(name)!r} is a base of itself")
    values = read_yaml(read_utf8(path), repr(str(name)))
    if not isinstance(values, dict):
        raise InvalidConfig(f"Expects a mapping of keys to values in {str(name)!r}, actual: {type(values).__name__}")
    base = values.pop("base", None)
    for key in values:
        if key not in valid:
            raise unknown_name(f"configuration key in {name}", str(key), valid)
    if base is None:
        return values
    return read_config(path.parent / path_of(str(base)), valid, (*above, path.resolve())) | values


class _Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Prints defaults, and the description as it is."""


class _Parser(HfArgumentParser):
    """Raises where argparse would print the usage of all fields and exit."""

    def error(self, message: str) -> NoReturn:
        raise usage_error(message)


def parser_of(types: Sequence[type], **options: Any) -> HfArgumentParser:
    """A command line with an option for each field of dataclasses, and ``--config``; ``options`` are argparse's."""
    made = _Parser(list(types), formatter_class=_Help, allow_abbrev=False, **options)
    made.add_argument("--config", metavar="FILE.yaml", help="values to start from; the last file's count")
    return made


def parse(
    types: Sequence[type], argv: Sequence[str] | None = None, parser: HfArgumentParser | None = None
) -> tuple[Any, ...]:
    """One instance of each dataclass in ``types`` (no two with a field of one name), made from ``argv``.

    ``parser`` is a ``parser_of`` these types that knows more, such as what the command is called.

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
    try:
        *parsed, rest = (parser or parser_of(types)).parse_args_into_dataclasses(
            arguments, return_remaining_strings=True
        )
    except TokenMazeError:
        raise
    except (ValueError, TypeError, OSError, ImportError) as error:  # fields are checked when their dataclass is made
        reason = " ".join(str(error).split()).replace("HfArgumentParser", "configuration")
        raise InvalidConfig(f"Expects values that can be, actual: {reason}") from error
    if rest:
        raise InvalidConfig(f"Expects no more arguments, actual: {' '.join(rest)}")
    for config in parsed[: len(types)]:
        check_values(config)
    return tuple(parsed[: len(types)])


def check_values(config: Any) -> None:
    """Raises InvalidConfig for fields of a dataclass that no run can have: seeds, numbers and texts that cannot be."""
    for entry in fields(config):
        value = getattr(config, entry.name)
        if isinstance(value, float) and not math.isfinite(value) and value != entry.default:
            raise InvalidConfig(f"Expects {entry.name} to be a finite number, actual: {value}")
        if isinstance(value, str) and "\0" in value:
            raise InvalidConfig(f"Expects {entry.name} without null characters, actual: {value!r}")
        if isinstance(value, int) and abs(value) > MAX_INTEGER:
            raise InvalidConfig(f"Expects {entry.name} of at most 64 bits, actual: {value}")
        if entry.name.endswith("seed") and value is not None and value not in SEEDS:
            raise InvalidConfig(f"Expects {entry.name} from 0 to 2**32 - 1, actual: {value}")


def require_at_least(config: Any, **minimums: float) -> None:
    """Raises InvalidConfig unless each of the named fields is ``None`` or at least its minimum."""
    for name, minimum in minimums.items():
        value = getattr(config, name)
        if value is not None and not value >= minimum:  # nor is nan
            raise InvalidConfig(f"Expects {name} of at least {minimum}, actual: {value}")


def default_of(config: Any, name: str) -> Any:
    """The default of a dataclass's field."""
    entry = type(config).__dataclass_fields__[name]
    return entry.default if entry.default_factory is MISSING else entry.default_factory()


def has_default(config: Any, name: str) -> bool:
    """Whether the named field has its default."""
    return bool(getattr(config, name) == default_of(config, name))


def require_default(config: Any, name: str, reason: str) -> None:
    """Raises InvalidConfig unless the named field has its default."""
    if not has_default(config, name):
        default, value = default_of(config, name), getattr(config, name)
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
            texts = [json.dumps(item) if isinstance(item, (dict, list)) else str(item) for item in items]
            result += [f"--{key}", *texts] if is_list else [f"--{key}={texts[0]}"]  # a value may begin with a dash
    return result
