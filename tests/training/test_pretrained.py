"""Strangers' checkpoints: their own tokenizer and chat template, maze tokens added or not, adapters, own prompts."""

import shutil

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, Qwen2Config, Qwen3Config

from maze_env.attempt import End
from maze_env.errors import InvalidConfig
from maze_env.tokens import maze_to_text
from tests import tiny
from tests.training import runs
from tokenmaze.agents.checkpoints import load_checkpoint
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.multi_turn_policy import MultiTurnPolicy
from tokenmaze.agents.prompts import DESCRIBED, prompt_template, render
from tokenmaze.agents.rollout import rollout
from tokenmaze.training.maze_tokens import MAZE_TOKENS, add_maze_tokens
from tokenmaze.training.model import ModelConfig, load, reference_words

SIZES = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 2, "max_position_embeddings": 4096,
}  # fmt: skip
FAMILIES = {"llama": (LlamaConfig, {}), "qwen2": (Qwen2Config, {}), "qwen3": (Qwen3Config, {"head_dim": 16})}
MAZE = tiny.mazes(1, 3, 4)[0]


def family(name, tied=False, spare=0, template=tiny.CHAT):
    """A model of a real family with random weights, ``spare`` rows more than its tokenizer has tokens."""
    tokenizer = tiny.byte_tokenizer(template)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|endoftext|>"]})  # Qwen's tokenizer class wants it
    kind, more = FAMILIES[name]
    special = {f"{what}_token_id": getattr(tokenizer, f"{what}_token_id") for what in ("pad", "bos", "eos")}
    torch.manual_seed(0)
    config = kind(vocab_size=len(tokenizer) + spare, tie_word_embeddings=tied, **SIZES, **more, **special)
    return AutoModelForCausalLM.from_config(config), tokenizer


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("name", FAMILIES)
def test_added_tokens_are_one_id_each_and_survive_decoding_and_saving(name, tied, tmp_path):
    model, tokenizer = family(name, tied)
    text = maze_to_text(MAZE)
    before = len(tokenizer(text, add_special_tokens=False)["input_ids"])
    ids = add_maze_tokens(model, tokenizer)
    assert len(ids) == len(set(ids)) == len(MAZE_TOKENS)
    written = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert len(written) == 3 * 12 + 3 < before
    assert tokenizer.decode(written, skip_special_tokens=True) == text
    loaded, again = load_checkpoint(tiny.save(tmp_path, model, tokenizer))
    assert again(text, add_special_tokens=False)["input_ids"] == written
    assert again.decode(written, skip_special_tokens=True) == text
    with torch.no_grad():
        inputs = torch.tensor([written])
        assert torch.equal(loaded(inputs).logits, model.eval()(inputs).logits)


@pytest.mark.parametrize("tied", [False, True])
def test_new_rows_start_as_the_mean_of_the_pieces_of_their_own_and_no_two_alike(tied):
    model, tokenizer = family("llama", tied)
    row, dash, col = tokenizer.convert_tokens_to_ids(["0", "-", "3"])
    old = [model.get_input_embeddings().weight.clone(), model.get_output_embeddings().weight.clone()]
    ids = add_maze_tokens(model, tokenizer)
    index = tokenizer.convert_tokens_to_ids("<|0-3|>")
    for matrix, before in zip((model.get_input_embeddings(), model.get_output_embeddings()), old, strict=True):
        assert torch.allclose(matrix.weight[index], (before[row] + 2 * before[dash] + 3 * before[col]) / 6)
        assert len(matrix.weight[ids].unique(dim=0)) == len(MAZE_TOKENS)
        assert torch.equal(matrix.weight[: len(before)], before)
    assert (model.get_output_embeddings().weight is model.get_input_embeddings().weight) == tied


def test_rows_to_spare_are_used_before_the_model_grows():
    model, tokenizer = family("qwen2", spare=1000)
    rows = model.get_input_embeddings().weight.shape[0]
    add_maze_tokens(model, tokenizer)
    assert model.get_input_embeddings().weight.shape[0] == rows
    model, tokenizer = family("qwen2", spare=10)
    add_maze_tokens(model, tokenizer)
    assert model.get_input_embeddings().weight.shape[0] == len(tokenizer)


