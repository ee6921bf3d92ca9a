"""Training in two processes is training in one, faster."""

import json
from collections import Counter
from itertools import chain
from types import SimpleNamespace

import pytest
from accelerate import DistributedType

from maze_env.errors import InvalidConfig, InvalidOutput
from tests import tiny
from tests.training import runs
from tokenmaze.agents.tiny_model import build_model
from tokenmaze.training.checkpoints import MANIFEST, fault
from tokenmaze.training.common import begin, check_divides, run
from tokenmaze.training.run_folder import check_same, write_run

CPUS = tiny.ROOT / "training" / "configs" / "accelerate" / "cpus.yaml"


def launched(folder, processes):
    """Runs tests/training/processes.py; returns the rows of each step and stage, over all processes."""
    folder.mkdir()
    launch = ["-m", "accelerate.commands.launch", "--config_file", CPUS] if processes > 1 else []
    result = tiny.python(*launch, "-m", "tests.training.processes", folder)
    assert result.returncode == 0, result.stderr[-3000:]
    ranks = [json.loads((folder / f"seen-{rank}.json").read_text()) for rank in range(processes)]
    return {
        stage: [list(chain(*parts)) for parts in zip(*(rank[stage] for rank in ranks), strict=True)]
        for stage in ("sft", "grpo")
    }


def test_two_processes_do_what_one_does(tmp_path):
    one, two = launched(tmp_path / "one", 1), launched(tmp_path / "two", 2)

    # The same rows at each step; padding apart, which goes by who sits beside whom. No maze comes twice.
    for stage in ("sft", "grpo"):
        rows = [[Counter(text.replace("<pad>", "") for text in step) for step in run[stage]] for run in (one, two)]
        assert rows[0] == rows[1]
        assert len(rows[0]) > 2
    assert set(Counter(text for step in one["sft"] for text in step).values()) == {1}
    assert {prompts.count(prompt) for prompts in two["grpo"] for prompt in prompts} == {8}
    assert len({prompt for prompts in two["grpo"] for prompt in prompts}) == 24

    # The same rewards, losses and, to float tolerance, weights; which moved.
    start = dict(build_model(tiny.SMALL, seed=42).named_parameters())
    for stage, names in {"sft": ("loss", "grad_norm"), "grpo": ("reward", "solved_rate", "loss", "grad_norm")}.items():
        logs = [[entry for entry in runs.log_of(tmp_path / run / stage) if "loss" in entry] for run in ("one", "two")]
        assert len(logs[0]) == len(logs[1]) > 2
        for alone, shared in zip(*logs, strict=True):
            for name in names:
                assert shared[name] == pytest.approx(alone[name], rel=2e-3, abs=1e-5), (stage, name)
        # An optimizer that normalises gradients makes more of float noise where they are small.
        end_alone, end_shared = (runs.weights(tmp_path / run / stage) for run in ("one", "two"))
        noise = sum((end_shared[name] - weight).square().sum() for name, weight in end_alone.items()).sqrt()
        moved = sum((end_alone[name] - weight).square().sum() for name, weight in start.items()).sqrt()
        assert moved > 0.05
        assert noise < 0.05 * moved, stage
        start = end_alone

    # Memory is that of both.
    memory = {run: runs.run_file(tmp_path / run / "grpo")["figures"]["peak_memory_gib"] for run in ("one", "two")}
    assert 1.3 * memory["one"] < memory["two"] < 3 * memory["one"]

    # A checkpoint is whole when every process has written its part.
    (checkpoint,) = (tmp_path / "two" / "sft").glob("checkpoint-*")
    assert {"rng_state_0.pth", "rng_state_1.pth"} <= set(json.loads((checkpoint / MANIFEST).read_text())["files"])
    assert fault(checkpoint) is None

    # One process evaluates for all.
    evaluated = [json.loads((tmp_path / "two" / f"evaluated-{rank}.json").read_text()) for rank in range(2)]
    logged = [
        entry["eval_solved_rate"] for entry in runs.log_of(tmp_path / "two" / "sft") if "eval_solved_rate" in entry
    ]
    assert [figures["solved_rate"] for figures in evaluated[0]] == logged != []
    assert evaluated[1] == []


class Arguments:
    """What is asked of a stage's arguments."""

    mode, eval_strategy, world_size, process_index = "plan", "no", 1, 0
    resume, overwrite, save_total_limit = False, False, None

    def __init__(self, folder, **changes):
        self.output_dir = folder
        vars(self).update(changes)


@pytest.mark.parametrize("kind", [DistributedType.FSDP, DistributedType.DEEPSPEED, DistributedType.MULTI_GPU])
def test_what_sharded_weights_cannot_do(kind, tmp_path):
    trained = []

    def trainer(**changes):
        return SimpleNamespace(
            args=Arguments(tmp_path, **changes), accelerator=SimpleNamespace(distributed_type=kind),
            is_world_process_zero=lambda: True, train=lambda **_: trained.append(changes), add_callback=lambda _: None,
            pop_callback=lambda _: None, model=None, state=SimpleNamespace(global_step=0),
        )  # fmt: skip

    for changes in ({"mode": "play"}, {"eval_strategy": "steps"}, {"step_credit": "pointers"}):
        if kind is DistributedType.MULTI_GPU:
            run(trainer(**changes), "sft", {}, None)
        else:
            with pytest.raises(InvalidConfig, match="Expects mode plan, eval_strategy no and no step_credit with FSDP"):
                run(trainer(**changes), "sft", {}, None)
    assert len(trained) == (3 if kind is DistributedType.MULTI_GPU else 0)
    assert (tmp_path / "run.json").exists() == bool(trained)
    run(trainer(), "sft", {}, None)
    assert trained[-1] == {}


def test_a_folder_in_use_ends_every_process(tmp_path):
    (tmp_path / "in-use").mkdir()
    (tmp_path / "in-use" / "file").touch()
    with pytest.raises(InvalidOutput, match="is in use"):
        begin({}, Arguments(tmp_path / "in-use"))


def test_another_number_of_processes_is_another_run(tmp_path):
    configuration = {}
    assert begin(configuration, Arguments(tmp_path)) is None
    write_run(tmp_path, "sft", configuration, None)
    assert begin({}, Arguments(tmp_path, resume=True)) is None
    with pytest.raises(InvalidConfig, match="processes=1, actual: processes=2"):
        check_same(tmp_path, {"processes": 2})


def test_rows_that_do_not_divide_are_refused():
    with pytest.raises(InvalidConfig, match=r"Expects examples to be a multiple of 16 .* actual: 100"):
        check_divides(100, 8, 2)
    check_divides(96, 8, 2)
    check_divides(100, 8, 1)  # one process takes a short last step
