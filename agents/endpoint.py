"""Any server that speaks the OpenAI protocol as an agent: vLLM, ``transformers serve``, a company's.

    python -m benchmarks.mazebench --agent http://localhost:8000/v1#my-model --agent-option concurrency=32

An optional extra (``pip install 'tokenmaze[endpoint]'``). A key is read from ``OPENAI_API_KEY`` in the environment and
nowhere else, so that no log, result or provenance can hold it. A request that fails for good, after retries with
growing pauses, is an attempt without an answer: its reason is told and stored, and it is counted, with an end of its
own, and never dropped. A server that answers none at all ends the run instead.
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, urlsplit

import openai
from tqdm import tqdm

from maze_env.answers import first_move
from maze_env.attempt import Reply
from maze_env.errors import InvalidConfig
from maze_env.keys import key_of
from maze_env.phrasings import STANDARD
from tokenmaze.agents.background_loop import run_in_background
from tokenmaze.agents.base import Agent, Mode
from tokenmaze.agents.endpoint_errors import advice, failure_of, may_pass, of_all_requests, pause_before, without_key
from tokenmaze.agents.endpoint_reply import read_reply
from tokenmaze.agents.endpoint_request import RequestOptions, Route
from tokenmaze.agents.errors import InvalidEndpoint, UnreadableReply, require_at_least
from tokenmaze.agents.failures import in_words, kind_of, reasons
from tokenmaze.agents.prompts import PROMPT_TEMPLATES, prompt_settings, prompts_of, read_prompt

CONNECT_SECONDS = 10.0
MAX_BODY = 2**25
"""Bytes of a response beyond which it is no answer of a model."""
MAX_IN_VAIN = 10
"""Requests that fail for a reason that concerns all of them, and none answered in between, before the run ends."""
MAX_WARNINGS = 3
"""Reasons for failures that are told as they come."""


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
        prompt: str | None = None,
        system_message: str | None = None,
        thinking: bool | None = None,
        reasoning_effort: str | None = None,
        chat_template_kwargs: Mapping[str, Any] | None = None,
        top_p: float | None = None,
        stop: str | Sequence[str] | None = None,
        fields: str = RequestOptions.fields,
        extra_body: Mapping[str, Any] | None = None,
        route: Route = "chat",
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
            prompt: a text with ``{maze}`` in it, in place of the standard prompt; alone: the bare maze.
            system_message: before the prompt; by default none.
            thinking: on or off, for chat templates that know ``enable_thinking``; by default as the server has it.
            reasoning_effort: as the server names its levels.
            chat_template_kwargs: further variables of the chat template (vLLM, SGLang).
            top_p: and ``stop``: as the protocol has them; by default not sent, so that the server's own are in force.
            fields: those that are sent of ``max_tokens`` or ``max_completion_tokens``, ``temperature`` and ``seed``.
            extra_body: further fields of each request.
            route: ``chat``, or ``completions`` for a model without a chat template.

        Raises:
            InvalidConfig: for an address or options that cannot be.
            InvalidEndpoint: when the server cannot be reached, refuses the key, or lacks the model.
        """
        self._url, model = _address(name)
        self.request = RequestOptions(
            model=model, route=route, fields=fields, max_new_tokens=max_new_tokens, temperature=temperature,
            top_p=top_p, stop=stop, system_message=system_message, thinking=thinking, reasoning_effort=reasoning_effort,
            chat_template_kwargs=chat_template_kwargs, extra_body=extra_body,
        )  # fmt: skip
        """What is sent with each prompt."""
        require_at_least(1, batch_size=batch_size, concurrency=concurrency)
        require_at_least(0, retries=retries)
        if timeout <= 0:
            raise InvalidConfig(f"Expects a timeout above 0, actual: {timeout}")
        key = os.environ.get("OPENAI_API_KEY", "")
        if not (key.isascii() and key.isprintable()):
            raise InvalidConfig("Expects OPENAI_API_KEY in printable ASCII, actual: other characters in it")
        self.name, self.mode, self.batch_size, self.progress = name, mode, batch_size, progress
        self.concurrency, self.timeout, self.retries = concurrency, timeout, retries
        own = {} if prompt is None else prompts_of(read_prompt(prompt))
        self._prompt_templates: dict[str, str] = PROMPT_TEMPLATES | own
        self._answered = False
        self._in_vain: list[str] = []  # failures of requests that may be those of all, since the last answer
        self._told: set[str] = set()
        self.reset([])
        self.check()

    @property
    def settings(self) -> dict[str, Any]:
        # The chat template is the server's.
        return self.request.settings | prompt_settings(self._prompt_templates[STANDARD])

    def _options(self) -> dict[str, Any]:
        return {"base_url": self._url, "api_key": os.environ.get("OPENAI_API_KEY") or "none", "max_retries": 0}

    def check(self) -> None:
        found = self._models(self._url)
        if found is None and "/v1" not in self._url:
            nearby, there = f"{self._url.rstrip('/')}/v1", None
            with suppress(InvalidEndpoint):  # some addresses have no /v1
                there = self._models(nearby)
            if there:
                meant = f"{nearby}#{self.request.model}"
                raise InvalidEndpoint(f"Expects an address up to /v1, actual: {self.name!r}. Did you mean {meant!r}?")
        # Servers take names with or without a tag (Ollama's ":latest", OpenRouter's ":free").
        model = self.request.model
        if found and model.partition(":")[0] not in {name.partition(":")[0] for name in found}:
            raise InvalidEndpoint(f"Expects a model of {self._url}, one of {sorted(found)[:20]}, actual: {model!r}")

    def _models(self, url: str) -> list[str] | None:
        """The names of the server's models, empty where it lists none that can be read; None without such a page."""
        client = openai.OpenAI(**self._options() | {"base_url": url}, timeout=min(CONNECT_SECONDS, self.timeout))
        try:
            body = client.models.with_raw_response.list().content
        except openai.AuthenticationError as error:
            raise InvalidEndpoint(
                f"Expects a key that {url} accepts in OPENAI_API_KEY, actual: status {error.status_code}"
            ) from None
        except openai.APIStatusError:
            return None  # a server need not list its models, a key may not be for that, and `transformers serve` cannot
        except Exception as error:
            raise InvalidEndpoint(
                f"Expects a server that speaks the OpenAI protocol at {url}, actual: {failure_of(error)}"
            ) from None
        finally:
            client.close()
        try:
            listed = json.loads(body)
        except (ValueError, RecursionError):
            hint = "" if "/v1" in url else " (an address goes up to /v1)"
            raise InvalidEndpoint(
                f"Expects a server that speaks the OpenAI protocol at {url}, actual: no JSON in {url}/models{hint}"
            ) from None
        listed = listed.get("data") if isinstance(listed, dict) else listed
        models = listed if isinstance(listed, list) else []
        return [str(model["id"]) for model in models if isinstance(model, dict) and "id" in model]

    def reset(self, seeds: Sequence[int], phrasing: str = STANDARD) -> None:
        self._seeds, self._phrasing, self._turn = list(seeds), phrasing, 0

    def act(self, observations: list[str]) -> list[Reply]:
        """As ``Agent.act``. Raises InvalidEndpoint when the server answers no request."""
        replies = run_in_background(self._ask_all(observations))
        self._turn += 1
        return replies

    async def _ask_all(self, observations: list[str]) -> list[Reply]:
        replies, gate = [Reply("")] * len(observations), asyncio.Semaphore(self.concurrency)
        live = [index for index, text in enumerate(observations) if text]
        async with openai.AsyncOpenAI(**self._options(), timeout=self.timeout) as client:
            asked = [asyncio.create_task(self._ask(client, gate, index, observations[index])) for index in live]
            progress = tqdm(total=len(live), desc=f"{self.request.model} {self.mode}", disable=not self.progress)
            try:
                for finished in asyncio.as_completed(asked):
                    index, replies[index], error = await finished
                    progress.update()
                    self._take_note(error)
            finally:
                progress.close()
                for task in asked:
                    task.cancel()
                await asyncio.gather(*asked, return_exceptions=True)
        return replies

    async def _ask(
        self, client: openai.AsyncOpenAI, gate: asyncio.Semaphore, index: int, observation: str
    ) -> tuple[int, Reply, Exception | None]:
        """One completion; none where the request failed for good, or what came was no completion."""
        content = self._prompt_templates[self._phrasing].replace("{maze}", observation)
        request = self.request.body(content, seed=key_of(self._seeds[index], self._turn) % 2**31)
        try:
            async with gate:
                reply = read_reply(await self._send(client, request))
        except Exception as error:  # whatever goes wrong between here and there is this attempt's failure alone
            return index, Reply("", failure=failure_of(error)), error
        text = without_key(reply.text)
        if self.mode == "play" and (move := first_move(text)) is not None:
            text = move.token
        return index, Reply(text, reply.tokens, reply.truncated), None

    async def _send(self, client: openai.AsyncOpenAI, request: dict[str, Any]) -> bytes:
        """The body of the response, after as many tries as there may be."""
        for tried in range(self.retries + 1):
            try:
                async with asyncio.timeout(self.timeout):
                    return await _response(client, request)
            except Exception as error:
                if tried == self.retries or not may_pass(error):
                    raise
                pause = pause_before(tried + 1, error)
            await asyncio.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _take_note(self, error: Exception | None) -> None:
        """Tells of a failure, and ends the run when there is no sense in going on."""
        if error is None:
            self._answered = True
            self._in_vain.clear()
            return
        failure = failure_of(error)
        if kind_of(failure) not in self._told and len(self._told) < MAX_WARNINGS:
            self._told.add(kind_of(failure))
            tqdm.write(f"warning: a request failed: {failure}", file=sys.stderr)
        if not self._answered or of_all_requests(error):
            self._in_vain.append(failure)
        if len(self._in_vain) >= MAX_IN_VAIN:
            counts = reasons(self._in_vain)
            hint = advice(next(iter(counts)), self._url, self.request.model, self.request)
            raise InvalidEndpoint(f"Expects a server that answers at {self._url}, actual: {in_words(counts)}{hint}")


