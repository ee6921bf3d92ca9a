"""Why requests failed: the reasons that differ, with counts."""

import re
from collections import Counter
from collections.abc import Iterable

MAX_REASONS = 5
VARYING = re.compile(r"[\w-]*\d[\w-]*")  # counts, addresses, times, the id of a request


def kind_of(failure: str) -> str:
    """What failures for the same reason share, whatever numbers and ids stand in them; a status counts.

    >>> kind_of("BadRequestError: Error code: 400 - 1034 tokens, request a9f")
    'BadRequestError: Error code: 400 -  tokens, request '
    """
    status, _, words = failure.partition(" - ")
    return f"{status} - {VARYING.sub('', words)}" if words else VARYING.sub("", failure)


def reasons(failures: Iterable[str]) -> dict[str, int]:
    """How many failed for each reason, told by the first such failure; the most frequent first, at most
    ``MAX_REASONS`` and ``others``.

    >>> reasons(["Timeout: 12 s", "Timeout: 13 s", "Refused: no"])
    {'Timeout: 12 s': 2, 'Refused: no': 1}
    """
    first: dict[str, str] = {}
    counts = Counter(first.setdefault(kind_of(failure), failure) for failure in failures).most_common()
    others = sum(count for _, count in counts[MAX_REASONS:])
    return dict(counts[:MAX_REASONS]) | ({"others": others} if others else {})


def in_words(counts: dict[str, int]) -> str:
    """``reasons`` in one line."""
    return "; ".join(f"{count} x {reason.rstrip('.')}" for reason, count in counts.items())
