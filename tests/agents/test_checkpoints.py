"""Model and tokenizer are loaded by the same words, adapters too; what cannot be is one line, and at once."""

import builtins
import json
import shutil
import time
from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM

from maze_env.errors import InvalidConfig, TokenMazeError, UnknownName
from maze_env.tokens import maze_to_text
from tests import tiny
from tests.training import runs
from tokenmaze.agents import registry
from tokenmaze.agents.checkpoints import (
    DTYPES,
    MODEL,
    OPTIONS,
    PLACE,
    check_options,
    load_checkpoint,
    load_for_inference,
)
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.model_names import is_hub_name
from tokenmaze.training.model import ModelConfig, load

MAZE = maze_to_text(tiny.mazes(1)[0])


def checkpoint(folder, *tokens, seed=0):
    """A model whose vocabulary has further tokens, so that it is told from another."""
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    tokenizer.add_tokens(list(tokens))
    return tiny.save(folder, tiny.byte_model(tokenizer, seed), tokenizer)


def sizes(loaded):
    model, tokenizer = loaded
    return model.get_input_embeddings().weight.shape[0], len(tokenizer)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A hub's cache with one repository: two revisions, the second of which has a folder with a third model."""
    cache = tmp_path_factory.mktemp("cache")
    repository = cache / "models--someone--mazes"
    (repository / "refs").mkdir(parents=True)
    for name, number in (("main", "1"), ("v2", "2")):
        (repository / "refs" / name).write_text(number * 40)
    checkpoint(repository / "snapshots" / ("1" * 40))
    checkpoint(repository / "snapshots" / ("2" * 40), "<think>")
    checkpoint(repository / "snapshots" / ("2" * 40) / "sub", "<think>", "</think>")
    return {"cache_dir": str(cache), "local_files_only": True}


@pytest.mark.parametrize("words", [{}, {"revision": "v2"}, {"revision": "v2", "subfolder": "sub"}])
def test_of_a_repository_model_and_tokenizer_come_from_the_same_place(hub, words):
    expected = len(tiny.byte_tokenizer()) + len(words)
    assert sizes(load_checkpoint("someone/mazes", **words, **hub)) == (expected, expected)
    assert sizes(load(ModelConfig(model="someone/mazes", **words), 0, hub)) == (expected, expected)
    agent = registry.make("someone/mazes", **words, **hub)
    assert sizes((agent.model, agent.tokenizer)) == (expected, expected)


def test_of_a_folder_they_come_from_the_same_subfolder(tmp_path):
    checkpoint(tmp_path)
    checkpoint(tmp_path / "v2", "<think>", "</think>")
    expected = len(tiny.byte_tokenizer()) + 2
    assert sizes(load_checkpoint(str(tmp_path), subfolder="v2")) == (expected, expected)
    with pytest.raises(InvalidCheckpoint, match=r"\(config.json\), actual: .* has none in 'v3'"):
        load_checkpoint(str(tmp_path), subfolder="v3")


CODE = """
from transformers import PreTrainedTokenizerFast

class MyTokenizer(PreTrainedTokenizerFast):
    mine = True
"""


