"""YAML as this project reads it: a key that stands twice is an error, and a file may name another as its ``base``."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from maze_env.errors import InvalidConfig, unknown_name


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader lets the last of two equal keys win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        return mapping


def read_yaml(text: str, where: str) -> Any:
    """What ``text`` says.

    Args:
        text: in YAML, of which JSON is a part.
        where: the file or key it is from, for the message.

    Raises:
        InvalidConfig: for a text that is no YAML, or has a key twice in one mapping.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise InvalidConfig(f"Expects valid YAML in {where}, actual: {error}") from None


def read_config(name: str | Path, valid: Collection[str] | None = None, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The values of a YAML file; where it has a ``base``, a file named relative to it, over that file's values.

    Args:
        name: of the file.
        valid: the keys there are; ``None`` for any.
        above: the files whose base it is.

    Raises:
        InvalidConfig: for a file that is missing, is no mapping, or is a base of itself.
        UnknownName: for a key that is not valid.
    """
    path = Path(name)
    if not path.is_file():
        raise InvalidConfig(f"Expects a YAML file, actual: {str(name)!r}, which does not exist")
    if path.resolve() in above:
        raise InvalidConfig(f"Expects a file whose base is another one, actual: {str(name)!r} is a base of itself")
    values = read_yaml(path.read_text(encoding="utf-8"), repr(str(name)))
    if not isinstance(values, dict):
        raise InvalidConfig(f"Expects a mapping of keys to values in {str(name)!r}, actual: {type(values).__name__}")
    base = values.pop("base", None)
    for key in values:
        if valid is not None and key not in valid:
            raise unknown_name(f"configuration key in {name}", str(key), valid)
    if base is None:
        return values
    return read_config(path.parent / str(base), valid, (*above, path.resolve())) | values
