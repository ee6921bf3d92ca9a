"""Bodies of a model server's responses: a reply, or an error of ours; what it says can be judged and stored."""

import json

from maze_env.answers import parse_answer
from tests.fuzz.kinds import Kind, Wrong
from tests.fuzz.mutation import mutate_bytes, mutate_json, nested
from tokenmaze.agents.endpoint_reply import read_reply
from tokenmaze.agents.errors import UnreadableReply

TEXT = "<think>\n<|0-0|><|no_wall|><|right|>\n</think>\n\n<|right|><|down|>"
USAGE = {"completion_tokens": 7, "prompt_tokens": 300, "total_tokens": 307}


def completion(message, **more):
    """A chat completion with that message."""
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "usage": USAGE, "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}} | more
    ]}  # fmt: skip


BODIES = (
    completion({"content": TEXT}),
    completion({"content": TEXT, "reasoning_content": "so"}, finish_reason="length"),
    completion({"content": None, "reasoning": "so", "reasoning_details": [{"type": "reasoning.text", "text": "so"}]}),
    completion({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "closed": False}]}),
    completion({"content": [{"type": "text", "text": TEXT}, {"type": "reference", "reference_ids": [1]}]}),
    completion({"content": None, "refusal": "no"}),
    completion({"content": "", "tool_calls": [{"function": {"name": "move", "arguments": "{}"}}]}),
    {"object": "text_completion", "choices": [{"text": TEXT, "index": 0, "finish_reason": "stop"}], "usage": USAGE},
    {"error": {"message": "no such model", "code": 404}},
)
CHUNKS = [
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
    {"choices": [{"index": 0, "delta": {"content": TEXT[:20]}}]},
    {"choices": [{"index": 0, "delta": {"content": TEXT[20:]}, "finish_reason": "stop"}]},
    {"choices": [], "usage": USAGE},
]


def make(rng):
    """The bytes of a body."""
    kind = rng.random()
    if kind < 0.02:
        return nested(rng).encode()
    if kind < 0.3:
        chunks = mutate_json(rng, CHUNKS)
        lines = [f"data: {json.dumps(chunk)}" for chunk in (chunks if isinstance(chunks, list) else [chunks])]
        body = ("\n\n".join([*lines, "data: [DONE]"]) + "\n\n").encode()
    else:
        body = json.dumps(mutate_json(rng, rng.choice(BODIES)), ensure_ascii=rng.random() < 0.5).encode(
            "utf-8", "surrogatepass"
        )
    return mutate_bytes(rng, body) if rng.random() < 0.3 else body


def check(body):
    """Reads it."""
    try:
        reply = read_reply(body)
    except UnreadableReply:
        return "unreadable"
    reply.text.encode("utf-8")
    parse_answer(reply.text)
    if (
        not (reply.tokens is None or (type(reply.tokens) is int and reply.tokens > 0))
        or type(reply.truncated) is not bool
    ):
        raise Wrong(f"tokens {reply.tokens!r}, truncated {reply.truncated!r}")
    return "read"


KIND = Kind(make, check)
