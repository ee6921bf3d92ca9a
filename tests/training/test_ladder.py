"""The curriculum that follows measured success: its shares, its rows, and that a resumed run goes on with it."""

import json
import math
import shutil
from collections import Counter
from types import SimpleNamespace

import pytest

from maze_env.errors import InvalidConfig
from maze_env.placement import read_placed
from tests.training import runs
from tokenmaze.agents.prompts import conversation
from tokenmaze.training.ladder import FLOOR, MEMORY, STATE, Ladder
from tokenmaze.training.mazes import DataConfig, training_texts

DATA = DataConfig(examples=300, sizes={"2x2": 1, "3x3": 1, "4x4": 2}, maze_seed=5)


def observed(ladder, kind, solved, attempts):
    """The log of attempts at one kind, of which ``solved`` succeed."""
    logged = {}
    results = [SimpleNamespace(solved=number < solved) for number in range(attempts)]
    ladder.observe(results, {"kind": [kind] * attempts}, logged.__setitem__)
    return logged


def test_the_shares_are_those_of_the_equation():
    ladder = Ladder(DATA)
    assert ladder.names == ["2x2", "3x3", "4x4"]
    assert ladder.shares == pytest.approx([0.25, 0.25, 0.5])  # the configuration's, before anything is known
    ladder.rates = [1.0, 0.5, 0.0]
    weights = [0.25 * FLOOR, 0.25 * (0.25 + FLOOR), 0.5 * FLOOR]
    assert ladder.shares == pytest.approx([weight / sum(weights) for weight in weights])
    assert ladder.shares[1] > 0.89


def test_a_rate_is_an_exponential_mean_over_the_attempts_of_its_kind():
    ladder = Ladder(DATA)
    logged = observed(ladder, 1, solved=60, attempts=80)
    kept = math.exp(-80 / MEMORY)
    assert ladder.rates == pytest.approx([0.5, kept * 0.5 + (1 - kept) * 0.75, 0.5])
    expected = {f"ladder/solved/{name}": rate for name, rate in zip(ladder.names, ladder.rates, strict=True)}
    expected |= {"ladder/share/2x2": 0.25, "ladder/share/3x3": 0.25, "ladder/share/4x4": 0.5}  # of what was attempted
    assert logged == pytest.approx(expected)
    for _ in range(20):
        observed(ladder, 0, solved=400, attempts=400)
    assert ladder.rates[0] > 0.99
    assert ladder.shares[0] < 0.03


def test_it_moves_on_from_what_is_solved():
    # A model that solves 2x2, learns 3x3 as it is shown it, and 4x4 once it solves 3x3.
    ladder, skill, history = Ladder(DATA), [1.0, 0.0, 0.0], []
    for _ in range(26):
        history.append(ladder.shares)
        skill[1] = min(1.0, skill[1] + ladder.shares[1] / 10)
        skill[2] = min(1.0, skill[2] + ladder.shares[2] / 10 * skill[1])
        for kind in range(3):
            attempts = round(256 * ladder.shares[kind])
            observed(ladder, kind, round(skill[kind] * attempts), attempts)
    assert history[10][1] > 0.5  # a quarter at first
    assert history[15][0] < 0.1
    assert history[25][2] > 0.7


def test_a_row_is_a_function_of_seed_index_and_rates_and_has_a_maze_of_its_kind():
    one, other = Ladder(DATA), Ladder(DATA)
    rows = [one.fill(row) for row in one.rows()]
    assert rows == [other.fill(row) for row in reversed(list(other.rows()))][::-1]
    drawn = Counter(row["kind"] for row in rows)
    assert [drawn[kind] / 300 for kind in range(3)] == pytest.approx([0.25, 0.25, 0.5], abs=0.08)
    for index, row in enumerate(rows):
        size = one.names[row["kind"]]
        assert row["prompt"] == conversation(row["maze"])
        assert row["maze"] == one.texts[row["kind"]][index].text
        maze = read_placed(row["maze"]).maze
        assert f"{maze.rows}x{maze.cols}" == size
    assert one.texts[1] == training_texts(DataConfig(examples=300, sizes="3x3", maze_seed=5))
    one.rates = [1.0, 1.0, 0.5]
    moved = [one.fill(row) for row in one.rows()]
    assert all(row["kind"] == 2 for row, before in zip(moved, rows, strict=True) if before["kind"] == 2)
    assert sum(row["kind"] == 2 for row in moved) > 270


def test_kinds_are_named_by_what_differs():
    data = DataConfig(examples=1, sizes="3x3", generators={"dfs": 1, "wilson": 1}, braids={"0": 1, "0.5": 1})
    ladder = Ladder(data)
    assert ladder.names == ["dfs-braid-0", "dfs-braid-0.5", "wilson-braid-0", "wilson-braid-0.5"]
    assert len(ladder.names) == len(data.specs)
    with pytest.raises(InvalidConfig, match="Expects several sizes, generators or braids with curriculum success"):
        Ladder(DataConfig(examples=1))


CLIMB = {"curriculum": "success", "sizes": "{2x2: 1, 3x3: 1}", "examples": 24, "save_total_limit": 100}


@pytest.mark.parametrize("changes", [{}, {"steps_per_generation": 2, "save_steps": 2}], ids=str)
def test_a_resumed_run_goes_on_with_its_rates_and_ends_with_bitwise_the_same_weights(trained, tmp_path, changes):
    folder = tmp_path / "run"
    runs.train_grpo(folder, trained, **CLIMB, **changes)
    whole = runs.log_of(folder)
    steps = sorted(int(path.name.partition("-")[2]) for path in folder.glob("checkpoint-*"))
    shutil.copytree(folder, tmp_path / "finished")
    for step in steps[1:]:
        shutil.rmtree(folder / f"checkpoint-{step}")
    rates = json.loads((folder / f"checkpoint-{steps[0]}" / STATE).read_text())
    entry = next(entry for entry in whole if entry["step"] == steps[0])
    assert rates[0] != 0.5
    if not changes:
        assert rates == pytest.approx([entry["ladder/solved/2x2"], entry["ladder/solved/3x3"]])  # as float32
        assert entry["ladder/share/2x2"] + entry["ladder/share/3x3"] == pytest.approx(1)
    runs.train_grpo(folder, trained, **CLIMB, **changes, resume=True)
    assert runs.same_weights(folder, tmp_path / "finished")
    assert runs.timeless(runs.log_of(folder)) == runs.timeless(whole)


def test_a_checkpoint_whose_rates_are_damaged_is_none(trained, tmp_path):
    folder = tmp_path / "run"
    runs.train_grpo(folder, trained, **CLIMB)
    names = json.loads((folder / "checkpoint-3" / "manifest.json").read_text())["files"]
    assert STATE in names


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"curriculum": "success", "filter_samples": 2}, "Expects filter_samples 0 with curriculum success"),
        ({"curriculum": "success", "mode": "play"}, "only with mode plan, actual: mode play"),
        ({"curriculum": "size"}, "Expects curriculum 'length', 'success' or none, actual: 'size'"),
    ],
)
def test_what_does_not_go_with_it_is_refused(trained, tmp_path, keys, said):
    with pytest.raises(InvalidConfig, match=said):
        runs.train_grpo(tmp_path / "run", trained, **keys)
