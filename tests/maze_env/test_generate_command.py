"""``tokenmaze generate``: mazes by seed, in each form."""

import json

import gymnasium
import pytest

from maze_env import Maze, maze_from_text, split_of, verify
from maze_env.answers import parse_answer
from maze_env.errors import TokenMazeError
from maze_env.generate_command import main
from tokenmaze.benchmarks.suites import load


def test_the_maze_of_a_seed_is_the_environments(capsys):
    main(["--seed", "7", "--count", "3", "--size", "4x6", "--format", "text"])
    texts = capsys.readouterr().out.split("\n\n")[:-1]
    for seed, text in enumerate(texts, start=7):
        observation, _ = gymnasium.make("TokenMaze-v0", rows=4, cols=6).reset(seed=seed)
        assert maze_from_text(text) == maze_from_text(observation)
    assert len(texts) == 3


def test_rows_of_json_hold_solved_mazes_within_the_bounds(capsys):
    main(["--count", "20", "--lengths", "5-8", "--split", "benchmark", "--generator", "wilson", "--json"])
    for line in capsys.readouterr().out.splitlines():
        row = json.loads(line)
        maze = maze_from_text(row["maze"])
        assert verify(maze, parse_answer(row["answer"]))
        assert 5 <= row["moves"] <= 8
        assert row["answer"].count("<|") == row["moves"]
        assert split_of(maze.walls) == "benchmark"


def test_drawings_are_read_back(capsys):
    main([])
    title, _, drawing = capsys.readouterr().out.partition("\n")
    assert title == "seed 0, 12 moves"
    assert Maze.from_ascii(drawing).rows == 5


def test_a_file_is_a_suite(tmp_path, capsys):
    file = str(tmp_path / "mazes.jsonl")
    main(["--count", "5", "-o", file])
    assert len(load(file).mazes) == 5
    with pytest.raises(TokenMazeError, match="--overwrite"):
        main(["--count", "5", "-o", file])
    main(["-o", file, "--overwrite"])
    assert len((tmp_path / "mazes.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("wrong", ["--size 5", "--size 1x5", "--lengths 9-5", "--count 0", "--split none", "--braid 2"])
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(TokenMazeError, match="Expects"):
        main(wrong.split())
