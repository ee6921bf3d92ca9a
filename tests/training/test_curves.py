"""The picture of a run's training curves."""

import json

import pytest
from matplotlib import image

from agents.errors import InvalidCheckpoint
from tests import tiny
from tests.training import runs
from training import curves
from training.run_folder import finished_run


@pytest.fixture(scope="module")
def both(trained, tmp_path_factory):
    """A finished run of each stage."""
    folder = tmp_path_factory.mktemp("curves")
    looks = {"validate_every": 4, "validate_mazes": 2}
    runs.train_sft(folder / "sft", **looks, validate_tokens=4)
    runs.train_grpo(folder / "grpo", trained, **looks)
    return folder / "sft", folder / "grpo"


def test_a_finished_run_of_each_stage_becomes_one_picture(both, tmp_path):
    output = tmp_path / "new" / "curves.png"
    curves.draw(list(both), output)
    assert output.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    pixels = image.imread(output)
    assert pixels.shape[0] > 300
    assert pixels.shape[1] > 600
    assert pixels[..., :3].min() < 0.5  # something is drawn


def test_every_name_that_is_drawn_is_logged_by_its_stage(both):
    # A name that no run logs would be a curve that is silently missing.
    for folder in both:
        run, log = finished_run(folder)
        logged = {name for entry in log for name in entry}
        drawn = {name for _, names in curves.PANELS[run["stage"]] for name in names}
        assert drawn <= logged


def test_the_command_draws(both, tmp_path):
    done = tiny.python("-m", "training.curves", both[0], "--output", tmp_path / "curves.png")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_a_run_that_has_not_finished_is_an_error(both, tmp_path):
    with pytest.raises(InvalidCheckpoint, match=r"run\.json"):
        finished_run(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"stage": "sft", "figures": None}))
    with pytest.raises(InvalidCheckpoint, match=r"trainer_state\.json"):
        curves.draw([tmp_path], tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()
