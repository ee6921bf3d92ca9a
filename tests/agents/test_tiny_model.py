"""The tiny model's vocabulary, tokenizer and weights."""

import hashlib
from dataclasses import replace

import pytest
import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer

from maze_env import traces
from maze_env.moves import MOVE_TOKENS
from maze_env.tokens import MARKERS, THINK_CLOSE, THINK_OPEN, WALL_TOKENS, maze_to_text
from maze_env.vocabulary import BOS, EOS, ID_OF_TOKEN, MAX_VOCABULARY_SIDE, NUMERALS, PAD, VOCABULARY
from tests import tiny
from tokenmaze.agents.prompts import conversation
from tokenmaze.agents.tiny_model import TinyConfig, build_model, build_tokenizer, vocabulary_of

NUMBERING = replace(tiny.SMALL, line_numbers=True)


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory, tokenizer):
    """The tokenizer as anyone loads it from a checkpoint."""
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


# Saved checkpoints hold ids: if one of the next two fails, every published checkpoint has become unreadable.
def test_ids_are_pinned_by_example():
    pinned = {
        "<pad>": 0, "<bos>": 1, "<eos>": 2, "\n": 3, "<think>": 4, "</think>": 5, "RESET": 6, "BACK": 7, "PATH": 8,
        "<|up|>": 28, "<|down|>": 29, "<|left|>": 30, "<|right|>": 31, "<|blank|>": 32, "<|origin|>": 33,
        "<|target|>": 34, "<|no_wall|>": 35, "<|all_wall|>": 50, "<|0-0|>": 51, "<|0-19|>": 70, "<|1-0|>": 71,
        "<|19-19|>": 450, "<|unseen|>": 451, "<|reserved-0|>": 452,
    }  # fmt: skip
    assert {token: VOCABULARY.index(token) for token in pinned} == pinned
    assert len(VOCABULARY) == len(set(VOCABULARY)) == 512


def test_ids_are_pinned_all_together():
    digest = hashlib.sha256("\0".join(VOCABULARY[:451]).encode()).hexdigest()
    assert digest == "c62b92e6e9f35d286e28cac2b019645cccfb9ca3b284bec8d3c5abf09aeb0836"


def test_every_token_of_the_vocabulary_is_one_id(loaded):
    assert loaded.get_vocab() == {token: index for index, token in enumerate(VOCABULARY)}
    for index, token in enumerate(VOCABULARY):
        assert loaded(token, add_special_tokens=False)["input_ids"] == [index], token


def test_every_maze_token_is_in_the_vocabulary():
    coordinates = [f"<|{row}-{col}|>" for row in range(MAX_VOCABULARY_SIDE) for col in range(MAX_VOCABULARY_SIDE)]
    words = [*MOVE_TOKENS, *MARKERS, *WALL_TOKENS, *coordinates, THINK_OPEN, THINK_CLOSE]
    assert set(words) <= set(VOCABULARY)


@pytest.mark.parametrize("style", traces.TRACE_STYLES)
def test_mazes_and_traces_round_trip_exactly_through_a_saved_tokenizer(tmp_path, style):
    vocabulary = vocabulary_of(NUMBERING)
    build_tokenizer(NUMBERING).save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    # Steps of two digits occur in the redrawn styles, coordinates of two digits in the 2x12 grid.
    for maze in [*tiny.mazes(6, 5, 5, min_length=12), *tiny.mazes(3, 2, 12, min_length=10)]:
        text = maze_to_text(maze) + traces.write(style, maze, key=7)
        ids = loaded(text, add_special_tokens=False)["input_ids"]
        assert loaded.decode(ids) == text
        assert loaded.batch_decode([ids], skip_special_tokens=True) == [text]
        assert [vocabulary[index] for index in ids] == loaded.convert_ids_to_tokens(ids)


def test_a_maze_is_three_tokens_a_cell_and_one_a_row(loaded):
    maze = tiny.mazes(1, 4, 5)[0]
    assert len(loaded(maze_to_text(maze), add_special_tokens=False)["input_ids"]) == 4 * (3 * 5 + 1)


