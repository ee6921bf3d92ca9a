"""Model servers that misbehave: each kind costs the attempt that it meets, if any, and nothing else."""

import gzip
import json
import ssl
import struct
import time
from contextlib import suppress
from functools import cache
from socket import SO_LINGER, SOL_SOCKET

import pytest

from maze_env.attempt import End
from tests import tiny
from tokenmaze.agents import registry
from tokenmaze.agents.rollout import rollout

pytest.importorskip("openai", reason="optional extra: pip install 'tokenmaze[endpoint]'")

from tests.endpoint_server import serving
from tokenmaze.agents import endpoint, endpoint_errors
from tokenmaze.agents.endpoint_reply import read_reply
from tokenmaze.agents.errors import UnreadableReply

MAZES = tiny.mazes(3, 3, 3)
FAILED, SOLVED = End.REQUEST_FAILED, End.SOLVED


def message(**fields):
    """The right body, its message replaced by these fields; ``MOVES`` in a text stands for the right moves."""

    def change(body):
        moves = body["choices"][0]["message"]["content"]
        body["choices"][0]["message"] = json.loads(json.dumps(fields).replace("MOVES", moves))
        return body

    return change


def choice(**fields):
    """The right body, with these fields of its choice."""

    def change(body):
        body["choices"][0] |= fields
        return body

    return change


def cut(**fields):
    """As ``message``, cut by the budget."""
    return lambda body: choice(finish_reason="length")(message(**fields)(body))


def parts(*content):
    return message(content=list(content))


def usage(value):
    return lambda body: body | {"usage": value}


def without(*names):
    return lambda body: {name: value for name, value in body.items() if name not in names}


def stream(*deltas, end="data: [DONE]\n\n", **last):
    """Server-sent events, though nobody asked for them."""

    def change(body):
        moves = body["choices"][0]["message"]["content"]
        chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"} | last], "usage": body["usage"]})
        lines = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
        return f": keep-alive\n\n{lines}{end}".replace("MOVES", moves).encode()

    return change


def raw(text):
    """A body in bytes; ``RIGHT`` stands for the right one."""
    return lambda body: text.replace(b"RIGHT", json.dumps(body).encode())


