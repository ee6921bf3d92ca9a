"""``tokenmaze suites``, and suites that their names describe."""

import json

import pytest

from maze_env import maze_from_text
from maze_env.errors import TokenMazeError
from tokenmaze.benchmarks.doors.task import score_answer
from tokenmaze.benchmarks.list_suites import main
from tokenmaze.benchmarks.suite_specs import SUITES
from tokenmaze.benchmarks.suites import load


def test_each_suite_is_listed_with_what_it_asks(capsys):
    main([])
    shown = capsys.readouterr().out
    main(["--json"])
    listed = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in listed] == list(SUITES)
    for one in listed:
        assert one["asks"] in shown
        assert one["asks"]
        assert one["mazes"] == len(load(one["name"]).mazes)


def test_an_export_is_the_suite_with_right_answers(tmp_path, capsys):
    main(["--export", "unreachable", "-o", str(tmp_path / "suite.jsonl")])
    rows = [json.loads(line) for line in (tmp_path / "suite.jsonl").read_text().splitlines()]
    suite = load("unreachable")
    assert [maze_from_text(row["maze"]) for row in rows] == list(suite.mazes)
    assert [row["level"] for row in rows] == list(suite.labels)
    assert all(score_answer(row["maze"], row["answer"]).solved for row in rows)
    assert all(row["maze"] in row["prompt"] for row in rows)


def test_a_name_describes_a_suite():
    suite = load("6x8:wilson:12")
    assert [(maze.rows, maze.cols) for maze in suite.mazes] == [(6, 8)] * 12
    assert suite.labels == ("6x8",) * 12
    assert suite.spec.sha256 == load("6x8:wilson:12").spec.sha256 != load("6x8:prim:12").spec.sha256
    assert load("3x3").spec.mazes == 100


@pytest.mark.parametrize("name", ["1x5", "8x8:wilso:5", "8x8:0", "8x8:wilson:999999999"])
def test_a_description_that_cannot_be_is_refused(name):
    with pytest.raises(TokenMazeError, match="Expects"):
        load(name)


def test_a_file_without_a_suite_is_refused(tmp_path):
    with pytest.raises(TokenMazeError, match="Expects --export"):
        main(["-o", str(tmp_path / "x.jsonl")])
