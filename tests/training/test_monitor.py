"""What a run watches about itself."""

from types import SimpleNamespace

from agents.embedded import build_model, build_tokenizer
from maze_env.splits import split_of
from tests import tiny
from tests.maze_env.golden import bfs
from training.data import DataConfig
from training.monitor import Stopwatch, ValidationCallback


class Logbook:
    """Stands in for a trainer."""

    def __init__(self):
        self.entries = []

    def log(self, entry):
        self.entries.append(entry)


def callback(every=2, count=4, tokens=5, **data):
    watch = ValidationCallback(DataConfig(**data), build_tokenizer(), every, count, tokens)
    watch.trainer = Logbook()
    return watch


def steps(watch, last, model=None):
    """The steps at which it looked, out of 1 ... last."""
    looked = []
    for step in range(1, last + 1):
        before = len(watch.trainer.entries)
        state = SimpleNamespace(global_step=step, max_steps=last, is_world_process_zero=True)
        watch.on_step_end(None, state, None, model=model or build_model(tiny.SMALL, 0))
        looked += [step] * (len(watch.trainer.entries) - before)
    return looked


def test_it_looks_every_so_often_and_after_the_last_step():
    assert steps(callback(every=3), last=7) == [3, 6, 7]
    assert steps(callback(every=3), last=6) == [3, 6]


def test_zero_means_never_and_makes_no_mazes():
    watch = callback(every=0)
    assert watch.mazes == []
    assert steps(watch, last=3) == []


def test_one_process_of_several_looks():
    watch = callback(every=1)
    state = SimpleNamespace(global_step=1, max_steps=2, is_world_process_zero=False)
    watch.on_step_end(None, state, None, model=build_model(tiny.SMALL, 0))
    assert watch.trainer.entries == []


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


def test_it_logs_what_the_model_did(monkeypatch):
    model = build_model(tiny.SMALL, 0)
    watch = callback(every=1, count=8, tokens=10, lengths="1-2")
    # Always two moves to the right and an end: solves some mazes, and is well formed.
    tiny.scripted(SimpleNamespace(tokenizer=watch.tokenizer, model=model), lambda prompt: "<|right|>")
    solved = sum(
        maze.target == (maze.origin[0], maze.origin[1] + 1) and not maze.walls[maze.origin] & 8 for maze in watch.mazes
    )
    assert 0 < solved < 8
    steps(watch, 1, model)
    assert watch.trainer.entries == [
        {"validation/solved_rate": solved / 8, "validation/malformed_rate": 0.0, "validation/tokens_mean": 2.0}
    ]
    tiny.scripted(SimpleNamespace(tokenizer=watch.tokenizer, model=model), lambda prompt: "RESET")
    steps(watch, 1, model)
    assert watch.trainer.entries[1]["validation/malformed_rate"] == 1.0


def test_the_stopwatch_reports_seconds_and_gibibytes():
    figures = Stopwatch().figures()
    assert 0 <= figures["wall_seconds"] < 5
    assert 0.1 < figures["peak_memory_gib"] < 8  # this process, with torch loaded