def test_adding_twice_adds_nothing_and_special_maze_tokens_are_refused():
    model, tokenizer = family("llama")
    add_maze_tokens(model, tokenizer)
    size = len(tokenizer)
    assert add_maze_tokens(model, tokenizer) == []
    assert len(tokenizer) == size
    model, tokenizer = family("llama")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|up|>"]})
    with pytest.raises(InvalidConfig, match=r"ordinary tokens of the vocabulary, actual: special ones, \['<\|up\|>'\]"):
        add_maze_tokens(model, tokenizer)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    model, tokenizer = family("qwen3", template=tiny.R1_CHAT)
    return tiny.save(tmp_path_factory.mktemp("stranger"), model, tokenizer)


FAST = {"examples": 16, "per_device_train_batch_size": 8, "save_strategy": "no", "learning_rate": 0.001}


@pytest.mark.parametrize("added", [False, True])
def test_sft_grpo_and_policy_take_it_with_its_template(stranger, added, tmp_path):
    runs.train_sft(tmp_path / "sft", model=stranger, trace_styles="path", add_maze_tokens=added, **FAST)
    _, tokenizer = load_checkpoint(str(tmp_path / "sft"))
    assert tokenizer.chat_template == tiny.R1_CHAT
    assert ("<|0-0|>" in tokenizer.get_vocab()) == added
    runs.train_grpo(tmp_path / "grpo", str(tmp_path / "sft"), examples=4, save_strategy="no", num_generations=2,
                    per_device_train_batch_size=4, max_completion_length=6, temperature=1.0)  # fmt: skip
    policy = LLMPolicy.from_pretrained(str(tmp_path / "grpo"), max_new_tokens=5)
    (attempt,) = rollout(policy, [MAZE], [0])
    assert 1 <= attempt.tokens <= 5
    assert attempt.thinking_opened  # by its template
    assert attempt.end is End.UNCLOSED_THINKING


def test_adapters_are_saved_alone_or_merged(stranger, tmp_path):
    pytest.importorskip("peft")
    base, _ = load_checkpoint(stranger)
    runs.train_sft(tmp_path / "alone", model=stranger, trace_styles="direct", lora_rank=4, **FAST)
    assert (tmp_path / "alone" / "adapter_config.json").is_file()
    assert not (tmp_path / "alone" / "model.safetensors").exists()
    runs.train_sft(tmp_path / "merged", model=stranger, trace_styles="direct", lora_rank=4, merge_lora=True, **FAST)
    ids = torch.arange(5, 25)[None]
    with torch.no_grad():
        logits = [
            model.eval()(ids).logits
            for model in (base, *(load_checkpoint(str(tmp_path / name))[0] for name in ("alone", "merged")))
        ]
    assert not torch.allclose(logits[0], logits[2])
    assert torch.allclose(logits[1], logits[2], atol=1e-5)
    assert LLMPolicy.from_pretrained(str(tmp_path / "alone"), max_new_tokens=2).act([maze_to_text(MAZE)])


@pytest.mark.parametrize("options", [{"lora_rank": 4}, {"lora_rank": 4, "merge_lora": True, "add_maze_tokens": True}])
def test_a_run_with_adapters_resumes_and_ends_the_same(options, stranger, tmp_path):
    pytest.importorskip("peft")
    settings = {
        "model": stranger,
        "trace_styles": "direct",
        "per_device_train_batch_size": 2,
        "examples": 12,
        **options,
    }
    weights = "model.safetensors" if "merge_lora" in options else "adapter_model.safetensors"
    folder = tmp_path / "run"
    runs.train_sft(folder, save_steps=3, **settings)
    whole = load_file(folder / weights)
    shutil.rmtree(folder / "checkpoint-6")
    (folder / weights).unlink()
    began = load_file(folder / "checkpoint-3" / "adapter_model.safetensors")
    runs.train_sft(folder, save_steps=3, resume=True, **settings)
    again = load_file(folder / weights)
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    ended = load_file(folder / "checkpoint-6" / "adapter_model.safetensors")
    assert any(not torch.equal(began[name], ended[name]) for name in began)  # weights moved after the checkpoint


