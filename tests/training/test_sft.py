"""Supervised fine-tuning end to end, on a model that trains in a second."""

import json
import shutil
from itertools import pairwise

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTTrainer

from maze_env.errors import InvalidConfig, InvalidOutput
from maze_env.tokens import maze_to_text
from tests import tiny
from tests.training import runs
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.prompts import prompt_template
from tokenmaze.agents.rollout import rollout
from tokenmaze.agents.tiny_model import build_model, build_tokenizer
from tokenmaze.training import sft
from tokenmaze.training.dataset import supervised_dataset
from tokenmaze.training.evaluation import Evaluation
from tokenmaze.training.mazes import DataConfig

# The default recipe's optimizer and schedule, evaluations included: what a resumed run must bring back.
RECIPE = {
    "muon_learning_rate": 0.01, "lr_scheduler_type": "warmup_stable_decay",
    "lr_scheduler_kwargs": '{"num_decay_steps": 6, "decay_type": "linear"}', "warmup_steps": 3,
    "eval_strategy": "steps", "eval_steps": 5, "eval_mazes": 2, "eval_max_tokens": 4,
}  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of 16 steps that nothing interrupted, checkpoints at 8 and 16."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    figures = runs.train_sft(folder, **RECIPE)
    return folder, figures


def test_the_loss_falls_to_a_fraction(finished):
    losses = [entry["loss"] for entry in runs.log_of(finished[0]) if "loss" in entry]
    assert len(losses) == 4
    assert all(later < earlier for earlier, later in pairwise(losses))
    assert losses[-1] < losses[0] / 1.5


def test_a_model_learns_to_solve_mazes_it_was_trained_on(trained):
    # 48 mazes of 2x2 were seen hundreds of times each; a random answer to them solves almost none.
    mazes = tiny.mazes(60, 2, 2)
    untrained = LLMPolicy(build_model(tiny.SMALL, 0), build_tokenizer(), max_new_tokens=12)
    before = sum(attempt.solved for attempt in rollout(untrained, mazes, range(60)))
    attempts = rollout(LLMPolicy.from_pretrained(str(trained), max_new_tokens=12), mazes, range(60))
    assert before == 0
    assert sum(attempt.solved for attempt in attempts) >= 6
    assert sum(attempt.malformed for attempt in attempts) <= 6


def test_the_folder_is_an_ordinary_checkpoint(finished):
    folder = finished[0]
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    text = maze_to_text(tiny.mazes(1, 2, 2)[0])
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert prompt_template(tokenizer) == "{maze}"
    for holder in (model.config, model.generation_config, tokenizer):
        assert (holder.pad_token_id, holder.bos_token_id, holder.eos_token_id) == (0, 1, 2)
    saved = runs.weights(folder)
    assert all(torch.equal(value, saved[name]) for name, value in model.state_dict().items() if name in saved)
    assert {"run.json", "trainer_state.json", "generation_config.json"} <= {path.name for path in folder.iterdir()}


def test_the_folder_holds_the_weights_of_the_last_step(finished):
    assert runs.same_weights(finished[0], finished[0] / "checkpoint-16")


def test_run_json_says_what_was_run_and_what_came_of_it(finished):
    folder, figures = finished
    run = runs.run_file(folder)
    assert run["stage"] == "sft"
    assert run["figures"] == figures
    assert figures["steps"] == 16
    assert figures["train_loss"] > 0
    assert figures["wall_seconds"] > 0
    assert figures["resumed_at_step"] == 0
    assert figures["peak_memory_gib"] > 0.1
    # Every key of the three dataclasses, as the run had it.
    expected = {"model": "tiny", "layers": 2, "sizes": {"2x2": 1}, "trace_styles": {"direct": 1}, "examples": 256}
    expected["seed"] = 42
    assert expected.items() <= run["configuration"].items()
    assert {"lengths", "split", "maze_seed", "muon_learning_rate", "weight_decay"} <= run["configuration"].keys()
    assert run["provenance"]["packages"]["trl"]


def test_evaluations_have_log_entries_of_their_own(finished):
    evaluations = [entry for entry in runs.log_of(finished[0]) if "eval_solved_rate" in entry]
    assert [entry["step"] for entry in evaluations] == [5, 10, 15, 16]
    for entry in evaluations:
        assert {"eval_malformed_rate", "eval_tokens_per_attempt"} <= entry.keys()
        assert not any("loss" in name or "entropy" in name for name in entry)
    # The training's own entries are complete: step 16 has one of each.
    training = [entry for entry in runs.log_of(finished[0]) if "loss" in entry]
    assert [entry["step"] for entry in training] == [4, 8, 12, 16]
    assert all("entropy" in entry for entry in training)


def test_the_best_model_is_chosen_by_a_figure_of_the_evaluation(tmp_path, monkeypatch):
    rates = iter([0.1, 0.5, 0.3, 0.2])
    monkeypatch.setattr(Evaluation, "figures", lambda *_: {"solved_rate": next(rates)})
    best = {"load_best_model_at_end": True, "metric_for_best_model": "eval_solved_rate", "save_total_limit": 10}
    folder = tmp_path / "run"
    runs.train_sft(folder, **{**RECIPE, **best, "eval_steps": 4, "save_steps": 4})
    assert runs.same_weights(folder, folder / "checkpoint-8")
    assert not runs.same_weights(folder, folder / "checkpoint-16")


