"""The card in each checkpoint says what the model is, and nothing that is not so."""

from pathlib import Path

import pytest

from maze_env.tokens import maze_to_text
from tests.training import runs
from tokenmaze.training.model_card import EXAMPLE, model_card


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    options = {"examples": 32, "save_steps": 1, "eval_strategy": "steps", "eval_steps": 1, "eval_mazes": 2}
    runs.train_sft(root / "sft", **options)
    grpo = {"per_device_train_batch_size": 8, "num_generations": 2, **options, "examples": 4}
    runs.train_grpo(root / "grpo", str(root / "sft"), **grpo)
    pytest.importorskip("peft")
    runs.train_grpo(root / "lora", str(root / "sft"), lora_rank=2, **grpo)
    return root


@pytest.mark.parametrize("name", ["sft", "grpo", "lora"])
def test_every_card_is_this_projects_own(folders, name):
    cards = sorted((folders / name).rglob("README.md"))
    assert len(cards) == 1 + len(list((folders / name).glob("checkpoint-*"))) >= 2
    for card in cards:
        text = card.read_text(encoding="utf-8")
        stage = "sft" if name == "sft" else "grpo"
        assert f"# {name}\n" in text
        assert f"`tokenmaze {stage}` of TokenMaze" in text
        assert maze_to_text(EXAMPLE) in text
        assert len(text.splitlines()) < 30
        for wrong in ("None", "time machine", "licence", "license", "More Information", str(folders), "base_model"):
            assert wrong not in text
    assert "% of the run's validation mazes" in (folders / name / "README.md").read_text(encoding="utf-8")


def test_a_card_names_a_base_model_of_the_hub():
    text = model_card("mine", "sft", "Qwen/Qwen3-0.6B", 0.5)
    assert "base_model: Qwen/Qwen3-0.6B" in text
    assert "It solved 50.0% of" in text
    assert "base_model" not in model_card("mine", "grpo", str(Path("runs") / "sft"), None)
