"""AlphaMaze's reset traces in their published wording (menloresearch/visual-thinker, synthetic_reset_maze.py)."""

import pytest

from maze_env import traces
from maze_env.maze import Maze
from maze_env.moves import Move
from maze_env.traces.errors import FalseDeadEnd, InvalidTrace

# From the origin: left into a dead end, down the wrong way, right to the target.
MAZE = Maze.from_ascii("""
    +---+---+---+
    |     O   X |
    +---+   +---+
    |           |
    +---+---+---+
""")
STEP = """\
Step 1: Go {0}
<|0-0|><|up_down_left_wall|><|blank|><|0-1|><|up_wall|><|{0}|><|0-2|><|up_down_right_wall|><|target|>
<|1-0|><|up_down_left_wall|><|blank|><|1-1|><|down_wall|><|blank|><|1-2|><|up_down_right_wall|><|blank|>
"""
DEAD_ENDS = ["Hit a dead end.", "Hit a dead end. Let's reset to the original point and find another way."]
WRONG_WAYS = [
    "Heading in the wrong direction.",
    "Heading in the wrong direction. Let's reset to the origin and try a different path.",
]


def validate(*attempts):
    """Validates wrong attempts, each a direction and what follows its drawing, and then the right one."""
    given_up = "".join(STEP.format(direction) + between for direction, between in attempts)
    trace = given_up + STEP.format("right").removesuffix("\n")
    traces.validate("retry-redraw", MAZE, traces.wrap(trace, [Move.RIGHT]))


@pytest.mark.parametrize("blank_line", ["", "\n"])
@pytest.mark.parametrize("sentence", [*DEAD_ENDS, *WRONG_WAYS, "This is a dead end.", "This leads the wrong way."])
def test_each_sentence_that_is_true_is_valid_with_and_without_a_blank_line_before_it(sentence, blank_line):
    # Once only this package's own two sentences and blank line were known: no published trace could be valid.
    validate(("left", f"{blank_line}{sentence}\nRESET\n"))


def test_an_attempt_may_follow_another():
    validate(("down", f"{WRONG_WAYS[0]}\nRESET\n"), ("left", f"{DEAD_ENDS[0]}\nRESET\n"))


@pytest.mark.parametrize("sentence", [*DEAD_ENDS, "This is a dead end."])
def test_a_dead_end_that_is_none_is_untrue_though_the_way_is_wrong(sentence):
    # The published generator says so of every cell with any number of walls but three.
    for other in WRONG_WAYS:
        validate(("down", f"{other}\nRESET\n"))
    with pytest.raises(FalseDeadEnd, match=r"Expects a true reason to give up attempt 1 in \(1, 1\)"):
        validate(("down", f"{sentence}\nRESET\n"))


@pytest.mark.parametrize("between", ["RESET\n", "Hit a dead end\nRESET\n", "\n\nHit a dead end.\nRESET\n", "\nRESET\n"])
def test_a_reset_without_one_of_the_sentences_is_refused(between):
    with pytest.raises(InvalidTrace):
        validate(("left", between))


def test_an_attempt_that_has_arrived_is_not_given_up():
    for sentence in (*DEAD_ENDS, *WRONG_WAYS):
        with pytest.raises(FalseDeadEnd):
            validate(("right", f"{sentence}\nRESET\n"))
