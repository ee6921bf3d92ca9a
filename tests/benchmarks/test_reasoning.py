"""What a completion's reasoning is worth: replayed, not guessed."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.base import Agent
from agents.episodes import run_episodes
from benchmarks.reasoning import NO_TRACE, is_wrong_turn, reasoning_figures, reasoning_of, style_written
from maze_env import traces
from maze_env.moves import Move
from maze_env.phrasings import transpose
from maze_env.solving import shortest_path
from maze_env.tokens import maze_from_text, moves_to_text
from tests import tiny
from tests.maze_env.golden import EXAMPLE_TEXT

MAZE = maze_from_text(EXAMPLE_TEXT)  # its origin has a wrong way out: up
FAMILIES = {"retry-dead-end": "retry"}


def completion(style, key=0, maze=MAZE):
    return traces.write(style, maze, key)


@pytest.mark.parametrize("style", [name for name in traces.STYLES if name != "direct"])
def test_training_data_is_valid_and_its_answers_follow(style):
    for key in range(30):
        reasoning = reasoning_of(MAZE, completion(style, key))
        assert reasoning.style == FAMILIES.get(style, style)
        assert (reasoning.fault, reasoning.follows) == ("", True)
        assert list(reasoning.attempts[-1]) == shortest_path(MAZE)
        assert reasoning.wrong_turns == len(reasoning.attempts) - 1
        assert reasoning.repeats == 0
        assert ("retry" in style) == (len(reasoning.attempts) > 1)


def test_an_answer_alone_has_no_reasoning():
    assert reasoning_of(MAZE, completion("direct")).style == NO_TRACE
    assert reasoning_of(MAZE, moves_to_text(shortest_path(MAZE))).style == NO_TRACE
    assert reasoning_of(MAZE, "<think>I think it is left.</think><|left|>").style == NO_TRACE
    assert style_written("") == NO_TRACE


@pytest.mark.parametrize(
    ("style", "old", "new", "fault"),
    [
        ("path", "<|up_left_wall|>", "<|up_wall|>", "Expects <|up_left_wall|> for <|3-1|> in step 1"),
        ("path", "<|4-1|>", "<|4-2|>", "Expects step 2 in <|4-1|>"),
        ("redraw", "<|4-4|><|down_right_wall|>", "<|4-4|><|right_wall|>", "to redraw the maze"),
        ("search", "PATH\n", "PATH\n<|0-0|>", "of the exploration"),
        ("retry", "RESET\n", "", "Expects"),
        ("path", "\n</think>", "", ""),
    ],
)
def test_what_is_untrue_is_named_and_nothing_follows_from_it(style, old, new, fault):
    text = completion(style)
    assert old in text
    reasoning = reasoning_of(MAZE, text.replace(old, new, 1))
    if "</think>" in old:
        assert reasoning.style == "path"
        assert reasoning.fault
    assert fault in reasoning.fault
    assert not reasoning.follows


def test_an_answer_that_is_another_way_does_not_follow():
    text = completion("path")
    reasoning = reasoning_of(MAZE, text.partition("</think>")[0] + "</think>\n\n<|down|>")
    assert (reasoning.fault, reasoning.follows) == ("", False)


def test_wrong_turns_and_repeated_attempts_are_counted():
    assert is_wrong_turn(MAZE, [Move.UP]) is True  # a wall
    assert is_wrong_turn(MAZE, shortest_path(MAZE)) is False
    assert is_wrong_turn(MAZE, shortest_path(MAZE)[:3]) is False
    assert is_wrong_turn(MAZE, [*shortest_path(MAZE)[:3], shortest_path(MAZE)[2].opposite]) is True
    text = next(text for key in range(50) if (text := completion("retry", key)).count("RESET") == 1)
    attempt = text.removeprefix("<think>\n").partition("RESET\n")[0] + "RESET\n"
    twice = text.replace(attempt, attempt * 2, 1)
    reasoning = reasoning_of(MAZE, twice)
    assert (reasoning.wrong_turns, reasoning.repeats, reasoning.fault) == (2, 1, "")


class Writer(Agent):
    """Writes what it is told to, maze by maze."""

    name, mode, modes = "writer", "plan", ("plan",)

    def __init__(self, texts):
        self.texts = texts

    def reset(self, seeds):
        pass

    def act(self, observations):
        return self.texts


def test_the_figures_of_a_run():
    straight, wrong_answer = completion("path"), completion("path").partition("</think>")[0] + "</think>\n\n<|down|>"
    repaired = next(text for key in range(50) if (text := completion("retry", key)).count("RESET") == 1)
    false_walls = straight.replace("<|up_left_wall|>", "<|up_wall|>", 1)
    given_up = repaired.partition("RESET")[0] + "\n</think>\n\n<|down|>"
    texts = [straight, wrong_answer, repaired, false_walls, given_up, "<|down|>"]
    records = run_episodes(Writer(texts), [MAZE] * 6, range(6))
    figures = reasoning_figures(records)
    assert figures["completions"] == 5
    assert figures["styles"] == {"path": 4, "retry": 1}
    assert figures["valid"] == 3 / 5
    assert figures["follows"] == 2 / 5
    assert figures["in_spite"] == 1 / 5  # the walls were false, the answer right
    assert figures["wrong_turn"] == 2 / 5
    assert figures["noticed"] == 1 / 2
    assert figures["repaired"] == 1 / 2
    assert figures["repeats"] == 0
    assert reasoning_figures(records[5:]) is None


def test_a_trace_is_read_in_the_tokens_of_its_phrasing():
    text = transpose(completion("path"))
    figures = reasoning_figures(run_episodes(Writer([text]), [MAZE], [0], phrasing="transposed"))
    assert (figures["valid"], figures["follows"]) == (1.0, 1.0)
    assert reasoning_figures(run_episodes(Writer([text]), [MAZE], [0]))["valid"] == 0.0


@settings(max_examples=300, deadline=None)
@given(style=st.sampled_from(sorted(traces.STYLES)), key=st.integers(0, 20), seed=st.integers(0, 2**32))
def test_whatever_a_model_writes_is_read_without_an_error(style, key, seed):
    random = Random(seed)
    maze = tiny.mazes(1, 3, 4)[0]
    text = list(completion(style, key, maze))
    for _ in range(random.randint(1, 6)):
        start = random.randrange(len(text))
        cut = text[start : start + random.randint(1, 60)]
        place = random.randrange(len(text))
        text[place : place + random.choice([0, len(cut)])] = cut
    reasoning = reasoning_of(maze, "".join(text))
    assert reasoning.follows <= (not reasoning.fault)
