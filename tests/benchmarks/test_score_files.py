"""Scores from the files of lm-eval 0.4.13, Inspect 0.3.285 and verifiers 0.4.0, and from CSV, and their pairs by id.

The files in ``foreign`` were written by those programs: the first three mazes of mazebench-100 through the doors to
them (Inspect: the second is wrong; lm-eval: its dummy model), and three generated mazes through verifiers.
"""

import json
import re
import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tokenmaze.benchmarks import compare
from tokenmaze.benchmarks.record import store
from tokenmaze.benchmarks.score_files import read_scores
from tokenmaze.benchmarks.scores import Scores, common_to, compare_scores
from tokenmaze.benchmarks.stats import newcombe
from tokenmaze.benchmarks.typed_json import InvalidResult

FOREIGN = Path(__file__).parent / "foreign"
IDS = ["mazebench-100/0", "mazebench-100/1", "mazebench-100/2"]


def scores(values, **given):
    given = {"title": "a model", "kind": "CSV", "metric": "score"} | given
    return Scores(by_id=values if isinstance(values, dict) else dict(zip("abcdefghij", values, strict=False)), **given)


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_samples_of_lm_eval():
    read = read_scores(FOREIGN / "lm_eval.jsonl")
    assert (read.kind, read.metric, read.samples, read.unscored) == ("lm-eval", "solved", 1, 0)
    assert dict(read.by_id) == dict.fromkeys(IDS, 0.0)
    assert read_scores(FOREIGN / "lm_eval.jsonl", "legal").metric == "legal"


def test_a_log_of_inspect_in_json():
    read = read_scores(FOREIGN / "inspect.json")
    assert (read.title, read.kind, read.metric) == ("mockllm/model on tokenmaze/mazebench", "Inspect", "verdict")
    assert dict(read.by_id) == dict(zip(IDS, (1.0, 0.0, 1.0), strict=True))


def test_a_log_of_inspect_in_its_own_format():
    pytest.importorskip("zstandard", reason="needs pip install 'tokenmaze[inspect]'")
    assert read_scores(FOREIGN / "inspect.eval") == read_scores(FOREIGN / "inspect.json")


