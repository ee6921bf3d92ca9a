"""Training samples from the model's own distribution, whatever the checkpoint's ``generation_config.json`` holds."""

import json
import shutil
from pathlib import Path

import pytest
from transformers import GenerationConfig

from maze_env.errors import InvalidConfig
from tests.agents.test_generation import HOSTILE
from tests.training import runs
from tokenmaze.agents import decoding
from tokenmaze.training.model import ModelConfig, load

SHAPING = (
    "do_sample", "num_beams", "temperature", "top_k", "top_p", "min_p", "typical_p", "repetition_penalty",
    "no_repeat_ngram_size", "begin_suppress_tokens", "forced_eos_token_id", "min_new_tokens",
)  # fmt: skip


@pytest.fixture(scope="module")
def hostile(trained, tmp_path_factory):
    """The trained checkpoint with a generation configuration that changes all that is drawn."""
    folder = tmp_path_factory.mktemp("hostile") / "model"
    shutil.copytree(trained, folder)
    values = {name: HOSTILE[name] for name in SHAPING} | {"begin_suppress_tokens": [4, 5, 6]}
    (folder / "generation_config.json").write_text(json.dumps(values | {"eos_token_id": [2, 9]}))
    return folder


def says(folder):
    """What a folder's generation configuration names."""
    said = GenerationConfig.from_pretrained(folder).to_dict().items()
    return {name: value for name, value in said if value is not None and "version" not in name and name[0] != "_"}


def test_what_training_starts_from_says_which_tokens_end_it_and_no_more(hostile):
    model, _ = load(ModelConfig(model=str(hostile)), seed=0)
    said = model.generation_config.to_dict().items()
    assert {name: value for name, value in said if value is not None and "version" not in name and name[0] != "_"} == {
        "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": [2, 9],
    }  # fmt: skip


@pytest.mark.parametrize("task", [
    {"mode": "plan", "filter_samples": 2, "eval_samples": 2}, {"mode": "play", "max_completion_length": 80},
], ids=["plan", "play"])  # fmt: skip
def test_grpo_samples_filters_and_evaluates_alike(task, trained, hostile, tmp_path, monkeypatch):
    seen, decode = [], decoding.drop_finished

    def spy(*arguments, logits_processor, **options):
        seen.append(logits_processor)
        return decode(*arguments, logits_processor=logits_processor, **options)

    for module in ("tokenmaze.agents.decoding", "tokenmaze.agents.llm_policy"):
        monkeypatch.setattr(f"{module}.drop_finished", spy)
    ends = json.dumps({"eos_token_id": [2, 9], "pad_token_id": 0, "bos_token_id": 1})
    plain = tmp_path / "plain"
    shutil.copytree(trained, plain)
    (plain / "generation_config.json").write_text(ends)
    options = {**task, "examples": 8, "eval_strategy": "steps", "eval_steps": 1, "eval_mazes": 4, "save_strategy": "no"}
    for source in (plain, hostile):
        runs.train_grpo(tmp_path / source.name / "run", source, **options)
    first, second = (tmp_path / source.name / "run" for source in (plain, hostile))
    assert runs.same_weights(first, second)
    assert not runs.same_weights(first, plain)
    keys = [
        key for key in runs.log_of(first)[-2] if "seconds" not in key and "time" not in key and "runtime" not in key
    ]
    assert [{k: e[k] for k in keys if k in e} for e in runs.log_of(first)] == [
        {k: e[k] for k in keys if k in e} for e in runs.log_of(second)
    ]
    assert not any(seen)  # at temperature 1 nothing is done to the logits
    assert bool(seen) == (task["mode"] == "plan")
    assert says(first).keys() == says(second).keys() == {"pad_token_id", "bos_token_id", "eos_token_id"}


def test_sft_saves_a_model_that_is_what_was_trained(hostile, tmp_path):
    runs.train_sft(tmp_path / "run", model=hostile, examples=32, save_strategy="no")
    assert says(tmp_path / "run") == {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": [2, 9]}


@pytest.mark.parametrize("key", [
    {"top_p": 0.9}, {"top_k": 20}, {"min_p": 0.1}, {"repetition_penalty": 1.1}, {"generation_kwargs": "{\"min_p\": 1}"},
], ids=lambda key: next(iter(key)))  # fmt: skip
def test_grpo_draws_from_the_whole_distribution(key, trained, tmp_path):
    with pytest.raises(InvalidConfig, match=f"Expects {next(iter(key))} to stay .* whole distribution"):
        runs.train_grpo(tmp_path / "run", trained, **key)
    assert not Path(tmp_path / "run").exists()
