"""Shared layouts are found in every form of file, whatever image of them it holds; what shares nothing is told too."""

import csv
import json
import zipfile

import numpy as np
import pytest

from maze_env import Maze, MazeSpec, generate, maze_to_text
from maze_env.errors import InvalidMaze
from maze_env.phrasings import open_sides
from maze_env.placement import LISTINGS, placed_text
from maze_env.symmetry import SYMMETRIES, transform_maze
from tests.benchmarks.test_score_files import written
from tokenmaze.agents.prompts import conversation
from tokenmaze.benchmarks import overlap
from tokenmaze.benchmarks.external import InvalidSuite
from tokenmaze.benchmarks.layout_files import read_layouts
from tokenmaze.benchmarks.layouts import layout_of_grid, layout_of_maze, layouts_of_text
from tokenmaze.benchmarks.overlap import shared_layouts

MAZES = [generate(key, MazeSpec(5, 5)) for key in range(6)]
OPENENV = """\
0 0 0 0 0 1 0 0
1 1 0 1 0 1 0 1
0 0 0 1 0 0 0 1
0 1 1 1 1 1 0 0
0 0 0 0 0 0 1 0
1 0 1 1 1 0 0 0
0 0 0 0 1 0 1 0
0 1 1 0 0 0 0 0
"""
"""The maze of OpenEnv's maze_env (meta-pytorch/OpenEnv at 90a9a83a, envs/maze_env/README.md)."""
MAZE_DATASET = """\
###########
#     #   #
# # # ### #
# # # #   #
### # # # #
#   #   # #
######### #
#    EXS# #
# ##### # #
#     #   #
###########
"""
"""``as_ascii`` of maze-dataset 1.4.2: gen_dfs, grid_n 5, seed 3, maze 0; below, its tokens and its connection list."""
TOKENS = (
    "<ADJLIST_START> (4,1) <--> (4,0) ; (3,0) <--> (3,1) ; (1,4) <--> (0,4) ; (0,1) <--> (0,2) ; (4,1) <--> (4,2) ; "
    "(4,3) <--> (4,4) ; (1,3) <--> (2,3) ; (3,3) <--> (4,3) ; (0,1) <--> (0,0) ; (1,4) <--> (2,4) ; (3,4) <--> (4,4) ; "
    "(2,4) <--> (3,4) ; (3,2) <--> (3,3) ; (2,1) <--> (1,1) ; (0,2) <--> (1,2) ; (3,0) <--> (4,0) ; (3,1) <--> (3,2) ; "
    "(1,0) <--> (0,0) ; (0,4) <--> (0,3) ; (2,3) <--> (2,2) ; (2,2) <--> (1,2) ; (2,0) <--> (2,1) ; (1,4) <--> (1,3) ; "
    "(1,1) <--> (0,1) ; <ADJLIST_END> <ORIGIN_START> (3,3) <ORIGIN_END> <TARGET_START> (3,2) <TARGET_END> "
    "<PATH_START> (3,3) (3,2) <PATH_END>"
)
DOWN = [[1, 1, 1, 0, 1], [0, 1, 1, 1, 1], [0, 0, 0, 0, 1], [1, 0, 0, 1, 1], [0, 0, 0, 0, 0]]
RIGHT = [[1, 1, 0, 1, 0], [0, 0, 0, 1, 0], [1, 0, 1, 0, 0], [1, 1, 1, 0, 0], [1, 1, 0, 1, 0]]


def one(text):
    (layout,) = layouts_of_text(text)
    return layout


def equal(layout, maze):
    return np.array_equal(layout.walls, maze.walls) and layout.ends == (maze.origin, maze.target)


def solved_zanj(path, mazes):
    """What maze-dataset saves of few mazes."""
    array = lambda data: {"__muutils_format__": "numpy.ndarray:array_list_meta", "data": data}  # noqa: E731
    rows = [
        {"connection_list": array([down, right]), "start_pos": array(ends[0]), "end_pos": array(ends[1])}
        for down, right, ends in mazes
    ]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__zanj__.json", json.dumps({"__muutils_format__": "MazeDataset", "mazes": rows}))
    return path


@pytest.mark.parametrize(
    "write",
    [maze_to_text, lambda maze: conversation(maze_to_text(maze))[0]["content"], open_sides, Maze.to_ascii],
    ids=["tokens", "prompt", "sides", "drawing"],
)
def test_texts_of_mazes(write):
    for maze in MAZES:
        assert equal(one(write(maze)), maze)


