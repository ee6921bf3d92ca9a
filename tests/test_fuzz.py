"""A quick slice of ``make fuzz``, small mazes and answers by hypothesis, and that a fault would be found."""

import ast
import sys
from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_env.maze import Maze
from maze_env.phrasings import PHRASINGS
from maze_env.tokens import WALL_TOKENS
from maze_env.verifier import verify
from tests.fuzz import answers, configs, endpoint, kinds, mazes, real, reference, results, suites, traces, trial
from tests.fuzz.kinds import SHARES, Kind, Wrong
from tests.tiny import python


@pytest.mark.skipif(sys.platform != "linux", reason="the limits of memory and time are Linux's")
def test_two_thousand_inputs_of_all_kinds():
    done = python("-m", "tests.fuzz", "--inputs", 2000, "--jobs", 1, "--seed", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failures" in done.stdout
    assert all(f"\n{name}" in f"\n{done.stdout}" for name in SHARES)


def test_real_inputs_are_taken():
    for phrasing in PHRASINGS:
        assert {mazes.check((phrasing, text)) for text in mazes.texts(phrasing)[:20]} == {"taken"}
    for place in range(14):
        assert traces.check((place, *real.completions()[place][1:])) == "valid"
    assert {results.check(str.encode(results.json.dumps(raw))) for raw in results.files()} == {"read"}
    assert suites.check([{"Prompt": mazes.texts("standard")[1]}]) == "read"
    assert endpoint.check(str.encode(endpoint.json.dumps(endpoint.BODIES[0]))) == "read"
    assert {configs.check((text.encode(), [])) for text in configs.texts()} == {"taken"}


def test_the_model_shares_no_code_with_what_it_is_compared_with():
    tree = ast.parse(Path(reference.__file__).read_text(encoding="utf-8"))
    imported = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert imported == ["collections"]
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]


CELLS = ("<|0-0|>", "<|0-1|>", "<|1-0|>", "<|1-1|>")


def test_every_maze_of_2x2_is_taken_or_refused_as_by_the_model():
    taken = 0
    for bits in product(range(16), repeat=4):
        if sum(map(int.bit_count, bits)) % 2:  # half of them, the others differ in one side only
            continue
        text = "".join(map("".join, zip(CELLS, (WALL_TOKENS[one] for one in bits), ENDS, strict=True)))
        taken += mazes.check(("standard", text)) == "taken"
    assert taken == 2**4  # four sides between four cells


ENDS = ("<|origin|>", "<|blank|>", "<|target|>", "<|blank|>")


def test_markers_in_every_order():
    walls = [WALL_TOKENS[bits] for bits in (5, 9, 6, 10)]
    for ends in {*permutations(ENDS), *product(("<|blank|>", "<|origin|>", "<|target|>", "<|up|>"), repeat=4)}:
        mazes.check(("standard", "".join(map("".join, zip(CELLS, walls, ends, strict=True)))))


WORDS = st.sampled_from(
    [
        *(f"<|{side}|>" for side in reference.SIDES),
        " ",
        "\n",
        "</think>",
        "<think>",
        "<|unreachable|>",
        "<|",
        "x",
        "<|all|>",
    ]
)


@given(st.lists(WORDS, max_size=12).map("".join), st.integers(0, 30), st.booleans())
@settings(max_examples=400, deadline=None)
def test_answers_are_judged_as_by_the_model(text, number, opened):
    answers.check((number, text, opened))


@given(
    st.lists(st.sampled_from([*CELLS, "<|00-0|>", *WALL_TOKENS, *set(ENDS), "\n", "\u2003"]), max_size=14).map("".join)
)
@settings(max_examples=300, deadline=None)
def test_texts_are_read_as_by_the_model(text):
    mazes.check(("standard", text))
    mazes.check(("shuffled", text))


@pytest.mark.parametrize("gap", ["+-- +---+", "+-x-+---+", "x---+---+"])
def test_a_drawing_with_a_gap_is_refused(gap):
    drawing = Maze([[5, 9], [14, 14]], (0, 0), (1, 1)).to_ascii().replace("+---+---+", gap, 1)
    assert mazes.check(("ascii", drawing)) == "refused"


def test_a_reader_and_a_verifier_that_are_wrong_are_found(monkeypatch):
    lenient = replace(PHRASINGS["standard"], read=lambda text: PHRASINGS["terse"].read(text.replace("<|00-", "<|0-")))
    text = mazes.texts("standard")[0].replace("<|0-0|>", "<|00-0|>")
    assert mazes.check(("standard", text)) == "refused"
    monkeypatch.setitem(PHRASINGS, "standard", lenient)
    with pytest.raises(Wrong, match="by the model no maze"):
        mazes.check(("standard", text))
    monkeypatch.setattr(
        answers, "verify", lambda maze, text, *rule, **opened: verify(maze, text.strip("x"), *rule, **opened)
    )
    with pytest.raises(Wrong, match="by the model"):
        answers.check((0, "<|up|>x", False))


def test_a_crash_and_an_endless_loop_are_failures_that_tell_how_to_repeat_them(monkeypatch):
    def check(made):
        if made % 7 == 3:
            raise KeyError("gone")
        while made % 7 == 5:
            pass
        return "fine"

    monkeypatch.setattr(trial, "kind_named", lambda name: Kind(lambda rng: rng.randrange(1000), check))
    monkeypatch.setattr(trial, "limit", lambda: trial.signal.signal(trial.signal.SIGPROF, trial._stop))
    monkeypatch.setattr(trial, "SECONDS", 0.05)
    outcomes, _, failures = trial.run("mazes", 0, 0, 40)
    assert 0 < outcomes["FAILED"] < 40
    assert {failure.split(":")[1] for failure in failures} == {" KeyError", " TooSlow"}
    assert all("again: python -m tests.fuzz --kind mazes --seed 0 --first " in failure for failure in failures)


def test_each_kind_is_a_module():
    assert {name: kinds.kind_named(name) for name in SHARES}
    assert sum(SHARES.values()) == 1000
