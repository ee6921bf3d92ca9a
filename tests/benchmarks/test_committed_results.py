"""Every committed result is read by every command, and the pages made from results say what they say."""

import json

import pytest

from benchmarks import compare, study, table, throughput
from benchmarks.record import TITLE, load, tracks_of
from benchmarks.report.page import page
from tests.tiny import ROOT

RESULTS = ROOT / "benchmarks" / "results"


def is_result(path):
    """By its content, not by its name: a result that lost its title would not be missed."""
    return "attempts" in json.loads(path.read_text(encoding="utf-8"))


PATHS = sorted(path for path in RESULTS.rglob("*.json") if is_result(path))
FOLDERS = sorted({path.parent for path in PATHS})


def test_there_are_results():
    assert len(PATHS) > 100
    assert all(json.loads(path.read_text(encoding="utf-8"))["benchmark"] == TITLE for path in PATHS)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_command_reads_every_result(folder, capsys):
    paths = [path for path in PATHS if path.parent == folder]
    named = [(path.stem, load(path)) for path in paths]
    html = page(named)
    for track, results in tracks_of([result for _, result in named]).items():
        assert f"{results[0].suite.mazes} mazes, {', '.join(track.conditions)}" in table.table(results)
        groups = {result.title: [result] for result in results}
        for make in (study.by_level, study.reasoning):
            assert len(make(groups).splitlines()) > 2
        for result in results:
            assert f"<strong>{result.title}" in html
            assert compare.compare(result, results[0]).mazes > 0
    compare.main([str(paths[0]), str(paths[0])])
    assert "A - B: +0.0 points" in capsys.readouterr().out


def test_the_study_says_what_its_results_say():
    path = ROOT / "benchmarks" / "STUDY.md"
    text = path.read_text(encoding="utf-8")
    assert study.filled(text, path.parent) == text


def test_the_readme_says_what_the_throughput_figures_say():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    made = throughput.table(json.loads((ROOT / "benchmarks" / "throughput.json").read_text(encoding="utf-8")))
    assert f"{throughput.BEGIN}\n{made}\n{throughput.END}" in text
