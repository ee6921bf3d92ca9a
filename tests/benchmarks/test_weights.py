"""The models that come along with the package: whole, small, and what their cards say of them is what they do."""

import json
from pathlib import Path

import pytest

from tokenmaze.agents import registry
from tokenmaze.agents.shipped import FOLDER, SHIPPED, folder_of, revision_of
from tokenmaze.benchmarks.mazebench import main as run_benchmark
from tokenmaze.benchmarks.record import load as load_result
from tokenmaze.benchmarks.runner import run_suite
from tokenmaze.benchmarks.stored_attempts import stored_of
from tokenmaze.benchmarks.suites import load
from tokenmaze.benchmarks.weights import CARD, LOADED, RESULT, figures
from tokenmaze.benchmarks.weights import main as remake
from tokenmaze.training.recipe import fact_of

FILES = {"config.json", "model.safetensors", RESULT, CARD, *LOADED}
named = pytest.mark.parametrize("name", SHIPPED)


def test_every_folder_is_a_model_that_comes_along():
    assert {folder.name for folder in FOLDER.iterdir()} == set(SHIPPED)
    assert sum(file.stat().st_size for file in FOLDER.rglob("*")) < 6.5e6


@named
def test_a_folder_is_whole_and_its_card_tells_its_result(name):
    folder, shipped = folder_of(name), SHIPPED[name]
    assert {file.name for file in folder.iterdir()} == FILES
    result, run = load_result(folder / RESULT), json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert (result.agent, result.suite.name, result.mode) == (name, shipped.suite, shipped.mode)
    assert (result.recipe, result.stage, run["stage"]) == (shipped.recipe, shipped.stage, shipped.stage)
    assert result.settings["weights_sha256"] == revision_of(name)["weights_sha256"]
    card = (folder / CARD).read_text(encoding="utf-8")
    assert figures(result) in card.splitlines()
    assert f"{(folder / 'model.safetensors').stat().st_size:,} bytes" in card


@named
def test_a_hundred_mazes_are_answered_as_in_its_result(name):
    shipped, stored = SHIPPED[name], load_result(folder_of(name) / RESULT).attempts
    suite = load(shipped.suite).first(100)
    attempts = run_suite(registry.make(name, shipped.mode), suite, view_radius=suite.spec.view_radius)
    # Batches of another size round otherwise, which may turn a choice between two tokens that are equally likely.
    now = [stored_of(one, (0, one.phrasing, maze), texts=False).moves for maze, one in enumerate(attempts)]
    assert sum(one == other.moves for one, other in zip(now, stored, strict=False)) >= 99


def test_a_model_is_measured_by_its_name_alone(tmp_path):
    run_benchmark(["--agent", "tiny", "--output", str(tmp_path / "tiny.json")])
    result = load_result(tmp_path / "tiny.json")
    assert (result.agent, result.agent_options) == ("tiny", SHIPPED["tiny"].options)
    assert result.settings["weights_sha256"] == revision_of("tiny")["weights_sha256"]
    assert result.summary.solved >= 98


def test_what_somebody_says_goes_before_what_a_model_is_given_by_default():
    assert registry.typed_options("tiny", {"max_new_tokens": "8"}) == SHIPPED["tiny"].options | {"max_new_tokens": 8}
    assert revision_of("random") == {}


@named
def test_weights_of_a_training_that_has_not_ended_are_refused(name, tmp_path):
    with pytest.raises(registry.InvalidCheckpoint, match=f"make train RECIPE={SHIPPED[name].recipe} SEED=0") as error:
        remake(["--runs", str(tmp_path), "--names", name])
    # What it waits for is what make would write.
    missing = Path(str(error.value).rpartition(" no ")[2])
    recipe = SHIPPED[name].recipe
    for fact, value in (("suites", SHIPPED[name].suite), ("stages", SHIPPED[name].stage)):
        assert value in fact_of(recipe, fact).split()
    assert missing.relative_to(tmp_path / f"{recipe}-0").as_posix() == (
        f"results/{SHIPPED[name].suite}-{SHIPPED[name].stage}.json"
    )
