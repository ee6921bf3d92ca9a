"""Mazes that others have published, in their columns: read whole or refused by row, run, compared and tabled."""

import json
from dataclasses import replace

import pytest
from datasets import Dataset

from maze_env.answers import moves_to_text
from maze_env.errors import UnknownName
from maze_env.maze import Maze
from maze_env.solving import shortest_path
from maze_env.tokens import maze_to_text
from tests import tiny
from tests.maze_env.golden import CUT_OFF_ASCII, EXAMPLE_TEXT
from tokenmaze.benchmarks import comparison, external, table
from tokenmaze.benchmarks.external import InvalidSuite
from tokenmaze.benchmarks.mazebench import main
from tokenmaze.benchmarks.record import load as load_result
from tokenmaze.benchmarks.record import path_scores, suite_title
from tokenmaze.benchmarks.suites import load
from tokenmaze.benchmarks.typed_json import InvalidResult

MAZES = [
    *tiny.mazes(6, 5, 5, min_length=5, max_length=8),
    *tiny.mazes(3, 5, 5, max_length=4),
    *tiny.mazes(1, 4, 6, min_length=9),
]
LEVELS = ["Medium"] * 6 + ["Easy"] * 3 + ["Hard"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


def rows(mazes=MAZES, levels=LEVELS):
    """In the published columns; a prompt may have blanks for the newlines, and the instruction before the maze."""
    texts = [maze_to_text(maze) for maze in mazes]
    texts[0] = texts[0].replace("\n", " ")
    texts[1] = f"Find the way, e.g. <|up|> from <|0-0|>.\n\nMAZE:\n{texts[1]}"
    return [
        {"Prompt": text, "Level": level, "Response": moves_to_text(shortest_path(maze)), "Maze_image": "none"}
        for text, level, maze in zip(texts, levels, mazes, strict=True)
    ]


def write(path, some):
    if path.suffix == ".parquet":
        Dataset.from_list(some).to_parquet(str(path))
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in some))
    else:
        path.write_text(json.dumps(some))
    return str(path)


def test_every_format_gives_the_same_suite(tmp_path):
    suites = [load(write(tmp_path / f"bench{suffix}", rows())) for suffix in external.FORMATS]
    for suite in suites:
        assert list(suite.mazes) == MAZES
        assert list(suite.labels) == LEVELS
        assert suite.spec.level_names == ["Easy", "Medium", "Hard"]
        assert suite.spec.sha256 == suites[0].spec.sha256
        assert suite.spec.max_steps is None  # sizes differ
    other = load(write(tmp_path / "other.json", rows()[:-1]))
    assert other.spec.sha256 != suites[0].spec.sha256


def test_without_a_column_the_length_is_the_level(tmp_path):
    mazes = [*MAZES, *tiny.mazes(1, 5, 5, min_length=14)]
    bare = [{"Prompt": maze_to_text(maze)} for maze in mazes]
    suite = load(write(tmp_path / "bench.parquet", bare))
    assert list(suite.labels) == [*LEVELS, "Longer"]


def test_levels_may_be_numbers(tmp_path):
    some = rows(levels=[2] * 6 + [1] * 3 + [3])
    assert load(write(tmp_path / "bench.json", some)).spec.level_names == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Prompt": EXAMPLE_TEXT.replace("<|2-2|>", "<|2-9|>")}, r"Expects <\|2-2\|> next, .* \(row 3 of .*\.json\)"),
        ({"Prompt": EXAMPLE_TEXT.replace("<|target|>", "<|blank|>")}, r"one <\|target\|>, actual: none \(row 3"),
        ({"Prompt": EXAMPLE_TEXT + "Think step by step."}, r"actual: 'Think step by step.' .* \(row 3"),
        ({"Prompt": maze_to_text(Maze.from_ascii(CUT_OFF_ASCII))}, r"Expects a path from .* actual: none \(row 3"),
        ({"Prompt": None}, r"Expects a value in column Prompt, actual: None \(row 3"),
        ({"Level": None}, r"Expects a value in column Level, actual: None \(row 3"),
    ],
)
def test_a_bad_row_is_one_error_that_names_it(tmp_path, change, message):
    some = rows()
    some[2] |= change
    with pytest.raises(InvalidSuite, match=message):
        load(write(tmp_path / "bench.json", some))


