"""Data sets as files: rows are those that SFT trains on, readable by anything that reads parquet."""

import json

import pandas
import pytest
from datasets import load_dataset
from trl import SFTConfig, SFTTrainer

from maze_env.answers import moves_to_text
from maze_env.errors import InvalidConfig, InvalidOutput, UnknownName
from maze_env.solving import shortest_path
from maze_env.splits import SPLITS
from maze_env.tokens import maze_from_text
from tests import tiny
from tests.maze_env.golden import ROOM_TEXT
from tokenmaze.agents.prompts import conversation
from tokenmaze.training import export
from tokenmaze.training.mazes import DataConfig, supervised_rows


def read(folder, cache, split="train"):
    return load_dataset(str(folder), split=split, cache_dir=str(cache))


def test_the_files_hold_the_rows_that_sft_trains_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(export, "ROWS_PER_FILE", 30)
    folder = tmp_path / "new" / "set"
    export.main(["--sizes", "4x5", "--examples", "70", "--maze_seed", "3", "--output_dir", str(folder)])
    assert "70 rows in 3 file(s)" in capsys.readouterr().out
    names = [f"train-{number:05d}-of-00003.parquet" for number in range(3)]
    assert sorted(path.name for path in folder.iterdir()) == ["_dataset.json", "data"]  # and no cache is left
    assert sorted(path.name for path in (folder / "data").iterdir()) == names
    config = DataConfig(examples=70, sizes="4x5", maze_seed=3)
    assert read(folder, tmp_path / "cache").to_list() == list(supervised_rows(config))
    description = json.loads((folder / "_dataset.json").read_text())
    assert description["configuration"]["maze_seed"] == 3
    assert description["columns"] == ["maze", "phrasing", "style", "completion"]
    assert description["provenance"]["command"].endswith(f"--output_dir {folder}")


def test_the_published_columns(tmp_path):
    folder = tmp_path / "set"
    argv = [
        "--trace_styles",
        "redraw",
        "--examples",
        "5",
        "--columns",
        "published",
        "--split",
        "validation",
        "--output_dir",
    ]
    export.main([*argv, str(folder)])
    rows = read(folder, tmp_path / "cache", "validation")
    config = DataConfig(examples=5, trace_styles="redraw", split="validation")
    for row, own in zip(rows, supervised_rows(config), strict=True):
        maze = maze_from_text(own["maze"])
        assert row["Prompt"].endswith(f"MAZE:\n{own['maze']}")
        assert row["Prompt"].startswith("Find the way")
        assert row["Response"] == moves_to_text(shortest_path(maze))
        assert row["Cot_Response"].startswith("Step 1: Go ")
        assert f"<think>\n{row['Cot_Response']}\n</think>\n\n{row['Response']}" == own["completion"]
        assert row["conversations"] == [
            {"role": "user", "content": row["Prompt"]},
            {"role": "assistant", "content": own["completion"]},
        ]
        assert row["raw_token"].count("<-->") == 24  # a tree of 25 cells


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("columns", export.COLUMNS)
def test_the_folder_is_one_that_datasets_and_pandas_read(split, columns, tmp_path):
    folder = tmp_path / "data"  # whatever it is called
    export.main(["--examples", "6", "--split", split, "--columns", columns, "--output_dir", str(folder)])
    loaded = load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == [split]
    for where in (folder, folder / "data"):
        frame = pandas.read_parquet(where)
        assert list(frame) == loaded[split].column_names
        assert len(frame) == loaded[split].num_rows == 6


def test_an_adjacency_list_by_hand():
    maze = maze_from_text(ROOM_TEXT)
    assert export.adjacency_list(maze, shortest_path(maze)) == (
        "<ADJLIST_START> (0,0) <--> (1,0) ; (0,0) <--> (0,1) ; (0,1) <--> (1,1) ; (0,1) <--> (0,2) ; "
        "(0,2) <--> (1,2) ; (1,0) <--> (1,1) ; (1,1) <--> (1,2) ; <ADJLIST_END> <ORIGIN_START> (0,0) <ORIGIN_END> "
        "<TARGET_START> (0,2) <TARGET_END> <PATH_START> (0,0) (0,1) (0,2) <PATH_END>"
    )


