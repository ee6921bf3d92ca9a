"""Every key of TRL is used or refused with a reason, and those that prompts and rows hang on do what they say."""

import json
from dataclasses import fields, replace

import pytest
import torch
from transformers import AutoTokenizer
from trl import DPOConfig, GRPOConfig, SFTConfig

from maze_env.errors import InvalidConfig, UnknownName
from tests import tiny
from tests.training import runs
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.training import grpo, sft, trl_keys
from tokenmaze.training.arguments import default_of
from tokenmaze.training.dpo import MazeDPOConfig
from tokenmaze.training.grpo import MazeGRPOConfig
from tokenmaze.training.model import ModelConfig, load
from tokenmaze.training.rft import MazeRFTConfig
from tokenmaze.training.sft import MazeSFTConfig
from tokenmaze.training.trl_keys import NEEDS, REFUSED, USED

STAGES = {"sft": (SFTConfig, MazeSFTConfig), "grpo": (GRPOConfig, MazeGRPOConfig), "rft": (SFTConfig, MazeRFTConfig),
          "dpo": (DPOConfig, MazeDPOConfig)}  # fmt: skip
FAST = {"per_device_train_batch_size": 4, "save_strategy": "no", "report_to": "none", "sizes": "2x2"}


@pytest.mark.parametrize("stage", STAGES)
def test_each_key_of_trl_stands_in_one_place(stage):
    upstream = {field.name for field in fields(STAGES[stage][0])}
    assert USED[stage] | REFUSED[stage].keys() == upstream, "a key that TRL has added or dropped: go through it"
    assert not USED[stage] & REFUSED[stage].keys()
    assert all(len(reason) > 10 for reason in REFUSED[stage].values())
    patterns = {name.rstrip("*") for need in NEEDS for name in need.names.split()}
    everything = {field.name for _, kind in STAGES.values() for field in fields(kind)}
    assert all(any(name.startswith(pattern) for name in everything) for pattern in patterns)


def another(value):
    """A value that is not ``value``."""
    if isinstance(value, bool) or value is None:
        return not value
    return "other" if isinstance(value, str) else ["loss"] if isinstance(value, list) else value + 1


@pytest.mark.parametrize(("stage", "name"), [(stage, name) for stage in REFUSED for name in REFUSED[stage]])
def test_a_refused_key_is_an_error_that_says_why(stage, name):
    config = STAGES[stage][1]()
    value = another(default_of(config, name))
    with pytest.raises(InvalidConfig) as error:
        STAGES[stage][1](**{name: value})
    assert f"Expects {name} to stay" in str(error.value)
    assert REFUSED[stage][name] in str(error.value)


def test_a_copy_of_a_configuration_is_one():
    assert replace(MazeSFTConfig(eval_strategy="steps")).do_eval  # set by TRL, refused from a user


@pytest.mark.parametrize(
    ("stage", "keys", "said"),
    [
        ("grpo", {"vllm_mode": "server"}, "Expects use_vllm true with vllm_mode"),
        ("grpo", {"ref_model_sync_steps": 3}, "Expects sync_ref_model true"),
        ("grpo", {"sync_ref_model": True}, "Expects beta above 0"),
        ("grpo", {"entropy_target": 0.3}, "Expects use_adaptive_entropy true"),
        ("grpo", {"sapo_temperature_pos": 2.0}, "Expects loss_type sapo"),
        ("grpo", {"num_completions_to_print": 2}, "Expects log_completions true"),
        ("grpo", {"max_turn_tokens": 4}, "Expects mode play with max_turn_tokens"),
        ("grpo", {"max_episode_steps": 9}, "Expects mode play with max_episode_steps"),
        ("dpo", {"discopop_tau": 0.1}, "Expects loss_type discopop"),
        ("dpo", {"f_alpha_divergence_coef": 0.1}, "Expects f_divergence_type alpha_divergence"),
        ("dpo", {"loss_weights": [1.0]}, "Expects several values of loss_type"),
        ("dpo", {"label_smoothing": 0.1}, "Expects loss_type robust or exo_pair"),
        ("sft", {"hub_model_id": "a/b"}, "Expects push_to_hub true"),
        ("sft", {"adam_beta1": 0.8, "muon_learning_rate": 0.1}, "Expects muon_learning_rate unset with adam_beta1"),
        ("sft", {"activation_checkpointing_kwargs": {"use_reentrant": True}}, "Expects activation_checkpointing true"),
        ("sft", {"dataloader_persistent_workers": True}, "Expects dataloader_num_workers above 0"),
        ("sft", {"report_to": "tensorbord"}, "Expects report_to out of what is installed"),
        ("sft", {"report_to": ["none", "wandb"]}, r"actual: 'wandb' \(pip install wandb\)"),
        ("sft", {"use_liger_kernel": True}, "Expects liger_kernel for use_liger_kernel"),
        ("sft", {"seed": -1}, "Expects seed from 0"),
        ("sft", {"model_init_kwargs": {"token": "hf_x"}}, "HF_TOKEN in the environment"),
    ],
)
def test_keys_that_would_do_nothing_alone_are_refused(stage, keys, said, monkeypatch):
    monkeypatch.setattr(trl_keys, "get_available_reporting_integrations", lambda: ["tensorboard"])
    monkeypatch.setattr(trl_keys, "is_liger_kernel_available", lambda: False)
    with pytest.raises(InvalidConfig, match=said):
        STAGES[stage][1](**keys)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"optim": "adamw_bnb_8bit"}, "optim=adamw_bnb_8bit.*bitsandbytes"),
        ({"optim": "adamw_torch", "optim_args": "nonsense"}, "Expects an optimizer and a schedule that can be made"),
        ({"lr_scheduler_type": "cosine", "lr_scheduler_kwargs": '{"cycles": 3}'}, "lr_scheduler_type=cosine.*cycles"),
        ({"lr_scheduler_type": "polynomial", "lr_scheduler_kwargs": '{"lr_end": 9}'}, "lr_scheduler_type=polynomial"),
    ],
)
def test_optimizers_and_schedules_that_cannot_be_made_are_told_before_the_rows(keys, said, tmp_path, monkeypatch):
    monkeypatch.setattr(sft, "supervised_dataset", lambda *_: pytest.fail("this is too late"))
    with pytest.raises(InvalidConfig, match=said) as error:
        runs.train_sft(tmp_path / "run", **FAST, **keys)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("kind", [MazeSFTConfig, MazeGRPOConfig])
