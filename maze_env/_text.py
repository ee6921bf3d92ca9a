"""Text that this project did not write, made fit to be shown and to be stored."""

import json
import os
import re
import shlex
from collections.abc import Sequence
from typing import Any

IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""What Unicode calls printable, and nobody sees: fillers and variation selectors, which can carry a hidden text."""


def harmless(text: str, keep: str = "") -> str:
    r"""A text in which each character that a terminal obeys or that nobody sees is written as its escape.

    Those are control characters and what begins with them, marks of direction, of zero width and of new lines, blanks
    that are none, half and unassigned characters. Wherever a text of a model, a server or a file is shown, it is shown
    by this function.

    Args:
        text: any text.
        keep: characters to leave as they are, such as the ends of lines.

    >>> print(harmless("\x1b[2Jsolved\n\u202e100 %"))
    \x1b[2Jsolved\n\u202e100 %
    """
    bare = text.translate(dict.fromkeys(map(ord, keep))) if keep else text
    if bare.isprintable() and (bare.isascii() or not IGNORABLE.search(bare)):
        return text
    return "".join(
        one if one in keep or (one.isprintable() and not IGNORABLE.match(one)) else ascii(one)[1:-1] for one in text
    )


SECRET = "[key]"
"""Stands where a key stood."""
SECRET_VARIABLE = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD)$", re.IGNORECASE)
LEAST_SECRET = 8
"""Letters below which what such a variable of the environment holds may be a word of any text."""
SECRET_NAME = re.compile(
    r"(?:\w*[_-])?(?:api[_-]?key|secret|password|authorization)|(?:(?:hub|push_to_hub|use_auth|auth|access|hf)[_-])?token",
    re.IGNORECASE,
)
"""Of an option whose value is a key; ``pad_token`` and its like are none."""
LIKE_SECRET = re.compile(
    r"(?<=://)[^/@\s]+(?=@)"  # user and password in an address
    r"|(?<=[?&]key=)[^&#\s]+|(?<=token=)[^&#\s]+|(?<=api_key=)[^&#\s]+|(?<=password=)[^&#\s]+"
    r"|\b(?:sk-|hf_|ghp_)\w[\w-]{19,}|(?<=Bearer )\S+"
)


def public(value: Any) -> Any:
    """A value for JSON without keys: what the environment holds as one, what is named like one, what looks like one."""
    if isinstance(value, dict):
        secret = {name for name, one in value.items() if SECRET_NAME.fullmatch(str(name)) and isinstance(one, str)}
        return {name: SECRET if name in secret else public(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [public(one) for one in value]
    return LIKE_SECRET.sub(SECRET, without_keys(value)) if isinstance(value, str) else value


def public_command(words: Sequence[str]) -> str:
    """A command as a shell takes it, without keys."""
    shown: list[str] = []
    for word in words:
        name, equals, _ = word.lstrip("-").partition("=")
        before = shown[-1].lstrip("-") if shown and shown[-1].startswith("--") else ""
        if equals and SECRET_NAME.fullmatch(name):
            shown.append(word.partition("=")[0] + "=" + SECRET)
        else:
            shown.append(SECRET if SECRET_NAME.fullmatch(before) else public(word))
    return shlex.join(shown)


def without_keys(text: str) -> str:
    """A text without what the environment's variables for keys hold, as it is or as JSON writes it."""
    for name, value in os.environ.items():
        if SECRET_VARIABLE.search(name) and len(value) >= LEAST_SECRET:
            for written in {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}:
                text = text.replace(written, SECRET)
    return text
