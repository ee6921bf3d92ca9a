"""Runs that are killed at random moments, resumed, and end as if nothing had happened: ``make test-slow``.

A killed process starts anew as a fork of one that has torch loaded.
"""

import multiprocessing
import random
import sys
import time

import pytest

from tests.training import runs
from tokenmaze.training.checkpoints import MANIFEST, numbered

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="no fork"),
]

STAGES = {
    "sft": (runs.train_sft, {"save_steps": 2, "logging_steps": 3, "examples": 480, "muon_learning_rate": 0.01}),
    "grpo": (
        runs.train_grpo,
        {
            "save_steps": 1,
            "examples": 60,
            "curriculum": "success",
            "sizes": "{2x2: 1, 2x3: 1}",
            "scale_rewards": "mean",
        },
    ),
    "dpo": (runs.train_dpo, {"save_steps": 1, "examples": 96}),
    "rft": (runs.train_rft, {"rounds": 6, "examples": 96}),
}


@pytest.fixture(scope="module")
def processes():
    """Makes processes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.training.runs"])
    return context.Process


@pytest.fixture(scope="module")
def finished(tmp_path_factory, processes, trained):
    """For each stage, how to start it in a folder, the folder of a run that nothing interrupted, and its seconds."""

    def begin(stage, folder):
        train, changes = STAGES[stage]
        given = (folder,) if stage == "sft" else (folder, trained)
        process = processes(target=train, args=given, kwargs={**changes, "resume": True})
        process.start()
        return process

    def run(stage):
        folder = tmp_path_factory.mktemp("finished") / stage
        process, begun = started(begin, stage, folder), time.monotonic()
        process.join()
        assert process.exitcode == 0
        return folder, time.monotonic() - begun

    return begin, {stage: run(stage) for stage in STAGES}


def started(begin, stage, folder):
    """A process that has begun, or gone on with, a run."""
    process = begin(stage, folder)
    while not (folder / "run.json").exists():
        time.sleep(0.002)
    return process


def is_writing(folder):
    """Whether a checkpoint of a run is being written."""
    return folder.is_dir() and any(not (path / MANIFEST).exists() for path in numbered(folder))


@pytest.mark.parametrize("trial", range(10))
@pytest.mark.parametrize("stage", STAGES)
def test_a_run_that_is_killed_ends_as_if_nothing_had_happened(finished, tmp_path, stage, trial):
    begin, results = finished
    whole, seconds = results[stage]
    rng, killed, number = random.Random(f"{stage} {trial}"), 0, 0
    while not killed:  # a run that ended before its time came does not count
        number += 1
        folder = tmp_path / str(number)
        while (process := started(begin, stage, folder)).is_alive():
            if killed < 2:
                time.sleep(rng.uniform(0, seconds))
                while trial % 2 and process.is_alive() and not is_writing(folder):
                    time.sleep(0.0005)
                time.sleep(rng.uniform(0, 0.01))
                process.kill()
            process.join()
            if process.exitcode == 0:
                break
            assert process.exitcode == -9
            killed += 1
    assert runs.same_weights(folder, whole)
    assert runs.timeless(runs.log_of(folder)) == runs.timeless(runs.log_of(whole))
    figures = [runs.run_file(one)["figures"] for one in (folder, whole)]
    of_process = {"wall_seconds", "peak_memory_gib", "resumed_at_step", "environment_share", "sampling_seconds"}
    assert figures[0].keys() == figures[1].keys() > of_process - {"environment_share", "sampling_seconds"}
    assert all(figures[0][name] == figures[1][name] for name in figures[0].keys() - of_process)
    assert {path.name for path in folder.iterdir() if path.suffix != ".tmp"} == {path.name for path in whole.iterdir()}