async def _response(client: openai.AsyncOpenAI, request: dict[str, Any]) -> bytes:
    """The body of the response to one request."""
    more = {name: value for name, value in request.items() if name not in ("model", "messages", "prompt")}
    sending: Any
    if "messages" in request:
        sending = client.chat.completions.with_streaming_response.create(
            model=request["model"], messages=request["messages"], extra_body=more
        )
    else:
        sending = client.completions.with_streaming_response.create(
            model=request["model"], prompt=request["prompt"], extra_body=more
        )
    body = bytearray()
    async with sending as response:
        async for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MAX_BODY:
                raise UnreadableReply(f"Expects a completion, actual: a body of more than {MAX_BODY} bytes")
    return bytes(body)


def _address(name: str) -> tuple[str, str]:
    """URL and model of an endpoint's name. Raises InvalidConfig, without what may be a secret in it."""
    url, _, model = name.partition("#")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # of an IPv6 address, or a port that is no number
        parts, port = SplitResult("", "", "", "", ""), None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    public = f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"
    if parts.scheme not in ("http", "https") or not parts.hostname or not model:
        actual = f"'{public}#{model}'" if parts.hostname else "no such address"
        raise InvalidConfig(f"Expects an endpoint as http://HOST:PORT/v1#MODEL, actual: {actual}")
    if parts.username or parts.password or parts.query:
        raise InvalidConfig(
            "Expects an address without user, password or query (results name it; a key belongs into the environment "
            f"variable OPENAI_API_KEY), actual: '{public}#{model}'"
        )
    base = parts.path.rstrip("/").removesuffix("/completions").removesuffix("/chat")
    if base != parts.path.rstrip("/"):
        right = public.removesuffix(parts.path) + base
        raise InvalidConfig(f"Expects an address up to /v1, actual: {name!r}. Did you mean '{right}#{model}'?")
    return url, model
