"""What compares within a table, and what its p-values are corrected for."""

from dataclasses import replace

import pytest

from maze_env.errors import InvalidOutput
from tests.results import constructed, staged, write
from tests.tiny import ROOT
from tokenmaze.benchmarks import table
from tokenmaze.benchmarks.mazebench import main as run_benchmark
from tokenmaze.benchmarks.present.markdown import insert_between
from tokenmaze.benchmarks.record import load
from tokenmaze.benchmarks.stats import holm, mcnemar
from tokenmaze.benchmarks.typed_json import InvalidResult


def only_standard(summary):
    return replace(summary, levels={"standard": summary.levels["standard"]})


def test_p_values_are_corrected_for_all_of_their_table(stored):
    lines = table.table(staged(stored)).splitlines()
    assert lines[-5].startswith("| paired difference in points [95 %], exact McNemar, Holm-corrected over the table |")
    told = [line.rpartition("p = ")[2].split()[0] for line in "\n".join(lines[-3:]).replace(";", "\n").splitlines()]
    single = [mcnemar(10, 0), mcnemar(9, 0), mcnemar(7, 0), mcnemar(3, 0)]
    assert told == [f"{p_value:.3f}" for p_value in holm(single)]
    assert told != [f"{p_value:.3f}" for p_value in single]


def test_a_table_of_its_own_is_not_corrected_for_another_one(stored):
    results = [constructed(stored, [], "grpo", 1), constructed(stored, range(9), "sft", 1)]
    warm = [replace(one, agent_options={"temperature": 0.6}) for one in results]
    assert table.table([*results, *warm]).count("p = 0.004") == 2  # 2 / 2^9


def test_agents_that_took_other_phrasings_are_in_tables_of_their_own(tmp_path):
    path = tmp_path / "result.json"
    run_benchmark(["--agent", "shortest-path", "--suite", "phrasing", "--output", str(path)])
    every = load(path)
    phrasings = every.suite.phrasings
    one = replace(
        every,
        suite=replace(every.suite, phrasings=("standard",)),
        attempts=every.attempts[:100],
        summary=only_standard(every.summary),
        baselines={name: only_standard(row) for name, row in every.baselines.items()},
    )
    lines = table.table([every, one]).splitlines()
    assert [line.partition("decoding, ")[2] for line in lines if line.startswith("**")] == [
        "phrasings standard)",
        f"phrasings {', '.join(phrasings)})",
    ]
    assert [line.split(" | ")[3] for line in lines if line.startswith("|  |")] == ["standard", " / ".join(phrasings)]
    assert [line.split(" | ")[3] for line in lines if line.startswith("| `")] == [
        "100.0",
        " / ".join("100.0" for _ in phrasings),
    ]


def test_the_table_groups_seeds_and_pairs_stages(stored):
    lines = table.table(staged(stored)).splitlines()
    assert lines[0] == "**AlphaMaze-compatible MazeBench, mazebench-100** (100 mazes, plan track, greedy decoding)"
    sft, continued, grpo, random, oracle, *paper = lines[4:12]
    assert sft.startswith("| default: SFT | 87.0 (86.0-88.0) | 1: 88.0 [80.2, 93.0]; 2: 86.0 [77.9, 91.5] |")
    assert continued.startswith("| default: SFT, continued | 91.0 | 1: 91.0 [83.8, 95.2] |")
    assert grpo.startswith("| default: GRPO | 96.5 (95.0-98.0) |")
    assert random.startswith("| random agent | 4.0 | 4.0 [1.6, 9.8] |")
    assert oracle.startswith("| shortest-path agent | 100.0 |")
    assert [row.split(" | ")[1] for row in paper] == ["0.0", "86.0", "93.0"]
    assert all("as published, not re-run" in row for row in paper)
    differences = lines[-3:]
    assert differences[0].startswith("| default: GRPO minus SFT | 1: +10.0 [")
    assert "p = 0.008; 2: +9.0 [" in differences[0]  # 2 / 2^10, times four comparisons
    assert differences[1].startswith("| default: GRPO minus SFT, continued | 1: +7.0 [")
    assert differences[2].startswith("| default: SFT, continued minus SFT | 1: +3.0 [")


def test_modes_and_decodings_are_never_in_one_table(stored):
    results = [
        stored,
        replace(stored, mode="play"),
        replace(stored, agent_options={"temperature": 0.6}),
    ]
    made = table.table(results)
    titles = [line for line in made.splitlines() if line.startswith("**")]
    assert len(titles) == 3
    assert "plan track, temperature 0.6" in titles[1]
    assert "play track" in titles[2]
    assert made.count("*paper: SFT (") == 2  # the paper has no play track


def test_two_results_of_one_seed_are_refused(stored):
    with pytest.raises(InvalidResult, match="one result for each seed"):
        table.table([constructed(stored, [], "sft", 1), constructed(stored, [1], "sft", 1)])


def test_a_result_on_an_older_suite_is_refused(stored):
    with pytest.raises(InvalidResult, match="mazebench-100"):
        table.table([replace(stored, suite=replace(stored.suite, sha256="0"))])


def test_the_table_goes_between_the_readmes_markers(stored, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    result = write(tmp_path / "r.json", stored)
    for _ in range(2):
        table.main([result, "--readme", str(readme)])
        assert readme.read_text() == f"before\n{table.BEGIN}\n{table.table([stored])}\n{table.END}\nafter\n"
    with pytest.raises(InvalidOutput, match="Expects one"):
        insert_between("no markers", "table", table.BEGIN, table.END)


def test_the_short_table_has_ranges_over_seeds_and_intervals_of_single_runs(stored):
    lines = table.table(staged(stored), short=True).splitlines()
    assert lines[2].startswith("|  | solved (range over seeds) or [95 % Wilson] | Easy / Medium / Hard |")
    sft, continued, grpo, random, *_ = lines[4:]
    assert sft.startswith("| default: SFT | 87.0 (86.0-88.0) | ")
    assert continued.startswith("| default: SFT, continued | 91.0 [83.8, 95.2] | ")
    assert grpo.startswith("| default: GRPO | 96.5 (95.0-98.0) | ")
    assert random.startswith("| random agent | 4.0 [1.6, 9.8] | ")
    assert "McNemar" not in "".join(lines)


@pytest.mark.parametrize(("page", "short"), [("README.md", True), ("docs/results.md", False)])
def test_this_projects_pages_say_what_its_results_say(page, short):
    text = (ROOT / page).read_text(encoding="utf-8")
    results = [load(path) for path in sorted((ROOT / "benchmarks" / "results" / "main").glob("*.json"))]
    assert text == insert_between(text, table.table(results, short), table.BEGIN, table.END)
