"""The pieces of a text in the replay: where the reasoning is, and which piece of it is invalid."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_env import traces
from maze_env.maze import Maze
from maze_env.moves import MOVES
from maze_env.verifier import verify
from tests.tiny import ROOT
from tokenmaze.benchmarks.record import load as load_result
from tokenmaze.benchmarks.report import trace_replay
from tokenmaze.benchmarks.suites import load
from tokenmaze.benchmarks.trace_metrics import trace_of

STYLES = ("path", "pointers", "redraw", "retry", "retry-dead-end", "retry-redraw", "search")


def text_of(pieces):
    return "".join(piece if isinstance(piece, str) else piece[0] for piece in pieces)


@pytest.mark.parametrize("style", STYLES)
def test_pieces_follow_a_valid_trace_to_the_target(style):
    for index, maze in enumerate(load("mazebench-100").mazes):
        text = traces.write(style, maze, index)
        moves = verify(maze, text).answer.moves
        pieces = trace_replay.plan_pieces(maze, text, False, len(moves))
        assert text_of(pieces) == text
        reasoned = [piece for piece in pieces if isinstance(piece, list) and len(piece) > 1]
        assert [piece[0] for piece in pieces if isinstance(piece, list) and len(piece) == 1] == [m.token for m in moves]
        assert not [piece for piece in reasoned if "invalid" in piece]
        assert reasoned[-1][1] == maze.target[0] * maze.cols + maze.target[1]
        begins = [place for place, piece in enumerate(reasoned) if "begin" in piece]
        assert begins == ([0] if style == "pointers" else [])  # what explores from the target is drawn from there
        first = maze.target if begins else maze.origin
        assert reasoned[0][1] == first[0] * maze.cols + first[1] or style == "redraw" or style == "retry-redraw"
        restarts = text.count("RESET") + text.count("PATH")
        assert sum("restart" in piece for piece in reasoned) == restarts
        for before, after in pairwise(reasoned):  # reasoning goes from cell to cell, unless it begins again
            far = abs(before[1] // maze.cols - after[1] // maze.cols) + abs(
                before[1] % maze.cols - after[1] % maze.cols
            )
            assert far <= 1 or after[2:] == ["restart"]


def test_the_piece_that_is_invalid_is_marked_and_no_other():
    maze = load("mazebench-100").mazes[1]
    text = traces.write("path", maze, 0)
    walls = re.findall(r"<\|[a-z_]+_wall\|>", text)[1]
    lie = "<|no_wall|>" if walls != "<|no_wall|>" else "<|all_wall|>"
    before, _, after = text.partition(walls)
    pieces = trace_replay.plan_pieces(maze, before + lie + after, False, 4)
    assert [piece[0] for piece in pieces if "invalid" in piece[2:]] == [lie]
    closed = next(move for move in MOVES if not maze.is_open(maze.origin, move))
    name = f"<|{maze.origin[0]}-{maze.origin[1]}|>"
    pieces = trace_replay.trace_pieces(maze, f"{name}{closed.token}<|9-9|>BACKBACK")
    assert [piece[2:] == ["invalid"] for piece in pieces][:3] == [False, True, True]
    drawn = traces.write("redraw", maze, 0).replace("<|blank|>", "<|target|>", 1)
    pieces = trace_replay.plan_pieces(maze, drawn, False, 4)
    assert ["invalid" in piece[2:] for piece in pieces if isinstance(piece, list)][:4] == [False, True, False, False]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *("<think>", "</think>", "RESET", "BACK", "PATH", "Step 1: Go up\n", "Step 2: Go ahead\n", "\n"),
                *(
                    "<|up|>",
                    "<|left|>",
                    "<|0-0|>",
                    "<|63-99|>",
                    "<|no_wall|>",
                    "<|target|>",
                    "<|unseen|>",
                    "<|odd|>",
                    "x",
                ),
            ]
        )
    ).map("".join),
    st.integers(0, 3),
)
def test_any_text_is_taken_apart_without_loss(text, executed):
    maze = load("mazebench-100").mazes[0]
    pieces = trace_replay.plan_pieces(maze, text, False, executed)
    assert text_of(pieces) == text
    assert all(0 <= piece[1] < 25 for piece in pieces if isinstance(piece, list) and len(piece) > 1)


# From the origin: left into a dead end, down the wrong way, right to the target.
FORK = Maze.from_ascii("""
    +---+---+---+
    |     O   X |
    +---+   +---+
    |           |
    +---+---+---+