def test_each_checkpoint_lists_all_its_files(finished):
    for folder in (finished[0] / "checkpoint-8", finished[0] / "checkpoint-16"):
        listed = set(json.loads((folder / "manifest.json").read_text())["files"])
        assert listed == {path.name for path in folder.iterdir()} - {"manifest.json"}
        assert {"model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"} <= listed


def test_the_same_command_gives_the_same_weights_and_another_seed_others(finished, tmp_path):
    runs.train_sft(tmp_path / "again", **RECIPE)
    assert runs.same_weights(tmp_path / "again", finished[0])
    runs.train_sft(tmp_path / "other", **RECIPE, seed=7)
    assert not runs.same_weights(tmp_path / "other", finished[0])


def test_evaluating_does_not_touch_the_weights(finished, tmp_path):
    runs.train_sft(tmp_path / "blind", **{**RECIPE, "eval_strategy": "no"})
    assert runs.same_weights(tmp_path / "blind", finished[0])


def test_the_trainer_reads_the_rows_in_order_with_their_labels_untouched(tmp_path, monkeypatch):
    seen = []
    original = SFTTrainer.compute_loss

    def spy(self, model, inputs, *rest, **options):
        seen.append({name: inputs[name].clone() for name in ("input_ids", "labels")})
        return original(self, model, inputs, *rest, **options)

    monkeypatch.setattr(SFTTrainer, "compute_loss", spy)
    runs.train_sft(
        tmp_path / "run",
        trace_styles={"direct": 1, "path": 1},
        sizes={"2x2": 1, "3x3": 1},
        examples=40,
        save_strategy="no",
    )
    config = DataConfig(examples=40, trace_styles={"direct": 1, "path": 1}, sizes={"2x2": 1, "3x3": 1})
    rows = supervised_dataset(config, build_tokenizer(), 4096, 16, seed=42)
    assert [len(batch["labels"]) for batch in seen] == [16, 16, 8]
    read = [pair for batch in seen for pair in zip(batch["input_ids"], batch["labels"], strict=True)]
    for row, (ids, labels) in zip(rows, read, strict=True):
        length = len(row["input_ids"])
        assert ids[:length].tolist() == row["input_ids"]
        assert labels[:length].tolist() == row["labels"]
        assert (labels[length:] == -100).all()


def test_a_killed_run_resumes_and_ends_with_bitwise_the_same_weights(finished, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    values = {**runs.SFT, **RECIPE, "output_dir": folder}
    runs.kill("sft", 12, values)
    assert [path.name for path in folder.glob("checkpoint-*")] == ["checkpoint-8"]
    assert runs.run_file(folder)["figures"] is None  # it does not claim to have ended

    resumed_at = []

    class Watch(TrainerCallback):
        """Notes where training goes on."""

        def on_train_begin(self, args, state, control, **rest):
            resumed_at.append(state.global_step)

    def run(trainer, *rest, run=sft.run):
        trainer.add_callback(Watch)
        return run(trainer, *rest)

    monkeypatch.setattr(sft, "run", run)
    runs.train_sft(folder, **RECIPE, resume=True)
    assert resumed_at == [8]
    assert runs.run_file(folder)["figures"]["resumed_at_step"] == 8
    assert not runs.same_weights(folder / "checkpoint-8", folder)  # weights moved after the checkpoint
    assert runs.same_weights(folder, finished[0])
    steps = [entry["step"] for entry in runs.log_of(folder) if "loss" in entry]
    assert steps == [4, 8, 12, 16]


def test_a_cut_off_checkpoint_is_passed_over_and_the_end_is_the_same(finished, tmp_path):
    # As if it had been killed while it wrote checkpoint-16.
    folder = tmp_path / "run"
    runs.train_sft(folder, **RECIPE)
    (folder / "checkpoint-16" / "trainer_state.json").unlink()
    (folder / "checkpoint-16" / "model.safetensors").write_bytes(b"half of it")
    (folder / "model.safetensors").unlink()
    runs.train_sft(folder, **RECIPE, resume=True)
    assert runs.same_weights(folder, finished[0])


def test_plain_adamw_resumes_exactly_too(tmp_path):
    folder = tmp_path / "run"
    runs.train_sft(folder)
    shutil.copytree(folder, tmp_path / "finished")
    shutil.rmtree(folder / "checkpoint-16")
    runs.train_sft(folder, resume=True)
    assert not runs.same_weights(folder / "checkpoint-8", folder)
    assert runs.same_weights(folder, tmp_path / "finished")


def test_a_run_cannot_be_resumed_as_another(finished, tmp_path):
    folder = tmp_path / "run"
    runs.train_sft(folder, save_strategy="no", examples=16)
    with pytest.raises(InvalidConfig, match=r"examples=16, actual: examples=32"):
        runs.train_sft(folder, save_strategy="no", examples=32, resume=True)
    with pytest.raises(InvalidOutput, match="is in use"):
        runs.train_sft(folder, save_strategy="no", examples=16)


def test_training_goes_on_from_a_checkpoint_with_its_weights(trained, tmp_path):
    runs.train_sft(tmp_path / "run", model=trained, learning_rate=0, save_strategy="no", examples=16)
    assert runs.same_weights(tmp_path / "run", trained)


def test_the_command_ends_with_one_line_and_status_2_on_an_error_of_ours(tmp_path):
    done = tiny.python("-m", "training.sft", "--output_dir", tmp_path / "run", "--exmples", "3")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: Expects a configuration key out of")
    assert "Did you mean 'examples'?" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()
