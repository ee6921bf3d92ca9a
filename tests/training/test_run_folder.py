"""The folder of a run: never mixed into another, never taken from anyone."""

import json

import pyarrow.parquet as pq
import pytest

from maze_env.errors import InvalidConfig, InvalidOutput
from tests.training import runs
from tokenmaze.training import run_folder
from tokenmaze.training.checkpoints import write_manifest

BEGAN = {"examples": 10, "learning_rate": 0.1, "resume": False, "overwrite": False, "report_to": "none"}


def prepare(folder, configuration=BEGAN, resume=False, overwrite=False):
    """What a stage does before it trains."""
    checkpoint = run_folder.prepare(str(folder), configuration, resume, overwrite)
    if checkpoint is None:
        if not resume:
            run_folder.empty(folder)
        run_folder.write_run(folder, "sft", configuration, None)
    return checkpoint


def contents(folder):
    """Every file and what is in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def used(tmp_path):
    """A run that has written two checkpoints, the later one last."""
    folder = tmp_path / "run"
    prepare(folder)
    for step in (8, 16):
        (folder / f"checkpoint-{step}").mkdir()
        (folder / f"checkpoint-{step}" / "model.safetensors").write_text("weights")
        (folder / f"checkpoint-{step}" / "trainer_state.json").write_text("{}")
        write_manifest(folder / f"checkpoint-{step}", {})
    return folder


def test_a_new_run_starts_at_the_beginning_and_says_what_it_is(tmp_path):
    assert prepare(tmp_path / "deep" / "run") is None
    run = json.loads((tmp_path / "deep" / "run" / "run.json").read_text())
    assert run["stage"] == "sft"
    assert run["configuration"] == BEGAN
    assert run["figures"] is None
    assert {"command", "commit", "packages", "machine", "processor"} <= run["provenance"].keys()


def test_an_empty_folder_will_do(tmp_path):
    assert prepare(tmp_path) is None


def test_a_used_folder_is_refused_and_left_alone(used):
    before = contents(used)
    with pytest.raises(InvalidOutput, match="is in use; choose another --output_dir, or --resume or --overwrite"):
        prepare(used)
    assert contents(used) == before


@pytest.mark.parametrize("options", [{}, {"resume": True}, {"overwrite": True}])
def test_a_folder_that_holds_something_else_is_never_touched(tmp_path, options):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InvalidOutput):
        prepare(tmp_path, **options)
    assert contents(tmp_path) == {"thesis.tex": b"years of work"}


@pytest.mark.parametrize("options", [{}, {"resume": True}, {"overwrite": True}])
def test_a_file_in_the_way_is_never_touched(tmp_path, options):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(InvalidOutput, match="is a file"):
        prepare(tmp_path / "run", **options)
    assert (tmp_path / "run").read_text() == "a file"


def test_a_place_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidOutput, match="can be written to"):
        prepare(tmp_path / "file" / "run")


def test_overwriting_replaces_the_whole_run(used):
    assert prepare(used, {**BEGAN, "examples": 99}, overwrite=True) is None
    assert set(contents(used)) == {"run.json"}
    assert json.loads((used / "run.json").read_text())["configuration"]["examples"] == 99


def test_an_overwritten_run_stays_until_training_begins(used):
    before = contents(used)
    assert run_folder.prepare(str(used), {**BEGAN, "examples": 99}, resume=False, overwrite=True) is None
    assert contents(used) == before


@pytest.mark.parametrize("inside", ["", "checkpoint-8"])
def test_the_model_to_start_from_is_never_overwritten(used, inside):
    before = contents(used)
    with pytest.raises(InvalidConfig, match="--model outside the folder to overwrite"):
        prepare(used, {**BEGAN, "model": str(used / inside)}, overwrite=True)
    assert contents(used) == before
    prepare(used, {**BEGAN, "model": f"{used}-sibling"}, overwrite=True)


def test_resuming_goes_on_from_the_newest_checkpoint_and_changes_nothing(used):
    before = contents(used)
    assert prepare(used, {**BEGAN, "resume": True}, resume=True) == str(used / "checkpoint-16")
    assert contents(used) == before


def test_steps_are_compared_as_numbers(used):
    (used / "checkpoint-16").rename(used / "checkpoint-100")
    assert prepare(used, resume=True) == str(used / "checkpoint-100")


def test_a_checkpoint_that_was_cut_off_is_passed_over(used):
    (used / "checkpoint-16" / "manifest.json").unlink()
    assert prepare(used, resume=True) == str(used / "checkpoint-8")


def test_a_run_whose_checkpoints_are_all_cut_off_begins_anew_and_loses_no_file(used):
    for step in (8, 16):
        (used / f"checkpoint-{step}" / "model.safetensors").write_text("weig")
    before = contents(used)
    assert prepare(used, resume=True) is None
    after = contents(used)
    assert {name: after[name] for name in before if name != "run.json"} == {
        name: data for name, data in before.items() if name != "run.json"
    }


@pytest.mark.parametrize("damage", ["", "{", "null", "[]", "{}", '{"configuration": null}', '{"configuration": 3}'])
def test_a_damaged_run_file_is_refused_and_nothing_is_lost(used, damage):
    (used / "run.json").write_text(damage)
    before = contents(used)
    with pytest.raises(InvalidOutput, match=r"Expects the configuration of the run in '.*run.json', actual: .*overwri"):
        prepare(used, resume=True)
    assert contents(used) == before
    assert prepare(used, overwrite=True) is None


def test_a_folder_that_was_moved_is_the_same_run(used):
    moved = used.rename(used.with_name("moved"))
    assert prepare(moved, {**BEGAN, "output_dir": str(moved)}, resume=True) == str(moved / "checkpoint-16")


def test_a_link_to_a_folder_is_a_folder(used, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(used, target_is_directory=True)
    assert prepare(link, resume=True) == str(link / "checkpoint-16")
    assert prepare(link, overwrite=True) is None
    assert link.is_symlink()
    assert set(contents(used)) == {"run.json"}


def test_resuming_before_the_first_checkpoint_starts_at_the_beginning(tmp_path):
    prepare(tmp_path)
    assert prepare(tmp_path, resume=True) is None


@pytest.mark.parametrize("changed", [{"examples": 11}, {"learning_rate": 0.2}, {"new_key": 1}])
def test_resuming_with_another_configuration_names_the_key_and_both_values(used, changed):
    ((key, value),) = changed.items()
    said = f"{key}={BEGAN.get(key)!r}, actual: {key}={value!r}"
    with pytest.raises(InvalidConfig, match=said):
        prepare(used, {**BEGAN, **changed}, resume=True)


def test_weights_in_another_order_are_another_configuration(tmp_path):
    prepare(tmp_path / "run", {**BEGAN, "sizes": {"4x4": 1, "5x5": 2}})
    prepare(tmp_path / "run", {**BEGAN, "sizes": {"4x4": 1, "5x5": 2}}, resume=True)
    with pytest.raises(InvalidConfig, match=r"sizes=\{'4x4': 1, '5x5': 2\}, actual: sizes=\{'5x5': 2, '4x4': 1\}"):
        prepare(tmp_path / "run", {**BEGAN, "sizes": {"5x5": 2, "4x4": 1}}, resume=True)


def test_a_key_that_the_run_began_with_may_not_go_missing(used):
    with pytest.raises(InvalidConfig, match="examples=10, actual: examples=None"):
        prepare(used, {key: value for key, value in BEGAN.items() if key != "examples"}, resume=True)


def test_what_does_not_touch_the_weights_may_change(used):
    assert prepare(used, {**BEGAN, "resume": True, "report_to": "tensorboard"}, resume=True)


def test_resuming_and_overwriting_exclude_each_other(used):
    with pytest.raises(InvalidConfig, match="--resume and --overwrite"):
        prepare(used, resume=True, overwrite=True)


def test_figures_complete_the_run_file(tmp_path):
    prepare(tmp_path)
    run_folder.write_run(tmp_path, "sft", BEGAN, {"train_loss": 0.5, "wall_seconds": 7.0})
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["figures"] == {"train_loss": 0.5, "wall_seconds": 7.0}
    assert run["provenance"]["wall_seconds"] == 7.0
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_completions_are_written_where_that_is_asked_for(trained, tmp_path):
    folder = tmp_path / "run"
    runs.train_grpo(folder, trained, examples=4, log_completions=True, num_completions_to_print=1)
    table = pq.read_table(sorted((folder / "completions").iterdir())[0])
    assert table.num_rows == 4 * runs.GRPO["num_generations"]
