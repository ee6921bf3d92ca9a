"""What a server sent, read as the reply that it was meant to be: chat or text completions, whole or streamed.

The protocol is spoken in dialects. Content comes as a text, as nothing or in parts; thinking in ``reasoning_content``
(vLLM, DeepSeek), ``reasoning`` and ``reasoning_details`` (OpenRouter), in parts (Mistral) or between tags in the
content. What is no completion in any of them is ``UnreadableReply``, and nothing else is ever raised.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from maze_env.attempt import Reply
from maze_env.tokens import THINK_CLOSE, THINK_OPEN
from tokenmaze.agents.errors import UnreadableReply

CUT: Final = ("length", "max_tokens", "max_output_tokens", "model_length")
"""Finish reasons of a completion that a budget or the context cut short."""
WITHHELD: Final = ("content_filter", "error", "abort")
"""Finish reasons with which a server keeps an answer back."""
SILENT_PARTS: Final = ("reference", "redacted_thinking")
"""Parts of content that hold no words of the model."""
MAX_COUNT: Final = 2**53  # of tokens: beyond it a number in JSON is no whole number
STREAM = re.compile(r"(?:data|event|id|retry)?:")
SURROGATES = re.compile("[\ud800-\udfff]")  # JSON may escape half a character, which no file can hold


def read_reply(body: bytes) -> Reply:
    """The reply in a response's body; its text has the thinking between tags, closed unless it was cut.

    ``tokens`` is None where the server tells no number that can be: 0 is none, for an end is a token too. Raises
    UnreadableReply.
    """
    try:
        completion = _completion(body.decode("utf-8-sig", "replace").strip())
        choice = _first_choice(completion)
        finish = choice.get("finish_reason")
        finish = finish.lower() if isinstance(finish, str) else ""
        text = _text_of(_message(choice), finish)
    except RecursionError:
        raise _unreadable("values within values without end") from None
    return Reply(SURROGATES.sub("\ufffd", text), _tokens(completion.get("usage")), truncated=finish in CUT)


def _unreadable(actual: str) -> UnreadableReply:
    return UnreadableReply(f"Expects a completion, actual: {actual}")


def _completion(text: str) -> dict[str, Any]:
    """The completion in a body; of a stream, what its pieces add up to."""
    if not text:
        raise _unreadable("an empty body")
    completion = _joined(text) if STREAM.match(text) else _object(text)
    if completion.get("error"):
        raise _unreadable(f"an error, {json.dumps(completion['error'])}")
    return completion


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        raise _unreadable(f"no JSON, {text[:80]!r}") from None
    if not isinstance(value, dict):
        raise _unreadable(f"JSON that is no object, {text[:80]!r}")
    return value


def _joined(text: str) -> dict[str, Any]:
    """A stream of server-sent events as one completion."""
    message: dict[str, Any] = {}
    choice: dict[str, Any] = {"message": message}
    completion: dict[str, Any] = {"choices": [choice]}
    ended = False
    for line in re.split(r"[\r\n]+", text):  # not splitlines, which knows line ends that JSON allows in a text
        name, _, value = line.partition(":")
        if name != "data" or not value.strip():
            continue
        if value.strip() == "[DONE]":
            ended = True
            break
        chunk = _object(value)
        if chunk.get("error"):
            return chunk
        completion["usage"] = chunk.get("usage") or completion.get("usage")
        if not chunk.get("choices"):
            continue
        piece = _first_choice(chunk)
        if piece.get("index", 0) != 0:
            continue
        choice["finish_reason"] = piece.get("finish_reason") or choice.get("finish_reason")
        delta = piece["delta"] if "delta" in piece else _message(piece)
        if not isinstance(delta, dict):
            raise _unreadable(f"a piece of type {type(delta).__name__}")
        for key, added in delta.items():
            before = message.get(key)
            joins = isinstance(added, str | list) and type(before) is type(added)
            message[key] = before + added if joins else added if before is None else before
    if not ended and not choice.get("finish_reason"):
        raise _unreadable("a stream that breaks off")
    return completion


def _first_choice(completion: dict[str, Any]) -> dict[str, Any]:
    choices = completion.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise _unreadable(f"no choices, {json.dumps(completion)[:80]}")
    if choices[0].get("error"):
        raise _unreadable(f"an error, {json.dumps(choices[0]['error'])}")
    return choices[0]


def _message(choice: dict[str, Any]) -> dict[str, Any]:
    """The message of a choice; of a text completion, its text as one."""
    message = choice.get("message")
    if message is None and isinstance(choice.get("text"), str):
        return {"content": choice["text"]}
    if not isinstance(message, dict):
        raise _unreadable(f"a message of type {type(message).__name__}")
    return message


def _text_of(message: dict[str, Any], finish: str) -> str:
    """What the model wrote, thinking and answer."""
    thinks = ("reasoning_content", "reasoning", "reasoning_details")  # servers send the same under several names
    if not any(name in message for name in ("content", *thinks, "refusal", "tool_calls", "function_call")):
        raise _unreadable(f"a message without content, {json.dumps(message)[:80]}")
    parts = list(_parts(message.get("content")))
    text = "".join(said for said, thought in parts if thought is None)
    if THINK_CLOSE in text:
        return text
    thoughts = [*(_thoughts(message.get(name)) for name in thinks), "".join(said for said, thought in parts if thought)]
    thinking = next((one for one in thoughts if one.strip()), "").replace(THINK_OPEN, "").replace(THINK_CLOSE, "")
    if not text.strip():
        calls = message.get("tool_calls") or message.get("function_call")
        refusal = message.get("refusal")
        if isinstance(refusal, str) and refusal:
            text = refusal
        elif calls:  # as models write them
            text = f"<tool_call>{json.dumps(calls)}</tool_call>"
        elif finish in WITHHELD:
            raise _unreadable(f"none, finish_reason {finish!r}")
        elif (finish in CUT and not text) or any(thought == OPEN for _, thought in parts):
            return f"{THINK_OPEN}{thinking}"  # cut while it thought, be it out of sight: blanks could be seen
    return f"{THINK_OPEN}{thinking}{THINK_CLOSE}{text}" if thinking else text


OPEN, CLOSED = "open", "closed"


def _parts(content: Any) -> Iterator[tuple[str, str | None]]:
    """Each text of a content, and for thinking whether it is ``OPEN`` or ``CLOSED``."""
    for part in content if isinstance(content, list) else [content]:
        if not isinstance(part, dict):
            yield _text(part), None
            continue
        kind = part.get("type", "text")
        if kind in ("text", "output_text"):
            yield _text(part.get("text")), None
        elif kind == "refusal":
            yield _text(part.get("refusal")), None
        elif kind in ("thinking", "reasoning"):
            yield _thoughts(part), OPEN if part.get("closed") is False else CLOSED
        elif kind not in SILENT_PARTS:
            raise _unreadable(f"content with a part of type {kind!r}")


def _text(value: Any) -> str:
    """A text that is a part of the answer."""
    if isinstance(value, dict):
        value = value.get("value")
    if not isinstance(value, str | None):
        raise _unreadable(f"content of type {type(value).__name__}")
    return value or ""


def _thoughts(value: Any) -> str:
    """Every text of thinking, in whatever it is wrapped; what is no text is no thought."""
    if isinstance(value, list):
        return "".join(map(_thoughts, value))
    if isinstance(value, dict):
        names = ("thinking", "reasoning", "text", "summary", "content")
        return next((text for name in names if (text := _thoughts(value.get(name)))), "")
    return value if isinstance(value, str) else ""


def _tokens(usage: Any) -> int | None:
    count = usage.get("completion_tokens") if isinstance(usage, dict) else None
    if isinstance(count, bool) or not isinstance(count, int | float) or not 0 < count < MAX_COUNT:
        return None
    return int(count) if count == int(count) else None
