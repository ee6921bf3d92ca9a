"""Results: what a benchmark stores of a run, and how it is read back. The only reader and writer of result files.

A result is one JSON file: run and figures, to be read by people, and the attempts as gzipped JSON lines in base64
(``benchmarks.stored_attempts``).
"""

import base64
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Any, Literal, NamedTuple

from maze_env._cli import why_unread, write_result
from maze_env._text import without_keys
from maze_env.episode import Mode
from maze_env.phrasings import STANDARD
from maze_env.solving import distances_to
from tokenmaze.agents import provenance
from tokenmaze.benchmarks import external, schema1
from tokenmaze.benchmarks.figures import Baseline, Summary
from tokenmaze.benchmarks.metrics import path_efficiency
from tokenmaze.benchmarks.stored_attempts import Place, StoredAttempt, places, row_of, stored
from tokenmaze.benchmarks.suite_specs import SUITES
from tokenmaze.benchmarks.suites import Suite
from tokenmaze.benchmarks.suites import load as load_suite
from tokenmaze.benchmarks.typed_json import InvalidResult, decode, encode, read_json

TITLE = "AlphaMaze-compatible MazeBench"
SCHEMA_VERSION = 2
BASELINES = ("random", "shortest-path")
"""The agents whose figures on the same mazes stand beside each result's."""
STAGES = {
    "base": "as it came", "untrained": "untrained", "sft-tiny": "SFT, tiny", "sft-random": "SFT, random weights",
    "sft": "SFT", "sft-repeated": "SFT, repeated", "sft-continued": "SFT, continued",
    "sft-everywhere": "SFT, everywhere", "rft": "RFT", "dpo": "DPO",
    "grpo": "GRPO", "grpo-shorter": "GRPO, shorter", "grpo-climb": "GRPO, ladder",
}  # fmt: skip
"""How far a model has been trained, in the order of the table, and how tables say so."""
GREEDY = "greedy decoding"
MAX_QUOTED = 1000
"""Letters of an error, which quotes what a file holds."""
MAX_ROW = 2**24
"""Bytes of an attempt as JSON."""
LINE = 150  # characters up to which an object in a result file is in one line


@dataclass(frozen=True)
class SuiteOfResult:
    """The suite that a result was measured on."""

    name: str
    """Of a frozen suite, or the source of published mazes."""
    version: int
    """Of the suite."""
    sha256: str
    """Of its mazes."""
    mazes: int
    """How many it has."""
    max_steps: int | None = None
    """Play's budget of moves; ``None`` for four times the cells of each maze."""
    of_training_split: int | None = None
    """Mazes with a layout of the training split; ``None`` where nobody counted."""
    phrasings: tuple[str, ...] = (STANDARD,)
    """In which the mazes were given."""


@dataclass(frozen=True)
class Provenance(provenance.Provenance):
    """Where a result comes from."""

    resumed: int = 0
    """How often the run was resumed."""


Group = tuple[str, str]
"""Recipe and stage; for a result without a stage, its agent's name and an empty text."""


