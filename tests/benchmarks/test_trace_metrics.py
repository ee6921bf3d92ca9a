"""What a completion's reasoning is worth: replayed, not guessed."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_env import traces
from maze_env.answers import moves_to_text
from maze_env.attempt import Reply
from maze_env.moves import Move
from maze_env.phrasings import transpose
from maze_env.solving import distances_to, shortest_path
from maze_env.tokens import maze_from_text
from maze_env.traces import redraw
from tests import tiny
from tests.maze_env.golden import EXAMPLE_TEXT
from tokenmaze.agents.base import Agent
from tokenmaze.agents.rollout import rollout
from tokenmaze.benchmarks.figures import Reasoning
from tokenmaze.benchmarks.trace_metrics import NO_TRACE, is_wrong_turn, reasoning_figures, style_written, trace_of

MAZE = maze_from_text(EXAMPLE_TEXT)  # its origin has a wrong way out: up
DISTANCES = distances_to(MAZE.walls, MAZE.target)
FAMILIES = {"retry-dead-end": "retry"}


def completion(style, key=0, maze=MAZE):
    return traces.write(style, maze, key)


@pytest.mark.parametrize("style", [name for name in traces.TRACE_STYLES if name != "direct"])
def test_training_data_is_valid_and_its_answers_follow(style):
    for key in range(30):
        reasoning = trace_of(MAZE, completion(style, key))
        assert reasoning.style == FAMILIES.get(style, style)
        assert (reasoning.fault, reasoning.kind, reasoning.follows) == ("", "", True)
        assert list(reasoning.attempts[-1]) == shortest_path(MAZE)
        assert reasoning.wrong == (True,) * (len(reasoning.attempts) - 1) + (False,)
        assert reasoning.repeats == 0
        assert ("retry" in style) == (len(reasoning.attempts) > 1)


def test_an_answer_alone_has_no_reasoning():
    assert trace_of(MAZE, completion("direct")).style == NO_TRACE
    assert trace_of(MAZE, moves_to_text(shortest_path(MAZE))).style == NO_TRACE
    assert trace_of(MAZE, "<think>I think it is left.</think><|left|>").style == NO_TRACE
    assert style_written("") == NO_TRACE


@pytest.mark.parametrize(
    ("style", "old", "new", "kind", "fault"),
    [
        ("path", "<|up_left_wall|>", "<|up_wall|>", "drawing", "Expects <|up_left_wall|> for <|3-1|> in step 1"),
        ("path", "<|4-1|>", "<|4-2|>", "step", "Expects step 2 in <|4-1|>"),
        ("path", "<|down|>", "<|left|>", "step", "Expects a possible move in step 1"),
        ("path", "<|3-1|>", "<|0-0|>", "start", "Expects step 1 in <|3-1|>, actual: <|0-0|>"),
        ("path", "<|target|>", "<|blank|>", "arrival", "Expects the trace to end with <|2-4|><|target|>"),
        ("path", "<|2-4|><|target|>", "", "form", "Expects three tokens for each step, actual: 46 tokens"),
        ("path", "<|up|><|2-0|><|up_left_wall|><|right|>", "<|up|>", "step", "Expects step 5 in <|2-0|>"),
        ("path", "<|down|>", "<|down|>so", "form", "Expects nothing but maze tokens"),
        ("redraw", "<|4-4|><|down_right_wall|>", "<|4-4|><|right_wall|>", "drawing", "actual: another drawing"),
        ("redraw", "Go down", "Go left", "drawing", "Expects step 1 to redraw the maze with <|left|> in <|3-1|>"),
        ("redraw", "Step 1", "Step 2", "form", "Expects 'Step 1: Go up|down|left|right', actual: 'Step 2: Go down'"),
        ("search", "<|up_left_wall|>", "<|up_wall|>", "drawing", "Expects <|up_left_wall|> for <|3-1|> in step 1"),
        ("search", "<|down|>", "<|right|>", "step", "Expects step 2 in <|3-2|>, actual"),  # possible, and not made
        ("search", "<|down|>", "<|left|>", "step", "Expects a possible move in step 1"),  # a wall
        ("search", "<|down|>", "BACK", "dead_end", "Expects a move on from <|3-1|> in step 1, actual: BACK"),
        ("search", "<|3-1|>", "<|0-0|>", "start", "Expects step 1 in <|3-1|>, actual: <|0-0|>"),
        ("search", "<|4-1|>", "<|0-0|>", "step", "Expects step 2 in <|4-1|>, actual: <|0-0|>"),
        ("search", "<|4-1|>", "<|4-1|><|target|>", "arrival", "Expects <|target|> on <|2-4|>"),
        ("search", "<|2-4|>\n</think>", "\n</think>", "arrival", "Expects the walk to end with <|2-4|>"),
        ("pointers", "<|down_right_wall|>", "<|no_wall|>", "drawing", "Expects <|down_right_wall|> for <|2-4|>"),
        ("pointers", "<|target|>", "<|blank|>", "drawing", "Expects <|target|> for <|2-4|> in step 1"),
        ("path", "\n</think>", "", "form", "Expects nothing but maze tokens"),
    ],
)
def test_what_is_untrue_is_named_and_nothing_follows_from_it(style, old, new, kind, fault):
    text = completion(style)
    assert old in text
    reasoning = trace_of(MAZE, text.replace(old, new, 1))
    assert reasoning.style == style
    assert reasoning.kind == kind
    assert fault in reasoning.fault
    assert not reasoning.follows


STRAIGHT = completion("path").removeprefix("<think>\n").partition("\n</think>")[0]
FIRST_STEP = "<|3-1|><|up_left_wall|><|down|>"
ASIDE = "<|3-1|><|up_left_wall|><|right|><|3-2|><|up_right_wall|>RESET\n"


@pytest.mark.parametrize(
    ("trace", "kind"),
    [
        (ASIDE + STRAIGHT, ""),
        (ASIDE + STRAIGHT.removeprefix(FIRST_STEP), "start"),
        (ASIDE.replace("<|3-2|>", "<|3-3|>") + STRAIGHT, "step"),
        (ASIDE.replace("<|up_right_wall|>", "<|up_wall|>") + STRAIGHT, "drawing"),
        (f"{FIRST_STEP}<|4-1|><|down_right_wall|>RESET\n{STRAIGHT}", "dead_end"),  # it was on its way
        (f"{STRAIGHT.removesuffix('<|target|>')}<|down_right_wall|>RESET\n{STRAIGHT}", "dead_end"),  # it had arrived
        (f"RESET\n{STRAIGHT}", "form"),
    ],
)
def test_a_reset_has_a_true_reason_and_returns_to_the_origin(trace, kind):
    assert STRAIGHT.startswith(FIRST_STEP)
    reasoning = trace_of(MAZE, traces.wrap(trace, shortest_path(MAZE)))
    assert (reasoning.style, reasoning.kind) == ("retry", kind)


@pytest.mark.parametrize(
    ("reason", "steps", "kind"),
    [
        ("Heading in the wrong direction.", [((3, 1), Move.DOWN), ((4, 1), Move.LEFT)], "arrival"),  # as published
        ("Hit a dead end.", [((3, 1), Move.DOWN), ((4, 1), Move.LEFT)], "dead_end"),
        ("This leads the wrong way.", [((3, 1), Move.DOWN), ((4, 1), Move.LEFT)], "arrival"),  # true as far as it goes
        ("This is a dead end.", [((3, 1), Move.DOWN)], "dead_end"),
        ("I am lost.", [((3, 1), Move.DOWN)], "form"),
        ("This leads the wrong way.", [((3, 2), Move.DOWN)], "start"),
        ("This leads the wrong way.", [((3, 1), Move.DOWN), ((0, 0), Move.RIGHT)], "step"),
        ("This leads the wrong way.", [((3, 1), Move.LEFT)], "step"),
    ],
)
def test_a_redrawn_attempt_begins_at_the_origin_and_goes_along_edges(reason, steps, kind):
    redrawn = "\n".join(redraw.step_text(MAZE, number, *step) for number, step in enumerate(steps, start=1))
    trace = f"{redraw.steps_text(MAZE, [Move.RIGHT])}\n\n{reason}\nRESET\n{redrawn}".removesuffix("\n")
    reasoning = trace_of(MAZE, traces.wrap(trace, shortest_path(MAZE)))
    assert (reasoning.style, reasoning.kind) == ("retry-redraw", kind)


def test_the_ways_of_a_search_are_those_to_its_dead_ends():
    # From (2, 1) it goes up first, all the way round to the corner (0, 4), and back; then left, which is right.
    maze = MAZE.with_endpoints((2, 1), (4, 0))
    reasoning = trace_of(maze, completion("search", 0, maze))
    wrong, right = ("".join(move.name[0] for move in attempt) for attempt in reasoning.attempts)
    assert (wrong, right) == ("ULURRRDLDRRUU", "LDD")
    assert (reasoning.wrong, reasoning.kind) == ((True, False), "")
    not_back = completion("search", 0, maze).replace("BACK", "<|down|>", 1)
    assert trace_of(maze, not_back).kind == "step"  # it goes where it came from; the next BACK then leads elsewhere


def test_a_search_in_another_order_is_as_valid_as_the_one_that_is_taught():
    # From (2, 1) left first, which is right, where the taught order goes up first.
    maze = MAZE.with_endpoints((2, 1), (4, 0))
    way = "<|2-1|><|down_right_wall|><|left|><|2-0|><|up_left_wall|><|down|><|3-0|><|left_right_wall|><|down|>"
    trace = f"{way}<|4-0|><|target|>\nPATH\n<|2-1|><|left|><|2-0|><|down|><|3-0|><|down|><|4-0|>"
    reasoning = trace_of(maze, traces.wrap(trace, shortest_path(maze)))
    assert (reasoning.style, reasoning.fault, reasoning.follows, reasoning.wrong) == ("search", "", True, (False,))


def test_an_answer_that_is_another_way_does_not_follow():
    text = completion("path")
    reasoning = trace_of(MAZE, text.partition("</think>")[0] + "</think>\n\n<|down|>")
    assert (reasoning.fault, reasoning.follows) == ("", False)


def test_wrong_turns_and_repeated_attempts_are_counted():
    assert is_wrong_turn(MAZE, [Move.UP], DISTANCES) is True  # a wall
    assert is_wrong_turn(MAZE, shortest_path(MAZE), DISTANCES) is False
    assert is_wrong_turn(MAZE, shortest_path(MAZE)[:3], DISTANCES) is False
    assert is_wrong_turn(MAZE, [*shortest_path(MAZE)[:3], shortest_path(MAZE)[2].opposite], DISTANCES) is True
    assert is_wrong_turn(MAZE, [Move.RIGHT, Move.LEFT, *shortest_path(MAZE)], DISTANCES) is False  # it arrives
    text = next(text for key in range(50) if (text := completion("retry", key)).count("RESET") == 1)
    attempt = text.removeprefix("<think>\n").partition("RESET\n")[0] + "RESET\n"
    twice = text.replace(attempt, attempt * 2, 1)
    reasoning = trace_of(MAZE, twice)
    assert (reasoning.wrong, reasoning.repeats, reasoning.fault) == ((True, True, False), 1, "")


class Writer(Agent):
    """Writes what it is told to, maze by maze."""

    name, mode, modes = "writer", "plan", ("plan",)

    def __init__(self, texts, thinking_opened=False):
        self.replies = [Reply(text, thinking_opened=thinking_opened) for text in texts]

    def act(self, observations):
        return self.replies


def test_the_figures_of_a_run():
    straight, wrong_answer = completion("path"), traces.wrap(STRAIGHT, [Move.DOWN])
    repaired = traces.wrap(ASIDE * 2 + STRAIGHT, shortest_path(MAZE))
    false_walls = straight.replace("<|up_left_wall|>", "<|up_wall|>", 1)
    given_up = traces.wrap(ASIDE.removesuffix("RESET\n"), [Move.DOWN])
    texts = [straight, wrong_answer, repaired, false_walls, given_up, "<|down|>"]
    records = rollout(Writer(texts), [MAZE] * 6, range(6))
    figures = reasoning_figures(records)
    assert replace(figures, by_style={}) == Reasoning(
        completions=5,
        validity=3 / 5,
        faults={"drawing": 1, "arrival": 1},
        consistency=2 / 5,
        correct_despite_trace=1 / 5,  # the walls were false, the answer right
        wrong_turn_rate=2 / 5,
        backtracking_rate=2 / 3,
        recovery_rate=1 / 2,
        repetition_rate=1 / 5,
        by_style={},
    )
    assert figures.styles == {"path": 4, "retry": 1}
    path, retry = figures.by_style["path"], figures.by_style["retry"]
    assert path.faults == {"drawing": 1, "arrival": 1}
    assert (path.backtracking_rate, path.recovery_rate) == (0.0, 0.0)
    assert (retry.validity, retry.backtracking_rate, retry.recovery_rate) == (1.0, 1.0, 1.0)
    assert reasoning_figures(records[5:]) is None


def test_thinking_that_the_prompt_opened_and_nobody_closed_is_read():
    agent = Writer([STRAIGHT], thinking_opened=True)
    figures = reasoning_figures(rollout(agent, [MAZE], [0]))
    assert (figures.completions, figures.validity, figures.faults) == (1, 0.0, {"unclosed": 1})


def test_a_trace_is_read_in_the_tokens_of_its_phrasing():
    text = transpose(completion("path"))
    figures = reasoning_figures(rollout(Writer([text]), [MAZE], [0], phrasing="transposed"))
    assert (figures.validity, figures.consistency) == (1.0, 1.0)
    assert reasoning_figures(rollout(Writer([text]), [MAZE], [0])).validity == 0.0


@settings(max_examples=300, deadline=None)
@given(style=st.sampled_from(sorted(traces.TRACE_STYLES)), key=st.integers(0, 20), seed=st.integers(0, 2**32))
def test_whatever_a_model_writes_is_read_without_an_error(style, key, seed):
    random = Random(seed)
    maze = tiny.mazes(1, 3, 4)[0]
    text = list(completion(style, key, maze))
    for _ in range(random.randint(1, 6)):
        start = random.randrange(len(text))
        cut = text[start : start + random.randint(1, 60)]
        place = random.randrange(len(text))
        text[place : place + random.choice([0, len(cut)])] = cut
    reasoning = trace_of(maze, "".join(text))
    assert reasoning.follows <= (not reasoning.fault)
    assert bool(reasoning.kind) == bool(reasoning.fault)
