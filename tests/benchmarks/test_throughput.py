"""The throughput command measures, compares within a round, stores, and makes its table."""

import json

import pytest

from maze_env.errors import InvalidOutput
from tests.tiny import ROOT
from tokenmaze.benchmarks import throughput
from tokenmaze.benchmarks.throughput import Row, measure

STORED = {
    "rows": [
        {
            "name": "one environment, text",
            "unit": "steps/s",
            "median": {"TokenMaze": 1234567.0, "Other": 1000.0},
            "ratio": {"Other": {"median": 1234.5, "min": 1000.0, "max": 2000.0}},
            "rounds": {},
        }
    ],
    "memory_bytes": {"single": 9160.2},
    "import_ms": 20.4,
}


def test_ratios_are_those_within_a_round():
    ours, theirs = iter([5.0, 10.0, 20.0, 60.0]), iter([10.0, 10.0, 20.0])  # the first of ours compiles
    result = measure(Row("x", "things/s", lambda: next(ours), {"peer": lambda: next(theirs)}), rounds=3)
    assert result["rounds"] == {"TokenMaze": [10.0, 20.0, 60.0], "peer": [10.0, 10.0, 20.0]}
    assert result["median"] == {"TokenMaze": 20.0, "peer": 10.0}
    assert result["ratio"] == {"peer": {"median": 2.0, "min": 1.0, "max": 3.0}}


def test_a_run_is_printed_and_stored_and_not_overwritten(tmp_path, capsys):
    output = tmp_path / "throughput.json"
    throughput.main(["--rounds", "1", "--only", "answers judged", "--output", str(output)])
    shown = capsys.readouterr().out
    stored = json.loads(output.read_text())
    assert [row["name"] for row in stored["rows"]] == [
        "answers judged, maze given",
        "answers judged, maze parsed from text",
    ]
    assert all(row["median"]["TokenMaze"] > 1_000 for row in stored["rows"])
    assert 500 < stored["memory_bytes"]["single"] < 50_000
    assert 0 < stored["import_ms"] < 5_000
    assert "answers judged, maze given" in shown
    with pytest.raises(InvalidOutput, match="--overwrite"):
        throughput.main(["--output", str(output)])


def test_the_table_goes_between_its_markers(tmp_path, capsys):
    stored, readme = tmp_path / "stored.json", tmp_path / "README.md"
    stored.write_text(json.dumps(STORED))
    throughput.main(["--table", str(stored)])
    made = capsys.readouterr().out.strip()
    assert "| one environment, text | 1,234,567 steps/s | 1,234 x Other [1,000, 2,000] |" in made
    assert "| memory of an environment, single | 9,160 bytes |  |" in made
    readme.write_text(f"a\n{throughput.BEGIN}\n{throughput.END}\nb\n")
    throughput.main(["--table", str(stored), "--readme", str(readme)])
    assert readme.read_text() == f"a\n{throughput.BEGIN}\n{made}\n{throughput.END}\nb\n"
    readme.write_text("none")
    with pytest.raises(InvalidOutput, match="Expects one <!-- throughput:begin -->"):
        throughput.main(["--table", str(stored), "--readme", str(readme)])


def test_every_row_runs_and_is_in_the_stored_figures(monkeypatch):
    monkeypatch.setattr(throughput.peers, "VECTOR", 16)
    rows = throughput.rows()
    stored = json.loads((ROOT / "benchmarks" / "throughput.json").read_text())
    assert [row.name for row in rows] == [row["name"] for row in stored["rows"]]
    for row in rows:
        assert row.ours() > 10, row.name


def test_this_projects_page_says_what_the_stored_figures_say():
    made = throughput.table(json.loads((ROOT / "benchmarks" / "throughput.json").read_text()))
    page = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    assert f"{throughput.BEGIN}\n{made}\n{throughput.END}" in page