def test_what_cannot_be_read_is_one_error(tmp_path, capsys):
    for name, content in (("empty.json", ""), ("bad.parquet", "no"), ("bad.jsonl", "{")):
        (tmp_path / name).write_text(content)
    Dataset.from_list(rows()).select([]).to_parquet(str(tmp_path / "no_rows.parquet"))
    for name in ("empty.json", "bad.parquet", "bad.jsonl", "no_rows.parquet", "not_there.parquet"):
        with pytest.raises(InvalidSuite, match=f"Expects a parquet or JSON file, .*{name}"):
            load(str(tmp_path / name))
    with pytest.raises(InvalidSuite, match=r"Expects a column Prompt or maze in .*, actual: prompt"):
        load(write(tmp_path / "columns.json", [{"prompt": EXAMPLE_TEXT}]))
    with pytest.raises(InvalidSuite, match=r"the Hugging Face hub, actual: 'homebrewltd/Maze-Bench-v0\.2'"):
        main(["--agent", "random", "--suite", "homebrewltd/Maze-Bench-v0.2"])  # no network in tests
    with pytest.raises(UnknownName, match="Did you mean 'mazebench-100'"):
        main(["--agent", "random", "--suite", "mazebench-10"])


def test_a_data_set_on_the_hub_is_read_by_the_same_code(monkeypatch):
    asked = []

    def load_dataset(name, split):
        asked.append((name, split))
        return Dataset.from_list(rows())

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    spec, mazes = external.read("owner/bench")
    assert asked == [("owner/bench", "test")]
    assert (spec.name, list(mazes)) == ("owner/bench", MAZES)


@pytest.fixture
def results(tmp_path, capsys):
    """Results of two agents on one file, and of one on another."""
    bench = write(tmp_path / "bench.parquet", rows())
    other = write(tmp_path / "other.parquet", rows()[::-1])
    paths = []
    for agent, suite in (("shortest-path", bench), ("greedy", bench), ("greedy", other)):
        paths.append(tmp_path / f"{agent}-{len(paths)}.json")
        main(["--agent", agent, "--suite", suite, "--output", str(paths[-1])])
    return paths


def test_results_on_published_mazes_are_stored_compared_and_tabled(results, capsys):
    oracle, greedy, other = map(load_result, results)
    assert oracle.suite.mazes == 10
    assert oracle.suite.name.endswith("bench.parquet")
    assert list(oracle.summary.levels) == ["Easy", "Medium", "Hard"]
    assert oracle.summary.solved_rate == 1.0
    assert path_scores(oracle) == [1.0] * 10
    assert comparison.compare(oracle, greedy).difference == pytest.approx(1 - greedy.summary.solved_rate)
    assert comparison.compare(oracle, greedy, "spl").difference == pytest.approx(1 - greedy.summary.spl)
    with pytest.raises(InvalidResult, match="same mazes"):
        comparison.compare(oracle, other)
    made = table.table([oracle, greedy])
    assert f"{suite_title(oracle.suite.name)}** (10 mazes, plan track, greedy decoding)" in made
    assert made.count("| `") == 2
    with pytest.raises(InvalidResult, match=r"Expects results on .*bench\.parquet"):
        table.table([oracle, replace(greedy, suite=replace(greedy.suite, sha256="0"))])


def test_a_result_on_mazes_that_have_changed_since_has_no_path_scores(results):
    result = load_result(results[0])
    changed = replace(result, suite=replace(result.suite, sha256="0"))
    with pytest.raises(InvalidResult, match="as it was measured, sha256 0, actual: "):
        path_scores(changed)
