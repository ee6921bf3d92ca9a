"""How fast runs were: what is counted, and that shares are of what the device was measured to do."""

import json
import sys

import pytest
import torch

from maze_env.errors import InvalidConfig
from tests import tiny
from tests.training import runs
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.tiny_model import build_model, build_tokenizer
from tokenmaze.training import speed


@pytest.fixture
def small(monkeypatch):
    """Products and copies small enough for a test."""
    monkeypatch.setattr(speed, "CPU_SIZES", (256, 2**18))


def command(monkeypatch, *argv):
    monkeypatch.setattr(sys, "argv", ["speed", *map(str, argv)])
    speed.main()


def test_runs_of_both_stages_are_measured(small, trained, tmp_path, monkeypatch, capsys):
    runs.train_sft(tmp_path / "sft")
    runs.train_grpo(tmp_path / "grpo", trained)
    output = tmp_path / "new" / "speed.json"
    command(
        monkeypatch, tmp_path / "sft", tmp_path / "grpo", "--batch", 3, "--tokens", 5, "--side", 5, "--output", output
    )
    sft, grpo = json.loads(output.read_text())["runs"]
    for run in (sft, grpo):
        assert run["training"]["tokens_per_second"] > 0
        assert run["generation"]["tokens_per_second"] > 0
        assert run["generation"]["share_of_memory"] > 0
        assert (run["precision"], run["device"]) == ("float32", "cpu")
    assert 0 < sft["training"]["share_of_arithmetic"] < 1
    assert grpo["training"]["share_of_arithmetic"] is None
    printed = capsys.readouterr().out
    assert f"{tmp_path / 'sft'}, cpu, float32: training " in printed
    assert printed.count("of the memory's speed") == 2
    with pytest.raises(InvalidCheckpoint, match="Expects the folder of a finished run"):
        command(monkeypatch, tmp_path / "none", "--output", output)
    with pytest.raises(InvalidConfig, match="at least 2 tokens, actual: 256 and 1"):
        command(monkeypatch, tmp_path / "sft", "--tokens", 1, "--output", output)


def test_training_counts_six_operations_for_each_weight_and_token():
    model = build_model(tiny.SMALL, 0)
    log = [{"num_tokens": 400.0}, {"num_tokens": 1000.0}, {"train_runtime": 2.0}]
    weights = sum(weight.numel() for weight in model.parameters())
    if not model.config.tie_word_embeddings:
        weights -= model.get_input_embeddings().weight.numel()
    assert speed.training_speed(model, "sft", log, 1e9) == {
        "tokens_per_second": 500.0,
        "share_of_arithmetic": pytest.approx(500 * 6 * weights / 1e9),
    }


def test_every_row_writes_all_its_tokens(monkeypatch):
    model, tokenizer = build_model(tiny.SMALL, 0).eval(), build_tokenizer()
    written = []

    def once(work, rounds=1):
        written.append(work().shape[1])
        return float(written[-1])

    monkeypatch.setattr(speed, "seconds", once)
    figures = speed.generation_speed(model, tokenizer, 4, 7, 5, 1e6)
    assert [width - figures["prompt_tokens"] for width in written] == [7, 1]
    assert figures["tokens_per_second"] == 4 * 6 / 6
    read = figures["prompt_tokens"] + 7 / 2
    keys_and_values = 2 * tiny.SMALL.layers * tiny.SMALL.hidden_size * 4  # bytes of a token
    weights = sum(weight.nbytes for weight in speed.weights_of(model))
    assert figures["share_of_memory"] == pytest.approx((weights + 4 * keys_and_values * read) / 1e6)
    with pytest.raises(InvalidConfig, match="Expects prompts and 4096 tokens to fit into 4096"):
        speed.generation_speed(model, tokenizer, 1, 4096, 5, 1e6)


def test_limits_are_those_of_the_product_and_the_copy(small, monkeypatch):
    monkeypatch.setattr(speed, "seconds", lambda work, rounds=1: 0.5)
    assert speed.device_limits(torch.device("cpu"), torch.float32) == {
        "flops_per_second": 2 * 256**3 / 0.5,
        "bytes_per_second": 2 * 4 * 2**18 / 0.5,
    }
