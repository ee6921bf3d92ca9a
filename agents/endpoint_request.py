"""What is sent to a model server: the body of a request, from the options that shape it."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from maze_env.errors import InvalidConfig, unknown_name
from tokenmaze.agents.chat_options import template_variables
from tokenmaze.agents.errors import require_at_least

Route = Literal["chat", "completions"]
FIELDS: Final = ("max_tokens", "max_completion_tokens", "temperature", "seed")
"""Fields of a request that some servers refuse."""
OPTIONS_OF_FIELDS: Final = {
    "model": "the name behind #", "messages": "system_message and prompt", "prompt": "prompt",
    "max_tokens": "max_new_tokens", "max_completion_tokens": "max_new_tokens", "temperature": "temperature",
    "seed": "--seed", "n": "--samples", "top_p": "top_p", "stop": "stop", "reasoning_effort": "reasoning_effort",
    "chat_template_kwargs": "chat_template_kwargs", "stream": "nothing: answers are read whole",
}  # fmt: skip
"""Fields that ``extra_body`` cannot hold, and what says them."""
SECRET_NAME: Final = re.compile(r"(?i)api[-_]?key|secret|password|authorization|credential")


@dataclass(frozen=True, kw_only=True)
class RequestOptions:
    """The options that shape a request; raises InvalidConfig for those that cannot be, or contradict each other."""

    model: str
    """Its name at the server."""
    route: Route = "chat"
    """``completions``: the prompt as it is, continued; for models that have no chat template."""
    fields: str = "max_tokens,temperature,seed"
    """Those of ``FIELDS`` that are sent."""
    max_new_tokens: int = 512
    """The completion's budget."""
    temperature: float = 0.0
    """0 asks for greedy decoding."""
    top_p: float | None = None
    """As the protocol has it; ``None`` is not sent, here and below."""
    stop: str | Sequence[str] | None = None
    """Texts that end a completion."""
    system_message: str | None = None
    """A message before the prompt."""
    thinking: bool | None = None
    """Sent as ``enable_thinking``, a variable of the chat template."""
    reasoning_effort: str | None = None
    """As the server names its levels."""
    chat_template_kwargs: Mapping[str, Any] | None = None
    """Further variables of the chat template."""
    extra_body: Mapping[str, Any] | None = None
    """Further fields of each request."""

    def __post_init__(self) -> None:
        if self.route not in get_args(Route):
            raise unknown_name("route", self.route, get_args(Route))
        for name in self.sent:
            if name not in FIELDS:
                raise unknown_name("field", name, FIELDS)
        if {"max_tokens", "max_completion_tokens"} <= set(self.sent):
            raise InvalidConfig("Expects fields with max_tokens or max_completion_tokens, actual: both")
        require_at_least(1, max_new_tokens=self.max_new_tokens)
        require_at_least(0, temperature=self.temperature)
        if self.temperature and "temperature" not in self.sent:
            raise InvalidConfig(f"Expects fields with temperature={self.temperature}, actual: {self.fields!r}")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise InvalidConfig(f"Expects top_p above 0 and at most 1, actual: {self.top_p}")
        stops = [self.stop] if isinstance(self.stop, str) else self.stop
        if stops is not None and not (isinstance(stops, list | tuple) and all(isinstance(s, str) and s for s in stops)):
            raise InvalidConfig(f"Expects stop as a text or a list of texts, actual: {self.stop!r}")
        if not isinstance(self.system_message, str | None):
            raise InvalidConfig(f"Expects system_message as a text, actual: {self.system_message!r}")
        template_variables(self.thinking, self.reasoning_effort, self.chat_template_kwargs)
        if self.route == "completions":
            for name in ("system_message", "thinking", "reasoning_effort", "chat_template_kwargs"):
                if getattr(self, name) is not None:
                    raise InvalidConfig(f"Expects {name} with route='chat', actual: route='completions'")
        self._check_extra_body()

    def _check_extra_body(self) -> None:
        extra = self.extra_body
        if not isinstance(extra, Mapping | None):
            raise InvalidConfig(f"Expects extra_body as a JSON object, actual: {extra!r}")
        for name in extra or {}:
            if name in OPTIONS_OF_FIELDS:
                said = f"{name!r}, which is said by {OPTIONS_OF_FIELDS[name]}"
                raise InvalidConfig(f"Expects extra_body without {said}, actual: one with it")
        try:
            text = json.dumps([extra, self.chat_template_kwargs], allow_nan=False) + (self.system_message or "")
        except (TypeError, ValueError, RecursionError):
            raise InvalidConfig("Expects extra_body and chat_template_kwargs as JSON, actual: other values") from None
        key = os.environ.get("OPENAI_API_KEY")
        if (key and key in text) or any(SECRET_NAME.search(name) for name in _names(extra)):
            raise InvalidConfig(
                "Expects options without a key, for results hold them (it belongs into the environment variable "
                "OPENAI_API_KEY), actual: one that looks like a key"
            )

    @property
    def sent(self) -> tuple[str, ...]:
        """``fields`` one by one."""
        return tuple(filter(None, map(str.strip, self.fields.split(","))))

    def body(self, content: str, seed: int) -> dict[str, Any]:
        """The request that asks for one completion."""
        budget, sent = self.max_new_tokens, self.sent
        values = dict(zip(FIELDS, (budget, budget, self.temperature, seed), strict=True))
        optional = {
            "top_p": self.top_p,
            "stop": self.stop,
            "reasoning_effort": self.reasoning_effort,
            "chat_template_kwargs": template_variables(self.thinking, None, self.chat_template_kwargs) or None,
        }
        system = [] if self.system_message is None else [{"role": "system", "content": self.system_message}]
        asked = {"messages": [*system, {"role": "user", "content": content}]}
        return {
            "model": self.model,
            **(asked if self.route == "chat" else {"prompt": content}),
            **{name: values[name] for name in FIELDS if name in sent},
            **{name: value for name, value in optional.items() if value is not None},
            **(self.extra_body or {}),
        }

    @property
    def settings(self) -> dict[str, Any]:
        """What results tell: the body without its prompt and seed, and our names for budget and temperature."""
        body = self.body("", 0)
        sent = {name: value for name, value in body.items() if name not in ("messages", "prompt", *FIELDS)}
        limited = any(name in body for name in FIELDS[:2])
        return {
            **sent,
            "route": self.route,
            "fields": list(self.sent),
            "temperature": body.get("temperature"),
            "max_new_tokens": self.max_new_tokens if limited else None,
            **({} if self.system_message is None else {"system_message": self.system_message}),
        }


def _names(value: Any) -> list[str]:
    """The names in a value of JSON, at any depth."""
    if isinstance(value, Mapping):
        return [*map(str, value), *(name for one in value.values() for name in _names(one))]
    return [name for one in value for name in _names(one)] if isinstance(value, list | tuple) else []
