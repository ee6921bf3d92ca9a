"""A checkpoint counts when it is whole, and what could not be resumed exactly is refused."""

import json
import shutil
from dataclasses import fields
from types import SimpleNamespace

import pytest
import torch
from transformers import TrainerCallback, TrainingArguments

from maze_env.errors import InvalidConfig, TokenMazeError
from tests.training import runs
from tokenmaze.training import checkpoints, common
from tokenmaze.training.checkpoints import (
    INEXACT,
    MANIFEST,
    WholeCheckpoints,
    delete_oldest,
    fault,
    newest_whole,
    write_manifest,
)
from tokenmaze.training.evaluation import Evaluation
from tokenmaze.training.grpo import MazeGRPOConfig
from tokenmaze.training.sft import MazeSFTConfig


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of 16 steps with checkpoints at 8 and 16."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    runs.train_sft(folder)
    return folder


def cut(data):
    return data[: len(data) // 2]


def zeroed(data):
    return bytes(len(data))


def flipped(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def emptied(data):
    return b""


@pytest.mark.parametrize("damage", [cut, zeroed, flipped, emptied, None])
def test_whatever_file_is_damaged_the_older_checkpoint_is_taken_and_the_user_told(finished, tmp_path, damage, caplog):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    assert newest_whole(folder) == folder / "checkpoint-16"
    assert not caplog.records
    names = [path.name for path in (folder / "checkpoint-16").iterdir()]
    assert len(names) > 8
    for name in names:
        caplog.clear()
        path = folder / "checkpoint-16" / name
        data = path.read_bytes()
        path.unlink()
        if damage is not None:
            path.write_bytes(damage(data))
        if name != MANIFEST or damage is not flipped:  # its last byte is a line's end
            assert newest_whole(folder) == folder / "checkpoint-8"
            (told,) = caplog.messages
            assert "checkpoint-16 is passed over: " in told
            assert name in told
        path.write_bytes(data)
    assert newest_whole(folder) == folder / "checkpoint-16"


@pytest.mark.parametrize("text", ["[]", "3", '{"files": []}', '{"files": {"a": 3}}', '{"files": null}', "{}", "\udcff"])
def test_a_manifest_that_is_none_makes_no_checkpoint(tmp_path, text):
    (tmp_path / MANIFEST).write_text(text, encoding="utf-8", errors="surrogateescape")
    assert "cannot be read" in fault(tmp_path)


@pytest.mark.parametrize(
    "name", ["checkpoint-12-backup", "checkpoint-", "checkpoint-latest", "checkpoint-٣", "checkpoint-012", "checkpoint"]
)
def test_other_folders_are_neither_read_nor_deleted(tmp_path, name):
    for folder in ("checkpoint-3", "checkpoint-20", "checkpoint-100", name):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.safetensors").write_text("weights")
        write_manifest(tmp_path / folder, {})
    (tmp_path / "checkpoint-4").write_text("a file")
    for cut_off in ("checkpoint-30", "checkpoint-101"):  # takes no place, and goes once a newer one is whole
        (tmp_path / cut_off).mkdir()
    assert newest_whole(tmp_path).name == "checkpoint-100"
    delete_oldest(tmp_path, 1, best="checkpoint-3")
    assert {path.name for path in tmp_path.iterdir()} == {
        "checkpoint-3", "checkpoint-100", name, "checkpoint-4", "checkpoint-101"
    }  # fmt: skip


def test_older_checkpoints_are_deleted_once_the_newer_one_is_whole(tmp_path, monkeypatch):
    seen = []

    def watched(checkpoint, counts, write=write_manifest):
        before = {path.name for path in checkpoint.parent.glob("checkpoint-*")}
        write(checkpoint, counts)
        seen.append(before)

    monkeypatch.setattr(checkpoints, "write_manifest", watched)
    runs.train_sft(tmp_path / "run", save_steps=4, save_total_limit=1)
    names = [f"checkpoint-{step}" for step in (4, 8, 12, 16)]
    assert seen == [{names[0]}, {*names[:2]}, {*names[1:3]}, {*names[2:]}]
    assert [path.name for path in (tmp_path / "run").glob("checkpoint-*")] == ["checkpoint-16"]


def test_a_folder_of_the_users_survives_a_run_that_goes_on_beside_it(finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    shutil.copytree(folder / "checkpoint-8", folder / "checkpoint-8-backup")
    shutil.rmtree(folder / "checkpoint-16")
    runs.train_sft(folder, resume=True, save_total_limit=1)
    assert {path.name for path in folder.glob("checkpoint-*")} == {"checkpoint-8-backup", "checkpoint-16"}
    assert runs.same_weights(folder, finished)


def test_log_entries_do_not_reach_across_a_checkpoint(tmp_path):
    # Averages and sums since the start or the last entry: log and figures are as if nothing had happened.
    steps = {"logging_steps": 5, "save_steps": 3, "save_total_limit": 100}
    folder = tmp_path / "run"
    loss = runs.train_sft(folder, **steps)["train_loss"]
    whole, summary = runs.log_of(folder), runs.summary_of(folder)
    assert summary["train_loss"] == loss
    for step in (12, 15, 16):
        shutil.rmtree(folder / f"checkpoint-{step}")
    assert runs.train_sft(folder, **steps, resume=True)["train_loss"] == loss
    assert runs.timeless(runs.log_of(folder)) == runs.timeless(whole)
    assert runs.timeless([runs.summary_of(folder)]) == runs.timeless([summary])
    assert [entry["step"] for entry in whole] == [3, 5, 6, 9, 10, 12, 15]


def test_a_run_that_has_ended_keeps_its_log_and_figures(tmp_path):
    folder = tmp_path / "run"
    figures = runs.train_sft(folder, logging_steps=100)  # all of its loss is in the last entry
    files = {name: (folder / name).read_bytes() for name in ("run.json", "trainer_state.json", "model.safetensors")}
    assert runs.train_sft(folder, logging_steps=100, resume=True) == figures
    assert {name: (folder / name).read_bytes() for name in files} == files


KINDS = (MazeSFTConfig, MazeGRPOConfig)
REFUSED = [(kind, key) for kind in KINDS for key in INEXACT if key in {field.name for field in fields(kind)}]


@pytest.mark.parametrize(("stage", "key"), REFUSED)
def test_what_makes_resuming_inexact_is_refused_with_it(stage, key, tmp_path):
    needed = {"save_strategy": "no"} | ({"beta": 0.1} if key == "sync_ref_model" else {})
    with pytest.raises(InvalidConfig, match=f"Expects {key}=False with --resume .*, actual: True"):
        runs.parsed({**runs.SFT, "output_dir": tmp_path, "resume": True, key: True, **needed}, stage)


@pytest.mark.parametrize("stage", KINDS)
@pytest.mark.parametrize(
    ("key", "value"), [("enable_jit_checkpoint", True), ("resume_from_checkpoint", "x"), ("save_strategy", "best")]
)
def test_what_saves_at_any_moment_or_elsewhere_is_refused(stage, key, value, tmp_path):
    with pytest.raises(InvalidConfig, match=key):
        runs.parsed({**runs.SFT, "output_dir": tmp_path, key: value, "eval_strategy": "steps"}, stage)


@pytest.mark.parametrize("optim", ["lomo", "adalomo", "galore_adamw_layerwise"])
def test_an_optimizer_without_saved_state_is_refused(optim):
    args = SimpleNamespace(
        resume_from_checkpoint=None, enable_jit_checkpoint=False, save_strategy="steps", resume=True, optim=optim
    )
    with pytest.raises(InvalidConfig, match=f"Expects an optim whose state is saved with --resume, actual: '{optim}'"):
        checkpoints.check_resumable(args)


# Keys of TrainingArguments that say what is saved, or what a resumed run reads of it; all others reach the weights by
# the configuration, which a resumed run shares.
SAVING = {
    "save_only_model": "refused with --resume",
    "save_strategy": "best is refused",
    "save_steps": "tested at each boundary",
    "save_on_each_node": "each node has its manifest",
    "save_total_limit": "ours deletes",
    "enable_jit_checkpoint": "refused",
    "load_best_model_at_end": "the best checkpoint is kept",
    "ignore_data_skip": "refused with --resume",
    "restore_callback_states_from_checkpoint": "tested below",
    "resume_from_checkpoint": "refused",
    "auto_find_batch_size": "refused with --resume",
}


def test_every_inexact_key_is_one():
    assert {key for _, key in REFUSED} == set(INEXACT)


def test_every_key_of_transformers_about_saving_was_thought_of():
    words = ("save", "checkpoint", "resume", "skip", "find_batch", "restore")
    others = {"activation_checkpointing", "gradient_checkpointing", "skip_memory_metrics"}
    names = {field.name for field in fields(TrainingArguments) if any(word in field.name for word in words)}
    assert {name for name in names if name.removesuffix("_kwargs") not in others} == set(SAVING) - {
        "load_best_model_at_end"
    }


def test_restored_callback_states_change_nothing(finished, tmp_path):
    folder = tmp_path / "run"
    runs.train_sft(folder, restore_callback_states_from_checkpoint=True)
    shutil.rmtree(folder / "checkpoint-16")
    runs.train_sft(folder, restore_callback_states_from_checkpoint=True, resume=True)
    assert runs.same_weights(folder, finished)


def test_a_run_that_was_moved_keeps_its_best_model(tmp_path, monkeypatch):
    rates = iter([0.5, 0.25])
    monkeypatch.setattr(Evaluation, "figures", lambda *_: {"solved_rate": next(rates)})
    keys = {
        "eval_strategy": "steps", "eval_steps": 8, "load_best_model_at_end": True, "save_total_limit": 1,
        "metric_for_best_model": "solved_rate", "greater_is_better": True,
    }  # fmt: skip
    runs.train_sft(tmp_path / "run", **keys)
    best = runs.weights(tmp_path / "run")
    assert runs.same_weights(tmp_path / "run" / "checkpoint-8", tmp_path / "run")
    moved = (tmp_path / "run").rename(tmp_path / "moved")
    runs.train_sft(moved, resume=True, **keys)
    assert (moved / "checkpoint-8").is_dir()
    assert all(torch.equal(best[name], value) for name, value in runs.weights(moved).items())


class Fails(TrainerCallback):
    """Stands for what goes wrong once training has been called: a logger's login, a device, memory."""

    def on_train_begin(self, args, state, control, **rest):
        raise torch.cuda.OutOfMemoryError("out of memory")


@pytest.mark.parametrize("option", [{}, {"overwrite": True}, {"resume": True}], ids=str)
def test_a_start_that_fails_leaves_the_folder_free(tmp_path, monkeypatch, option):
    def callbacks(*arguments):
        return Fails() if broken else WholeCheckpoints(*arguments)

    monkeypatch.setattr(common, "WholeCheckpoints", callbacks)
    broken = False
    if "overwrite" in option:
        runs.train_sft(tmp_path / "run", examples=16)
    broken = True
    with pytest.raises(torch.cuda.OutOfMemoryError):
        runs.train_sft(tmp_path / "run", examples=16, **option)
    assert list((tmp_path / "run").iterdir()) == []
    broken = False
    runs.train_sft(tmp_path / "run", examples=16)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["figures"]["steps"] == 1


@pytest.mark.parametrize(
    "broken", [{"report_to": "clearml"}, {"device_map": "cuda:7"}, {"learning_rate": "fast"}], ids=str
)
def test_a_start_with_what_is_not_there_leaves_the_folder_free(finished, tmp_path, broken):
    start = {"model": finished, "examples": 16, "save_strategy": "no"}
    with pytest.raises((RuntimeError, ImportError, AssertionError, TokenMazeError)):
        runs.train_sft(tmp_path / "run", **start, **broken)
    assert not (tmp_path / "run").exists() or not list((tmp_path / "run").iterdir())
    runs.train_sft(tmp_path / "run", **start)


def test_a_resumed_start_that_fails_loses_nothing(finished, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    before = {path: path.stat().st_size for path in folder.rglob("*")}
    monkeypatch.setattr(common, "WholeCheckpoints", lambda *_: Fails())
    with pytest.raises(torch.cuda.OutOfMemoryError):
        runs.train_sft(folder, resume=True)
    assert {path: path.stat().st_size for path in folder.rglob("*")} == before


def test_the_evaluation_before_the_first_step_is_made_once(tmp_path):
    evaluated = {"eval_strategy": "epoch", "eval_on_start": True, "eval_mazes": 2, "eval_max_tokens": 4}
    folder = tmp_path / "run"
    runs.train_sft(folder, **evaluated)
    whole = runs.log_of(folder)
    shutil.rmtree(folder / "checkpoint-16")
    runs.train_sft(folder, **evaluated, resume=True)
    assert runs.timeless(runs.log_of(folder)) == runs.timeless(whole)
    assert [entry["step"] for entry in whole if "eval_solved_rate" in entry] == [0, 16]
