"""How a chat is asked for beyond its prompt, by the same names for a model in a folder and one behind an endpoint.

A tokenizer is told once: like a prompt of one's own (``agents.prompts``), system message and template variables become
part of its chat template, so that whoever applies the template writes the same.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from agents.errors import InvalidCheckpoint
from agents.prompts import conversation
from agents.protocols import Tokenizer
from maze_env.errors import InvalidConfig

THINKING = "enable_thinking"
"""The variable by which chat templates turn thinking on or off (Qwen, GLM, SmolLM, ...)."""
FIXED = ("messages", "tools", "add_generation_prompt")
"""Variables of a chat template that are what is written, not how."""
SYSTEM_FIRST = "{%- set messages = [{'role': 'system', 'content': SYSTEM}] + messages -%}"


def template_variables(
    thinking: bool | None, chat_template_kwargs: Mapping[str, Any] | None, reasoning_effort: str | None = None
) -> dict[str, Any]:
    """What a chat template is told: ``chat_template_kwargs`` and, unless they are None, the two others.

    Raises:
        InvalidConfig: for values of other types, and for one that is said twice.
    """
    if not isinstance(thinking, bool | None):
        raise InvalidConfig(f"Expects thinking to be true or false, actual: {thinking!r}")
    if not isinstance(chat_template_kwargs, Mapping | None):
        raise InvalidConfig(f"Expects chat_template_kwargs as a JSON object, actual: {chat_template_kwargs!r}")
    if not isinstance(reasoning_effort, str | None):
        raise InvalidConfig(f"Expects reasoning_effort in words, actual: {reasoning_effort!r}")
    variables = dict(chat_template_kwargs or {})
    own = {"thinking": (THINKING, thinking), "reasoning_effort": ("reasoning_effort", reasoning_effort)}
    for option, (name, value) in own.items():
        if value is not None and name in variables:
            raise InvalidConfig(f"Expects {option} or {name} in chat_template_kwargs, actual: both")
        variables |= {} if value is None else {name: value}
    return variables


def set_chat_options(
    tokenizer: Tokenizer, system_message: str | None = None, variables: Mapping[str, Any] | None = None
) -> None:
    """Lets a tokenizer's chat template begin with a system message, and sets ``variables`` in it.

    Raises:
        InvalidConfig: for a variable that the template does not read; where it is how thinking is turned on or off, the
            message says so.
        InvalidCheckpoint: for a template that does not write the system message, or refuses one.
    """
    if not isinstance(system_message, str | None):
        raise InvalidConfig(f"Expects system_message as a text, actual: {system_message!r}")
    variables, given = variables or {}, tokenizer.chat_template or ""
    templates = given if isinstance(given, dict) else {"": given}
    for name in variables:
        if name in FIXED:
            raise InvalidConfig(f"Expects chat_template_kwargs without {FIXED}, actual: {name!r}")
        if not name.isidentifier() or not any(re.search(rf"\b{name}\b", one) for one in templates.values()):
            what = f"can turn thinking on or off (by {THINKING})" if name == THINKING else f"reads {name!r}"
            raise InvalidConfig(f"Expects a model whose chat template {what}, actual: one that does not")
    before = "".join(f"{{%- set {name} = {_literal(value)} -%}}" for name, value in variables.items())
    if system_message is not None:
        before += SYSTEM_FIRST.replace("SYSTEM", _literal(system_message))
    if not before:
        return
    told = {name: before + "{{ '' }}" + template for name, template in templates.items()}
    tokenizer.chat_template = told if isinstance(given, dict) else told[""]
    try:
        written = tokenizer.apply_chat_template(conversation("MAZE"), tokenize=False, add_generation_prompt=True)
    except Exception as error:  # templates are programs of their own
        raise InvalidCheckpoint(f"Expects a chat template that takes these options, actual: {error}") from error
    if (system_message or "").strip() not in written:
        raise InvalidCheckpoint(
            "Expects a chat template that writes the system message, actual: one that leaves it out"
        )


def _literal(value: Any) -> str:
    """A value of JSON as an expression of Jinja."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(str(key))}: {_literal(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return "none" if value is None else json.dumps(value, ensure_ascii=False)
