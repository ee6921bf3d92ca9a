"""Tables of a page, from the files that its markers name."""

import re
from dataclasses import replace

import numpy as np
import pytest

from maze_env.errors import InvalidConfig, InvalidOutput, UnknownName
from tests.results import constructed, write
from tests.tiny import ROOT
from tokenmaze.benchmarks import study
from tokenmaze.benchmarks.figures import Reasoning
from tokenmaze.benchmarks.mazebench import main as run_benchmark
from tokenmaze.benchmarks.record import load
from tokenmaze.benchmarks.stats import bootstrap_seeds
from tokenmaze.benchmarks.typed_json import InvalidResult


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two recipes with two training seeds each: ``a`` fails on 10 and 20 mazes of 100, ``b`` on 30 and 50."""
    made = tmp_path_factory.mktemp("results")
    run_benchmark(["--agent", "shortest-path", "--output", str(made / "oracle.json")])
    oracle = load(made / "oracle.json")
    for recipe, fails in (("a", (10, 20)), ("b", (30, 50))):
        for seed, failed in enumerate(fails):
            result = constructed(oracle, range(failed), stage="grpo", train_seed=seed)
            write(made / f"{recipe}-{seed}.json", replace(result, recipe=recipe))
    return made


def page(folder, marker):
    (folder / "PAGE.md").write_text(f"before\n<!-- {marker} -->\nold\n<!-- end -->\nafter\n", encoding="utf-8")
    study.main([str(folder / "PAGE.md")])
    return (folder / "PAGE.md").read_text(encoding="utf-8").splitlines()


def test_seeds_are_shown_one_by_one_and_together(folder):
    lines = page(folder, "solved: a-*.json b-*.json against a: GRPO")
    assert (lines[0], lines[1], lines[-2], lines[-1]) == (
        "before",
        "<!-- solved: a-*.json b-*.json against a: GRPO -->",
        "<!-- end -->",
        "after",
    )
    assert "old" not in lines
    first, second = (line.split(" | ") for line in lines[4:6])
    assert first[0] == "| a: GRPO"
    assert first[1].startswith("85.0 [")
    assert first[2] == "90.0; 80.0"
    assert second[1].startswith("60.0 [")
    assert second[3].startswith("-25.0 [-")
    assert second[4].startswith("-20.0, p = 2e-06; -30.0, p = 4e-09")  # 2 / 2^20 and, of two the less, 2 * 2 / 2^30


def test_every_seed_is_paired_with_a_baseline(folder):
    lines = page(folder, "solved: b-*.json oracle.json against shortest-path")
    (row,) = [line for line in lines if line.startswith("| b: GRPO")]
    assert "-30.0, p = 2e-09; -50.0, p = 4e-15" in row  # 2 / 2^30 and, of two the less, 2 * 2 / 2^50


def test_images_of_a_maze_are_one_trial(folder):
    run_benchmark(["--agent", "shortest-path", "--suite", "symmetry", "--output", str(folder / "images.json")])
    result = constructed(load(folder / "images.json"), range(400), stage="grpo", train_seed=0)  # all of 50 mazes of 100
    write(folder / "turning-0.json", replace(result, recipe="turning"))
    line = page(folder, "solved: turning-*.json")[4]
    low, high = map(float, re.search(r"50\.0 \[([0-9.]+), ([0-9.]+)\]", line).groups())
    assert high - low > 15  # of 100 trials; of 800 it would be 7


def test_path_efficiency_and_levels(folder):
    assert "| a: GRPO | 0.850 [" in "\n".join(page(folder, "spl: a-*.json"))
    levels = page(folder, "levels: a-*.json b-*.json")
    assert levels[2] == "| mazebench-100: solved, % | a: GRPO | b: GRPO |"
    assert [line.split(" | ")[0] for line in levels[4:7]] == ["| Easy", "| Medium", "| Hard"]


def test_the_figures_of_traces(folder):
    for seed in (0, 1):
        result = load(folder / f"a-{seed}.json")
        traces = Reasoning(
            completions=100, validity=0.9 - 0.1 * seed, consistency=0.8, correct_despite_trace=0.05,
            wrong_turn_rate=0.3, backtracking_rate=0.5, recovery_rate=0.25, repetition_rate=0.1, faults={}, by_style={},
        )  # fmt: skip
        summary = replace(result.summary, reasoning=traces, tokens_per_solve=40.0 + seed)
        write(folder / f"reasoned-{seed}.json", replace(result, recipe="reasoned", summary=summary))
    lines = page(folder, "reasoning: reasoned-*.json b-*.json")
    assert lines[2].startswith("| %, but for tokens | tokens a solve | trace validity | answer consistency")
    direct, reasoned = (line.removesuffix(" |").split(" | ") for line in lines[4:6])
    assert reasoned[1:4] == ["40.5 (40.0-41.0)", "85.0 (80.0-90.0)", "80.0 (80.0-80.0)"]
    assert reasoned[4:] == [f"{value} ({value}-{value})" for value in ("5.0", "30.0", "50.0", "25.0", "10.0")]
    assert direct == ["| b: GRPO", *["-"] * 8]


def test_how_many_answers_to_images_are_images(folder):
    for seed, share in enumerate((0.25, 0.75)):
        result = load(folder / f"a-{seed}.json")
        summary = replace(result.summary, symmetry_consistency=share)
        write(folder / f"turned-{seed}.json", replace(result, recipe="turned", summary=summary))
    lines = page(folder, "symmetry: turned-*.json")
    assert lines[4] == "| turned: GRPO | 85.0 (80.0-90.0) | 50.0 (25.0-75.0) |"


def test_what_an_answer_costs(folder):
    for seed, seconds in enumerate((50.0, 100.0)):
        result = load(folder / f"a-{seed}.json")
        source = replace(result.provenance, wall_seconds=seconds, peak_memory_gib=1.0 + seed, resumed=0)
        summary = replace(result.summary, tokens_per_attempt=200.0)
        write(folder / f"timed-{seed}.json", replace(result, recipe="timed", summary=summary, provenance=source))
    write(folder / "goes-on.json", replace(result, recipe="goes-on", provenance=replace(source, resumed=1)))
    lines = page(folder, "cost: timed-*.json goes-on.json")
    assert lines[2] == "|  | solved, % | tokens a second | peak memory, GiB |"
    assert "| timed: GRPO | 85.0 (80.0-90.0) | 300 (200-400) | 1.50 (1.00-2.00) |" in lines
    assert "| goes-on: GRPO | 80.0 (80.0-80.0) | - | 2.00 (2.00-2.00) |" in lines  # its last process's time


def test_a_table_made_again_is_the_same(folder):
    marker = "solved: a-*.json b-*.json against a: GRPO"
    once = page(folder, marker)
    study.main([str(folder / "PAGE.md")])
    assert (folder / "PAGE.md").read_text(encoding="utf-8").splitlines() == once


def test_what_cannot_be_made_is_one_error(folder):
    with pytest.raises(InvalidResult, match=r"Expects result files none-\*.json in"):
        page(folder, "solved: none-*.json")
    with pytest.raises(UnknownName, match="Did you mean 'a: GRPO'"):
        page(folder, "solved: a-*.json against a: GRP")
    (folder / "PAGE.md").write_text("<!-- solved: a-*.json -->\n", encoding="utf-8")
    with pytest.raises(InvalidOutput, match="Expects an end to each of the 1 tables"):
        study.main([str(folder / "PAGE.md")])
    with pytest.raises(InvalidConfig, match=r"none\.md', which does not exist"):
        study.main([str(folder / "none.md")])


def test_the_interval_over_seeds_and_mazes():
    rng = np.random.default_rng(1)
    scores = (rng.random((3, 500)) < 0.5).astype(float)
    low, high = bootstrap_seeds(scores)
    assert low < scores.mean() < high
    # Seeds that agree add nothing: the interval is that over mazes, 1.96 * sqrt(0.25 / 500) on either side.
    low, high = bootstrap_seeds(np.repeat(scores[:1], 3, axis=0))
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 500), rel=0.1)
    # Seeds that differ widen it, however many mazes there are: means of 3 of (0, 0, 1) lie between 0 and 1.
    assert bootstrap_seeds(np.repeat([[0.0], [0.0], [1.0]], 5000, axis=1)) == pytest.approx((0, 1), abs=0.05)


def test_this_projects_study_says_what_its_results_say():
    path = ROOT / "docs" / "study.md"
    text = path.read_text(encoding="utf-8")
    assert study.filled(text, path.parent) == text
