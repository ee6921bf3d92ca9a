"""Results are compared maze by maze; what does not compare is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.results import constructed, write
from tokenmaze.benchmarks import compare, comparison
from tokenmaze.benchmarks.mazebench import main as run_benchmark
from tokenmaze.benchmarks.record import SuiteOfResult, load
from tokenmaze.benchmarks.stats import newcombe
from tokenmaze.benchmarks.typed_json import InvalidResult


def test_compare_pairs_the_mazes(stored, tmp_path, capsys):
    first = write(tmp_path / "a.json", constructed(stored, range(10)))
    second = write(tmp_path / "b.json", constructed(stored, range(5, 25)))
    compare.main([first, second])
    lines = capsys.readouterr().out.splitlines()
    low, high = newcombe(both=75, first_only=15, second_only=5, neither=5)
    assert lines[3] == f"A - B: +10.0 points, 95 % interval [{100 * low:+.1f}, {100 * high:+.1f}]"
    assert lines[4] == "solved more often by A: 15 mazes, by B: 5 mazes"
    assert lines[5] == "exact McNemar test, two-sided: p = 0.041"  # 2 * P(X <= 5 | 20, 1/2) = 0.0414
    assert lines[6].startswith(
        "mazes needed to see a difference four times in five: 168 for 10.0 points, 15,889 for 1.0 points"
    )


def test_images_of_a_maze_are_one_trial(tmp_path, capsys):
    run_benchmark(["--agent", "shortest-path", "--suite", "symmetry", "--output", str(tmp_path / "a.json")])
    oracle = load(tmp_path / "a.json")
    other = constructed(oracle, {*range(4), *range(8, 16)})  # half of the first maze's images, all of the second's
    assert oracle.suite.mazes == 8 * 100
    found = comparison.compare(oracle, other)
    assert (found.mazes, found.first_only, found.p_value) == (100, 2, 0.5)  # 2 / 2^2: not 2 / 2^12
    assert found.difference == pytest.approx(1.5 / 100)
    capsys.readouterr()
    compare.main([str(tmp_path / "a.json"), write(tmp_path / "b.json", other)])
    assert "exact sign test over mazes, two-sided: p = 0.500" in capsys.readouterr().out


def test_decodings_that_differ_are_told(stored, tmp_path, capsys):
    asked = replace(stored, settings={"temperature": 0.0})
    one = write(tmp_path / "a.json", asked)
    warm = write(tmp_path / "b.json", replace(asked, agent_options={"temperature": 1.0}))
    compare.main([one, warm])
    first, second = capsys.readouterr().out.splitlines()[1:3]
    assert first.endswith(", greedy decoding")
    assert second.endswith(", temperature 1")
    compare.main([one, write(tmp_path / "c.json", replace(asked, recipe="other"))])
    assert "decoding" not in capsys.readouterr().out


def test_the_interval_is_named_as_it_was_made(stored, tmp_path, capsys):
    files = [write(tmp_path / f"{fail}.json", constructed(stored, range(fail))) for fail in (5, 9)]
    compare.main([*files, "--metric", "spl", "--json"])  # in trees a path efficiency is 0 or 1, too
    (other,) = json.loads(capsys.readouterr().out)["others"]
    assert (other["test"], other["interval"]) == ("exact McNemar", "Newcombe")


def test_several_comparisons_are_corrected_for_their_number(stored, tmp_path, capsys):
    first = write(tmp_path / "a.json", constructed(stored, range(10)))
    second = write(tmp_path / "b.json", constructed(stored, range(5, 25)))
    third = write(tmp_path / "c.json", constructed(stored, range(10)))
    compare.main([first, second, third])
    out = capsys.readouterr().out
    assert "two-sided: p = 0.041; corrected for 2 comparisons (Holm): p = 0.083" in out
    assert "two-sided: p = 1.000; corrected for 2 comparisons (Holm): p = 1.000" in out
    assert "A - C: +0.0 points" in out
    assert [place for place, line in enumerate(out.splitlines()) if not line] == [7]  # before C alone
    assert "no maze tells them apart" in out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"suite": SuiteOfResult("other", 1, "0", 100)}, "same mazes"),
        ({"mode": "play"}, "same mode"),
        ({"view_radius": 1}, "same view radius"),
        ({"samples": 2}, "same number of samples"),
    ],
)
def test_compare_refuses_what_does_not_compare(stored, change, message):
    with pytest.raises(InvalidResult, match=message):
        comparison.compare(stored, replace(stored, **change))


def test_the_same_mazes_under_another_name_compare(stored):
    elsewhere = replace(stored, suite=replace(stored.suite, name="data/copy.parquet"))
    assert comparison.compare(stored, elsewhere).difference == 0.0


def test_path_efficiencies_are_compared_by_bootstrap(tmp_path, capsys):
    files = []
    for name in ("shortest-path", "left-hand"):
        files.append(str(tmp_path / f"{name}.json"))
        run_benchmark(["--agent", name, "--mode", "play", "--output", files[-1]])
    capsys.readouterr()
    compare.main([*files, "--metric", "spl"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"A: SPL 1.000  {'shortest-path'}"
    spl = load(Path(files[1])).summary.spl
    assert lines[2] == f"B: SPL {spl:.3f}  left-hand"
    assert lines[3].startswith(f"A - B: {100 * (1 - spl):+.1f} points, 95 % interval [+")
    assert lines[4].startswith("higher by A: ")
    assert lines[4].endswith("by B: 0 mazes")
    assert lines[5].startswith("exact sign test over mazes, two-sided: p = ")