@pytest.mark.parametrize("sub", ["", "sub"])
def test_code_of_a_tokenizer_runs_where_it_is_trusted_and_nowhere_else(sub, tmp_path):
    folder = Path(checkpoint(tmp_path / sub))
    (folder / "my_tokenizer.py").write_text(CODE)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config |= {"tokenizer_class": "MyTokenizer", "auto_map": {"AutoTokenizer": [None, "my_tokenizer.MyTokenizer"]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    words = {"subfolder": sub} if sub else {}
    for trusted in (
        load_checkpoint(str(tmp_path), trust_remote_code=True, **words),
        load(ModelConfig(model=str(tmp_path), **words), 0, trust_remote_code=True),
    ):
        assert trusted[1].mine
    try:
        untrusted = load_checkpoint(str(tmp_path), **words)[1]
    except InvalidCheckpoint as error:
        assert "trust_remote_code=True" in str(error)  # noqa: PT017
    else:
        assert not hasattr(untrusted, "mine")


@pytest.fixture(scope="module")
def adapters(tmp_path_factory):
    """Adapters of a base model, trained, and their base."""
    pytest.importorskip("peft")
    root = tmp_path_factory.mktemp("adapters")
    base = checkpoint(root / "base", "<think>", seed=1)
    runs.train_sft(root / "lora", model=base, trace_styles="direct", lora_rank=4, examples=32, learning_rate=0.1,
                   per_device_train_batch_size=8, save_strategy="no")  # fmt: skip
    return base, root / "lora"


def logits(model):
    with torch.no_grad():
        return model.eval()(torch.arange(5, 25)[None]).logits


def test_adapters_bring_their_model_and_may_lack_a_tokenizer(adapters, tmp_path):
    base, folder = adapters
    model, tokenizer = load_checkpoint(str(folder))
    assert not torch.allclose(logits(model), logits(load_checkpoint(base)[0]))
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (tmp_path / "sub").mkdir(exist_ok=True)
        shutil.copy(folder / name, tmp_path / "sub" / name)
    again, same = load_checkpoint(str(tmp_path), subfolder="sub")  # of the adapters; the model has none
    assert torch.equal(logits(again), logits(model))
    assert same.get_vocab() == tokenizer.get_vocab()


def test_adapters_with_a_damaged_tokenizer_do_not_take_their_models(adapters, tmp_path):
    shutil.copytree(adapters[1], tmp_path / "copy")
    (tmp_path / "copy" / "tokenizer.json").write_text("{")
    with pytest.raises(InvalidCheckpoint, match="Expects a folder or hub name"):
        load_checkpoint(str(tmp_path / "copy"))


def test_training_goes_on_from_adapters_in_the_weights(adapters, tmp_path):
    _, folder = adapters
    apart = logits(load_checkpoint(str(folder))[0])
    model, _ = load(ModelConfig(model=str(folder)), 0)
    assert type(model) is LlamaForCausalLM
    assert not any("lora" in name for name, _ in model.named_parameters())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert torch.allclose(logits(model), apart, atol=1e-5)
    with pytest.raises(InvalidConfig, match="Expects merge_lora true with lora_rank"):
        load(ModelConfig(model=str(folder), lora_rank=2), 0)
    options = {"examples": 8, "num_generations": 2, "per_device_train_batch_size": 4, "save_strategy": "no"}
    with pytest.raises(InvalidConfig, match="Expects beta 0 with adapters"):
        runs.train_grpo(tmp_path / "kl", str(folder), beta=0.1, max_completion_length=4, **options)
    runs.train_grpo(tmp_path / "run", str(folder), lora_rank=2, merge_lora=True, max_completion_length=4, **options)
    assert (tmp_path / "run" / "model.safetensors").is_file()


def test_adapters_without_peft_are_one_line(adapters, monkeypatch):
    def without_peft(name, *rest, original=builtins.__import__):
        if name == "peft":
            raise ModuleNotFoundError(name="peft")
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_peft)
    with pytest.raises(InvalidConfig, match=r"Expects what pip install 'tokenmaze\[lora\]' installs"):
        load_checkpoint(str(adapters[1]))


def test_adapters_that_name_no_model_are_one_line(tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(InvalidCheckpoint, match="Expects adapters that name their model"):
        load_checkpoint(str(tmp_path))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return checkpoint(tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dtyp": "bfloat16"}, "Did you mean 'dtype'"),
        ({"restrict": "legal"}, "Expects multi_turn=true with restrict"),
        ({"dtype": "bf16"}, "Did you mean 'bfloat16'"),
        ({"dtype": 7}, "actual: '7'"),
        ({"device": "cuda:99"}, "Expects a device of this machine, actual: 'cuda:99'"),
        ({"device": "gpu"}, "Expects a device of this machine, actual: 'gpu'"),
        ({"device": "meta"}, "Expects a device of this machine, actual: 'meta'"),
        ({"device": "cpu", "device_map": "auto"}, "Expects one of device and device_map"),
        ({"device_map": "nonsense"}, "device_map='nonsense'"),
        ({"attn_implementation": "flash_attention_2"}, "attn_implementation='flash_attention_2'"),
        ({"attn_implementation": "sdpaa"}, "attn_implementation='sdpaa'"),
        ({"quantization_config": {"load_in_4bit": True}}, "bitsandbytes"),
        ({"quantization_config": {"quant_method": "none such"}}, "none such"),
        ({"max_memory": {"0": "1GB"}}, "Expects device_map with max_memory"),
        ({"use_kernels": True}, "use_kernels=True"),
        ({"revision": "v2"}, "Expects revision with a hub name, actual: 'v2'"),
        ({"gguf_file": "none.gguf"}, r"Expects a folder with a saved model \(none.gguf\)"),
        ({"chat_template_file": "nowhere"}, "Expects chat_template_file to name a file, actual: 'nowhere'"),
        ({"prompt": "nowhere"}, "Expects prompt direct, structured, a text .* file of one in UTF-8, actual: 'nowhere'"),
    ],
)
def test_an_option_that_cannot_be_is_one_line_of_this_project(folder, options, said):
    with pytest.raises(TokenMazeError, match=said) as error:
        registry.make(folder, **options)
    assert len(str(error.value).splitlines()) == 1


def test_a_token_of_the_hub_is_in_no_message(folder):
    with pytest.raises(InvalidCheckpoint) as error:
        load_checkpoint(folder, token="hf_secret", attn_implementation="none")
    assert "hf_secret" not in str(error.value)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_known_and_its_misspelling_is_not(name):
    values = {"dtype": "float32", "chat_template_file": __file__, "prompt": "{maze}", "thinking": True,
              "chat_template_kwargs": {}}  # fmt: skip
    check_options({name: values.get(name, "x"), "device_map": "auto"})
    with pytest.raises(UnknownName, match=f"Did you mean '{name}'"):
        check_options({f"{name}x": 1})


def test_every_key_of_loading_in_training_is_an_option(folder):
    keys = {name for name in ModelConfig.__dataclass_fields__ if name in OPTIONS}
    assert keys >= {"revision", "subfolder", "gguf_file", "dtype", "device_map", "attn_implementation"}
    assert not set(PLACE) & set(MODEL)
    for name in DTYPES:
        check_options({"dtype": name})
    for name in ("model", "tokenizer", "model_init_kwargs"):
        with pytest.raises(UnknownName):
            LLMPolicy.from_pretrained(folder, **{name: 1})


@pytest.mark.parametrize("name", ["runs/typo", "folder/typo", "./typo", "/no/such/folder", "~/no-such", "a/b/c"])
def test_a_name_that_is_no_folder_is_told_at_once_at_every_door(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    assert not is_hub_name(name)
    began = time.monotonic()
    for door in (
        lambda: registry.make(name),
        lambda: registry.make(name, "play", multi_turn=True),
        lambda: LLMPolicy.from_pretrained(name),
        lambda: ModelConfig(model=name),
        lambda: load_for_inference(name, None),
    ):
        with pytest.raises(TokenMazeError, match=r"does not exist|Nor is it a folder"):
            door()
    assert time.monotonic() - began < 5  # the hub would be asked for a minute


def test_a_folder_of_home_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    checkpoint(tmp_path / "mine")
    assert registry.make("~/mine").tokenizer
    assert sizes(load(ModelConfig(model="~/mine"), 0)) == sizes(load_checkpoint(str(tmp_path / "mine")))


@pytest.mark.parametrize("told_by", ["model", "nothing"])
def test_a_tokenizer_without_an_end_token(told_by, tmp_path):
    tokenizer = tiny.byte_tokenizer(tiny.CHAT, eos_token=None)
    model = tiny.byte_model(tokenizer)
    model.generation_config.eos_token_id = 2 if told_by == "model" else None
    folder = tiny.save(tmp_path, model, tokenizer)
    if told_by == "model":
        assert load_checkpoint(folder)[1].eos_token_id == 2
    else:
        with pytest.raises(InvalidCheckpoint, match="Expects a tokenizer or model with an end token"):
            load_checkpoint(folder)


def write_gguf(path, model, tokenizer):
    """A model and tokenizer as a GGUF file of plain numbers."""
    gguf = pytest.importorskip("gguf")
    config, writer = model.config, gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    vocabulary = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(vocabulary)
    writer.add_token_types([3 if token in tokenizer.all_special_tokens else 1 for token in vocabulary])
    writer.add_token_merges([" ".join(merge) for merge in backend["model"]["merges"]])
    for name in ("bos", "eos", "pad"):
        getattr(writer, f"add_{name}_token_id")(getattr(tokenizer, f"{name}_token_id"))
    writer.add_chat_template(tokenizer.chat_template)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, tensor in model.state_dict().items():
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), tensor.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_gguf_file_is_measured_and_trained_like_a_folder(tmp_path):
    tokenizer = tiny.byte_tokenizer(tiny.CHAT, special=("<|endoftext|>", *tiny.SPECIAL[1:]))  # of GPT-2's vocabulary
    write_gguf(tmp_path / "tiny.gguf", tiny.byte_model(tokenizer), tokenizer)
    file, words = str(tmp_path / "tiny.gguf"), {"gguf_file": "tiny.gguf"}
    whole = logits(load_checkpoint(file)[0])
    for model, _ in (load_checkpoint(str(tmp_path), **words), load(ModelConfig(model=file), 0)):
        assert torch.equal(logits(model), whole)
    assert registry.make(file, max_new_tokens=2).act([MAZE])
    runs.train_sft(tmp_path / "run", model=str(tmp_path), **words, trace_styles="direct", examples=4,
                   per_device_train_batch_size=4, save_strategy="no")  # fmt: skip
    assert registry.make(str(tmp_path / "run"), max_new_tokens=2).act([MAZE])
