"""Result files of both schemas: refused by an error of ours, or read, shown, compared and written again alike."""

import json
import os
import tempfile
from functools import cache
from pathlib import Path

from maze_env.errors import TokenMazeError
from tests.fuzz.kinds import Kind, Wrong
from tests.fuzz.mutation import mutate_bytes, mutate_json, nested
from tokenmaze.agents import registry
from tokenmaze.benchmarks.comparison import compare
from tokenmaze.benchmarks.metrics import baseline_of, summarize
from tokenmaze.benchmarks.present.terminal import report
from tokenmaze.benchmarks.record import TITLE, Provenance, Result, SuiteOfResult, load, result_text
from tokenmaze.benchmarks.runner import run_suite
from tokenmaze.benchmarks.stored_attempts import places, stored_of
from tokenmaze.benchmarks.suites import load as load_suite
from tokenmaze.benchmarks.table import table

FILE = Path(tempfile.gettempdir()) / f"fuzz-result-{os.getpid()}.json"
MAZES = 4


@cache
def results():
    """Results of a few mazes each: in one answer and in play, with texts, with samples, in phrasings."""
    made = []
    for name, mode, suite_name, samples in (
        ("random", "plan", "mazebench-100", 1),
        ("shortest-path", "plan", "phrasing", 2),
        ("left-hand", "play", "fog", 1),
    ):
        suite = load_suite(suite_name).first(MAZES)
        phrasings = suite.spec.phrasings[:3]
        attempts = run_suite(registry.make(name, mode), suite, samples, phrasings=phrasings)
        summary = summarize(attempts, suite, None)
        where = places(samples, phrasings, MAZES)
        made.append(
            Result(
                suite=SuiteOfResult(suite_name, 1, suite.spec.sha256, MAZES, None, 0, tuple(phrasings)), mode=mode,
                agent=name, agent_options={"temperature": 0.5}, samples=samples, keeps_texts=True, train_seed=0,
                stage="sft", recipe="default", summary=summary, baselines={"random": baseline_of(summary)},
                provenance=Provenance("python -m benchmarks.mazebench"), settings={"a": 1},
                attempts=tuple(stored_of(one, place, True) for one, place in zip(attempts, where, strict=True)),
            )
        )  # fmt: skip
    return made


@cache
def files():
    """The JSON of result files, of today's schema and of the first."""
    today = [json.loads(result_text(result)) for result in results()]
    return today + [schema1_of(raw, result) for raw, result in zip(today, results(), strict=True)]


def schema1_of(raw, result):
    """The same as a file of the first schema."""
    old = {name: value for name, value in raw.items() if name not in ("schema_version", "status", "settings")}
    old["samples"] = result.samples
    summary = {"causes" if name == "ends" else name: value for name, value in raw["summary"].items()}
    rate = result.summary.solved_rate
    interval = list(result.summary.solved_rate_wilson_95)
    old["summary"] = summary | {"solved_rate": rate, "solved_rate_wilson_95": interval}
    old["attempts"] = [[one.maze, one.end, one.moves, one.tokens, 0, list(one.texts or ())] for one in result.attempts]
    return old


def make(rng):
    """The bytes of a file."""
    kind = rng.random()
    if kind < 0.01:
        return (f'{{"benchmark": "{TITLE}", "schema_version": 2, "status": "complete", "x": ' + nested(rng)).encode()
    raw = rng.choice(files())
    if kind > 0.03:
        raw = mutate_json(rng, raw)
    if kind > 0.5 and isinstance(raw, dict) and isinstance(raw.get("summary"), dict):
        raw = raw | {"summary": mutate_json(rng, raw["summary"])}
    body = json.dumps(raw).encode()
    return mutate_bytes(rng, body) if 0.03 < kind < 0.2 else body


def check(body):
    """What is read can be shown, compared with itself, and written."""
    FILE.write_bytes(body)
    try:
        result = load(FILE)
    except TokenMazeError as error:
        if len(str(error)) > 5000:
            raise Wrong(f"an error of {len(str(error))} letters") from None
        return "refused"
    return show(result)


def show(result):
    """Whatever is done with a result that was read."""
    FILE.write_text(result_text(result), encoding="utf-8")
    if load(FILE) != result:
        raise Wrong("written and read it is another result")
    outcome = "read"
    for action in (lambda: report(result), lambda: table([result]), lambda: compare(result, result)):
        try:
            action()
        except TokenMazeError:
            outcome = "read, not shown"
    return outcome


KIND = Kind(make, check)
