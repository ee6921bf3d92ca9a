import copy
import json
from pathlib import Path

import pytest

from benchmarks import compare, table
from benchmarks.mazebench import main as run_benchmark
from benchmarks.results import InvalidResult, load_result, result_text
from benchmarks.stats import newcombe
from maze_env.errors import InvalidOutput

REPOSITORY = Path(__file__).resolve().parents[2]


def constructed(stored, failed, stage=None, train_seed=None):
    """``stored`` with the mazes in ``failed`` unsolved."""
    result = copy.deepcopy(stored)
    for row in result["attempts"]:
        if row[0] in failed:
            row[1] = "hit_wall"
    rate = 1 - len(failed) / 100
    result.update(stage=stage, train_seed=train_seed)
    result["summary"].update(solved_rate=rate, solved_rate_wilson_95=table.wilson(rate, 100))
    return result


def write(path, result):
    path.write_text(result_text(result), encoding="utf-8")
    return str(path)


def test_compare_pairs_the_mazes(stored, tmp_path, capsys):
    first = write(tmp_path / "a.json", constructed(stored, range(10)))
    second = write(tmp_path / "b.json", constructed(stored, range(5, 25)))
    compare.main([first, second])
    lines = capsys.readouterr().out.splitlines()
    low, high = newcombe(both=75, first_only=15, second_only=5, neither=5)
    assert lines[4] == f"A - B: +10.0 points, 95 % interval [{100 * low:+.1f}, {100 * high:+.1f}]"
    assert lines[5] == "solved more often by A: 15 mazes, by B: 5 mazes"
    assert lines[6] == "exact McNemar test, two-sided: p = 0.041"  # 2 * P(X <= 5 | 20, 1/2) = 0.0414
    assert lines[7].startswith(
        "mazes needed to see a difference four times in five: 168 for 10.0 points, 15,889 for 1.0 points"
    )


def test_images_of_a_maze_are_one_trial(tmp_path, capsys):
    run_benchmark(["--agent", "shortest-path", "--suite", "symmetry", "--output", str(tmp_path / "a.json")])
    oracle = load_result(tmp_path / "a.json")
    other = constructed(oracle, {*range(4), *range(8, 16)})  # half of the first maze's images, all of the second's
    assert oracle["suite"]["mazes"] == 8 * 100
    found = compare.compare(oracle, other)
    assert (found.mazes, found.first_only, found.p_value) == (100, 2, 0.5)  # 2 / 2^2: not 2 / 2^12
    assert found.difference == pytest.approx(1.5 / 100)
    capsys.readouterr()
    compare.main([str(tmp_path / "a.json"), write(tmp_path / "b.json", other)])
    assert "exact sign test over mazes, two-sided: p = 0.500" in capsys.readouterr().out


def test_several_comparisons_are_corrected_for_their_number(stored, tmp_path, capsys):
    first = write(tmp_path / "a.json", constructed(stored, range(10)))
    second = write(tmp_path / "b.json", constructed(stored, range(5, 25)))
    third = write(tmp_path / "c.json", constructed(stored, range(10)))
    compare.main([first, second, third])
    out = capsys.readouterr().out
    assert "two-sided: p = 0.041; corrected for 2 comparisons (Holm): p = 0.083" in out
    assert "two-sided: p = 1.000; corrected for 2 comparisons (Holm): p = 1.000" in out
    assert "A - C: +0.0 points" in out
    assert "no maze tells them apart" in out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"suite": {"name": "other", "version": 1, "sha256": "0", "mazes": 100}}, "same mazes"),
        ({"mode": "play"}, "same mode"),
        ({"view_radius": 1}, "same fog"),
        ({"samples": 2}, "same number of samples"),
    ],
)
def test_compare_refuses_what_does_not_compare(stored, change, message):
    with pytest.raises(InvalidResult, match=message):
        compare.compare(stored, {**stored, **change})


@pytest.mark.parametrize("text", ["", "[]", '{"benchmark": "another"}'])
def test_a_file_that_is_no_result_is_refused(tmp_path, text):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(InvalidResult, match=r"r\.json"):
        load_result(tmp_path / "r.json")
    with pytest.raises(InvalidResult, match="missing"):
        load_result(tmp_path / "missing.json")


@pytest.mark.parametrize("lost", ["suite", "summary", "train_seed"])
def test_a_result_that_lost_a_part_is_refused(stored, tmp_path, lost):
    path = tmp_path / "r.json"
    path.write_text(json.dumps({name: value for name, value in stored.items() if name != lost}))
    with pytest.raises(InvalidResult, match=f"without {lost}"):
        load_result(path)


def test_the_same_mazes_under_another_name_compare(stored):
    elsewhere = {**stored, "suite": {**stored["suite"], "name": "data/copy.parquet"}}
    assert compare.compare(stored, elsewhere).difference == 0.0


def test_a_result_that_lost_attempts_is_refused(stored, tmp_path):
    write(tmp_path / "r.json", {**stored, "attempts": stored["attempts"][1:]})
    with pytest.raises(InvalidResult, match="100 attempts"):
        load_result(tmp_path / "r.json")


def test_a_result_survives_being_written_and_read(stored, tmp_path):
    assert load_result(Path(write(tmp_path / "r.json", stored))) == json.loads(json.dumps(stored))


def staged(stored):
    return [
        constructed(stored, range(14), "sft", 2),
        constructed(stored, range(12), "sft", 1),
        constructed(stored, range(2), "grpo", 1),
        constructed(stored, range(5), "grpo", 2),
        constructed(stored, range(9), "sft-continued", 1),
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
        {**stored, "mode": "play"},
        {**stored, "agent_options": {"temperature": 0.6}},
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
        table.table([{**stored, "suite": {**stored["suite"], "sha256": "0"}}])


def test_the_table_goes_between_the_readmes_markers(stored, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    result = write(tmp_path / "r.json", stored)
    for _ in range(2):
        table.main([result, "--readme", str(readme)])
        assert readme.read_text() == f"before\n{table.BEGIN}\n{table.table([stored])}\n{table.END}\nafter\n"
    with pytest.raises(InvalidOutput, match="Expects one"):
        table.with_table("no markers", "table")


def test_this_projects_readme_says_what_its_results_say():
    readme, results = REPOSITORY / "README.md", sorted((REPOSITORY / "benchmarks" / "results").glob("*.json"))
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    if not results or table.BEGIN not in text:
        pytest.skip("no stored results, or no place for them in the README")
    assert text == table.with_table(text, table.table([load_result(path) for path in results]))


def test_path_efficiencies_are_compared_by_bootstrap(tmp_path, capsys):
    files = []
    for name in ("shortest-path", "left-hand"):
        files.append(str(tmp_path / f"{name}.json"))
        run_benchmark(["--agent", name, "--mode", "play", "--output", files[-1]])
    capsys.readouterr()
    compare.main([*files, "--metric", "spl"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"A: SPL 1.000  {'shortest-path'}"
    spl = load_result(Path(files[1]))["summary"]["spl"]
    assert lines[3] == f"B: SPL {spl:.3f}  left-hand"
    assert lines[4].startswith(f"A - B: {100 * (1 - spl):+.1f} points, 95 % interval [+")
    assert lines[5].startswith("higher by A: ")
    assert lines[5].endswith("by B: 0 mazes")
    assert lines[6].startswith("exact sign test over mazes, two-sided: p = ")
