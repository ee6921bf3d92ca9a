"""What compares within a table, and what its p-values are corrected for."""

from benchmarks import table
from benchmarks.mazebench import main as run_benchmark
from benchmarks.results import load_result
from benchmarks.stats import holm, mcnemar
from tests.benchmarks.test_compare_and_table import constructed, staged


def only_standard(summary):
    return {**summary, "levels": {"standard": summary["levels"]["standard"]}}


def test_p_values_are_corrected_for_all_of_their_table(stored):
    lines = table.table(staged(stored)).splitlines()
    assert lines[-5].startswith("| paired difference in points [95 %], exact McNemar, Holm-corrected over the table |")
    told = [line.rpartition("p = ")[2].split()[0] for line in "\n".join(lines[-3:]).replace(";", "\n").splitlines()]
    single = [mcnemar(10, 0), mcnemar(9, 0), mcnemar(7, 0), mcnemar(3, 0)]
    assert told == [f"{p_value:.3f}" for p_value in holm(single)]
    assert told != [f"{p_value:.3f}" for p_value in single]


def test_a_table_of_its_own_is_not_corrected_for_another_one(stored):
    results = [constructed(stored, [], "grpo", 1), constructed(stored, range(9), "sft", 1)]
    warm = [{**one, "agent_options": {"temperature": 0.6}} for one in results]
    assert table.table([*results, *warm]).count("p = 0.004") == 2  # 2 / 2^9


def test_agents_that_took_other_phrasings_are_in_tables_of_their_own(tmp_path):
    path = tmp_path / "result.json"
    run_benchmark(["--agent", "shortest-path", "--suite", "phrasing", "--output", str(path)])
    every = load_result(path)
    phrasings = every["suite"]["phrasings"]
    one = {
        **every,
        "suite": {**every["suite"], "phrasings": ["standard"]},
        "attempts": every["attempts"][:100],
        "summary": only_standard(every["summary"]),
        "baselines": {name: only_standard(row) for name, row in every["baselines"].items()},
    }
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