class Track(NamedTuple):
    """What only compares within itself."""

    suite: str
    """Its name."""
    mode: str
    """``plan`` or ``play``."""
    visibility: str
    """"", or the view radius in words."""
    decoding: str
    """How answers were drawn, in words."""
    phrasings: tuple[str, ...]
    """In which the mazes were given."""

    @property
    def conditions(self) -> list[str]:
        """All but the suite in words; the phrasings where the suite has several."""
        several = self.suite in SUITES and len(SUITES[self.suite].phrasings) > 1
        phrased = [f"phrasings {', '.join(self.phrasings)}"] if several else []
        return [f"{self.mode} track", *([self.visibility] if self.visibility else []), self.decoding, *phrased]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run is, known before its first attempt: two processes with the same one make the same attempts."""

    suite: SuiteOfResult
    """What is measured on."""
    mode: Mode
    """``plan`` or ``play``."""
    view_radius: int | None = None
    """Of partial observability; ``None`` for none."""
    agent: str
    """Its name on the command line."""
    name: str | None = None
    """What tables call it, where that is something else."""
    agent_options: dict[str, Any]
    """What its constructor was given."""
    settings: dict[str, Any] | None = None
    """In force in it, as ``Agent.settings``; ``None`` if not recorded."""
    samples: int = 1
    """Attempts at each maze in each phrasing."""
    seed: int = 0
    """Of the attempts."""
    batch_size: int | None = None
    """Which sampled completions may depend on; ``None`` if not recorded."""
    recipe: str | None = None
    """Of the training, for tables."""
    stage: str | None = None
    """One of ``STAGES``, for tables."""
    train_seed: int | None = None
    """Of the training, for tables."""
    keeps_texts: bool = False
    """Whether everything that the agent wrote is kept."""

    @property
    def called(self) -> str:
        """The agent's name wherever it is shown."""
        return self.agent if self.name is None else self.name

    @property
    def attempts_per_maze(self) -> int:
        """Samples in each phrasing."""
        return self.samples * len(self.suite.phrasings)

    @property
    def places(self) -> list[Place]:
        """Of its attempts, in their order: sample after sample, in each phrasing after phrasing, in each every maze."""
        return places(self.samples, self.suite.phrasings, self.suite.mazes)

    @property
    def decoding(self) -> str:
        """How the answers were drawn, e.g. greedily or at which temperature, and how many for each maze."""
        temperature = self.agent_options.get("temperature", 0.0)
        decoding = f"temperature {temperature:g}" if temperature else GREEDY
        if (top_p := self.agent_options.get("top_p") or 1) < 1:
            decoding += f", top-p {top_p:g}"
        if "temperature" not in (self.settings or {}).get("fields", ["temperature"]):  # a server was told none
            decoding = "the server's decoding"
        return decoding if self.samples == 1 else f"{decoding}, {self.samples} samples a maze"

    @property
    def track(self) -> Track:
        """The results that this one compares with."""
        visibility = "" if self.view_radius is None else f"view radius {self.view_radius}"
        return Track(self.suite.name, self.mode, visibility, self.decoding, self.suite.phrasings)

    @property
    def group(self) -> Group:
        """What is measured, whatever the training seed."""
        return (self.recipe or "default", self.stage) if self.stage else (self.called, "")

    @property
    def title(self) -> str:
        """The group and the training seed in words."""
        return group_title(self.group) + ("" if self.train_seed is None else f", seed {self.train_seed}")


@dataclass(frozen=True, kw_only=True)
class Result(Run):
    """A run and what came of it."""

    status: Literal["complete", "incomplete"] = "complete"
    """``incomplete`` while attempts are being made."""
    summary: Summary
    """The figures of ``attempts``."""
    baselines: dict[str, Baseline]
    """The scores of ``BASELINES`` on the same mazes."""
    provenance: Provenance
    """Command, commit, machine."""
    attempts: tuple[StoredAttempt, ...]
    """In the order of ``places``."""
    schema_version: int = SCHEMA_VERSION
    """Of the file's form."""

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens generated over the run's time; ``None`` for an agent without tokens and a run that was resumed."""
        tokens, seconds = self.summary.tokens_per_attempt, self.provenance.wall_seconds
        resumed = self.provenance.resumed > 0
        return None if tokens is None or not seconds or resumed else tokens * self.summary.attempts / seconds