def test_the_best_model_is_chosen_by_a_figure_that_there_is(kind):
    evaluated = {"eval_strategy": "steps", "save_strategy": "no"}
    for keys in ({"load_best_model_at_end": True}, {"metric_for_best_model": "loss"}):
        with pytest.raises(UnknownName, match="Expects a metric_for_best_model out of 'malformed_rate', 'solved_rate'"):
            kind(**evaluated, **keys)
    assert kind(**evaluated, metric_for_best_model="eval_solved_rate")
    assert kind(**evaluated, metric_for_best_model="pass@4", eval_samples=4)
    with pytest.raises(UnknownName):
        kind(**evaluated, metric_for_best_model="pass@4")


def test_names_that_do_not_exist_are_told_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'nll'"):
        MazeSFTConfig(loss_type="nl")
    with pytest.raises(UnknownName, match="Did you mean 'sigmoid'"):
        MazeDPOConfig(loss_type=["sigmod"])
    with pytest.raises(UnknownName, match="Did you mean 'revision'"):
        MazeSFTConfig(model_init_kwargs={"revison": "main"})


@pytest.mark.parametrize("kind", [MazeSFTConfig, MazeGRPOConfig])
@pytest.mark.parametrize("name", ["activation_checkpointing", "gradient_checkpointing"])
def test_either_name_of_checkpointing_turns_it_on(kind, name):
    args = kind(**{name: True})
    assert args.activation_checkpointing
    assert args.gradient_checkpointing
    assert not kind().activation_checkpointing


