"""Results: written whole, read back, and upgraded."""

import base64
import gzip
import json
import os
import sys
from dataclasses import replace

import pytest

from tests.kept import COMMITTED, MODULE, RESULTS
from tokenmaze.benchmarks import record, upgrade
from tokenmaze.benchmarks.comparison import compare
from tokenmaze.benchmarks.mazebench import main
from tokenmaze.benchmarks.metrics import summarize
from tokenmaze.benchmarks.present.terminal import report
from tokenmaze.benchmarks.record import load, load_each, packed, result_text, suite_of
from tokenmaze.benchmarks.runner import attempt_seeds
from tokenmaze.benchmarks.stored_attempts import restored
from tokenmaze.benchmarks.typed_json import InvalidResult, encode


@pytest.fixture(scope="module")
def sampled(tmp_path_factory):
    """A result with texts, tokens, truncations, opened thinking and several samples."""
    folder, before = tmp_path_factory.mktemp("sampled"), os.getcwd()
    (folder / "kept_agents.py").write_text(MODULE, encoding="utf-8")
    sys.path.insert(0, str(folder))
    sys.modules.pop("kept_agents", None)
    os.chdir(folder)
    try:
        main(["--agent", "kept_agents:Sampler", "--samples", "2", "--texts", "--output", "r.json"])
    finally:
        os.chdir(before)
        sys.path.remove(str(folder))
    return folder / "r.json"


def test_a_result_survives_being_written_and_read(sampled, tmp_path):
    result = load(sampled)
    assert result.summary.truncated
    assert result.summary.reasoning.completions > 50
    assert any(attempt.unplayed for attempt in result.attempts)
    assert any(attempt.thinking_opened for attempt in result.attempts)
    assert sampled.read_text() == result_text(result)
    assert load_text(tmp_path, result_text(result)) == result


def load_text(folder, text):
    (folder / "r.json").write_text(text, encoding="utf-8")
    return load(folder / "r.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"benchmark": "another"}, "with benchmark"),
        ({"status": "incomplete"}, "actual: an incomplete one"),
        ({"schema_version": 3}, "of schema 2 or older, actual: 3"),
        ({"attempts": "H4sI"}, "gzipped JSON lines in base64"),
        ({"attempts": None}, "gzipped JSON lines in base64"),
        ({"attempts": base64.b64encode(gzip.compress(b"{}\n{}")).decode()}, "Expects 200 attempts, actual: 2"),
        ({"attempts": base64.b64encode(gzip.compress(b'{"end":"x"}\n' * 200)).decode()}, "'x' is not a valid End"),
        ({"summary": {}}, "a whole result.summary, actual: one without attempts"),
        ({"samples": "two"}, "Expects result.samples of type int, actual: 'two'"),
        ({"mode": "fly"}, "Expects result.mode of type Literal, actual: 'fly'"),
        ({"suite": None}, "Expects result.suite of type SuiteOfResult"),
        ({"stage": "x"}, "Expects a stage of base, untrained, .*, actual: 'x'"),
        ({"agent_options": {"temperature": "warm"}}, "temperature of type float, actual: 'warm'"),
        ({"samples": 0}, "Expects 1 to 4,194,304 attempts, actual: 0 samples"),
        (
            {"attempts": base64.b64encode(gzip.compress(b'{"moves":1}\n' * 200)).decode()},
            "Expects moves of type str, actual: '1'",
        ),
        (
            {"attempts": base64.b64encode(gzip.compress(b'{"texts":[1]}\n' * 200)).decode()},
            "Expects texts of type str, actual: '1'",
        ),
    ],
)
def test_a_file_that_is_no_whole_result_is_refused_by_name(sampled, tmp_path, change, message):
    raw = json.loads(sampled.read_text())
    with pytest.raises(InvalidResult, match=message) as raised:
        load_text(tmp_path, json.dumps({**raw, **change}))
    assert "r.json" in str(raised.value)


@pytest.mark.parametrize("lost", ["suite", "mode", "agent", "summary", "provenance", "baselines", "attempts"])
def test_a_result_that_lost_a_part_is_refused(sampled, tmp_path, lost):
    raw = json.loads(sampled.read_text())
    del raw[lost]
    with pytest.raises(InvalidResult, match="gzipped" if lost == "attempts" else f"without {lost}"):
        load_text(tmp_path, json.dumps(raw))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("solved", 140, "to count its attempts and the solved ones, actual: 140 of 200"),
        ("solved", 201, "Expects attempts, some of them solved, and trials, actual: 201 of 200"),
        ("attempts", 199, "to count its attempts"),
        ("trials", 0, "Expects attempts, some of them solved, and trials, actual: .*, 0 trials"),
        ("legality", float("nan"), "NaN, which is no JSON"),
        ("spl", 10**400, "result.summary.spl of type float, actual: '1000"),
        ("ends", {"flew": 1}, "Expects a name in result.summary.ends of type End, actual: 'flew'"),
    ],
)
def test_figures_that_cannot_be_are_refused(sampled, tmp_path, name, value, message):
    raw = json.loads(sampled.read_text())
    raw["summary"][name] = value
    with pytest.raises(InvalidResult, match=message):
        load_text(tmp_path, json.dumps(raw))


