"""What a run logs is what the report draws, and an unfinished run is an error."""

import json

import pytest

from maze_env.attempt import End, EndedBy
from tests.training import runs
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.run_log import read_run
from tokenmaze.benchmarks.report.curves import PANELS, run_panels


@pytest.fixture(scope="module")
def both(trained, tmp_path_factory):
    """A finished run of each stage."""
    folder = tmp_path_factory.mktemp("runs")
    evaluated = {"eval_strategy": "steps", "eval_steps": 2, "eval_mazes": 2}
    runs.train_sft(folder / "sft", **evaluated, eval_max_tokens=4)
    runs.train_grpo(folder / "grpo", trained, **evaluated)
    return [read_run(folder / stage) for stage in ("sft", "grpo")]


def test_every_name_that_is_drawn_is_logged(both):
    # A name that no run logs would be a curve that is silently missing.
    sft, grpo = both
    logged = {*sft.names, *grpo.names}
    drawn = {name for *_, names in PANELS for name in names if "*" not in name}
    assert drawn <= logged
    assert {f"end/{end}" for end in End} | {f"ended_by/{party}" for party in EndedBy} <= set(grpo.names)
    assert len(run_panels(sft)) >= 4
    assert len(run_panels(grpo)) >= 6
    for name in drawn & set(grpo.names):
        assert grpo.curve(name), name


def test_a_run_that_has_not_finished_is_an_error(tmp_path):
    with pytest.raises(InvalidCheckpoint, match=r", which has no run\.json$"):
        read_run(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"stage": "sft", "figures": None}))
    with pytest.raises(InvalidCheckpoint, match=r", which has no trainer_state\.json$"):
        read_run(tmp_path)
    for log in ([1], "none", {"log_history": ["text"]}, {"log_history": 3}):
        (tmp_path / "trainer_state.json").write_text(json.dumps(log))
        with pytest.raises(InvalidCheckpoint, match=r"Expects (a log|the folder of a finished run)"):
            read_run(tmp_path)
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": [{"step": 1}]}))
    assert (read_run(tmp_path).stage, read_run(tmp_path).figures) == ("sft", {})
    (tmp_path / "run.json").write_text(json.dumps({"figures": {}}))
    with pytest.raises(InvalidCheckpoint, match="stage"):
        read_run(tmp_path)


def test_a_folder_that_is_none_is_told_with_the_nearest(tmp_path):
    (tmp_path / "small").mkdir()
    expected = r"Expects the folder of a finished run, with run\.json and trainer_state\.json, actual: '.*smol', which "
    with pytest.raises(InvalidCheckpoint, match=rf"{expected}does not exist\. Did you mean '.*small'\?$"):
        read_run(tmp_path / "smol")
    (tmp_path / "smol").touch()
    with pytest.raises(InvalidCheckpoint, match=f"{expected}is no folder$"):
        read_run(tmp_path / "smol")
