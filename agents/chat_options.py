"""How a chat is asked for beyond its prompt, by the same names for a model in a folder and one behind an endpoint.

A tokenizer is told once: like a prompt of one's own (``agents.prompts``), system message and template variables become
part of its chat template, so that whoever applies the template writes the same.
"""

from collections.abc import Mapping
from typing import Any

from maze_env.errors import InvalidConfig
from tokenmaze.agents.chat_templates import set_template_variables
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.prompts import conversation, put_before_template, write_messages
from tokenmaze.agents.protocols import Tokenizer

THINKING = "enable_thinking"
"""The variable by which chat templates turn thinking on or off (Qwen, GLM, SmolLM, ...)."""
FIXED = ("messages", "tools", "add_generation_prompt")
"""Variables of a chat template that are what is written, not how."""
SYSTEM_FIRST = "{%- set messages = [{'role': 'system', 'content': SYSTEM}] + messages -%}{{ '' }}"


def template_variables(
    thinking: bool | None,
    reasoning_effort: str | None = None,
    chat_template_kwargs: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What a chat template is told: ``chat_template_kwargs`` and, unless they are None, the two others.

    Raises:
        InvalidConfig: for values of other types, and for one that is said twice.
    """
    if not isinstance(thinking, bool | None):
        raise InvalidConfig(f"Expects thinking to be true or false, actual: {thinking!r}")
    if not isinstance(chat_template_kwargs, Mapping | None):
        raise InvalidConfig(f"Expects chat_template_kwargs as a JSON object, actual: {chat_template_kwargs!r}")
    if fixed := [name for name in FIXED if name in (chat_template_kwargs or {})]:
        raise InvalidConfig(f"Expects chat_template_kwargs without {', '.join(fixed)}, which is what is written")
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
        InvalidConfig: for a variable that the template does not read.
        InvalidCheckpoint: for a template that does not write the system message, or refuses one.
    """
    if not isinstance(system_message, str | None):
        raise InvalidConfig(f"Expects system_message as a text, actual: {system_message!r}")
    variables = dict(variables or {})
    if THINKING in variables and THINKING not in str(tokenizer.chat_template):
        raise InvalidConfig(
            f"Expects a chat template that can turn thinking on or off (by {THINKING}), actual: one that cannot"
        )
    set_template_variables(tokenizer, variables)
    if system_message is None:
        return
    put_before_template(tokenizer, "system message", SYSTEM_FIRST.replace("SYSTEM", repr(system_message)))
    try:
        written = write_messages(tokenizer, conversation("MAZE"))
    except Exception as error:  # templates are programs of their own
        raise InvalidCheckpoint(f"Expects a chat template that takes a system message, actual: {error}") from error
    if system_message.strip() not in written:
        raise InvalidCheckpoint("Expects a chat template that writes the system message, actual: one that does not")
