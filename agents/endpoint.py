"""Any server that speaks the OpenAI chat protocol as an agent: vLLM, ``transformers serve``, a company's.

    python -m benchmarks.mazebench --agent http://localhost:8000/v1#my-model --agent-option concurrency=32

An optional extra (``pip install -e .[endpoint]``). A key is read from ``OPENAI_API_KEY`` in the environment and nowhere
else, so that no log, result or provenance can hold it. A request that fails for good, after retries with growing
pauses, is an attempt without an answer: it is counted, with an end of its own, and never dropped.
"""

import asyncio
import os
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import openai
from tqdm.asyncio import tqdm

from agents.base import Agent, Mode
from agents.errors import InvalidEndpoint, require_at_least
from agents.prompts import PROMPT_TEMPLATES, prompt_settings
from maze_env.answers import first_move
from maze_env.attempt import Reply
from maze_env.errors import InvalidConfig
from maze_env.keys import key_of
from maze_env.phrasings import STANDARD
from maze_env.tokens import THINK_CLOSE, THINK_OPEN

CONNECT_SECONDS = 10.0
MAX_FAILURE_LENGTH = 300
LIKE_A_KEY = re.compile(r"\b(?:sk-|Bearer\s+)\S+")


class EndpointAgent(Agent):
    """A model behind an endpoint. In *play* it plans anew at each turn and plays the first move of its plan."""

    def __init__(
        self,
        name: str,
        mode: Mode = "plan",
        temperature: float = 0.0,
        max_new_tokens: int = 512,
        batch_size: int = 256,
        concurrency: int = 16,
        timeout: float = 120.0,
        retries: int = 4,
        progress: bool = False,
    ):
        """Asks the server for its models, so that a dead one is known before any work.

        Args:
            name: the address up to ``/v1``, ``#``, and the model's name there.
            mode: as ``LLMPolicy``, and so are ``temperature``, ``max_new_tokens`` and ``progress``.
            batch_size: observations answered before any is recorded.
            concurrency: requests under way at the same time.
            timeout: seconds for each request.
            retries: after a failure that may pass (no connection, timeouts, status 408, 409, 429 and 5xx).

        Raises:
            InvalidConfig: for values that cannot be.
            InvalidEndpoint: when the server cannot be reached, refuses the key, or lacks the model.
        """
        url, _, model = name.partition("#")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or not model:
            raise InvalidConfig(f"Expects an endpoint as http://HOST:PORT/v1#MODEL, actual: {_public(name)!r}")
        if parts.username or parts.password or parts.query:
            raise InvalidConfig(
                "Expects an address without user, password or query (results name it; a key belongs into the "
                f"environment variable OPENAI_API_KEY), actual: {_public(name)!r}"
            )
        require_at_least(1, max_new_tokens=max_new_tokens, batch_size=batch_size, concurrency=concurrency)
        require_at_least(0, temperature=temperature, retries=retries)
        if timeout <= 0:
            raise InvalidConfig(f"Expects a timeout above 0, actual: {timeout}")
        self.name, self.mode, self.batch_size, self.progress = name, mode, batch_size, progress
        self.url = url
        """The address up to ``/v1``."""
        self.model = model
        """The model's name there."""
        self.temperature, self.max_new_tokens = temperature, max_new_tokens
        self.concurrency, self.timeout, self.retries = concurrency, timeout, retries
        self.reset([])
        self.check()

    @property
    def settings(self) -> dict[str, Any]:
        sent = {"model": self.model, "temperature": self.temperature, "max_new_tokens": self.max_new_tokens}
        return sent | prompt_settings(PROMPT_TEMPLATES[STANDARD])  # the chat template is the server's

    def _options(self) -> dict[str, Any]:
        return {"base_url": self.url, "api_key": os.environ.get("OPENAI_API_KEY", "none")}

    def check(self) -> None:
        client = openai.OpenAI(**self._options(), timeout=min(CONNECT_SECONDS, self.timeout), max_retries=1)
        try:
            names = [model.id for model in client.models.list()]
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise InvalidEndpoint(
                f"Expects a key that {self.url} accepts in OPENAI_API_KEY, actual: status {error.status_code}"
            ) from None
        except openai.APIStatusError:
            return  # a server need not list its models, and `transformers serve` fails to when it is offline
        except Exception as error:
            raise InvalidEndpoint(
                f"Expects a server that speaks the OpenAI protocol at {self.url}, actual: {type(error).__name__}"
            ) from None
        if names and self.model not in names:
            raise InvalidEndpoint(f"Expects a model of {self.url}, one of {sorted(names)[:20]}, actual: {self.model!r}")

    def reset(self, seeds: Sequence[int], phrasing: str = STANDARD) -> None:
        self._seeds, self._phrasing, self._turn = list(seeds), phrasing, 0

    def act(self, observations: list[str]) -> list[Reply]:
        replies = asyncio.run(self._ask_all(observations))
        self._turn += 1
        return replies

    async def _ask_all(self, observations: list[str]) -> list[Reply]:
        gate, live = asyncio.Semaphore(self.concurrency), [index for index, text in enumerate(observations) if text]
        async with openai.AsyncOpenAI(**self._options(), timeout=self.timeout, max_retries=self.retries) as client:
            asked = [self._ask(client, gate, index, observations[index]) for index in live]
            replies = await tqdm.gather(*asked, desc=f"{self.model} {self.mode}", disable=not self.progress)
        written = dict(zip(live, replies, strict=True))
        return [written.get(index, Reply("")) for index in range(len(observations))]

    async def _ask(self, client: openai.AsyncOpenAI, gate: asyncio.Semaphore, index: int, observation: str) -> Reply:
        """One completion; none where the request failed for good, or what came was no completion."""
        try:
            content = PROMPT_TEMPLATES[self._phrasing].replace("{maze}", observation)
            async with gate:
                reply = await client.chat.completions.create(
                    model=self.model,
                    messages=[{"role": "user", "content": content}],
                    temperature=self.temperature,
                    max_tokens=self.max_new_tokens,
                    seed=key_of(self._seeds[index], self._turn) % 2**31,
                )
            choice = reply.choices[0]
            text = choice.message.content or ""
            reasoning = getattr(choice.message, "reasoning_content", None) or getattr(choice.message, "reasoning", None)
            tokens = reply.usage.completion_tokens if reply.usage else None
        except (openai.OpenAIError, AttributeError, IndexError, TypeError, ValueError) as error:
            return Reply("", tokens=0, failure=_failure(error))
        if isinstance(reasoning, str):  # servers that cut the thinking out of the content
            text = f"{THINK_OPEN}{reasoning}{THINK_CLOSE}{text}"
        if self.mode == "play" and (move := first_move(text)) is not None:
            text = move.token
        return Reply(text, tokens, truncated=choice.finish_reason == "length")


def _failure(error: Exception) -> str:
    """Why a request failed, in one line and without a key, which servers like to quote."""
    text = f"{type(error).__name__}: {error}"
    if key := os.environ.get("OPENAI_API_KEY"):
        text = text.replace(key, "[key]")
    return " ".join(LIKE_A_KEY.sub("[key]", text).split())[:MAX_FAILURE_LENGTH]


def _public(name: str) -> str:
    """An address without what may be a secret in it."""
    parts = urlsplit(name)
    host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or ""
    return f"{parts.scheme}://{host}{parts.path}#{parts.fragment}"
