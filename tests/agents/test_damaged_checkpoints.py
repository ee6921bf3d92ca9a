"""Checkpoints that cannot be loaded, and options that reach the loaded model."""

import json

import pytest
import torch
from transformers import LlamaForCausalLM

from tests import tiny
from tokenmaze.agents.checkpoints import load_checkpoint
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.tiny_model import build_model, build_tokenizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.save(tmp_path_factory.mktemp("model"), build_model(tiny.SMALL, seed=1), build_tokenizer())


def damaged(folder, copy, what):
    """A copy of a checkpoint with something wrong."""
    model, tokenizer = load_checkpoint(folder)
    tiny.save(copy, model, tokenizer)
    file, config = copy / "model.safetensors", copy / "config.json"
    if what == "no config":
        config.unlink()
    elif what == "no weights":
        file.unlink()
    elif what == "weights cut off":
        file.write_bytes(file.read_bytes()[:20_000])
    elif what == "no tokenizer":
        (copy / "tokenizer.json").unlink()
        (copy / "tokenizer_config.json").unlink()
    elif what == "no json":
        config.write_text("{")
    elif what == "not a causal model":
        config.write_text('{"model_type": "t5"}')
    else:  # the configuration speaks of other weights than there are
        config.write_text(json.dumps(json.loads(config.read_text()) | what))
    return str(copy)


@pytest.mark.parametrize(
    "what",
    ["no config", "no weights", "weights cut off", "no tokenizer", "no json", "not a causal model",
     {"hidden_size": 64}, {"num_hidden_layers": 3}],
)  # fmt: skip
def test_a_damaged_checkpoint_is_an_error_that_names_it(folder, tmp_path, what):
    copy = damaged(folder, tmp_path / "copy", what)
    with pytest.raises(InvalidCheckpoint, match="copy"):
        LLMPolicy.from_pretrained(copy)


def test_a_foreign_vocabulary_is_an_error(tmp_path):
    # The tokenizer's ids would run past the end of the embedding.
    tokenizer = tiny.byte_tokenizer()
    model = build_model(tiny.SMALL, 0)
    model.resize_token_embeddings(len(tokenizer) - 1)
    folder = tiny.save(tmp_path, model, tokenizer)
    with pytest.raises(InvalidCheckpoint, match=f"{len(tokenizer)} tokens, actual: {len(tokenizer) - 1} rows"):
        LLMPolicy.from_pretrained(folder)


@pytest.mark.parametrize("name", ["runs/never/made", "nobody/nothing", "no such name", ""])
def test_a_name_that_cannot_be_loaded_is_an_error_that_quotes_it(name):
    with pytest.raises(InvalidCheckpoint, match=repr(name)):
        LLMPolicy.from_pretrained(name)


def test_options_of_loading_reach_the_model(folder):
    agent = LLMPolicy.from_pretrained(folder, dtype=torch.bfloat16)
    assert isinstance(agent.model, LlamaForCausalLM)
    assert agent.model.dtype == torch.bfloat16
