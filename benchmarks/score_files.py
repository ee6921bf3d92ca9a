"""Reads scores from the files of other programs: lm-eval, Inspect, verifiers, tables in CSV, and results of this one.

| file | ids | scores |
|---|---|---|
| ``samples_*.jsonl`` of lm-eval (``--log_samples``) | ``doc["id"]``, else ``doc_id`` | a metric of its rows |
| ``*.eval``, ``*.json`` of Inspect | the sample's | a scorer's value: C, I, P, N are 1, 0, 0.5, 0; else numbers |
| ``traces.jsonl`` of verifiers, or its folder | the task's ``id``, ``name`` or ``idx`` | a metric or reward |
| ``*.csv`` | column ``id`` | column ``score``, or the one that ``--metric`` names |
| a result of this benchmark | suite/number | ``solved`` or ``spl`` |

Nobody vouches for such files: whatever is wrong with one is an InvalidResult.
"""

import csv
import io
import json
import math
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from maze_env._cli import why_unread
from maze_env.errors import nearest
from tokenmaze.benchmarks.comparison import METRICS
from tokenmaze.benchmarks.inspect_logs import is_archive, samples_of_archive
from tokenmaze.benchmarks.record import TITLE, load
from tokenmaze.benchmarks.scores import MAX_LETTERS, Scores
from tokenmaze.benchmarks.typed_json import InvalidResult

GRADES = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""What Inspect writes for correct, incorrect, partial and no answer."""
USUAL = ("solved", "score")
"""Metrics that are meant where a file has several and none is named."""
TRACES = "traces.jsonl"
MAX_METRICS = 30
"""Of a file, that an error names."""


class Attempted(NamedTuple):
    """One row: an attempt of a model at something."""

    id: str
    """Of what was asked."""
    scores: dict[str, Any]
    """By metric, as the file has them."""
    content: str = ""
    """A hash of what was asked, where there is one and the id is only a place in a list."""


def is_result(path: Path) -> bool:
    """Whether a file is a result of this benchmark, as far as its beginning tells."""
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return TITLE in stream.read(200)
    except OSError:
        return False


def read_scores(path: Path, metric: str | None = None) -> Scores:
    """The scores in a file.

    Args:
        path: of the file, or a folder of verifiers.
        metric: what to read, where the file has several; ``None`` for the only one, or that of ``USUAL``.

    Raises:
        InvalidResult: for a file that is none of those above, has no such metric, or a score that is no number.
    """
    try:
        if is_result(path):
            return _of_result(path, metric)
        title, kind, rows = _rows(path / TRACES if (path / TRACES).is_file() else path)
        return _collected(title, kind, rows, metric)
    except (OSError, ValueError, OverflowError, RecursionError, csv.Error) as error:
        if isinstance(error, InvalidResult):
            raise InvalidResult(f"{' '.join(str(error).split())[:1000]} (in {path})") from None
        kinds = "a result, samples of lm-eval, a log of Inspect, traces of verifiers or a CSV file"
        raise InvalidResult(f"Expects {kinds}, actual: {path}{why_unread(path, error)[:1000]}") from None


def _of_result(path: Path, metric: str | None) -> Scores:
    result = load(path)
    name = metric or "solved"
    if name not in METRICS:
        raise _no_such_metric(METRICS, name)
    scores = METRICS[name].scores(result)
    by_id = {f"{result.suite.name}/{number}": score for number, score in enumerate(scores)}
    return Scores(result.called, "TokenMaze", name, by_id, result.attempts_per_maze)


def _rows(path: Path) -> tuple[str, str, Iterator[Attempted]]:
    """Whose scores a file has, what made it, and its rows."""
    if is_archive(path):
        header, samples = samples_of_archive(path)
        return _inspect_title(header), "Inspect", map(_inspect_row, samples)
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".csv":
        return path.name, "CSV", _csv_rows(text)
    if path.suffix == ".json":
        log = _json(text)
        if not isinstance(log.get("eval"), dict) or not isinstance(log.get("samples"), list):
            raise InvalidResult("Expects a log of Inspect with its samples, actual: other JSON")
        return _inspect_title(log), "Inspect", map(_inspect_row, log["samples"])
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        raise InvalidResult("Expects rows, actual: none")
    rows = map(_json, lines)
    if "traces" in _json(lines[0]):
        return path.parent.name or path.name, "verifiers", map(_verifiers_row, rows)
    return path.name, "lm-eval", map(_lm_eval_row, rows)


def _json(text: str) -> dict[str, Any]:
    """An object in JSON, NaN included, which Inspect writes for what has no score."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise InvalidResult(f"Expects objects in JSON, actual: {text[:MAX_LETTERS]!r}")
    return value


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidResult(f"Expects {what} as an object, actual: {str(value)[:MAX_LETTERS]!r}")
    return value


def _id_of(*candidates: Any) -> str:
    """The first that is a text or a whole number."""
    for one in candidates:
        if (isinstance(one, str) and one) or (isinstance(one, int) and not isinstance(one, bool)):
            return str(one)
    raise InvalidResult("Expects an id in every row, actual: none in one")


