"""Where a stage's weights come from."""

import pytest
import torch

from maze_env.errors import InvalidConfig
from tests import tiny
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.tiny_model import TinyConfig, build_model, build_tokenizer
from tokenmaze.training.model import ModelConfig, load


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"hidden_size": 100, "heads": 8}, "100 and 8"),
        ({"hidden_size": 36, "heads": 4}, "36 and 4"),  # rotary positions need an even width for each head
        ({"heads": 0}, "heads of at least 1, actual: 0"),
        ({"layers": 0}, "layers of at least 1, actual: 0"),
        ({"hidden_size": 0}, "hidden_size of at least 1, actual: 0"),
        ({"context": 0}, "context of at least 1, actual: 0"),
        ({"window": 0}, "window of at least 1, actual: 0"),
        ({"hidden_size": -8}, "hidden_size of at least 1, actual: -8"),
    ],
)
def test_impossible_sizes_are_refused_with_their_values(sizes, said):
    with pytest.raises(InvalidConfig, match=said):
        ModelConfig(**sizes)


@pytest.mark.parametrize("name", ["runs/none", "./none", "/no/such/folder", "a/b/c", "~/none", "embedded"])
def test_a_folder_that_does_not_exist_is_refused_before_anything_loads(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    with pytest.raises(InvalidCheckpoint, match="does not exist"):
        ModelConfig(model=name)


def test_a_model_that_comes_along_is_told_with_its_folder():
    with pytest.raises(InvalidCheckpoint, match=r"'tiny-fog', which as a model is in .*weights.tiny-fog"):
        ModelConfig(model="tiny-fog")


def test_a_hub_name_is_left_to_the_loading(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    with pytest.raises(InvalidCheckpoint, match="'mine/none', which does not exist"):
        ModelConfig(model="mine/none")
    with pytest.raises(InvalidCheckpoint, match="'runs/none', which does not exist"):  # this project's own folder
        ModelConfig(model="runs/none")
    assert ModelConfig(model="someone/some-model").model == "someone/some-model"
    with pytest.raises(InvalidCheckpoint, match="'nobody/nothing'"):
        load(ModelConfig(model="nobody/nothing"), 0)


def test_the_tiny_model_has_the_sizes_and_seed_asked_for():
    model, tokenizer = load(ModelConfig(hidden_size=32, layers=2, heads=2), seed=5)
    expected = build_model(TinyConfig(32, 2, 2), seed=5).state_dict()
    assert model.state_dict().keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())
    assert tokenizer.get_vocab() == build_tokenizer().get_vocab()
    model, _ = load(ModelConfig(hidden_size=32, layers=2, heads=2, window=8), seed=5)
    assert (model.config.model_type, model.config.sliding_window) == ("smollm3", 8)


def test_random_weights_are_those_of_the_seed_in_a_model_of_the_same_kind_and_size(tmp_path):
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    source = tiny.byte_model(tokenizer)
    folder = tiny.save(tmp_path, source, tokenizer)
    models = [load(ModelConfig(model=folder, random_weights=True), seed)[0] for seed in (1, 1, 2)]
    first, again, other = (model.state_dict() for model in models)
    assert {name: value.shape for name, value in first.items()} == {
        name: value.shape for name, value in source.state_dict().items()
    }
    matrices = [name for name, value in first.items() if value.ndim == 2]
    assert all(torch.equal(first[name], again[name]) for name in matrices)
    assert not any(
        torch.equal(first[name], theirs[name]) for name in matrices for theirs in (other, source.state_dict())
    )


def test_a_folder_is_loaded_with_its_own_tokenizer(tmp_path):
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    model = tiny.byte_model(tokenizer)
    folder = tiny.save(tmp_path, model, tokenizer)
    loaded, loaded_tokenizer = load(ModelConfig(model=folder), seed=0)
    assert torch.equal(loaded.lm_head.weight, model.lm_head.weight)
    assert loaded_tokenizer.chat_template == tiny.CHAT