def test_a_baseline_without_the_levels_of_the_summary_is_refused(sampled, tmp_path):
    raw = json.loads(sampled.read_text())
    raw["baselines"]["random"]["levels"] = {}
    with pytest.raises(InvalidResult, match="Expects random with the levels of the summary, actual: none of 'Easy'"):
        load_text(tmp_path, json.dumps(raw))


def test_a_path_may_be_text_and_is_read_once(sampled):
    assert load(str(sampled)) == load(sampled)
    assert load_each([sampled]) == [load(sampled)]
    twice = [sampled, f"{sampled.parent}/../{sampled.parent.name}/{sampled.name}"]
    with pytest.raises(InvalidResult, match="Expects each result file once, actual: "):
        load_each(twice)


def test_every_command_refuses_a_file_given_twice(sampled, tmp_path):
    from tokenmaze.benchmarks.compare import main as compare_main
    from tokenmaze.benchmarks.report.__main__ import main as report_main
    from tokenmaze.benchmarks.table import main as table_main

    twice = [str(sampled), str(sampled)]
    for command in (compare_main, table_main, lambda paths: report_main([*paths, "-o", str(tmp_path / "r.html")])):
        with pytest.raises(InvalidResult, match="Expects each result file once"):
            command(twice)


OLD_TRACES = {
    "validity": "valid", "consistency": "follows", "correct_despite_trace": "in_spite", "wrong_turn_rate": "wrong_turn",
    "backtracking_rate": "noticed", "recovery_rate": "repaired", "repetition_rate": "repeats",
}  # fmt: skip


def as_schema_1(result):
    """The JSON that schema 1 had of a result."""

    def figures(scores):
        old = {
            **encode(scores),
            "solved_rate": scores.solved_rate,
            "solved_rate_wilson_95": scores.solved_rate_wilson_95,
        }
        old.pop("trials")
        for name, new in (("causes", "ends"), ("truncations", "truncated")):
            if new in old:
                old[name] = old.pop(new)
        if "ended_by" in old:
            old.pop("ended_by")
            old["parse_failures"] = {}
        if "reasoning" in old:
            all_traces = {**old["reasoning"], "styles": scores.reasoning.styles}
            parts = [all_traces, *all_traces["by_style"].values()]
            for part in parts:
                for new, name in OLD_TRACES.items():
                    part[name] = part.pop(new)
            old["reasoning"] = all_traces
        if "levels" in old:
            old["levels"] = {name: figures(level) for name, level in scores.levels.items()}
        return old

    rows = [
        [one.maze, str(one.end), one.moves, one.tokens, int(one.truncated), list(one.texts)]
        for one in result.attempts
    ]  # fmt: skip
    return {
        **{name: encode(value) for name, value in vars(result).items()},
        "benchmark": record.TITLE,
        "summary": figures(result.summary),
        "baselines": {name: figures(baseline) for name, baseline in result.baselines.items()},
        "attempt_columns": ["maze", "cause", "moves", "tokens", "truncated", "texts"],
        "attempts": rows,
    }


def old_file(result, **changes):
    raw = {**as_schema_1(result), **changes}
    for new in ("schema_version", "status", "settings", "batch_size", "keeps_texts"):
        del raw[new]
    return raw


def test_a_result_of_schema_1_is_read_as_it_was(sampled, tmp_path):
    result = load(sampled)
    read = load_text(tmp_path, json.dumps(old_file(result)))
    assert (read.summary, read.baselines, read.provenance) == (result.summary, result.baselines, result.provenance)
    assert (read.schema_version, read.keeps_texts, read.settings, read.batch_size) == (2, True, None, None)
    seen = [replace(one, unplayed="", thinking_opened=False) for one in result.attempts]
    assert [replace(one, thinking_opened=False) for one in read.attempts] == seen


def test_figures_that_an_older_file_lacks_are_computed_from_its_attempts(sampled, tmp_path):
    result = load(sampled)
    raw = old_file(result)
    for figures in (raw["summary"], *raw["summary"]["levels"].values()):
        for name in ("revisits", "loops", "solved_within", "optimality_gap", "first_illegal_moves", "reasoning"):
            figures.pop(name, None)
    assert load_text(tmp_path, json.dumps(raw)).summary == result.summary
    without = {**raw, "attempts": [row[:5] for row in raw["attempts"]]}
    assert load_text(tmp_path, json.dumps(without)).summary == replace(result.summary, reasoning=None)