def _lm_eval_row(row: dict[str, Any]) -> Attempted:
    document, names = row.get("doc"), row.get("metrics")
    if "doc_id" not in row or not isinstance(names, list):
        raise InvalidResult("Expects rows of lm-eval --log_samples, actual: one without doc_id or metrics")
    own = document.get("id") if isinstance(document, dict) else None
    rule = row.get("filter", "none")
    scores = {str(name) if rule == "none" else f"{name},{rule}": row.get(str(name)) for name in names}
    return Attempted(_id_of(own, row["doc_id"]), scores, "" if own else str(row.get("doc_hash") or ""))


def _inspect_title(log: dict[str, Any]) -> str:
    about = _object(log.get("eval"), "the eval of a log")
    return f"{about.get('model', 'a model')} on {about.get('task', 'a task')}"


def _inspect_row(sample: Any) -> Attempted:
    sample = _object(sample, "a sample")
    scores: dict[str, Any] = {}
    for scorer, score in _object(sample.get("scores") or {}, "the scores of a sample").items():
        value = _object(score, "a score").get("value")
        parts = {f"{scorer}.{name}": one for name, one in value.items()} if isinstance(value, dict) else {scorer: value}
        scores.update({name: GRADES.get(one, one) if isinstance(one, str) else one for name, one in parts.items()})
    return Attempted(_id_of(sample.get("id")), scores)


def _verifiers_row(episode: dict[str, Any]) -> Attempted:
    task = _object(episode.get("task"), "the task of an episode")
    data, traces = _object(task.get("data"), "the data of a task"), episode.get("traces")
    own = data.get("id") or data.get("name")
    name, content = _id_of(own, data.get("idx")), "" if own else str(task.get("hash") or "")
    if not isinstance(traces, list) or not traces:
        return Attempted(name, {}, content)
    if len(traces) > 1:
        raise InvalidResult(f"Expects episodes of one agent, actual: one with {len(traces)} traces")
    trace = _object(traces[0], "a trace")
    scores = dict(_object(trace.get("metrics") or {}, "the metrics of a trace"))
    for rule, reward in _object(trace.get("rewards") or {}, "the rewards of a trace").items():
        scores[rule] = reward.get("score") if isinstance(reward, dict) else reward
    return Attempted(name, scores, content)


def _csv_rows(text: str) -> Iterator[Attempted]:
    table = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    columns = table.fieldnames or []
    if "id" not in columns or len(columns) < 2:
        raise InvalidResult(f"Expects a column id and one of scores, actual: {', '.join(columns)[:200] or 'none'}")
    for row in table:
        if None in row or None in row.values():
            raise InvalidResult(f"Expects {len(columns)} values in every row, actual: others in line {table.line_num}")
        yield Attempted(_id_of(row["id"]), {name: _number(row[name]) for name in columns if name != "id"})


def _number(text: str) -> Any:
    """The number that a cell holds, or its text; an empty one holds nothing."""
    try:
        return float({"true": "1", "false": "0"}.get(text.strip().lower(), text)) if text.strip() else None
    except ValueError:
        return text


def _collected(title: str, kind: str, rows: Iterable[Attempted], metric: str | None) -> Scores:
    """The mean score of each id. Raises InvalidResult where ids were attempted unequally often."""
    kept = list(rows)
    name = _chosen(kept, metric)
    samples: dict[str, list[float]] = {}
    contents = {}
    ids = {row.id for row in kept}
    for row in kept:
        # A row without that metric is one of another filter or scorer, or of a sample that failed.
        if (score := row.scores.get(name)) is None or (isinstance(score, float) and math.isnan(score)):
            continue
        if not isinstance(score, int | float) or not math.isfinite(score):
            raise InvalidResult(
                f"Expects {name} as a number, actual: {str(score)[:MAX_LETTERS]!r} of id {row.id[:60]!r}"
            )
        samples.setdefault(row.id, []).append(float(score))
        if row.content:
            contents[row.id] = row.content
    if not samples:
        raise InvalidResult(f"Expects a row with a value of metric {name!r}, actual: none of {len(kept):,}")
    counts = {len(scores) for scores in samples.values()}
    if len(counts) > 1:
        most = max(samples, key=lambda one: len(samples[one]))
        few = min(samples, key=lambda one: len(samples[one]))
        actual = f"{len(samples[most])} of id {most[:60]!r}, {len(samples[few])} of {few[:60]!r}"
        raise InvalidResult(f"Expects as many samples of every id, actual: {actual}")
    by_id = {one: sum(scores) / len(scores) for one, scores in samples.items()}
    return Scores(title, kind, name, by_id, counts.pop(), len(ids) - len(by_id), contents)


def _chosen(rows: list[Attempted], metric: str | None) -> str:
    """The metric that is meant. Raises InvalidResult for one that no row has, and where several could be."""
    names = list(dict.fromkeys(name for row in rows for name in row.scores))
    usual = [name for name in USUAL if name in names]
    meant = [metric] if metric else names if len(names) == 1 else usual
    if not meant or meant[0] not in names:
        raise _no_such_metric(names, metric)
    return meant[0]


def _no_such_metric(names: Collection[str], asked: str | None) -> InvalidResult:
    """The error for a metric that a file does not have, or for none where it has several."""
    listed = ", ".join(repr(name[:MAX_LETTERS]) for name in list(names)[:MAX_METRICS]) or "none"
    actual = f"--metric {asked!r}{nearest(asked, names)}" if asked else "no --metric"
    return InvalidResult(f"Expects a metric that the file has ({listed}), actual: {actual}")
