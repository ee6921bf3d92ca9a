"""Preference optimisation on a model's own samples end to end, and which pairs it is given."""

import shutil

import pytest
from trl import DPOTrainer

from maze_env.attempt import End
from maze_env.errors import InvalidConfig
from maze_env.tokens import maze_from_text
from maze_env.verifier import verify
from tests.training import runs
from tests.training.test_rft import sample
from tokenmaze.agents.tiny_model import build_tokenizer
from tokenmaze.training.dpo import MazeDPOConfig, pair_rows

MUON = {"muon_learning_rate": 0.001, "eval_strategy": "steps", "eval_steps": 3, "eval_mazes": 2}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, trained):
    """A run that nothing interrupted, and the batches that its loss was computed on."""
    folder, batches = tmp_path_factory.mktemp("finished") / "run", []
    compute_loss = DPOTrainer.compute_loss

    def spy(self, model, inputs, *rest, **options):
        batches.append({name: inputs[name].tolist() for name in ("input_ids", "attention_mask", "completion_mask")})
        return compute_loss(self, model, inputs, *rest, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DPOTrainer, "compute_loss", spy)
        figures = runs.train_dpo(folder, trained, **MUON)
    return folder, figures, batches


def test_each_pair_is_a_solved_and_a_failed_sample_of_one_maze_token_by_token(finished):
    _, figures, batches = finished
    tokenizer, pairs = build_tokenizer(), 0
    for batch in batches:
        texts = []
        for ids, mask, written in zip(*batch.values(), strict=True):
            prompt = [i for i, real, own in zip(ids, mask, written, strict=True) if real and not own]
            completion = [i for i, own in zip(ids, written, strict=True) if own]
            texts.append((tokenizer.decode(prompt), tokenizer.decode(completion).removesuffix(tokenizer.eos_token)))
        half = len(texts) // 2
        for (maze, good), (same, bad) in zip(texts[:half], texts[half:], strict=True):
            assert maze == same
            assert verify(maze_from_text(maze), good).end is End.SOLVED
            assert verify(maze_from_text(maze), bad).end is not End.SOLVED
            pairs += 1
    assert pairs == figures["pairs"] > 8


def test_the_folder_says_what_was_sampled_and_learned(finished):
    folder, figures, _ = finished
    run = runs.run_file(folder)
    assert (run["stage"], run["figures"]) == ("dpo", figures)
    assert figures["samples"] == 384
    assert 0 < figures["solved_rate"] < figures["pass@group"] < 1
    log = runs.log_of(folder)
    assert any("eval_solved_rate" in entry for entry in log)
    first = next(entry["loss"] for entry in log if "loss" in entry)
    assert first == pytest.approx(0.693, abs=0.02)  # log 2, where nothing is preferred yet


def test_a_resumed_run_draws_the_same_pairs_and_ends_with_the_same_weights(finished, trained, tmp_path):
    whole, figures, _ = finished
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    shutil.rmtree(folder / f"checkpoint-{figures['steps']}")
    resumed = runs.train_dpo(folder, trained, **MUON, resume=True)
    assert 0 < resumed["resumed_at_step"] < figures["steps"]
    assert runs.same_weights(folder, whole)
    assert (resumed["pairs"], resumed["train_loss"]) == (figures["pairs"], figures["train_loss"])


def test_pairs_are_of_different_samples_and_no_more_than_asked_for():
    solved = [sample([3]), sample([3]), sample([4])]
    failed = [sample([1], End.HIT_WALL), sample([2], truncated=True), sample([5], End.EMPTY)]
    rows = pair_rows([[*failed, *solved], solved, failed], 4, 2, seed=0)
    assert sorted((row["chosen_ids"], row["rejected_ids"]) for row in rows) == [([3], [1]), ([4], [2])]
    assert len(pair_rows([[*failed, *solved]], 1, 2, seed=0)) == 1
    with pytest.raises(InvalidConfig, match="solves some of the mazes in some of its samples"):
        pair_rows([solved, failed], 4, 2, seed=0)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"mode": "play"}, "Expects mode plan"),
        ({"pairs": 0}, "Expects pairs of at least 1"),
        ({"num_generations": 1}, "Expects num_generations of at least 2"),
    ],
)
def test_keys_that_cannot_be_are_errors(keys, said):
    with pytest.raises(InvalidConfig, match=said):
        MazeDPOConfig(**keys)
