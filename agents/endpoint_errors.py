"""What went wrong with a request: in words without a key, whether to try again and when, and what a user can do."""

import email.utils
import json
import os
import random
import re
import time
from typing import Final

import openai

from tokenmaze.agents.endpoint_request import RequestOptions
from tokenmaze.agents.errors import UnreadableReply

MAX_FAILURE_LENGTH: Final = 300
MASKED_KEY: Final = re.compile(r"\b(?:sk-|Bearer\s+)\S+|\S*\*{3,}\S*")
"""A key as servers quote it, cut or masked too."""
LEAST_KEY: Final = 8
"""Letters below which a key, e.g. a placeholder, may be a word of an answer."""
FIRST_PAUSE, MAX_PAUSE = 0.5, 60.0
"""Seconds before the second try, doubled with each; and what a server's Retry-After may make of it."""


def failure_of(error: Exception) -> str:
    """Why a request failed, in one line, without a key and without characters that a terminal obeys."""
    text = str(error) or "no answer in time"  # what asyncio's TimeoutError does not say
    if isinstance(error, openai.APIStatusError):
        text = f"Error code: {error.status_code} - {_words(error.response.content) or 'without a word'}"
    elif isinstance(error, openai.APIConnectionError) and error.__cause__ is not None:
        text = f"{text} ({type(error.__cause__).__name__}: {error.__cause__})"
    kind = "" if isinstance(error, UnreadableReply) else f"{type(error).__name__}: "
    line = without_key(kind + text, least=1)[: 4 * MAX_FAILURE_LENGTH]  # a body may be long
    line = " ".join(MASKED_KEY.sub("[key]", line).split())
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)[:MAX_FAILURE_LENGTH]


def _words(body: bytes) -> str:
    """What the body of an error says: its message, wherever servers put it, else all of it."""
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    names = ("error", "message", "detail", "errors", "msg")
    while isinstance(value, dict) and any(value.get(name) for name in names):
        value = next(value[name] for name in names if value.get(name))
    return value if isinstance(value, str) else json.dumps(value)


def without_key(text: str, least: int = LEAST_KEY) -> str:
    """``text`` with ``[key]`` for a key of at least that many letters, also as Python and JSON quote it."""
    key = os.environ.get("OPENAI_API_KEY", "")
    if len(key) >= least:
        for quoted in (key, repr(key)[1:-1], json.dumps(key)[1:-1]):
            text = text.replace(quoted, "[key]")
    return text


def may_pass(error: Exception) -> bool:
    """Whether another try has a chance: no connection, one that broke, too late, or a status that says so."""
    if isinstance(error, openai.APIStatusError):
        return error.status_code in (408, 409, 429) or error.status_code >= 500
    return not isinstance(error, UnreadableReply)


def of_all_requests(error: Exception) -> bool:
    """Whether it concerns the account and not the prompt: every further request would fail alike."""
    return isinstance(error, openai.APIStatusError) and error.status_code in (401, 402, 403)


def pause_before(tried: int, error: Exception) -> float:
    """Seconds to wait after so many tries: what the server says, else growing; at most ``MAX_PAUSE``."""
    said = None
    if isinstance(error, openai.APIStatusError):
        said = _seconds(error.response.headers.get("retry-after", ""))
    growing = FIRST_PAUSE * 2 ** min(tried - 1, 10) * random.uniform(0.75, 1.0)
    return min(growing if said is None else said, MAX_PAUSE)


def _seconds(said: str) -> float | None:
    """A Retry-After header's seconds, or its date's; None for neither."""
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(said).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return seconds if seconds >= 0 else None  # NaN is not


def advice(failure: str, url: str, model: str, request: RequestOptions) -> str:
    """What a user can do about a failure that all requests share."""
    said = failure.lower()
    if " 404" in failure and "/v1" not in url:
        return f". Did you mean '{url.rstrip('/')}/v1#{model}'?"
    if "chat template" in said or "chat_template is not set" in said:
        return ". A model without a chat template is asked with option route=completions, where the server has that"
    if " 400" in failure or " 422" in failure:
        if "max_completion_tokens" in said and "max_completion_tokens" not in request.sent:
            return f". Option fields says what is sent, now {request.fields!r}, e.g. fields=max_completion_tokens,seed"
        if any(field in said for field in request.sent):
            return f". Option fields says what is sent, now {request.fields!r}"
        if "context" in said:
            return ". Option max_new_tokens is the budget of an answer"
    return ""