def load(path: str | Path) -> Result:
    """A stored result, of any schema. Raises InvalidResult for a file that is missing, no result, or incomplete."""
    try:
        raw = read_json(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = why_unread(Path(path), error)
        raise InvalidResult(f"Expects a result file of tokenmaze bench, actual: {path}{why}") from None
    if not isinstance(raw, dict) or raw.get("benchmark") != TITLE:
        raise InvalidResult(f"Expects a result file with benchmark {TITLE!r}, actual: {path}")
    version = raw.get("schema_version", 1)
    if version not in (1, SCHEMA_VERSION):
        raise InvalidResult(f"Expects a result of schema {SCHEMA_VERSION} or older, actual: {version} in {path}")
    try:
        if version == 1:
            raw = schema1.upgraded(raw)
        elif raw.get("status") != "complete":
            raise InvalidResult("Expects a complete result, actual: an incomplete one")
        elif not isinstance(raw.get("attempts"), str):
            raise InvalidResult("Expects attempts as gzipped JSON lines in base64, actual: no text")
        return result_of(raw)
    except InvalidResult as error:
        raise InvalidResult(f"{str(error)[:MAX_QUOTED]} (in {path})") from None


def load_each(paths: Sequence[str | Path]) -> list[Result]:
    """Stored results, no file twice. Raises InvalidResult for one that is, and as ``load`` does."""
    check_once(paths)
    return list(map(load, paths))


def check_once(paths: Sequence[str | Path]) -> None:
    """Raises InvalidResult for a file that is named twice."""
    files = [Path(path).resolve() for path in paths]
    if twice := [str(path) for path, file in zip(paths, files, strict=True) if files.count(file) > 1]:
        raise InvalidResult(f"Expects each result file once, actual: {' and '.join(twice)}")


def result_of(raw: dict[str, Any]) -> Result:
    """The result of a file's JSON, its attempts packed or not. Raises InvalidResult unless it is whole."""
    result: Result = decode(Result, {**raw, "attempts": []})
    where, rows = result.places, raw.get("attempts")
    rows = rows if isinstance(rows, list) else unpacked(rows, len(where))
    if len(rows) != len(where):
        raise InvalidResult(f"Expects {len(where)} attempts, actual: {len(rows)}")
    attempts = [stored(row, result.mode, place) for row, place in zip(rows, where, strict=True)]
    result = replace(result, attempts=tuple(attempts))
    _check_figures(result)
    return result


def _check_figures(result: Result) -> None:
    """Raises InvalidResult unless the counts of a result can be those of its attempts."""
    summary, attempts = result.summary, result.attempts
    if (summary.attempts, summary.solved) != (len(attempts), sum(attempt.solved for attempt in attempts)):
        actual = f"{summary.solved} of {summary.attempts}"
        raise InvalidResult(f"Expects result.summary to count its attempts and the solved ones, actual: {actual}")
    named: dict[str, Summary | Baseline] = {"summary": summary, **result.baselines}
    for name, scores in named.items():
        for level, part in {"": scores, **scores.levels}.items():
            if part.attempts > len(attempts):
                actual = f"{part.attempts} of {len(attempts)}"
                raise InvalidResult(f"Expects {name} {level} of the attempts that there are, actual: {actual}")
        if missing := [level for level in summary.levels if level not in scores.levels]:
            raise InvalidResult(f"Expects {name} with the levels of the summary, actual: none of {missing[0]!r}")
    if result.stage and result.stage not in STAGES:
        raise InvalidResult(f"Expects a stage of {', '.join(STAGES)}, actual: {result.stage!r}")
    if summary.worst_phrasing is not None and summary.worst_phrasing not in summary.levels:
        raise InvalidResult(f"Expects the worst phrasing among the levels, actual: {summary.worst_phrasing[:80]!r}")
    decode(float | None, result.agent_options.get("temperature"), "temperature")


def packed(attempts: Sequence[StoredAttempt], mode: Mode) -> str:
    """Attempts as JSON lines without keys, gzipped, in base64; the same bytes each time."""
    lines = "\n".join(json.dumps(row_of(one, mode), separators=(",", ":")) for one in attempts)
    return base64.b64encode(gzip.compress(without_keys(lines).encode("utf-8"), mtime=0)).decode("ascii")


def unpacked(text: Any, count: int) -> list[Any]:
    """The rows of ``packed``, ``count`` of them and no more, so that little of what unpacks to very much is unpacked.

    Raises InvalidResult for anything else.
    """
    rows: list[Any] = []
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(base64.b64decode(text))) as stream:
            while line := stream.readline(MAX_ROW + 1):
                if len(rows) == count or len(line) > MAX_ROW:
                    raise ValueError(
                        f"more than {count} lines" if len(rows) == count else f"more than {MAX_ROW} bytes a line"
                    )
                rows.append(read_json(line.decode("utf-8")))
    except (ValueError, TypeError, OSError, EOFError, zlib.error) as error:
        raise InvalidResult(f"Expects attempts as gzipped JSON lines in base64, actual: {error!r}") from None
    return rows


def result_text(result: Result) -> str:
    """A result as the text of its file."""
    return _readable(_parts(result) | {"attempts": packed(result.attempts, result.mode)}) + "\n"


def summary_text(result: Result) -> str:
    """A result as the JSON of its file, without its attempts."""
    return _readable({name: part for name, part in _parts(result).items() if name != "attempts"})


def _parts(result: Result) -> dict[str, Any]:
    return head_of(result.status) | encode(replace(result, attempts=()))


def head_of(status: str) -> dict[str, Any]:
    """What a file of a run begins with."""
    return {"benchmark": TITLE, "schema_version": SCHEMA_VERSION, "status": status}


