"""How long recipes take to what others solve."""

import json
import re
from dataclasses import replace

import pytest

from maze_env.errors import InvalidConfig
from tests.results import constructed, write
from tests.tiny import ROOT
from tokenmaze.benchmarks import speedrun
from tokenmaze.benchmarks.mazebench import main as run_benchmark
from tokenmaze.benchmarks.record import load
from tokenmaze.benchmarks.typed_json import InvalidResult

COMMITTED = ROOT / "benchmarks" / "results"


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    """A result that solves all of mazebench-1000."""
    path = tmp_path_factory.mktemp("oracle") / "oracle.json"
    run_benchmark(["--agent", "shortest-path", "--suite", "mazebench-1000", "--output", str(path)])
    return load(path)


class Runs:
    """A folder as make writes it."""

    def __init__(self, folder, oracle):
        self.folder, self.oracle = folder, oracle
        self.results = []

    def add(self, recipe, stage, seed, seconds, unsolved=0, model="tiny", processes=1, **figures):
        run = self.folder / "runs" / f"{recipe}-{seed}" / stage
        run.mkdir(parents=True)
        before = model if model in ("tiny", "models/smollm2") else f"runs/{recipe}-{seed}/{model}"
        configuration = {"model": before, "output_dir": f"runs/{recipe}-{seed}/{stage}"}
        configuration |= {"processes": processes} if processes > 1 else {}  # older runs do not say
        source = {"torch_threads": 2 // processes, "cores": 2, "processor": "AMD EPYC"}
        made = {"figures": {"wall_seconds": seconds, **figures}, "configuration": configuration, "provenance": source}
        (run / "run.json").write_text(json.dumps(made))
        result = replace(constructed(self.oracle, range(unsolved), stage, seed), recipe=recipe)
        self.results.append(write(self.folder / f"{recipe}-{stage}-{seed}.json", result))

    def table(self, capsys, *options):
        speedrun.main([*self.results, "--runs", str(self.folder / speedrun.RUNS), *options])
        return capsys.readouterr().out.splitlines()[2:]


@pytest.fixture
def runs(tmp_path, oracle):
    return Runs(tmp_path, oracle)


def test_a_recipe_counts_all_trainings_up_to_the_first_stage_that_reaches_a_bar_on_every_seed(runs, capsys):
    for seed in range(3):
        runs.add("slow", "sft", seed, 600 + 60 * seed, unsolved=80 if seed == 1 else 5)  # 92 % on one seed
        runs.add("slow", "grpo", seed, 300, unsolved=8, model="sft", processes=2)
        runs.add("fast", "sft", seed, 60, unsolved=65)  # 93.5 %: not 99
    assert runs.table(capsys) == [
        "| 93 % of mazebench-1000 | fast: SFT | 1.0 (1.0; 1.0; 1.0) | 93.5; 93.5; 93.5 | 2 of 2 cores, AMD EPYC |",
        "| 93 % of mazebench-1000 | slow: GRPO | 16.0 (15.0; 16.0; 17.0) | 99.2; 99.2; 99.2 | 2 of 2 cores, AMD EPYC |",
        "| 99 % of mazebench-1000 | slow: GRPO | 16.0 (15.0; 16.0; 17.0) | 99.2; 99.2; 99.2 | 2 of 2 cores, AMD EPYC |",
    ]


def test_two_seeds_and_a_model_that_was_trained_before_are_no_entry(runs, capsys):
    for seed in range(3):
        runs.add("pretrained", "sft", seed, 60, model="models/smollm2")
        runs.add("none", "untrained", seed, 1)
    for seed in range(2):
        runs.add("two", "sft", seed, 60)
    assert runs.table(capsys) == []


def test_a_control_of_one_seed_is_what_times_are_divided_by(runs, capsys):
    for seed in range(3):
        runs.add("new", "sft", seed, 90, unsolved=5)
    runs.add("standing", "sft", 0, 180)
    rows = runs.table(capsys, "--control", "standing")
    assert [re.split(r" \| ", row)[1] + row[-9:] for row in rows] == ["new: SFT | 0.50 |", "standing: SFT | 1.00 |"] * 2


def test_a_time_that_is_not_known_is_refused(runs, capsys):
    for seed in range(3):
        runs.add("resumed", "sft", seed, 60, resumed_at_step=20 * seed)
    with pytest.raises(InvalidResult, match=r"Expects a training in one go, .* one that was resumed, .*resumed-1"):
        runs.table(capsys)
    (runs.folder / "runs/resumed-1/sft/run.json").unlink()
    with pytest.raises(InvalidResult, match=r"Expects the record of a training that has ended, actual: .*resumed-1"):
        runs.table(capsys)
    with pytest.raises(InvalidConfig, match=r"Expects a place like runs/\{recipe\}"):
        runs.table(capsys, "--runs", "runs/{name}")


def test_the_committed_table_says_what_the_committed_results_say(tmp_path):
    page = (ROOT / "docs" / "record.md").read_text(encoding="utf-8")
    copy = tmp_path / "record.md"
    copy.write_text(page, encoding="utf-8")
    files = sorted(map(str, (COMMITTED / "main").glob("*.json")))
    committed = COMMITTED / "training" / "{recipe}-{seed}-{stage}.json"
    speedrun.main([*files, "--runs", str(committed), "--readme", str(copy)])
    assert copy.read_text(encoding="utf-8") == page
    assert page.count("\n| 9") >= 3