@pytest.mark.parametrize("lost", ["suite", "summary", "attempts"])
def test_an_older_result_that_lost_a_part_is_refused(sampled, tmp_path, lost):
    raw = old_file(load(sampled))
    del raw[lost]
    with pytest.raises(InvalidResult, match=f"without {lost}"):
        load_text(tmp_path, json.dumps(raw))
    with pytest.raises(InvalidResult, match="Expects 200 attempts, actual: 3"):
        load_text(tmp_path, json.dumps(old_file(load(sampled), attempts=as_schema_1(load(sampled))["attempts"][:3])))


def test_the_command_upgrades_all_files_or_none(sampled, tmp_path):
    result, paths = load(sampled), [tmp_path / "a.json", tmp_path / "b.json"]
    paths[0].write_text(json.dumps(old_file(result)))
    paths[1].write_text("[]")
    before = paths[0].read_text()
    with pytest.raises(InvalidResult, match=r"b\.json"):
        upgrade.main(list(map(str, paths)))
    assert paths[0].read_text() == before
    upgrade.main([str(paths[0])])
    assert json.loads(paths[0].read_text())["schema_version"] == 2
    assert load(paths[0]).summary == result.summary
    assert os.listdir(tmp_path).count("a.json") == 1


def test_committed_results_are_small_and_as_they_would_be_written_now():
    assert len(COMMITTED) > 100
    # The page of all of them was 2.0 MB where they had 2.5; its bar is 3.
    assert sum(path.stat().st_size for path in RESULTS.rglob("*") if path.is_file()) <= 3_000_000
    for path in COMMITTED:
        assert path.read_text(encoding="utf-8") == result_text(load(path)), path


@pytest.mark.parametrize("name", sorted({path.parent.name for path in COMMITTED}))
def test_committed_figures_follow_from_the_committed_attempts(name):
    for path in [path for path in COMMITTED if path.parent.name == name]:
        result, suite = load(path), suite_of(load(path))
        seeds = attempt_seeds(suite, result.samples, result.suite.phrasings, result.seed)
        attempts = [
            restored(one, suite.mazes[one.maze], seed) for one, seed in zip(result.attempts, seeds, strict=True)
        ]
        made = summarize(attempts, suite, result.view_radius if result.mode == "play" else None)
        kept = {"symmetry_consistency": result.summary.symmetry_consistency}  # needs moves that are not played
        if not result.keeps_texts:
            kept["reasoning"] = result.summary.reasoning
        assert replace(made, **kept) == result.summary, path


@pytest.mark.parametrize("name", sorted({path.parent.name for path in COMMITTED}))
def test_every_reader_reads_every_committed_result(name):
    from tokenmaze.benchmarks.present.terminal import report as terminal_report
    from tokenmaze.benchmarks.report.page import page
    from tokenmaze.benchmarks.study import METRICS, TABLES, over_seeds
    from tokenmaze.benchmarks.table import table

    for path in [path for path in COMMITTED if path.parent.name == name]:
        result = load(path)
        groups = {result.title: [result]}
        assert result.agent in terminal_report(result)
        assert result.suite.name in table([result])
        assert compare(result, result).difference == compare(result, result, "spl").difference == 0.0
        assert all(over_seeds(groups, None, metric) for metric in METRICS)
        assert all(made(groups) for kind, made in TABLES.items() if kind != "symmetry" or name == "symmetry")
        assert result.agent in page([(path.stem, result)])


def test_rows_hold_no_defaults(sampled):
    result = load(sampled)
    lines = gzip.decompress(base64.b64decode(packed(result.attempts, "plan"))).splitlines()
    rows = [json.loads(line) for line in lines]
    assert all("end" not in row or row["end"] != "solved" for row in rows)
    assert not any(value in ("", None) or value is False for row in rows for value in row.values())


def test_a_result_without_levels_is_shown(sampled, tmp_path):
    raw = json.loads(sampled.read_text())
    for scores in (raw["summary"], *raw["baselines"].values()):
        scores["levels"] = {}
    assert "solved" in report(load_text(tmp_path, json.dumps(raw)))


def test_an_error_quotes_no_more_than_is_read_of_a_name(sampled, tmp_path):
    raw = json.loads(sampled.read_text())
    with pytest.raises(InvalidResult, match=r"Expects a stage of .*, actual: 'xx") as error:
        load_text(tmp_path, json.dumps(raw | {"stage": "x" * 9000}))
    assert len(str(error.value)) < 1200
    raw["summary"]["levels"]["9" * 5000] = {}
    with pytest.raises(
        InvalidResult, match=r"Expects a whole result\.summary\.levels\.9+, actual: one without"
    ) as error:
        load_text(tmp_path, json.dumps(raw))
    assert len(str(error.value)) < 1000