""")
HERE, NOOK, BELOW = "<|0-1|><|up_wall|>", "<|0-0|><|up_down_left_wall|>", "<|1-1|><|down_wall|>"
CORNER, OTHER = "<|1-0|><|up_down_left_wall|>", "<|1-2|><|up_down_right_wall|>"
RIGHT = f"{HERE}<|right|><|0-2|><|target|>"
WALK = "\nPATH\n<|0-1|><|right|><|0-2|>"
PUBLISHED = "Hit a dead end. Let's reset to the original point and find another way."
DRAWN = """\
<|0-0|><|up_down_left_wall|><|blank|><|0-1|><|up_wall|><|{0}|><|0-2|><|up_down_right_wall|><|target|>
<|1-0|><|up_down_left_wall|><|blank|><|1-1|><|down_wall|><|blank|><|1-2|><|up_down_right_wall|><|blank|>
"""


def invalid(trace, maze=FORK):
    """The texts of the pieces that are invalid."""
    pieces = trace_replay.trace_pieces(maze, trace)
    assert text_of(pieces) == trace
    return [piece[0] for piece in pieces if isinstance(piece, list) and "invalid" in piece[2:]]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<|1-0|><|up_down_left_wall|>", "<|0-0|><|up_down_left_wall|>"),  # no neighbour of the cell before
        ("<|down_wall|><|blank|>", "<|down_wall|><|origin|>"),
        ("<|up_wall|>", "<|no_wall|>"),
        ("<|1-1|><|up|>", "<|1-1|><|down|>"),  # through a wall
        ("PATH\n<|0-1|>", "PATH\n<|0-2|>"),
    ],
)
def test_what_a_trace_of_pointers_says_against_the_maze_is_invalid(old, new):
    trace = (
        "<|0-2|><|up_down_right_wall|><|target|><|target|><|left|><|0-1|><|up_wall|><|origin|><|right|>"
        "\nPATH\n<|0-1|><|right|><|0-2|><|target|>"
    )
    below = (
        "<|0-2|><|up_down_right_wall|><|target|><|target|><|left|><|0-1|><|up_wall|><|blank|><|right|><|left|><|down|>"
        "<|1-1|><|down_wall|><|blank|><|up|><|right|><|left|><|1-0|><|up_down_left_wall|><|blank|><|right|><|1-1|>"
        "<|right|><|1-2|><|up_down_right_wall|><|blank|><|left|><|1-1|><|up|><|0-1|><|left|><|0-0|>"
        "<|up_down_left_wall|><|origin|><|right|>\nPATH\n<|0-0|><|right|><|0-1|><|right|><|0-2|><|target|>"
    )
    maze, trace = (FORK, trace) if old in trace else (Maze(FORK.walls, (0, 0), FORK.target), below)
    assert invalid(trace, maze) == []
    changed = trace.replace(old, new, 1)
    assert changed != trace
    assert trace_of(maze, traces.wrap(changed, [MOVES[3]])).fault
    assert invalid(changed, maze)


@pytest.mark.parametrize(
    ("trace", "marked"),
    [
        (f"{HERE}<|left|>{NOOK}RESET\n{RIGHT}", []),
        (f"{HERE}<|down|>{BELOW}RESET\n{RIGHT}", []),  # no dead end, and the wrong way
        (f"{HERE}<|right|><|0-2|><|up_down_right_wall|>RESET\n{RIGHT}", ["RESET"]),  # it had arrived
        (f"{HERE}RESET\n{RIGHT}", ["RESET"]),  # nothing was tried
        (f"{HERE}<|left|>{NOOK}RESET\n{HERE}RESET\n{RIGHT}", ["RESET"]),  # the second alone
        (f"{HERE}<|left|>{NOOK}BACK{RIGHT}{WALK}", []),
        (f"{HERE}<|down|>{BELOW}BACK{RIGHT}{WALK}", ["BACK"]),
        (f"{HERE}<|down|>{BELOW}<|left|>{CORNER}BACK{BELOW}BACK{RIGHT}{WALK}", ["BACK"]),  # the second: one way is left
        (f"{HERE}<|down|>{BELOW}<|left|>{CORNER}BACK{BELOW}<|right|>{OTHER}BACK{BELOW}BACK{RIGHT}{WALK}", []),
        (f"{HERE}BACK{RIGHT}{WALK}", ["BACK"]),
        (f"{HERE}<|left|>{NOOK}{WALK}", ["PATH", "<|right|>"]),  # not on the target, which it never saw
        (f"{RIGHT}\nPATH\n<|0-1|><|left|><|0-0|>", ["<|left|>"]),
    ],
)
def test_turning_back_without_a_reason_is_invalid(trace, marked):
    # A past fault: of these, BACK at the origin alone was marked.
    assert invalid(trace) == marked
    fault = trace_of(FORK, traces.wrap(trace, [MOVES[3]])).fault
    assert bool(fault) == bool(marked)


def test_a_reset_begins_again_even_where_it_is_invalid():
    pieces = trace_replay.trace_pieces(FORK, f"{HERE}<|left|>{NOOK}RESET\n{HERE}RESET\n{RIGHT}")
    assert [piece for piece in pieces if piece[0] == "RESET"] == [
        ["RESET", 1, "restart"],
        ["RESET", 1, "restart", "invalid"],
    ]


@pytest.mark.parametrize(
    ("direction", "sentence", "marked"),
    [
        ("left", "This is a dead end.", []),
        ("left", "This leads the wrong way.", []),
        ("down", "This is a dead end.", ["This is a dead end."]),
        ("down", PUBLISHED, [PUBLISHED]),
        ("down", "Heading in the wrong direction.", []),
        ("right", "Heading in the wrong direction.", ["Heading in the wrong direction.", "RESET"]),
    ],
)
def test_a_sentence_that_gives_a_false_reason_is_invalid(direction, sentence, marked):
    steps = [f"Step 1: Go {word}\n{DRAWN.format(word)}" for word in (direction, "right")]
    assert invalid(f"{steps[0]}\n{sentence}\nRESET\n{steps[1]}") == marked


def test_every_faulty_trace_of_the_example_has_a_mark_and_no_other():
    result = load_result(ROOT / "benchmarks" / "results" / "example" / "retry.json")
    mazes = load(result.suite.name).mazes
    faulty = 0
    for attempt in result.attempts:
        maze, text = mazes[attempt.maze], attempt.texts[0]
        pieces = trace_replay.plan_pieces(maze, text, attempt.thinking_opened, len(attempt.moves))
        fault = trace_of(maze, text).fault
        assert any("invalid" in piece[2:] for piece in pieces if isinstance(piece, list)) == bool(fault)
        faulty += bool(fault)
    assert faulty == 16