@pytest.fixture(scope="module")
def chat(tmp_path_factory):
    """A model whose template can turn thinking off, and whose end token is not that of its turns."""
    tokenizer = tiny.byte_tokenizer(
        tiny.CHAT + "{% if add_generation_prompt and enable_thinking is defined and not enable_thinking %}"
        "<think>\n\n</think>\n\n{% endif %}"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|endoftext|>"]})
    tokenizer.eos_token = "<|endoftext|>"
    return tiny.save(tmp_path_factory.mktemp("chat"), tiny.byte_model(tokenizer), tokenizer)


class Stop(Exception):
    """The trainer has been made."""


def made(monkeypatch, stage, name, tmp_path, **keys):
    """The arguments of a stage's trainer, which is never run."""
    seen = {}

    def trainer(model, tokenizer, args, evaluation, source, **arguments):
        seen.update(arguments, model=model, tokenizer=tokenizer, args=args)
        raise Stop

    monkeypatch.setattr(stage, name, trainer)
    kind = MazeSFTConfig if stage is sft else MazeGRPOConfig
    with pytest.raises(Stop):
        stage.train(*runs.parsed({**FAST, "output_dir": tmp_path / "run", **keys}, kind))
    return seen


@pytest.mark.parametrize("mode", ["plan", "play"])
def test_sft_rows_end_with_the_end_token_asked_for(chat, mode, monkeypatch, tmp_path):
    keys = {"model": chat, "eos_token": "<im_end>", "pad_token": "<pad>", "examples": 4, "mode": mode}
    seen = made(monkeypatch, sft, "MazeSFTTrainer", tmp_path, trace_styles="direct", **keys)
    tokenizer, row = seen["tokenizer"], seen["train_dataset"][0]
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<im_end>", "<pad>")
    assert seen["model"].generation_config.eos_token_id == tokenizer.eos_token_id
    if mode == "plan":
        assert row["input_ids"][-1] == row["labels"][-1] == tokenizer.convert_tokens_to_ids("<im_end>")


@pytest.mark.parametrize("keys", [{"mode": "plan"}, {"mode": "play"}, {"mode": "plan", "filter_samples": 2}])
def test_grpo_prompts_have_the_variables_of_the_template(chat, keys, monkeypatch, tmp_path):
    variables = json.dumps({"enable_thinking": False})
    grpo_keys = {
        "num_generations": 2,
        "max_completion_length": 8,
        "examples": 2,
        "per_device_train_batch_size": 4,
        **keys,
    }
    grpo_keys |= {"max_turn_tokens": 4} if keys["mode"] == "play" else {}
    monkeypatch.setattr(grpo, "filter_by_pass_rate", lambda data, policy, *_: check(policy))

    def check(policy):
        assert policy.prompt_template.endswith("<think>\n\n</think>\n\n")
        return tiny.mazes(2, 2, 2)

    seen = made(monkeypatch, grpo, "MazeGRPOTrainer", tmp_path, model=chat, chat_template_kwargs=variables, **grpo_keys)
    (message,) = seen["train_dataset"][0]["prompt"]
    tokenizer = seen["tokenizer"]
    written = tokenizer.apply_chat_template([message], tokenize=False, add_generation_prompt=True)
    text = message["content"] if keys["mode"] == "play" else written
    assert text.endswith("<im_start>assistant\n<think>\n\n</think>\n\n")
    tokenizer.save_pretrained(tmp_path / "saved")  # whoever measures it writes the same
    again = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert again.apply_chat_template([message], tokenize=False, add_generation_prompt=True) == written


@pytest.mark.parametrize(
    ("stage", "keys", "said"),
    [
        ("sft", {"eos_token": "<nothing>"}, "Expects eos_token to be a token of the vocabulary, actual: '<nothing>'"),
        ("sft", {"pad_token": "<nothing>"}, "Expects pad_token to be a token of the vocabulary"),
        ("grpo", {"chat_template_kwargs": '{"thinking_mode": 1}'}, "that the chat template reads, actual: 'thinking"),
        ("sft", {"dtype": "bfloat16", "model_init_kwargs": '{"dtype": "float32"}'}, "Expects dtype as a key or in"),
        ("sft", {"model_init_kwargs": '{"quantization_config": {}}'}, "Expects lora_rank with quantization_config"),
        ("grpo", {"beta": 0.1, "add_maze_tokens": True}, "Expects beta 0 with add_maze_tokens"),
        ("grpo", {"beta": 0.1, "random_weights": True}, "Expects beta 0 with random_weights"),
    ],
)
def test_values_that_a_model_cannot_have_are_told_before_training(chat, stage, keys, said, tmp_path):
    common = {"model": chat, "num_generations": 2, "max_completion_length": 8} if stage == "grpo" else {"model": chat}
    with pytest.raises(InvalidConfig, match=said):
        getattr(runs, f"train_{stage}")(tmp_path / "run", *([common.pop("model")] if stage == "grpo" else []),
                                        **{**FAST, "examples": 4, **common, **keys})  # fmt: skip


def test_model_init_kwargs_are_the_words_of_loading(chat, monkeypatch, tmp_path):
    words = json.dumps({"dtype": "bfloat16"})
    seen = made(monkeypatch, sft, "MazeSFTTrainer", tmp_path, model=chat, model_init_kwargs=words, examples=4)
    assert seen["model"].dtype is torch.bfloat16
    assert seen["args"].model_init_kwargs is None  # TRL would say that it is ignored
    seen = made(monkeypatch, grpo, "MazeGRPOTrainer", tmp_path / "b", model=chat, model_init_kwargs=words, examples=2,
                beta=0.1, num_generations=2, max_completion_length=8)  # fmt: skip
    assert seen["args"].model_init_kwargs == {"dtype": "bfloat16"}  # TRL loads the reference model by them


def test_the_folder_to_load_is_told_alike_in_training(chat, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(chat)
    tokenizer.add_tokens(["<think>", "</think>"])
    tiny.save(tmp_path / "v2", tiny.byte_model(tokenizer), tokenizer)
    model, again = load(ModelConfig(model=str(tmp_path), subfolder="v2"), 0)
    assert model.get_input_embeddings().weight.shape[0] == len(again) == len(tokenizer)
    with pytest.raises(InvalidCheckpoint, match="Expects a folder with a saved model"):
        load(ModelConfig(model=str(tmp_path), subfolder="v3"), 0)
    with pytest.raises(InvalidConfig, match="Expects revision with a hub name, actual: 'v2'"):
        load(ModelConfig(model=str(tmp_path), revision="v2"), 0)
