"""Small changes to real inputs, drawn from a seeded generator: of texts, of bytes and of JSON's values."""

import copy
import json

NASTY = (
    "", " ", "\n", "\r", "\t", "\x00", "\x1b[2J", "\u202e", "\u200b", "\u2028", "\ud800", "\U000e0041", "é",
    "\u0663", "\uff10",
    "</think>", "<think>", "<|unreachable|>", "<|unseen|>", "<|all_wall|>", "<|no_wall|>", "<|origin|>", "<|target|>",
    "<|blank|>", "<|up|>", "<|down|>", "<|left|>", "<|right|>", "<|0-0|>", "<|00-0|>", "<|999999999-0|>", "<|64-64|>",
    "<|-1-0|>", "<|", "|>", "RESET", "BACK", "PATH", "Step 1: Go up", "</script><script>", "<!--", "-->", "|", "`",
    "../", "~", "%s", "{maze}", "{{7*7}}", "$x", "null", "NaN", "-Infinity", "1e999", "-1", "0", "9" * 30, "9" * 5000,
    "true", "[]", "{}", '"', "'", "\\", "\\u0000", "&a", "*a", "<<", "!!python/object/apply:os.system", "---", "- ",
    ": ", "#", "--", "=", "http://", "javascript:",
)  # fmt: skip
VALUES = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf"), "", "x", "solved",
    "complete", "\x1b[31m", "\ud800", [], {}, [[]], [None], {"": None}, [1, 2], ["a"], {"a": 1},
)  # fmt: skip


def mutate_text(rng, text, others=()):
    """A text with one to four changes; ``others`` are texts to take parts from."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 4))):
        text = _change(rng, text, others)
    return text


def _change(rng, text, others):
    place, end = rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)
    place, end = min(place, end), max(place, end)
    near = min(end, place + rng.choice((1, 1, 2, 7, 30)))
    kind = rng.randrange(9)
    if kind == 0:
        return text[:place] + text[near:]
    if kind == 1:
        return text[:place] + rng.choice(NASTY) + text[place:]
    if kind == 2:
        return text[:place] + rng.choice(NASTY) + text[near:]
    if kind == 3:
        return text[:near] + text[place:near] * rng.choice((1, 2, 50)) + text[near:]
    if kind == 4:
        return text[:place] + text[near:end] + text[place:near] + text[end:]
    if kind == 5 and text:
        at = rng.randrange(len(text))
        return text[:at] + chr(ord(text[at]) ^ 1 << rng.randrange(6)) + text[at + 1 :]
    if kind == 6 and others:
        other = rng.choice(others)
        start = rng.randrange(len(other) + 1)
        return text[:place] + other[start : start + rng.choice((1, 5, 60, 10**6))] + text[end:]
    if kind == 7:
        return text[:end]
    words = text.split("<|")
    if len(words) > 2:
        one, two = rng.randrange(1, len(words)), rng.randrange(1, len(words))
        words[one], words[two] = words[two], words[one]
    return "<|".join(words)


def mutate_bytes(rng, body):
    """Bytes with one to four changes."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randrange(len(body) + 1)
        part = rng.choice((b"", b"\xff", b"\x00", rng.randbytes(3), rng.choice(NASTY).encode("utf-8", "surrogatepass")))
        body = body[:place] + part + body[place + rng.choice((0, 1, 1, 4, 10**6)) :]
    return body


def mutate_json(rng, value):
    """JSON's value with one to three changes, anywhere in it. ``value`` itself is not touched."""
    value = json.loads(json.dumps(value))
    for _ in range(rng.choice((1, 1, 2, 3))):
        holders = list(_holders(value))
        if not holders:
            return copy.deepcopy(rng.choice(VALUES))
        holder, key = rng.choice(holders)
        kind = rng.randrange(8)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[rng.choice((*NASTY, *holder))] = holder.pop(key)
        elif kind == 2:
            other, name = rng.choice(holders)
            if name in other if isinstance(other, dict) else name < len(other):
                holder[key] = json.loads(json.dumps(other[name]))
        elif kind == 3 and isinstance(holder[key], str):
            holder[key] = mutate_text(rng, holder[key])
        elif kind == 4 and isinstance(holder[key], int | float):
            holder[key] = rng.choice((-holder[key], holder[key] + 1, holder[key] * 10**9, str(holder[key])))
        elif kind == 5:
            for _ in range(rng.choice((1, 5, 200))):
                holder[key] = [holder[key]]
        else:
            holder[key] = copy.deepcopy(rng.choice(VALUES))
    return value


def _holders(value):
    """Every container in a value with each of its keys."""
    waiting = [value]
    while waiting and len(waiting) < 10**5:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            yield one, key
            waiting.append(one[key])


def nested(rng, depth=None):
    """A text of JSON or YAML that is very deep, or opens what it never closes."""
    depth = depth or rng.choice((50, 900, 5000, 100000))
    opening, closing = rng.choice((("[", "]"), ('{"a":', "}"), ("- ", ""), ("[{", "}]"), ("{a: ", "}")))
    return opening * depth + rng.choice(("", "1", "null")) + closing * rng.choice((0, depth))
