"""Evaluation during training: which mazes, what is measured, and when a reward seems to be gamed."""

from types import SimpleNamespace

import pytest
import torch

from maze_env.splits import split_of
from maze_env.tokens import maze_from_text
from tests import tiny
from tests.maze_env.golden import bfs
from tests.training import runs
from tokenmaze.agents.tiny_model import build_model, build_tokenizer
from tokenmaze.training import evaluation as evaluation_module
from tokenmaze.training import grpo
from tokenmaze.training.evaluation import Evaluation, gamed_reward
from tokenmaze.training.mazes import DataConfig

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def evaluation(mazes=4, tokens=5, samples=0, mode="plan", **data):
    args = SimpleNamespace(mode=mode, view_radius=None, eval_mazes=mazes, eval_samples=samples)
    return Evaluation(args, DataConfig(**data), build_tokenizer(), tokens)


def mazes_of(one):
    return [maze_from_text(text) for text in one.rows()["maze"]]


def scripted(write):
    """A model that answers what ``write`` says to a prompt."""
    policy = SimpleNamespace(tokenizer=build_tokenizer(), model=build_model(tiny.SMALL, 0))
    return tiny.scripted(policy, write).model


@pytest.mark.parametrize("stage", ["sft", "grpo"])
def test_a_run_that_does_not_evaluate_makes_no_mazes(stage, trained, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation_module, "validation_mazes", None)
    if stage == "sft":
        runs.train_sft(tmp_path / "run", examples=16, save_strategy="no")
    else:
        runs.train_grpo(tmp_path / "run", trained, examples=4, save_strategy="no")
    assert not any("eval_solved_rate" in entry for entry in runs.log_of(tmp_path / "run"))


def test_its_mazes_are_validation_mazes_of_the_runs_sizes_and_lengths():
    data = {"sizes": {"4x4": 1, "5x6": 1}, "lengths": {"2-3": 1, "6-7": 1}, "split": "train"}
    mazes = mazes_of(evaluation(mazes=80, **data))
    assert len(mazes) == 80
    assert {split_of(maze.walls) for maze in mazes} == {"validation"}
    assert {(maze.rows, maze.cols) for maze in mazes} == {(4, 4), (5, 6)}
    assert {bfs(maze.walls, maze.origin)[maze.target] for maze in mazes} == {2, 3, 6, 7}


def test_its_mazes_are_the_same_whatever_the_run_draws():
    assert mazes_of(evaluation(maze_seed=1, examples=5)) == mazes_of(evaluation(maze_seed=2, examples=9))


@pytest.mark.parametrize(("run", "evaluated"), [({"2x2": 1, "3x9": 1}, (5, 5)), ({"2x2": 1, "4x4": 1}, (4, 4))])
def test_sizes_that_have_no_validation_mazes_give_way_to_5x5(run, evaluated):
    assert {(maze.rows, maze.cols) for maze in mazes_of(evaluation(sizes=run))} == {evaluated}


def test_its_rows_are_mazes_and_their_tokens():
    one = evaluation()
    rows = one.rows()
    assert len(rows) == 4
    assert [one.tokenizer.decode(ids) for ids in rows["input_ids"]] == list(rows["maze"])


def test_it_says_what_the_model_did():
    one = evaluation(mazes=8, tokens=10, lengths="1-2")
    mazes = mazes_of(one)
    # Always one move to the right and an end: solves some mazes, and is well formed.
    solved = sum(
        maze.target == (maze.origin[0], maze.origin[1] + 1) and not maze.walls[maze.origin] & 8 for maze in mazes
    )
    assert 0 < solved < 8
    assert one.figures(scripted(lambda prompt: "<|right|>"), mazes) == {
        "solved_rate": solved / 8, "malformed_rate": 0.0, "tokens_per_attempt": 2.0,
    }  # fmt: skip
    assert one.figures(scripted(lambda prompt: "RESET"), mazes)["malformed_rate"] == 1.0


def test_with_samples_it_estimates_pass_at_1_and_k():
    one = evaluation(mazes=8, tokens=10, samples=4, lengths="1-2")
    mazes = mazes_of(one)
    answers = iter(["<|right|>", "<|left|>", "<|up|>"] * 100)
    figures = one.figures(scripted(lambda prompt: next(answers)), mazes)
    assert 0 < figures["pass@1"] < figures["pass@4"] <= 1


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("mode", ["plan", "play"])
def test_it_leaves_what_the_run_draws_alone(device, mode):
    one = evaluation(mazes=4, tokens=10, samples=2, mode=mode, sizes="4x4")
    mazes = mazes_of(one)
    model = build_model(tiny.SMALL, 0).to(device)

    def drawn_after(evaluate):
        torch.manual_seed(5)  # seeds every device
        if evaluate:
            one.figures(model, mazes)
        return torch.rand(4, device=device).tolist(), torch.rand(4).tolist()

    assert drawn_after(True) == drawn_after(False)
    assert one.figures(model, mazes) == one.figures(model, mazes)


@pytest.mark.parametrize(("reward", "rate", "said"), [(0.9, 0.1, True), (0.3, 0.1, False), (0.9, 0.8, False)])
def test_a_reward_that_rises_while_fewer_mazes_are_solved_is_called_gamed(reward, rate, said):
    log = [
        {"eval_solved_rate": 0.9},  # before the first step: there is no reward to hold against it
        {"reward": 0.3}, {"reward": 0.5}, {"eval_solved_rate": 0.8}, {"loss": 1.0},
        {"reward": reward}, {"eval_solved_rate": rate},
    ]  # fmt: skip
    warning = gamed_reward(log, mazes=100)
    said_so = "The training reward rose from 0.400 to 0.900 while the solved rate on validation mazes fell from 80.0%"
    assert warning.startswith(said_so) if said else warning == ""
    assert gamed_reward(log[:5], mazes=100) == ""


def test_a_run_warns_of_a_gamed_reward(trained, tmp_path, monkeypatch, caplog):
    rates = iter([1.0, 0.9, 0.5, 0.0])
    monkeypatch.setattr(Evaluation, "figures", lambda *_: {"solved_rate": next(rates)})
    paid = iter(range(10**6))
    monkeypatch.setattr(
        grpo.MazeReward, "__call__", lambda self, completion_ids, **_: [float(next(paid)) for _ in completion_ids]
    )
    runs.train_grpo(tmp_path / "run", trained, save_strategy="no", eval_strategy="steps", eval_steps=2)
    assert caplog.text.count("the reward is probably gamed") == 2