def test_without_zstandard_it_says_what_helps(monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(InvalidResult, match="pip install zstandard, or make it JSON: inspect log convert LOG"):
        read_scores(FOREIGN / "inspect.eval")


@pytest.fixture
def archive(tmp_path):
    """Writes a log as Inspect does, but for the method of compression, from the parts of a JSON one."""
    log = json.loads((FOREIGN / "inspect.json").read_text(encoding="utf-8"))
    samples = log.pop("samples")

    def write(edit=lambda header, samples: None):
        edit(log, samples)
        path = tmp_path / "log.eval"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
            for number, sample in enumerate(samples):
                parts.writestr(f"samples/{number}_epoch_{sample['epoch']}.json", json.dumps(sample))
            parts.writestr("header.json", json.dumps(log))
        return path

    return write


def test_an_archive_that_python_unpacks_itself(archive):
    assert read_scores(archive()) == read_scores(FOREIGN / "inspect.json")


def test_epochs_are_samples_and_grades_are_numbers(archive):
    def twice(header, samples):
        samples += [json.loads(json.dumps(sample)) for sample in samples]
        for sample in samples[3:]:
            sample["epoch"], sample["scores"]["verdict"]["value"] = 2, "P"

    read = read_scores(archive(twice))
    assert read.samples == 2
    assert list(read.by_id.values()) == [0.75, 0.25, 0.75]


def test_a_sample_without_a_score_is_told(archive, tmp_path, capsys):
    def failed(header, samples):
        samples[1]["scores"] = {}
        samples[2]["scores"]["verdict"]["value"] = float("nan")  # as Inspect has what it could not score

    path = archive(failed)
    assert read_scores(path).unscored == 2
    with pytest.raises(InvalidResult, match="actual: 2 only in B: 'mazebench-100/1', 'mazebench-100/2'; --common"):
        compare.main([str(path), str(FOREIGN / "lm_eval.jsonl")])
    compare.main([str(path), str(FOREIGN / "lm_eval.jsonl"), "--common"])
    printed = capsys.readouterr().out
    assert "1 id in common; left out: 0 of A, 2 of B" in printed
    assert "2 ids without a score" in printed


def test_values_of_several_names_are_metrics(archive):
    def several(header, samples):
        for sample in samples:
            sample["scores"] = {"judge": {"value": {"style": 0.5, "truth": True}}}

    path = archive(several)
    assert list(read_scores(path, "judge.truth").by_id.values()) == [1.0, 1.0, 1.0]
    with pytest.raises(InvalidResult, match=r"has \('judge\.style', 'judge\.truth'\), actual: no --metric"):
        read_scores(path)


def test_traces_of_verifiers(tmp_path):
    read = read_scores(FOREIGN / "verifiers.jsonl")
    assert (read.kind, read.metric) == ("verifiers", "solved")
    assert list(read.by_id.values()) == [1.0, 1.0, 1.0]
    assert next(iter(read.by_id)).startswith("key/")
    shutil.copy(FOREIGN / "verifiers.jsonl", tmp_path / "traces.jsonl")
    folder = read_scores(tmp_path, "maze_reward")
    assert list(folder.by_id.values()) == [1.1, 1.1, 1.1]
    assert not folder.is_share


def test_a_table(tmp_path):
    path = written(tmp_path / "a.csv", "id,score,other\n1,1,0.5\n2,false,x\n3,,1\n")
    read = read_scores(path)
    assert dict(read.by_id) == {"1": 1.0, "2": 0.0}
    assert read.unscored == 1
    with pytest.raises(InvalidResult, match=r"Expects other as a number, actual: 'x' of id '2' \(in "):
        read_scores(path, "other")


def test_a_result_stands_beside_other_files(stored, tmp_path, capsys):
    store(stored, tmp_path / "oracle.json")
    compare.main([str(tmp_path / "oracle.json"), str(FOREIGN / "inspect.json"), "--common"])
    printed = capsys.readouterr().out
    assert "3 ids in common; left out: 97 of A, 0 of B" in printed
    assert "solved of shortest-path (TokenMaze)" in printed
    assert "solved by A: 1 id, by B: 0 ids" in printed


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("", "a.jsonl", "Expects rows, actual: none"),
        ("[1]\n", "a.jsonl", r"Expects objects in JSON, actual: '\[1\]'"),
        ("{}\n", "a.jsonl", "actual: one without doc_id or metrics"),
        ('{"doc_id": true, "metrics": ["acc"], "acc": 1}\n', "a.jsonl", "Expects an id in every row"),
        (
            '{"doc_id": 1, "metrics": ["acc"], "acc": "x"}\n',
            "a.jsonl",
            "Expects acc as a number, actual: 'x' of id '1'",
        ),
        ('{"doc_id": 1, "metrics": ["acc"], "acc": 1e999}\n', "a.jsonl", "Expects acc as a number, actual: 'inf'"),
        ("{", "a.jsonl", "Expects a result, samples of lm-eval"),
        ("[" * 100_000, "a.jsonl", "Expects a result, samples of lm-eval"),
        ("{}", "a.json", "Expects a log of Inspect with its samples"),
        ('{"eval": {}, "samples": [1]}', "a.json", "Expects a sample as an object"),
        ("score\n1\n", "a.csv", "Expects a column id and one of scores, actual: score"),
        ("id,score\n1\n", "a.csv", "Expects 2 values in every row, actual: others in line 2"),
        ('id,score\n1,"2\n', "a.csv", "Expects a result, samples of lm-eval"),
        ("id,score\n1,1\n1,0\n2,1\n", "a.csv", "Expects as many samples of every id, actual: 2 of id '1', 1 of '2'"),
        ("PK\x03\x04", "a.eval", "Expects a log of Inspect, actual: a broken archive"),
        ('{"task": {"data": {"idx": 0}}, "traces": [{}, {}]}', "a.jsonl", "actual: one with 2 traces"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path, text, name, message):
    path = written(tmp_path / name, text)
    with pytest.raises(InvalidResult, match=message) as raised:
        read_scores(path)
    assert str(path) in str(raised.value)


FILES_AND_METRICS = {
    "lm_eval.jsonl": "'solved', 'legal'",
    "inspect.json": "'verdict'",
    "a.csv": "'score'",
    "result.json": "'solved', 'spl'",
}


@pytest.mark.parametrize("name", FILES_AND_METRICS)
def test_a_metric_that_a_file_does_not_have_is_told_with_those_that_it_has(stored, tmp_path, name):
    store(stored, tmp_path / "result.json")
    written(tmp_path / "a.csv", "id,score\n1,1\n")
    path = FOREIGN / name if (FOREIGN / name).is_file() else tmp_path / name
    has = re.escape(f"Expects a metric that the file has ({FILES_AND_METRICS[name]}), actual: --metric")
    with pytest.raises(InvalidResult, match=rf"{has} 'f1' \(in .*{name}\)"):
        read_scores(path, "f1")
    near = FILES_AND_METRICS[name].split("'")[1]
    with pytest.raises(InvalidResult, match=rf"{has} '{near}s'\. Did you mean '{near}'\?"):
        read_scores(path, f"{near}s")


def test_a_metric_without_a_value_is_told_by_its_name(tmp_path):
    path = written(tmp_path / "a.csv", "id,score,f1\n1,1,\n2,0,\n")
    with pytest.raises(InvalidResult, match="Expects a row with a value of metric 'f1', actual: none of 2"):
        read_scores(path, "f1")


def test_a_file_that_is_missing_is_refused(tmp_path):
    with pytest.raises(InvalidResult, match=r"a\.csv, which does not exist"):
        compare.main([str(tmp_path / "a.csv"), str(FOREIGN / "inspect.json")])


def test_pairs_that_are_solved_or_not_get_mcnemar_and_newcombe():
    one, two = scores([1, 1, 1, 0, 1, 1, 1, 1]), scores([0, 0, 0, 0, 1, 0, 0, 1])
    ((difference, corrected),) = compare_scores(one, [two])
    assert (difference.first_only, difference.second_only) == (5, 0)
    assert difference.p_value == corrected == 2 * 0.5**5
    assert difference.interval == newcombe(2, 5, 0, 1)
    assert [p for _, p in compare_scores(one, [two, two])] == [4 * 0.5**5] * 2


def test_other_scores_get_a_bootstrap_and_a_sign_test(tmp_path, capsys):
    one = written(tmp_path / "a.csv", "id,score\n" + "".join(f"{n},{n + 2.5}\n" for n in range(8)))
    two = written(tmp_path / "b.csv", "id,score\n" + "".join(f"{n},{n}\n" for n in reversed(range(8))))
    compare.main([str(one), str(two)])
    printed = capsys.readouterr().out
    assert "A - B: +2.5, 95 % interval [+2.5, +2.5]" in printed
    assert "exact sign test over ids, two-sided: p = 0.008" in printed
    assert "needed" not in printed


def test_ids_that_differ_are_named():
    one, two = scores({"a": 1, "b": 0}), scores({"b": 0, "c": 1})
    with pytest.raises(InvalidResult, match="1 only in A: 'a'; 1 only in B: 'c'; --common compares the 1 in both"):
        compare_scores(one, [two])
    assert [dict(part.by_id) for part in common_to([one, two])] == [{"b": 0}, {"b": 0}]
    with pytest.raises(InvalidResult, match="Expects ids that all files have, actual: none"):
        common_to([one, scores({"x": 1})])


def test_numbers_of_rows_stand_for_the_same_questions():
    one = scores([1, 0], kind="lm-eval", contents={"a": "1", "b": "2"})
    compare_scores(one, [one, replace(one, contents={}), replace(one, kind="verifiers", contents={"a": "x"})])
    with pytest.raises(InvalidResult, match="Expects the same questions under the same ids, actual: others under 'b'"):
        compare_scores(one, [replace(one, contents={"a": "1", "b": "3"})])


def test_another_number_of_samples_does_not_compare():
    # Of equal models the one with more samples is above the other more often than below, or less often.
    with pytest.raises(InvalidResult, match=r"as many samples of each id in both files, actual: 1 and 16$"):
        compare_scores(scores([1, 0]), [scores([0.5, 0.25], samples=16)])


def test_results_beside_other_files_have_to_compare(stored, tmp_path):
    one, other = tmp_path / "a.json", tmp_path / "b.json"
    store(stored, one)
    store(replace(stored, view_radius=1), other)
    table = written(tmp_path / "c.csv", "id,score\nmazebench-100/0,1\n")
    for files in ([one, other, "--common"], [one, table, other, "--common"]):
        with pytest.raises(InvalidResult, match="Expects two results with the same view radius, actual: None and 1"):
            compare.main(list(map(str, files)))


def test_images_of_a_maze_are_one_trial():
    one = scores({f"symmetry/{number}": 1.0 for number in range(80)})
    two = scores({f"symmetry/{number}": float(number >= 8) for number in range(80)})
    ((difference, _),) = compare_scores(one, [two])
    assert (difference.mazes, difference.first_only, difference.difference) == (10, 1, 0.1)


def test_json(capsys):
    compare.main([str(FOREIGN / "inspect.json"), str(FOREIGN / "lm_eval.jsonl"), "--json"])
    told = json.loads(capsys.readouterr().out)
    (other,) = told["others"]
    assert (other["test"], other["interval"]) == ("exact McNemar", "Newcombe")
    assert (other["first_only"], other["second_only"], other["pairs"], other["p_value"]) == (2, 0, 3, 0.5)