# What comes with status 200, how the attempt ends in plan, and the tokens that are known of it.
BODIES = {
    "as usual": (lambda body: body, SOLVED, 7),
    # content
    "null content": (message(content=None), End.EMPTY, 7),
    "no content at all": (message(role="assistant"), FAILED, None),
    "a text in parts": (parts({"type": "text", "text": "MOVES"}), SOLVED, 7),
    "a text in several parts": (parts({"type": "text", "text": " "}, {"type": "text", "text": "MOVES"}), SOLVED, 7),
    "parts that are texts": (parts("MOVES"), SOLVED, 7),
    "a part that is no list": (message(content={"type": "text", "text": "MOVES"}), SOLVED, 7),
    "a part of another protocol": (parts({"type": "output_text", "text": "MOVES"}), SOLVED, 7),
    "a part with its text within": (parts({"type": "text", "text": {"value": "MOVES"}}), SOLVED, 7),
    "thinking in parts": (
        parts({"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "MOVES"}),
        SOLVED, 7,
    ),
    "thinking parts of another form": (
        parts({"type": "thinking", "thinking": "hm", "signature": "x"}, {"type": "redacted_thinking", "data": "x"},
              {"type": "text", "text": "MOVES"}),
        SOLVED, 7,
    ),
    "a thinking part left open": (
        parts({"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "closed": False}),
        End.UNCLOSED_THINKING, 7,
    ),
    "a reference": (parts({"type": "text", "text": "MOVES"}, {"type": "reference", "reference_ids": [1]}), SOLVED, 7),
    "a refusal": (message(content=None, refusal="I will not."), End.STRAY_TEXT, 7),
    "a refusal in parts": (parts({"type": "refusal", "refusal": "I will not."}), End.STRAY_TEXT, 7),
    "a picture": (parts({"type": "image_url", "image_url": {"url": "x"}}), FAILED, None),
    "a part of a type that is none": (parts({"type": ["text"], "text": "MOVES"}), FAILED, None),
    "a part that is a number": (parts(5), FAILED, None),
    "a part whose text is a number": (parts({"type": "text", "text": 5}), FAILED, None),
    "content that is a number": (message(content=5), FAILED, None),
    "content that is false": (message(content=False), FAILED, None),
    "half a character": (raw(json.dumps({"choices": [{"message": {"content": "\ud83d"}}]}).encode()),
                         End.STRAY_TEXT, None),
    "characters that a terminal obeys": (message(content="\x1b[2J\x00MOVES"), End.STRAY_TEXT, 7),
    # thinking
    "reasoning": (message(content="MOVES", reasoning="hm"), SOLVED, 7),
    "reasoning twice": (message(content="MOVES", reasoning="hm", reasoning_content="hm"), SOLVED, 7),
    "reasoning in details": (
        message(content="MOVES", reasoning=None, reasoning_details=[{"type": "reasoning.text", "text": "hm"}]),
        SOLVED, 7,
    ),
    "reasoning with its tags": (message(content="MOVES", reasoning_content="<think>\nhm\n</think>"), SOLVED, 7),
    "reasoning in both places": (message(content="<think>hm</think>MOVES", reasoning_content="hm"), SOLVED, 7),
    "reasoning of another type": (message(content="MOVES", reasoning=5, reasoning_content={"x": [1]}), SOLVED, 7),
    "cut while thinking": (cut(content=None, reasoning_content="Let me"), End.UNCLOSED_THINKING, 7),
    "cut while thinking, content empty": (cut(content="", reasoning="Let me"), End.UNCLOSED_THINKING, 7),
    "cut while thinking out of sight": (cut(content="", refusal=""), End.UNCLOSED_THINKING, 7),
    "cut after blanks": (cut(content="\n\n"), End.EMPTY, 7),
    "cut after the thinking": (cut(content="\n\n", reasoning_content="hm"), End.EMPTY, 7),
    "nothing after the thinking": (message(content=None, reasoning_content="hm"), End.EMPTY, 7),
    # tools
    "a call of a tool": (
        message(content=None, tool_calls=[{"id": "1", "type": "function", "function": {"name": "move"}}]),
        End.STRAY_TEXT, 7,
    ),
    "calls of no tool": (message(content="MOVES", tool_calls=[]), SOLVED, 7),
    "a call of a function": (message(content=None, function_call={"name": "move"}), End.STRAY_TEXT, 7),
    # choices and messages
    "several choices": (lambda body: body | {"choices": body["choices"] + [{"index": 1, "message": None}]}, SOLVED, 7),
    "choices empty": (lambda body: body | {"choices": []}, FAILED, None),
    "choices null": (lambda body: body | {"choices": None}, FAILED, None),
    "choices an object": (lambda body: body | {"choices": {"0": body["choices"][0]}}, FAILED, None),
    "a choice that is null": (lambda body: body | {"choices": [None]}, FAILED, None),
    "no choices": (without("choices"), FAILED, None),
    "a message that is null": (choice(message=None), FAILED, None),
    "a message that is a list": (choice(message=["<|up|>"]), FAILED, None),
    "an error in place of an answer": (lambda body: {"error": {"message": "out of memory", "code": 500}}, FAILED, None),
    "an error in a choice": (choice(error={"code": 502, "message": "gone"}, finish_reason="error"), FAILED, None),
    # how it finished
    "finish_reason null": (choice(finish_reason=None), SOLVED, 7),
    "finish_reason a number": (choice(finish_reason=3), SOLVED, 7),
    "finish_reason an object": (choice(finish_reason={"type": "stop"}), SOLVED, 7),
    "finish_reason unheard of": (choice(finish_reason="eos_token"), SOLVED, 7),
    "withheld by a filter": (
        lambda body: choice(finish_reason="content_filter")(message(content=None)(body)), FAILED, None,
    ),
    # counts
    "no usage": (without("usage"), SOLVED, None),
    "usage null": (usage(None), SOLVED, None),
    "usage empty": (usage({}), SOLVED, None),
    "usage a list": (usage([7]), SOLVED, None),
    "usage 0": (usage({"completion_tokens": 0}), SOLVED, None),
    "usage in words": (usage({"completion_tokens": "7"}), SOLVED, None),
    "usage below 0": (usage({"completion_tokens": -1}), SOLVED, None),
    "usage true": (usage({"completion_tokens": True}), SOLVED, None),
    "usage without end": (usage({"completion_tokens": float("inf")}), SOLVED, None),
    "usage no number": (usage({"completion_tokens": float("nan")}), SOLVED, None),
    "usage a float": (usage({"completion_tokens": 7.0}), SOLVED, 7),
    # bytes
    "nothing": (raw(b""), FAILED, None),
    "blanks": (raw(b" \n "), FAILED, None),
    "a page": (raw(b"<!DOCTYPE html><html><body>Welcome</body></html>"), FAILED, None),
    "no JSON": (raw(b"{'choices': []}"), FAILED, None),
    "JSON that breaks off": (raw(b'{"choices": [{"message": {"content": "<|up|>'), FAILED, None),
    "JSON null": (raw(b"null"), FAILED, None),
    "a list": (raw(b"[RIGHT]"), FAILED, None),
    "a number of many digits": (raw(b"1" * 5000), FAILED, None),
    "two objects": (raw(b"RIGHT\nRIGHT"), FAILED, None),
    "duplicate keys": (raw(b'{"choices": [], "usage": 1, ' b'"choices": [{"message": '
                           b'{"content": "x", "content": "no"}}]}'), End.STRAY_TEXT, None),
    "lists within lists": (raw(b"[" * 100_000), FAILED, None),
    "content within content": (raw(b'{"choices": [{"message": {"content": "", "reasoning": ' + b'{"text": ' * 600
                                   + b'"x"' + b"}" * 600 + b"}}]}"), FAILED, None),
    "a byte order mark": (raw(b"\xef\xbb\xbfRIGHT"), SOLVED, 7),
    "bytes that are no UTF-8": (raw(b'{"choices": [{"message": {"content": "\xff\xfe"}}]}'), End.STRAY_TEXT, None),
    "too much": (raw(b'{"x": "' + b"x" * 2**21 + b'"}'), FAILED, None),
    # streams
    "a stream": (stream({"role": "assistant"}, {"reasoning_content": "h"}, {"reasoning_content": "m"},
                        {"content": ""}, {"content": "MOVES"}), SOLVED, 7),
    "a stream without its last line": (stream({"content": "MOVES"}, end=""), SOLVED, 7),
    "a stream that breaks off": (stream({"content": "<|up|>"}, end="", finish_reason=None), FAILED, None),
    "a stream with an error": (stream({"content": "<|up|>"}, end='data: {"error": {"message": "gone"}}\n\n'), FAILED,
                               None),
    "a stream of nonsense": (raw(b"data: {no\n\ndata: [DONE]\n\n"), FAILED, None),
    "a stream without choices": (raw(b'data: {"choices": []}\n\ndata: [DONE]\n\n'), FAILED, None),
}  # fmt: skip


def slowly(request):
    """A byte at a time, without end."""
    request.send(body=b"", length=10**6)
    while not request.server.stopped.wait(0.02):
        request.wfile.write(b" ")


def hang(request):
    request.server.stopped.wait(5)


def drop(request):
    request.close_connection = True
    request.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))  # a reset
    request.connection.close()


def break_off(request):
    request.send(body=b'{"choices": [', length=1000)
    request.close_connection = True


def no_http(request):
    request.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    request.close_connection = True


def status(number, body=b"", **headers):
    return lambda request: request.send(number, body, {name.replace("_", "-"): v for name, v in headers.items()})


# What comes in place of a completion, each time that it is asked for, and how often it is.
TRANSPORTS = {
    "a hang": (hang, 2),
    "a drip": (slowly, 2),
    "a connection that is reset": (drop, 2),
    "a body that breaks off": (break_off, 2),
    "no HTTP": (no_http, 2),
    "a redirect in a circle": (status(307, Location="/v1/chat/completions"), None),
    "a redirect to nowhere": (status(302, Location="http://127.0.0.1:1/"), None),
    "compression that is none": (status(200, b"RIGHT", Content_Encoding="gzip"), 2),
    "compression of too much": (status(200, gzip.compress(b" " * 2**21), Content_Encoding="gzip"), 1),
    "status 204": (status(204), 1),
    "status 400": (status(400, {"error": {"message": "This model's maximum context length is 4096 tokens."}}), 1),
    "status 401": (status(401, {"error": "the key has expired"}), 1),
    "status 402": (status(402, b"out of credit"), 1),
    "status 404": (status(404, b"<html>nowhere</html>"), 1),
    "status 413": (status(413, []), 1),
    "status 422": (status(422, {"detail": [{"loc": ["body"], "msg": "no"}]}), 1),
    "status 429": (status(429, {"error": {"message": "slow down"}}, Retry_After="0.01"), 2),
    "status 429, much later": (status(429, b"", Retry_After="Fri, 31 Dec 2100 23:59:59 GMT"), 2),
    "status 429, at no time": (status(429, b"", Retry_After="soon"), 2),
    "status 500": (status(500, b"\xff\xfe"), 2),
    "status 500 and much to say": (status(500, b"*" * 2**21), 2),
    "status 503": (status(503, b"<html>gone</html>", Retry_After="-1"), 2),
    "status 529": (status(529, {"type": "error"}), 2),
    "a status that is none": (status(799), 2),
}


@pytest.fixture(scope="module")
def server():
    with pytest.MonkeyPatch.context() as patch, serving() as made:
        # Certificates, which nothing here needs, take 20 ms a client to load.
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield made


@pytest.fixture(autouse=True)
def quick(server, monkeypatch):
    """The pauses and limits of the agent, cut short."""
    server.asked.clear()
    monkeypatch.setattr(endpoint_errors, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(endpoint_errors, "MAX_PAUSE", 0.05)
    monkeypatch.setattr(endpoint, "MAX_BODY", 2**20)


def attempted(server, mode, misbehave):
    """Three attempts, one request after the other, the second of which meets ``misbehave``; and the agent's."""
    right = lambda body: (200, body)  # noqa: E731
    state = {"met": 0}

    def answer(number, body):
        if number == 2 or (state["met"] and server.asked[-1] == server.asked[1]):
            state["met"] += 1
            return misbehave(body)
        return right(body)

    server.misbehave = answer
    agent = registry.make(server.url, mode, concurrency=1, retries=1, timeout=0.4)
    return rollout(agent, MAZES, range(3)), state["met"]


@pytest.mark.parametrize("mode", ["plan", "play"])
@pytest.mark.parametrize("kind", BODIES)
def test_a_body_costs_its_own_attempt_alone(server, kind, mode):
    change, end, tokens = BODIES[kind]
    attempts, _ = attempted(server, mode, lambda body: (200, change(body)))
    expected = end if mode == "plan" or end in (SOLVED, FAILED) else End.NOT_A_MOVE
    assert [attempt.end for attempt in attempts] == [SOLVED, expected, SOLVED], attempts[1].failure
    assert bool(attempts[1].failure) == (end is FAILED)
    if mode == "plan":
        assert [attempt.tokens for attempt in attempts] == [7, tokens, 7]
    elif end is not FAILED and tokens is None:  # one unknown count makes the sum unknown
        assert attempts[1].tokens is None
    "".join((*attempts[1].texts, attempts[1].failure)).encode()  # a file can hold it
    assert attempts[1].failure.isprintable()


@pytest.mark.parametrize("mode", ["plan", "play"])
@pytest.mark.parametrize("kind", TRANSPORTS)
def test_a_response_costs_its_own_attempt_alone(server, kind, mode):
    respond, times = TRANSPORTS[kind]
    started = time.monotonic()
    attempts, met = attempted(server, mode, lambda body: respond)
    assert [attempt.end for attempt in attempts] == [SOLVED, FAILED, SOLVED]
    assert attempts[1].failure
    assert attempts[1].failure.isprintable()
    assert attempts[1].tokens is None
    assert times is None or met == times, "tried again where that may help, and only there"
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("kind", ["a hang", "a connection that is reset", "a body that breaks off", "status 429"])
def test_what_passes_is_tried_again(server, kind):
    respond, _ = TRANSPORTS[kind]
    met = []

    def once(body):
        met.append(1)
        return respond if len(met) == 1 else (200, body)

    attempts, _ = attempted(server, "plan", once)
    assert [attempt.end for attempt in attempts] == [SOLVED] * 3


def test_a_redirect_is_followed(server):
    attempts, _ = attempted(server, "plan", lambda body: status(308, Location="/v1/elsewhere"))
    assert attempts[1].end is FAILED  # the same request again, by the rule of this server
    server.misbehave = lambda number, body: (
        status(308, Location="/v1/elsewhere") if server.paths[-1] == "/v1/chat/completions" else (200, body)
    )
    assert rollout(registry.make(server.url), MAZES[:1], [0])[0].end is SOLVED


def test_no_body_raises_anything_else():
    hypothesis = pytest.importorskip("hypothesis")
    st = hypothesis.strategies
    names = st.sampled_from(
        ["choices", "message", "content", "text", "type", "thinking", "reasoning", "reasoning_details", "closed",
         "error", "usage", "completion_tokens", "finish_reason", "delta", "tool_calls", "refusal", "index", "value"]
    )  # fmt: skip
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("text")
    values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4))
    messages = st.dictionaries(names, values, max_size=5)
    completions = st.builds(lambda one, two: {"choices": [{"message": one, **two}], **two}, messages, messages)

    @hypothesis.settings(max_examples=200, deadline=None, derandomize=True)
    @hypothesis.given(completions | values | messages, st.sampled_from(["", "data: "]))
    def check(value, before):
        with suppress(UnreadableReply):
            reply = read_reply((before + json.dumps(value)).encode())
            reply.text.encode()
            assert reply.tokens is None or reply.tokens > 0

    check()