@pytest.mark.parametrize("tied", [True, False])
def test_with_adapters_the_rows_of_new_tokens_are_trained_in_full(tied, tmp_path):
    pytest.importorskip("peft")
    model, tokenizer = family("llama")
    model.config.tie_word_embeddings = tied
    model = type(model)(model.config)
    folder = tiny.save(tmp_path / "model", model, tokenizer)
    options = {"add_maze_tokens": True, "lora_rank": 4, "merge_lora": True}
    start, tokenizer = load(ModelConfig(model=folder, **options), seed=0)
    runs.train_sft(tmp_path / "run", model=folder, trace_styles="path", **options, **FAST)
    trained, again = load_checkpoint(str(tmp_path / "run"))
    assert again.get_vocab() == tokenizer.get_vocab()
    for layer in ("get_input_embeddings", "get_output_embeddings"):
        moved = (getattr(trained, layer)().weight != getattr(start, layer)().weight).any(dim=1)
        assert moved[tokenizer.convert_tokens_to_ids("<|0-0|>")]
        assert not moved[: start.maze_token_ids[0]].any()


def test_ones_own_prompt_travels_with_the_checkpoint(stranger, tmp_path):
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("Solve this, please.\n{maze}Go.")
    runs.train_sft(tmp_path / "run", model=stranger, trace_styles="direct", prompt=prompt, **FAST)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "run")
    assert f"Solve this, please.\n{maze_to_text(MAZE)}Go." in render(tokenizer, maze_to_text(MAZE)).text
    prompt.write_text("no maze")
    with pytest.raises(InvalidConfig, match=r"Expects a prompt with '{maze}' once in it, actual: 0 times"):
        load(ModelConfig(model=stranger, prompt=str(prompt)), 0)


def test_a_base_model_needs_to_be_told_how_it_is_spoken_to(tmp_path):
    base = tiny.save(tmp_path / "base", *family("llama", template=None))
    missing = "Expects a tokenizer with a chat template, actual: none .*chat_template_file"
    for attempt in (
        lambda: load(ModelConfig(model=base), 0),
        lambda: LLMPolicy.from_pretrained(base),
        lambda: MultiTurnPolicy.from_pretrained(base),
    ):
        with pytest.raises(InvalidCheckpoint, match=missing):
            attempt()
    template = tmp_path / "chat.jinja"
    template.write_text("{% for message in messages %}{{ message['content'] }}\n{% endfor %}")
    given = {"chat_template_file": str(template)}
    runs.train_sft(tmp_path / "run", model=base, trace_styles="direct", **given, **FAST)
    for tokenizer in (
        LLMPolicy.from_pretrained(str(tmp_path / "run")).tokenizer,  # saved along
        LLMPolicy.from_pretrained(base, **given).tokenizer,
        load(ModelConfig(model=base, **given), 0)[1],
    ):
        # With the begin token that the model has read before all other text.
        described = DESCRIBED.replace("{maze}", maze_to_text(MAZE))
        assert render(tokenizer, maze_to_text(MAZE)).text == f"<s>{described}\n"
    assert MultiTurnPolicy.from_pretrained(base, **given)
    with pytest.raises(InvalidConfig, match=r"Expects chat_template_file to name a file, actual: 'nowhere.jinja'"):
        LLMPolicy.from_pretrained(base, chat_template_file="nowhere.jinja")
    # A prompt of one's own says it too: there is nothing around it.
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("{maze}")
    for tokenizer in (
        load(ModelConfig(model=base, prompt=str(prompt)), 0)[1],
        LLMPolicy.from_pretrained(base, prompt=str(prompt)).tokenizer,
        load(ModelConfig(model=base, prompt="{maze}"), 0)[1],
    ):
        assert prompt_template(tokenizer) == "<s>{maze}"