def _readable(value: Any, depth: int = 0) -> str:
    """JSON with a line for each thing: a figure, a level, a baseline's level."""
    if depth == 3 or not isinstance(value, dict) or (depth and len(json.dumps(value)) <= LINE):
        return json.dumps(value)
    inner = " " * (depth + 1)
    parts = [f"{inner}{json.dumps(name)}: {_readable(one, depth + 1)}" for name, one in value.items()]
    return "{\n" + ",\n".join(parts) + f"\n{' ' * depth}}}"


def store(result: Result, path: Path) -> None:
    """Writes a result in one step. Raises InvalidOutput, which says where it is instead, when it cannot."""
    write_result(path, result_text(result))


def suite_of(result: Result) -> Suite:
    """The mazes that a result was measured on. Raises InvalidResult when its suite holds other mazes now."""
    suite, measured = load_suite(result.suite.name), result.suite.sha256
    if (now := suite.spec.sha256) != measured:
        raise InvalidResult(f"Expects {suite.spec.name} as it was measured, sha256 {measured}, actual: {now}")
    if (count := result.suite.mazes) != len(suite.mazes):
        raise InvalidResult(f"Expects all {len(suite.mazes)} mazes of {suite.spec.name}, actual: {count}")
    return suite


def solved_shares(result: Result) -> list[float]:
    """For each maze of the suite, the share of its attempts that solved it."""
    solved = Counter(attempt.maze for attempt in result.attempts if attempt.solved)
    return [solved[maze] / result.attempts_per_maze for maze in range(result.suite.mazes)]


def path_scores(result: Result) -> list[float]:
    """For each maze of the suite, the mean of its attempts' terms of SPL (benchmarks/metrics.py)."""
    mazes = suite_of(result).mazes
    shortest = [distances_to(maze.walls, maze.target).item(maze.origin) for maze in mazes]
    scores = [0.0] * len(mazes)
    for one in result.attempts:
        scores[one.maze] += path_efficiency(shortest[one.maze], len(one.moves)) if one.solved else 0.0
    return [score / result.attempts_per_maze for score in scores]


def suite_title(name: str) -> str:
    """A suite as headings call it: a file of published mazes without its folders."""
    path = PureWindowsPath(name)  # which knows the separators of every system
    return path.name if path.suffix in external.FORMATS else name


def group_title(group: Group) -> str:
    """A group as tables call it, e.g. ``default: GRPO``."""
    recipe, stage = group
    return f"{recipe}: {STAGES[stage]}" if stage else recipe


def groups_of(results: Sequence[Result]) -> dict[Group, list[Result]]:
    """Results by recipe and stage, recipes by name and stages in the order of training; seeds ascending.

    Raises InvalidResult for two results of the same recipe, stage and training seed.
    """
    groups: dict[Group, list[Result]] = {}
    for result in sorted(results, key=lambda one: one.train_seed or 0):
        groups.setdefault(result.group, []).append(result)
    for group, members in groups.items():
        seeds = [result.train_seed for result in members]
        if len(set(seeds)) < len(seeds):
            raise InvalidResult(f"Expects one result for each seed of {' '.join(group)}, actual: seeds {seeds}")
    order = {stage: place for place, stage in enumerate(("", *STAGES))}
    return dict(sorted(groups.items(), key=lambda item: (not item[0][1], item[0][0], order[item[0][1]])))


def tracks_of(results: Sequence[Result]) -> dict[Track, list[Result]]:
    """Results by track, in alphabetical order.

    Raises InvalidResult for one on another version of its suite, and for one with other levels than its track's first.
    """
    tracks: dict[Track, list[Result]] = {}
    hashes = {name: spec.sha256 for name, spec in SUITES.items()}
    for result in results:
        name, actual = result.suite.name, result.suite.sha256
        expected = hashes.setdefault(name, actual)  # published mazes: the first result's
        if actual != expected:
            raise InvalidResult(f"Expects results on {name} {expected}, actual: one on {actual}")
        members = tracks.setdefault(result.track, [])
        members.append(result)
        first, levels = (list(one.summary.levels) for one in (members[0], result))
        if levels != first:
            raise InvalidResult(f"Expects results on {name} with levels {first}, actual: one with {levels}")
    return dict(sorted(tracks.items()))
