"""Results of schema 1, which had no version in it, as those of schema 2.

Its attempts were lists: index of the maze, cause, moves played, tokens, and 1 where a budget cut it short (in plan the
tokens, in play the moves); texts where they were kept. Figures that a file has are kept as they are, under their new
names; those that it lacks are computed from its attempts.
"""

import math
from collections.abc import Sequence
from typing import Any

from maze_env.attempt import End, EndedBy
from maze_env.errors import TokenMazeError
from maze_env.phrasings import STANDARD
from maze_env.tokens import THINK_OPEN
from tokenmaze.benchmarks.metrics import summarize
from tokenmaze.benchmarks.stats import wilson
from tokenmaze.benchmarks.stored_attempts import (
    MAX_ATTEMPTS,
    Place,
    StoredAttempt,
    places,
    restored,
    row_of,
    stored,
    usual_ended_by,
)
from tokenmaze.benchmarks.suites import load as load_suite
from tokenmaze.benchmarks.typed_json import InvalidResult, encode

RENAMED = {
    "causes": "ends",
    "truncations": "truncated",
    "valid": "validity",
    "follows": "consistency",
    "in_spite": "correct_despite_trace",
    "wrong_turn": "wrong_turn_rate",
    "noticed": "backtracking_rate",
    "repaired": "recovery_rate",
    "repeats": "repetition_rate",
}
GONE = ("parse_failures", "styles", "solved_rate", "solved_rate_wilson_95")
"""Figures that follow from others: ``ends``, the completions of each style, ``solved`` and ``trials``."""
NEEDED = ("suite", "mode", "agent", "agent_options", "samples", "summary", "baselines", "provenance", "attempts")


def upgraded(raw: dict[str, Any]) -> dict[str, Any]:
    """The JSON of a result of schema 1 as that of schema 2, its attempts unpacked."""
    if missing := [name for name in NEEDED if name not in raw]:
        raise InvalidResult(f"Expects a whole result, actual: one without {', '.join(missing)}")
    try:
        suite, mode, samples = raw["suite"], raw["mode"], raw["samples"]
        where = places(samples, suite.get("phrasings", (STANDARD,)), suite["mazes"])
        if len(raw["attempts"]) != len(where):
            raise InvalidResult(f"Expects {len(where)} attempts, actual: {len(raw['attempts'])}")
        attempts = [_attempt(row, mode, place) for row, place in zip(raw["attempts"], where, strict=True)]
        figures = _completed(_renamed(raw["summary"]), _computed(raw, attempts))
        baselines = _renamed(raw["baselines"])
    except (LookupError, ArithmeticError, TypeError, ValueError, AttributeError) as error:
        raise InvalidResult(f"Expects a whole result, actual: {error!r}") from None
    kept = {name: value for name, value in raw.items() if name not in ("benchmark", "attempt_columns")}
    return kept | {
        "keeps_texts": any(attempt.texts is not None for attempt in attempts),
        "summary": figures,
        "baselines": baselines,
        "attempts": [row_of(attempt, mode) for attempt in attempts],
    }


def _attempt(row: Sequence[Any], mode: Any, place: Place) -> StoredAttempt:
    index, cause, moves, tokens, truncated, *texts = row
    if index != place[2]:
        raise InvalidResult("Expects attempts at every maze of the suite in order, actual: another order")
    end = End(cause)
    ended_by = usual_ended_by(mode, end)
    if truncated and mode == "plan":
        ended_by = EndedBy.TOKEN_BUDGET
    opened = mode == "plan" and end is End.UNCLOSED_THINKING and texts and THINK_OPEN not in texts[0][0]
    written = {"texts": texts[0], "thinking_opened": bool(opened)} if texts else {}
    return stored({"end": cause, "ended_by": ended_by, "moves": moves, "tokens": tokens, **written}, mode, place)


def _computed(raw: dict[str, Any], attempts: Sequence[StoredAttempt]) -> dict[str, Any]:
    """The figures as they are computed now; empty where the mazes cannot be had any more, or are others."""
    try:
        suite = load_suite(raw["suite"]["name"])
    except TokenMazeError:
        return {}
    if suite.spec.sha256 != raw["suite"]["sha256"]:
        return {}
    made = [restored(attempt, suite.mazes[attempt.maze], 0) for attempt in attempts]
    radius = raw.get("view_radius") if raw["mode"] == "play" else None
    return dict(encode(summarize(made, suite, radius)))


def _renamed(figures: Any) -> Any:
    """Figures under their new names, at every level."""
    if not isinstance(figures, dict):
        return figures
    renamed = {RENAMED.get(name, name): _renamed(value) for name, value in figures.items() if name not in GONE}
    if interval := figures.get("solved_rate_wilson_95"):  # the number of trials that it was made with
        sizes, rate = range(min(figures["attempts"], MAX_ATTEMPTS), 0, -1), figures["solved_rate"]
        renamed["trials"] = min(sizes, key=lambda trials: math.dist(wilson(rate, trials), interval))
    return renamed


def _completed(stored_figures: dict[str, Any], computed: dict[str, Any]) -> dict[str, Any]:
    """The stored figures, and of the computed ones those that are not among them."""
    both = {**computed, **{name: value for name, value in stored_figures.items() if value is not None}}
    if "levels" in both:
        levels = computed.get("levels", {})
        both["levels"] = {name: _completed(one, levels.get(name, {})) for name, one in stored_figures["levels"].items()}
    return both