def test_all_weights_learn_in_float32_whatever_they_are_stored_in(stranger, tmp_path):
    # In bfloat16 most updates of a usual size round to nothing.
    stored, tokenizer = load(ModelConfig(model=stranger, dtype="bfloat16"), 0)
    folder = tiny.save(tmp_path / "stored", stored, tokenizer)
    for config, dtype in (
        ({}, torch.float32), ({"dtype": "auto"}, torch.bfloat16), ({"lora_rank": 2}, torch.bfloat16)
    ):  # fmt: skip
        model, _ = load(ModelConfig(model=folder, **config), 0)
        assert model.dtype is dtype
    of_stored, _ = load(ModelConfig(model=folder), 0)
    assert reference_words(ModelConfig(model=folder), of_stored, None)["dtype"] == "float32"


def test_dtype_and_attention_pass_through(stranger):
    model, _ = load(ModelConfig(model=stranger, dtype="bfloat16", attn_implementation="eager"), 0)
    assert model.dtype is torch.bfloat16
    assert model.config._attn_implementation == "eager"
    assert LLMPolicy.from_pretrained(stranger, dtype="bfloat16", max_new_tokens=1).model.dtype is torch.bfloat16


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lora_rank": 0}, "Expects lora_rank of at least 1, actual: 0"),
        ({"merge_lora": True}, "Expects lora_rank with merge_lora"),
        ({"lora_rank": 4, "add_maze_tokens": True, "model": "a/b"}, "Expects merge_lora true with add_maze_tokens"),
        ({"add_maze_tokens": True}, "with a model that is loaded"),
        ({"dtype": "bfloat16"}, "with a model that is loaded"),
        (
            {"prompt": "nowhere.txt"},
            "Expects prompt direct, structured, a text .* file of one in UTF-8, actual: 'nowhere.txt'",
        ),
        ({"chat_template_file": "chat.jinja"}, "with a model that is loaded"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, message):
    with pytest.raises(InvalidConfig, match=message):
        ModelConfig(**settings)


@pytest.mark.parametrize("train", [runs.train_sft, runs.train_grpo, runs.train_rft, runs.train_dpo])
def test_muon_does_not_train_adapters(stranger, tmp_path, train):
    # It is made of the model before the adapters are there: weights that would not move.
    with pytest.raises(InvalidConfig, match="Expects muon_learning_rate unset with lora_rank"):
        train(tmp_path / "run", model=stranger, lora_rank=2, muon_learning_rate=0.01)


def test_an_evaluation_that_does_not_fit_is_an_error_before_training(tmp_path):
    short = {"model": "tiny", "context": 220, "sizes": "5x5", "trace_styles": "direct", **FAST}
    with pytest.raises(
        InvalidConfig, match="Expects prompts and eval_max_tokens=512 to fit into the model's context of"
    ):
        runs.train_sft(tmp_path / "run", eval_strategy="epoch", **short)


@pytest.mark.parametrize("train", [runs.train_sft, runs.train_grpo])
def test_a_prompt_is_for_plans(stranger, tmp_path, train):
    with pytest.raises(InvalidConfig, match="Expects prompt only with mode plan"):
        train(tmp_path / "run", model=stranger, mode="play", prompt="Go.\n{maze}")


def test_a_context_too_short_for_the_maze_is_an_error_before_training(tmp_path):
    model, tokenizer = family("llama")
    model.config.max_position_embeddings = 64
    folder = tiny.save(tmp_path / "short", model, tokenizer)
    with pytest.raises(
        InvalidConfig, match="Expects examples of at most 64 tokens, the model's context, actual: one of"
    ):
        runs.train_sft(tmp_path / "run", model=folder, trace_styles="direct", **FAST)
    with pytest.raises(InvalidCheckpoint, match="which does not exist"):
        runs.train_sft(tmp_path / "run", model=str(tmp_path / "none" / "x"), **FAST)