def test_wrong_arguments_and_folders_in_use_are_told(tmp_path):
    with pytest.raises(UnknownName, match="Did you mean 'redraw'"):
        export.main(["--trace_styles", "redrw", "--output_dir", str(tmp_path / "a")])
    with pytest.raises(InvalidConfig, match="at least 1"):
        export.main(["--examples", "0", "--output_dir", str(tmp_path / "a")])
    with pytest.raises(UnknownName, match="Did you mean 'published'"):
        export.main(["--columns", "publish", "--output_dir", str(tmp_path / "a")])
    with pytest.raises(InvalidConfig, match="--output_dir"):
        export.main([])
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    with pytest.raises(InvalidOutput, match="is in use"):
        export.main(["--examples", "5", "--output_dir", str(tmp_path / "used")])


def test_a_writing_that_breaks_off_leaves_no_file(tmp_path, monkeypatch):
    def broken(config):
        yield from list(supervised_rows(config))[:3]
        raise KeyboardInterrupt

    monkeypatch.setattr(export, "supervised_rows", broken)
    with pytest.raises(KeyboardInterrupt):
        export.write_parquet(DataConfig(examples=10, sizes="3x3"), tmp_path / "set")
    assert list((tmp_path / "set").iterdir()) == []


@pytest.mark.parametrize("columns", ["conversational", "plain"])
def test_trl_trains_on_the_columns_of_its_two_forms(columns, tmp_path):
    export.main(["--sizes", "2x2", "--examples", "4", "--columns", columns, "--output_dir", str(tmp_path / "set")])
    rows = read(tmp_path / "set", tmp_path / "cache")
    own = list(supervised_rows(DataConfig(sizes="2x2", examples=4)))
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    for row, expected in zip(rows, own, strict=True):
        prompt, completion = row["prompt"], row["completion"]
        if columns == "conversational":
            ((prompt,), (completion,)) = [[message["content"] for message in part] for part in (prompt, completion)]
        assert prompt == conversation(expected["maze"])[0]["content"]
        assert (completion, row["maze"]) == (expected["completion"], expected["maze"])
    args = SFTConfig(
        output_dir=str(tmp_path / "run"), use_cpu=True, bf16=False, max_steps=1, per_device_train_batch_size=2,
        report_to="none", save_strategy="no", disable_tqdm=True, max_length=None,
    )  # fmt: skip
    trainer = SFTTrainer(tiny.byte_model(tokenizer), args, train_dataset=rows, processing_class=tokenizer)
    assert trainer.train().training_loss > 0


@pytest.mark.parametrize("columns", export.COLUMNS)
def test_placed_mazes_are_exported_as_they_are_trained_on(columns, tmp_path):
    keys = {"sizes": "3x3", "examples": 20, "placements": "20x20", "listings": "shuffled"}
    arguments = [part for key, value in keys.items() for part in (f"--{key}", str(value))]
    export.main([*arguments, "--columns", columns, "--output_dir", str(tmp_path / "set")])
    own = list(supervised_rows(DataConfig(**keys)))
    rows = read(tmp_path / "set", tmp_path / "cache").to_list()
    assert rows == list(map(export.COLUMNS[columns][1], own))


def test_walks_are_exported_but_not_in_columns_that_hold_a_solution(tmp_path):
    config = DataConfig(examples=30, sizes="4x4", walks="{none: 1, 5x5: 1}")
    for columns in set(export.COLUMNS) - {"published"}:
        (file,) = export.write_parquet(config, tmp_path / columns, columns)
        assert len(pandas.read_parquet(file)) == 30
    with pytest.raises(InvalidConfig, match="Expects walks none with columns published"):
        export.write_parquet(config, tmp_path / "published", "published")
    assert not list((tmp_path / "published").glob("*"))
