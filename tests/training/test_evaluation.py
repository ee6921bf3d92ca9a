"""What a run watches about itself."""

from types import SimpleNamespace

import pytest
import torch
from transformers import Trainer, TrainerControl

from agents.tiny_model import build_model, build_tokenizer
from maze_env.splits import split_of
from tests import tiny
from tests.maze_env.golden import bfs
from training.common import StageConfig
from training.evaluation import Stopwatch, ValidationCallback
from training.mazes import DataConfig


@pytest.fixture(autouse=True)
def entries(monkeypatch):
    """What is logged, in place of a trainer's log."""
    logged = []
    monkeypatch.setattr(Trainer, "log", lambda self, entry: logged.append(entry))
    return logged


def callback(every=2, count=4, tokens=5, samples=0, **data):
    stage = StageConfig(validate_every=every, validate_mazes=count, validate_samples=samples)
    return ValidationCallback(DataConfig(**data), build_tokenizer(), stage, tokens)


def look(watch, step, last, model=None, first_process=True):
    """One step's end. What it does to the step's own log entry is in test_sft.py."""
    state = SimpleNamespace(global_step=step, max_steps=last, is_world_process_zero=first_process)
    watch.on_step_end(None, state, TrainerControl(), model=model or build_model(tiny.SMALL, 0))


def steps(watch, last, entries):
    """The steps at which it looked, out of 1 ... last."""
    looked = []
    for step in range(1, last + 1):
        before = len(entries)
        look(watch, step, last)
        looked += [step] * (len(entries) - before)
    return looked


def test_it_looks_every_so_often_and_after_the_last_step(entries):
    assert steps(callback(every=3), 7, entries) == [3, 6, 7]
    assert steps(callback(every=3), 6, entries) == [3, 6]


def test_zero_means_never_and_makes_no_mazes(entries):
    watch = callback(every=0)
    assert watch.mazes == []
    assert steps(watch, 3, entries) == []


def test_one_process_of_several_looks(entries):
    look(callback(every=1), 1, 2, first_process=False)
    assert entries == []


def test_its_mazes_are_validation_mazes_of_the_runs_sizes_and_lengths():
    watch = callback(count=80, sizes="4x4,5x6", lengths="2-3,6-7", split="train")
    assert len(watch.mazes) == 80
    assert {split_of(maze.walls) for maze in watch.mazes} == {"validation"}
    assert {(maze.rows, maze.cols) for maze in watch.mazes} == {(4, 4), (5, 6)}
    assert {bfs(maze.walls, maze.origin)[maze.target] for maze in watch.mazes} == {2, 3, 6, 7}


def test_its_mazes_are_the_same_whatever_the_run_draws():
    assert callback(maze_seed=1, examples=5).mazes == callback(maze_seed=2, examples=9).mazes


def test_sizes_that_have_no_validation_mazes_give_way_to_5x5():
    assert {(maze.rows, maze.cols) for maze in callback(sizes="2x2,3x9").mazes} == {(5, 5)}
    assert {(maze.rows, maze.cols) for maze in callback(sizes="2x2,4x4").mazes} == {(4, 4)}


def test_it_logs_what_the_model_did(entries):
    model = build_model(tiny.SMALL, 0)
    watch = callback(every=1, count=8, tokens=10, lengths="1-2")
    # Always two moves to the right and an end: solves some mazes, and is well formed.
    tiny.scripted(SimpleNamespace(tokenizer=watch.tokenizer, model=model), lambda prompt: "<|right|>")
    solved = sum(
        maze.target == (maze.origin[0], maze.origin[1] + 1) and not maze.walls[maze.origin] & 8 for maze in watch.mazes
    )
    assert 0 < solved < 8
    look(watch, 1, 1, model)
    assert entries == [
        {"validation/solved_rate": solved / 8, "validation/malformed_rate": 0.0, "validation/tokens_mean": 2.0}
    ]
    tiny.scripted(SimpleNamespace(tokenizer=watch.tokenizer, model=model), lambda prompt: "RESET")
    look(watch, 1, 1, model)
    assert entries[1]["validation/malformed_rate"] == 1.0


def test_with_samples_it_estimates_pass_at_1_and_k_and_leaves_the_runs_chance_alone(entries):
    model = build_model(tiny.SMALL, 0)
    watch = callback(every=1, count=8, tokens=10, samples=4, lengths="1-2")
    answers = iter(["<|right|>", "<|left|>", "<|up|>"] * 100)
    tiny.scripted(SimpleNamespace(tokenizer=watch.tokenizer, model=model), lambda prompt: next(answers))
    before = torch.get_rng_state()
    look(watch, 1, 1, model)
    assert torch.equal(torch.get_rng_state(), before)
    (entry,) = entries
    assert 0 < entry["validation/pass@1"] < entry["validation/pass@4"] <= 1


def reward_logged(watch, reward):
    watch.on_log(None, None, None, logs={"reward": reward})


@pytest.mark.parametrize(("reward", "rate", "said"), [(0.9, 0.1, True), (0.3, 0.1, False), (0.9, 0.8, False)])
def test_a_reward_that_rises_while_fewer_mazes_are_solved_is_said_to_be_gamed(reward, rate, said, caplog):
    watch = callback(every=1, count=100)
    reward_logged(watch, 0.3)
    reward_logged(watch, 0.5)
    watch._watch(0.8)
    watch.on_log(None, None, None, logs={"loss": 1.0})
    reward_logged(watch, reward)
    watch._watch(rate)
    message = (
        "The training reward rose from 0.400 to 0.900 while the solved rate on validation mazes fell from 80.0% to"
    )
    assert (message in caplog.text) == said


def test_the_stopwatch_reports_seconds_and_gibibytes():
    figures = Stopwatch().figures()
    assert 0 <= figures["wall_seconds"] < 5
    assert 0.1 < figures["peak_memory_gib"] < 8  # this process, with torch loaded