@pytest.mark.parametrize("listing", LISTINGS)
@pytest.mark.parametrize("offset", [(0, 0), (0, 3), (7, 0), (12, 300)])
def test_placed_mazes_in_any_order(tmp_path, listing, offset):
    texts = [
        placed_text(maze, offset, listing, key) for key in range(30) for maze in MAZES
    ]  # of 25 orders one begins at 0
    for path in (table(tmp_path / "a.jsonl", "maze", texts), table(tmp_path / "a.txt", "", texts)):
        read = read_layouts(str(path))
        assert len(read) == len(texts)
        assert all(map(equal, read, MAZES * 30))
    prompt = conversation(texts[0])[0]["content"]
    assert equal(one(prompt), MAZES[0])


def test_a_folder_of_rows_that_was_exported(tmp_path):
    (tmp_path / "rows" / "data").mkdir(parents=True)
    for number, maze in enumerate(MAZES):
        table(tmp_path / "rows" / "data" / f"train-{number}.parquet", "maze", [maze_to_text(maze)])
    (tmp_path / "rows" / "_dataset.json").write_text("{}", encoding="utf-8")
    assert all(map(equal, read_layouts(str(tmp_path / "rows")), MAZES))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidSuite, match=r"Expects mazes in .*empty, actual: none"):
        read_layouts(str(tmp_path / "empty"))


def test_placed_mazes_without_a_blank_line_between_are_refused():
    with pytest.raises(InvalidMaze, match="Expects"):
        list(layouts_of_text(placed_text(MAZES[0], (1, 1)) + placed_text(MAZES[1], (1, 6))))


def test_cells_of_a_trace_are_no_maze():
    assert equal(one(maze_to_text(MAZES[0]) + "\n\n<think>\n<|1-1|><|up_wall|><|left|>"), MAZES[0])


def test_the_forms_of_maze_dataset_agree(tmp_path):
    drawn, tokens = one(MAZE_DATASET), one(TOKENS)
    (saved,) = read_layouts(str(solved_zanj(tmp_path / "a.zanj", [(DOWN, RIGHT, ((3, 3), (3, 2)))])))
    for layout in (tokens, saved):
        assert np.array_equal(layout.walls, drawn.walls)
        assert layout.ends == drawn.ends == ((3, 3), (3, 2))


def test_arrays_that_maze_dataset_saves_of_many(tmp_path):
    path, part = (
        tmp_path / "many.zanj",
        {"maze_connection_lists": [[DOWN, RIGHT]] * 2, "maze_solutions": [[[3, 3], [3, 2], [0, 0]]] * 2},
    )
    data = {name: {"__muutils_format__": "numpy.ndarray:external", "$ref": f"{name}.npy"} for name in part}
    data["maze_solution_lengths"] = {"data": [2, 2]}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("__zanj__.json", json.dumps(data))
        for name, values in part.items():
            with archive.open(f"{name}.npy", "w") as stream:
                np.save(stream, np.array(values, dtype=np.int8))
    first, second = read_layouts(str(path))
    assert np.array_equal(first.walls, one(TOKENS).walls)
    assert first.ends == second.ends == ((3, 3), (3, 2))


def test_what_maze_dataset_itself_saves(tmp_path):
    maze_dataset = pytest.importorskip("maze_dataset", reason="needs pip install 'tokenmaze[peers]'")
    from maze_dataset.generation import LatticeMazeGenerators

    for count in (3, 150):  # above a hundred it saves arrays
        config = maze_dataset.MazeDatasetConfig("t", grid_n=5, n_mazes=count, maze_ctor=LatticeMazeGenerators.gen_dfs)
        data = maze_dataset.MazeDataset.from_config(config, load_local=False, save_local=False, do_download=False)
        data.save(tmp_path / f"{count}.zanj")
        read = read_layouts(str(tmp_path / f"{count}.zanj"))
        assert len(read) == count
        for maze, layout in zip(data, read, strict=True):
            drawn = one(maze.as_ascii())
            assert np.array_equal(layout.walls, drawn.walls)
            assert layout.ends == drawn.ends == (tuple(maze.start_pos.tolist()), tuple(maze.end_pos.tolist()))


def test_a_grid_of_blocks_is_a_layout_whose_blocks_are_closed_cells():
    layout = one(OPENENV)
    assert layout.walls.shape == (8, 8)
    assert layout.ends is None
    blocked = np.array([line.split() for line in OPENENV.splitlines()]) == "1"
    assert (layout.walls[blocked] == 15).all()
    assert (layout.walls[0, 0], layout.walls[0, 1]) == (7, 3)  # a dead end, then a corridor along the top
    assert shared_layouts([layout], [layout_of_grid(blocked.T[::-1].tolist())])


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_images_are_shared(symmetry):
    images = [layout_of_maze(transform_maze(maze, symmetry)) for maze in MAZES]
    found = shared_layouts(list(map(layout_of_maze, MAZES)), images[::-1])
    assert [(one.first, one.second, one.same_ends) for one in found] == [((n,), (5 - n,), True) for n in range(6)]