def test_decoding_without_special_tokens_keeps_maze_tokens_and_think_tags(loaded):
    # Trainers decode so. Earlier code had made the maze tokens special, and every reward was 0.
    text = f"{THINK_OPEN}\n<|0-0|><|up_left_wall|><|origin|>\n{THINK_CLOSE}\n\n<|up|><|down|>"
    ids = [1, *loaded(text, add_special_tokens=False)["input_ids"], 2, 0, 0]
    assert loaded.batch_decode([ids], skip_special_tokens=True) == [text]
    assert set(loaded.all_special_tokens) == {PAD, BOS, EOS}


@pytest.mark.parametrize("text", ["hello", "<unk>", "<|20-0|>", "<|0-20|>", "<|upp|>", "<|up|", "<|up_wall|>\t", "É"])
def test_text_outside_the_vocabulary_is_an_error(loaded, text):
    assert loaded.unk_token is None
    for mixed in (text, f"<|0-0|>{text}", f"{text}\n"):
        with pytest.raises(Exception, match="Missing \\[UNK\\] token"):
            loaded(mixed)


def test_numbers_of_lines_follow_the_vocabulary_one_token_each():
    tokenizer = build_tokenizer(NUMBERING)
    assert tokenizer.convert_ids_to_tokens(range(512)) == list(VOCABULARY)
    assert len(tokenizer) == 512 + len(NUMERALS) - 1  # the first is a blank
    for number, numeral in enumerate(NUMERALS):
        (index,) = tokenizer(numeral)["input_ids"]
        assert index == (VOCABULARY.index(" ") if number == 0 else 511 + number)
        assert tokenizer.decode(tokenizer(f"<|up|>{numeral}<|up|>")["input_ids"]) == f"<|up|>{numeral}<|up|>"
    assert build_model(replace(NUMBERING, window=4), seed=0).config.vocab_size == len(tokenizer)


def test_names_of_a_larger_grid_follow_the_vocabulary():
    tokenizer = build_tokenizer(TinyConfig(names=23))
    assert tokenizer.convert_ids_to_tokens(range(512)) == list(VOCABULARY)
    assert len(tokenizer) == 512 + 23**2 - MAX_VOCABULARY_SIDE**2
    assert tokenizer("<|22-22|><|0-21|>")["input_ids"] == [640, 512 + 1]
    model = build_model(replace(tiny.SMALL, window=4, names=23), seed=0)
    assert model.config.vocab_size == len(tokenizer)
    small = build_tokenizer(TinyConfig(names=5))
    assert len(small) == 512  # what is smaller than the vocabulary's is in it


def test_tokenising_adds_no_tokens_of_its_own(loaded):
    assert loaded("<|up|>")["input_ids"] == loaded("<|up|>", add_special_tokens=False)["input_ids"]


def test_batches_are_padded_on_the_left(loaded):
    assert loaded(["<|up|>", "<|up|><|up|>"], padding=True)["input_ids"] == [[0, 28], [28, 28]]


def test_its_chat_template_writes_the_maze_alone_and_travels_with_the_tokenizer(loaded):
    text = maze_to_text(tiny.mazes(1, 4, 5)[0])
    messages = conversation(text)
    assert loaded.apply_chat_template(messages, tokenize=False, add_generation_prompt=True) == text
    # A trainer that tokenises messages itself adds nothing either, also where a table has filled in what is missing.
    rows = Dataset.from_list([{"prompt": messages}, {"prompt": [{"role": "user", "content": "<|up|>"}]}])["prompt"]
    ids = loaded.apply_chat_template(rows[:], tokenize=True, add_generation_prompt=True, return_dict=True)["input_ids"]
    assert ids == [loaded(text, add_special_tokens=False)["input_ids"], [28]]


