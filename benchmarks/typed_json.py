"""Dataclasses to JSON and back: what is as by default is left out, and what is read is checked against its type."""

import dataclasses
import json
import sys
import types
from enum import Enum
from functools import cache
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from maze_env.errors import TokenMazeError

type_hints = cache(get_type_hints)
LARGEST = {int: 2**63 - 1, float: sys.float_info.max}
"""Of numbers, with either sign: what arithmetic can go on with."""


class InvalidResult(TokenMazeError):
    """A file is no result of this benchmark, or does not compare with another one."""


def read_json(text: str) -> Any:
    """The value of a text that is JSON and no more: NaN is not, nor is what nests without end. Raises ValueError."""

    def refuse(name: str) -> NoReturn:
        raise ValueError(f"{name}, which is no JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError:
        raise ValueError("values within values without end") from None


def encode(value: Any) -> Any:
    """``value`` as JSON's types; fields that have their default are left out."""
    if dataclasses.is_dataclass(value):
        kept = [(field, getattr(value, field.name)) for field in dataclasses.fields(value)]
        return {field.name: encode(one) for field, one in kept if one != field.default}
    if isinstance(value, dict):
        return {str(key): encode(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [encode(one) for one in value]
    return str(value) if isinstance(value, Enum) else value


def decode(kind: Any, value: Any, where: str = "result") -> Any:
    """What ``encode`` made of a value of type ``kind``: a dataclass, or any type that its fields have.

    Unknown names are ignored. Raises InvalidResult, which says ``where``, for a value of another type, and for a field
    without a default that is missing.
    """
    arguments, origin = get_args(kind), get_origin(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):  # of something and None
        return None if value is None else decode(arguments[0], value, where)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and isinstance(value, dict):
        hints = type_hints(kind)
        needed = [field.name for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING]
        if missing := [name for name in needed if name not in value]:
            raise InvalidResult(f"Expects a whole {where}, actual: one without {', '.join(missing)}")
        return kind(**{name: decode(hints[name], value[name], f"{where}.{name}") for name in hints if name in value})
    if origin is tuple and isinstance(value, list | tuple):
        each = arguments[:1] * len(value) if arguments[1:] == (...,) else arguments
        if len(each) == len(value):
            return tuple([decode(one, entry, where) for one, entry in zip(each, value, strict=True)])
    if origin is dict and isinstance(value, dict):
        items = [(_key(arguments[0], key, where), key, one) for key, one in value.items()]
        return {name: decode(arguments[1], one, f"{where}.{key[:80]}") for name, key, one in items}
    if origin is Literal and value in arguments:
        return value
    if isinstance(kind, type) and issubclass(kind, Enum) and value in [str(member) for member in kind]:
        return kind(value)
    plain = (int, float) if kind is float else kind if isinstance(kind, type) else ()
    fits = kind not in LARGEST or (isinstance(value, int | float) and -LARGEST[kind] <= value <= LARGEST[kind])
    if isinstance(value, plain) and isinstance(value, bool) == (kind is bool) and fits:  # NaN does not fit
        return value
    raise InvalidResult(f"Expects {where} of type {getattr(kind, '__name__', kind)}, actual: {str(value)[:80]!r}")


def _key(kind: Any, key: str, where: str) -> Any:
    """The key of a mapping, which JSON has as text."""
    try:
        return decode(kind, int(key) if kind is int else key, f"a name in {where}")
    except ValueError as error:
        if isinstance(error, InvalidResult):
            raise
        raise InvalidResult(f"Expects whole numbers as names in {where}, actual: {key[:80]!r}") from None