def test_other_endpoints_are_told_apart():
    maze = MAZES[0]
    moved = maze.with_endpoints(maze.target, maze.origin)
    (found,) = shared_layouts([layout_of_maze(maze)], [layout_of_maze(transform_maze(moved, 5))])
    assert not found.same_ends
    assert shared_layouts([layout_of_maze(maze)], [layout_of_maze(MAZES[1])]) == []


def table(path, column, texts):
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([["id", column], *enumerate(texts)])
    elif path.suffix == ".json":
        path.write_text(json.dumps([{"id": n, column: text} for n, text in enumerate(texts)]), encoding="utf-8")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps({"id": n, column: text}) + "\n" for n, text in enumerate(texts)), "utf-8")
    elif path.suffix == ".parquet":
        pa = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pa.table({"id": list(range(len(texts))), column: texts}), path)
    else:
        path.write_text("\n\n".join(texts), encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".parquet", ".txt"])
@pytest.mark.parametrize(("column", "write"), [("Prompt", maze_to_text), ("anything", Maze.to_ascii)])
def test_files(tmp_path, suffix, column, write):
    path = table(tmp_path / f"mazes{suffix}", column, list(map(write, MAZES)))
    read = read_layouts(str(path))
    assert len(read) == 6
    assert all(map(equal, read, MAZES))


def test_the_command_counts_and_exits(tmp_path, capsys):
    first = table(tmp_path / "a.jsonl", "maze", [maze_to_text(maze) for maze in MAZES[:4]])
    second = table(tmp_path / "b.txt", "", [transform_maze(maze, 3).to_ascii() for maze in MAZES[2:]])
    with pytest.raises(SystemExit) as ended:
        overlap.main([str(first), str(second)])
    assert ended.value.code == 1
    printed = capsys.readouterr().out
    assert f"A: 4 mazes, 4 layouts, 4 of the training split  {first}" in printed
    assert "shared: 2 layouts, 2 of them with the same endpoints" in printed
    assert "  A 2 = B 0, with the same endpoints" in printed
    with pytest.raises(SystemExit):
        overlap.main([str(first), str(second), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["shared"] == [{"A": [n], "B": [n - 2], "same_endpoints": True} for n in (2, 3)]
    assert told["B"]["mazes_with_a_shared_layout"] == 2


def test_nothing_shared_ends_well(capsys):
    overlap.main(["mazebench-100", "mazebench-1000"])
    assert "shared: 0 layouts" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "no maze", "Expects mazes in .*, actual: none"),
        ("a.txt", "<|0-0|><|no_wall|><|origin|>", "Expects"),
        ("a.txt", "<|3-5|><|no_wall|><|origin|>", r"Expects .*<\|3-5\|>"),
        ("a.jsonl", '{"a": 1}\n', "Expects a column with mazes, actual: a"),
        ("a.json", "[1]", "Expects rows that are objects"),
        ("a.json", "[[0, 1], [0]]", "Expects a grid of 2 to 129 rows and columns, actual: 2 rows of 1, 2"),
        ("a.zanj", "PK", "Expects a .zanj archive"),
        ("a.csv", 'maze\n"<ADJLIST_START> (0,0) <--> (5,5) ;"\n', "Expects sides between neighbours"),
        ("a.parquet", "PAR1", "Expects a file of mazes"),
    ],
)
def test_what_holds_no_mazes_is_refused(tmp_path, name, text, message):
    path = written(tmp_path / name, text)
    with pytest.raises(InvalidSuite, match=message) as raised:
        read_layouts(str(path))
    assert str(path) in str(raised.value)


def test_a_maze_behind_an_example_is_read_too(tmp_path):
    example, *asked = map(maze_to_text, MAZES)
    path = table(tmp_path / "rows.jsonl", "prompt", [f"Example:\n{example}\nMAZE:\n{text}" for text in asked])
    read = read_layouts(str(path))
    assert all(map(equal, read[::2], MAZES[:1] * len(asked)))
    assert all(map(equal, read[1::2], MAZES[1:]))


def test_a_row_without_a_maze_is_named(tmp_path):
    path = table(tmp_path / "a.jsonl", "maze", [maze_to_text(MAZES[0]), "none"])
    with pytest.raises(InvalidSuite, match="Expects a maze in column maze of every row, actual: none in row 2"):
        read_layouts(str(path))
    path = table(tmp_path / "b.jsonl", "maze", [maze_to_text(MAZES[0]), maze_to_text(MAZES[1]).replace("target", "x")])
    with pytest.raises(InvalidSuite, match=r"\(row 2\) \(in "):
        read_layouts(str(path))


def test_the_same_side_twice_is_one_side():
    twice = TOKENS.replace("<ADJLIST_END>", "(4,0) <--> (4,1) ; <ADJLIST_END>")
    assert np.array_equal(one(twice).walls, one(TOKENS).walls)
    with pytest.raises(InvalidMaze):
        one("#" * 300 + "\n" + "#" * 300)
