"""An agent's options: texts of a command line, or values, read by the types of the constructor that they are for."""

import inspect
import json
import math
import types
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from maze_env.errors import InvalidConfig, unknown_name

CONSTANTS = {"true": True, "false": False, "none": None, "null": None}
"""Texts for what is neither text nor number, in any case."""


def read_options(whose: str, options: Mapping[str, Any], known: Mapping[str, Any], others: bool) -> dict[str, Any]:
    """``options``, each as a value of the type that is known for it.

    A text is read as the type has it: ``"32"`` is a number where a number is meant, and a text where a text is. Without
    a type, what is JSON is what JSON says, and else a text.

    Args:
        whose: the agent's name, for messages.
        options: names and values.
        known: the type of each option that there is, as ``types_of``.
        others: whether there may be others.

    Raises:
        UnknownName: for an option that there is not, with the nearest that there is.
        InvalidConfig: for a value of another type.
    """
    for name in options:
        if name not in known and not others:
            if not known:
                raise InvalidConfig(f"Expects no options of agent {whose!r}, which takes none, actual: {name!r}")
            raise unknown_name(f"option of agent {whose!r}", name, known)
    return {name: read_value(value, known.get(name, Any), name) for name, value in options.items()}


def types_of(kind: Callable[..., Any]) -> tuple[dict[str, Any], bool]:
    """The type of each parameter of a class or function, and whether it takes any other name."""
    function = kind.__init__ if isinstance(kind, type) else kind  # type: ignore[misc]
    try:
        hints = get_type_hints(function)
    except (NameError, TypeError, AttributeError):  # of names that only a type checker imports
        hints = {}
    known: dict[str, Any] = {}
    others = False
    for name, parameter in inspect.signature(kind).parameters.items():
        hint = hints.get(name, Any)
        if parameter.kind is parameter.VAR_KEYWORD:
            others = True
        elif parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            known[name] = hint
    return known, others


def read_value(value: Any, kind: Any, name: str) -> Any:
    """``value`` as a value of type ``kind``; InvalidConfig, which tells the option's ``name``, where it is none."""
    for one in _alternatives(kind):
        try:
            return _read(value, one)
        except ValueError:
            continue
    if get_origin(kind) is Literal:
        raise unknown_name(name, value, get_args(kind))
    wanted = getattr(kind, "__name__", None) if isinstance(kind, type) else str(kind).replace("typing.", "")
    raise InvalidConfig(f"Expects {name} as {wanted}, actual: {value!r}")


def _alternatives(kind: Any) -> list[Any]:
    """The types of a union, text last, for any text would do for it; else the type alone."""
    members = list(get_args(kind)) if get_origin(kind) in (Union, types.UnionType) else [kind]
    return sorted(members, key=lambda member: member is str)


def _read(value: Any, kind: Any) -> Any:
    """``value`` as one of type ``kind``, no union. Raises ValueError."""
    origin = get_origin(kind) or kind
    if origin is Literal:
        return _one_of(value, get_args(kind))
    if origin is types.NoneType:
        return _one_of(_constant(value), [None])
    if origin is bool:
        return _one_of(_constant(value), [True, False])
    if origin in (int, float):
        return _number(value, origin)
    if origin is str:
        if not isinstance(value, str):
            raise ValueError(value)
        return value
    read = _from_json(value) if isinstance(value, str) else value
    if isinstance(origin, type) and origin not in (Any, object) and not isinstance(read, origin):
        raise ValueError(value)
    return read


def _one_of(value: Any, allowed: Sequence[Any]) -> Any:
    for one in allowed:
        if value == one and type(value) is type(one):
            return one
    raise ValueError(value)


def _constant(value: Any) -> Any:
    return CONSTANTS.get(value.lower(), value) if isinstance(value, str) else value


def _number(value: Any, kind: type) -> Any:
    number = kind(value) if isinstance(value, str) else value
    is_kind = isinstance(number, Integral if kind is int else Real) and not isinstance(number, bool)
    if not is_kind or not math.isfinite(number):
        raise ValueError(value)
    return number


def _from_json(text: str) -> Any:
    """What a text says: a constant, JSON, or itself."""
    if text.lower() in CONSTANTS:
        return CONSTANTS[text.lower()]
    try:
        return json.loads(text, parse_constant=lambda name: name)
    except (ValueError, RecursionError):
        return text


MODEL_OPTIONS: dict[str, Any] = {
    **dict.fromkeys((
        "attn_implementation", "cache_dir", "chat_template_file", "code_revision", "device", "experts_implementation",
        "gguf_file", "offload_folder", "prompt", "reasoning_effort", "revision", "subfolder", "system_message",
        "variant",
    ), str | None),
    **dict.fromkeys(("chat_template_kwargs", "max_memory"), dict[str, Any] | None),
    **dict.fromkeys(("device_map", "dtype", "quantization_config"), Any),
    **dict.fromkeys((
        "force_download", "local_files_only", "offload_buffers", "thinking", "trust_remote_code", "use_kernels",
        "use_safetensors",
    ), bool | None),
    "proxies": dict[str, str] | None,
    "token": str | bool | None,
}  # fmt: skip
"""The words by which a model of a folder or the hub is loaded and asked, beside those of its policy; each may be None.

Any where ``transformers`` takes a text or an object of its own.
"""