def test_begin_end_and_padding_agree_everywhere_also_after_saving(tmp_path, tokenizer):
    tiny.save(tmp_path, build_model(tiny.SMALL, seed=0), tokenizer)
    model, loaded = AutoModelForCausalLM.from_pretrained(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    for holder in (build_model(tiny.SMALL, seed=0).config, model.config, model.generation_config, tokenizer, loaded):
        assert (holder.pad_token_id, holder.bos_token_id, holder.eos_token_id) == (0, 1, 2)


def test_weights_are_a_pure_function_of_the_seed():
    first = build_model(tiny.SMALL, seed=3).state_dict()
    torch.manual_seed(99)  # neither what was drawn before ...
    again = build_model(tiny.SMALL, seed=3).state_dict()
    other = build_model(tiny.SMALL, seed=4).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    # ... nor a constant: every matrix differs between seeds.
    assert not any(torch.equal(first[name], other[name]) for name in first if first[name].ndim == 2)


def test_the_model_has_the_sizes_asked_for_and_one_embedding_matrix():
    config = TinyConfig(hidden_size=48, layers=3, heads=4, context=512)
    model = build_model(config, seed=0)
    embedding = model.get_input_embeddings().weight
    assert embedding.shape == (len(VOCABULARY), 48)
    assert model.get_output_embeddings().weight is embedding
    assert len(model.model.layers) == 3
    assert (model.config.num_attention_heads, model.config.max_position_embeddings) == (4, 512)


@pytest.mark.parametrize("window", [None, 16])
def test_a_saved_model_computes_the_same_numbers(window, tmp_path):
    model = build_model(replace(tiny.SMALL, window=window), seed=0).eval()
    model.save_pretrained(tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    ids = torch.arange(40)[None]
    with torch.no_grad():
        assert torch.equal(model(ids).logits, loaded(ids).logits)


def last_state(model, *ids):
    with torch.no_grad():
        return model.model(torch.tensor([ids])).last_hidden_state[0, -1]


def test_a_layer_with_a_window_sees_so_many_tokens_and_their_order():
    model = build_model(replace(tiny.SMALL, layers=1, window=4), seed=0).eval()
    near = last_state(model, 30, 31, 40, 41, 42, 43)
    assert torch.equal(near, last_state(model, 50, 51, 40, 41, 42, 43))
    assert not torch.allclose(near, last_state(model, 30, 31, 42, 41, 40, 43), atol=1e-4)


def test_a_layer_without_positions_sees_all_tokens_and_not_their_order():
    model = build_model(replace(tiny.SMALL, layers=2, window=1), seed=0).eval()  # the first layer sees each by itself
    far = last_state(model, 30, 31, 40, 41, 42, 43)
    assert torch.allclose(far, last_state(model, 42, 40, 31, 41, 30, 43), atol=1e-5)
    assert not torch.allclose(far, last_state(model, 50, 31, 40, 41, 42, 43), atol=1e-4)


def test_with_a_window_coordinates_begin_as_the_sum_of_row_and_column():
    names = build_model(TinyConfig(window=16), seed=0).get_input_embeddings().weight.detach()
    at = {(row, col): names[ID_OF_TOKEN[f"<|{row}-{col}|>"]] for row in (0, 3, 19) for col in (0, 7, 19)}
    step = at[0, 7] - at[0, 0]
    assert step.abs().mean() > 0.001
    for row in (3, 19):
        torch.testing.assert_close(at[row, 7] - at[row, 0], step)
    others = torch.stack([names[index] for token, index in ID_OF_TOKEN.items() if "-" not in token])
    assert 0.8 < torch.stack(list(at.values())).std() / others.std() < 1.2


def test_with_a_window_layers_take_turns():
    config = build_model(TinyConfig(layers=5, window=16), seed=0).config
    assert (config.model_type, config.sliding_window) == ("smollm3", 16)
    assert config.no_rope_layers == [1, 0, 1, 0, 1]
    assert [kind == "sliding_attention" for kind in config.layer_types] == [True, False, True, False, True]
