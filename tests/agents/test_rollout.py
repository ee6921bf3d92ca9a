"""Records of episodes: complete and true in both modes."""

import pytest

from agents.base import Agent
from agents.rollout import Usage, rollout
from maze_env.attempt import End
from maze_env.dynamics import Outcome
from maze_env.errors import InvalidConfig
from maze_env.maze import Maze
from maze_env.moves import Move
from maze_env.phrasings import rename
from maze_env.tokens import maze_to_text
from tests import tiny
from tests.maze_env.golden import CUT_OFF_ASCII, EXAMPLE_ANSWER, EXAMPLE_ASCII, ROOM_ASCII

ROOM = Maze.from_ascii(ROOM_ASCII)  # 2x3 and open; origin (0, 0), target (0, 2)
EXAMPLE = Maze.from_ascii(EXAMPLE_ASCII)
UP, DOWN, LEFT, RIGHT = "<|up|>", "<|down|>", "<|left|>", "<|right|>"


class Script(Agent):
    """Says what it was told to: one list of texts for each episode, and remembers what it was shown."""

    name = "script"

    def __init__(self, mode, *scripts):
        self.mode, self.scripts, self.shown, self.seeds = mode, scripts, [], None

    def reset(self, seeds):
        self.turn, self.seeds = 0, list(seeds)

    def act(self, observations):
        self.shown.append(observations)
        self.turn += 1
        return [script[self.turn - 1] if text else "" for script, text in zip(self.scripts, observations, strict=True)]


def plan(answer, maze=ROOM):
    """The record of one answer."""
    return rollout(Script("plan", [answer]), [maze], [0])[0]


def play(moves, maze=ROOM, **options):
    """The record of one game."""
    return rollout(Script("play", moves), [maze], [0], **options)[0]


def test_a_solving_answer_is_recorded_completely():
    record = rollout(Script("plan", [EXAMPLE_ANSWER]), [EXAMPLE], [17])[0]
    assert record.maze is EXAMPLE
    assert record.seed == 17
    assert record.texts == (EXAMPLE_ANSWER,)
    assert "".join(move.token for move in record.moves) == EXAMPLE_ANSWER
    assert record.outcomes == (Outcome.MOVED,) * 16
    assert (record.cause, record.position) == (End.SOLVED, (2, 4))
    assert (record.start_distance, record.end_distance) == (16, 0)
    assert (record.tokens, record.truncated) == (None, False)
    assert record.solved
    assert record.legal
    assert not record.malformed


def test_a_maze_is_given_and_an_answer_read_in_the_phrasing():
    agent = Script("plan", ["<think>hm</think><|east|><|east|>"], [RIGHT + RIGHT])
    records = rollout(agent, [ROOM, ROOM], [0, 1], phrasing="renamed")
    assert agent.phrasing == "renamed"
    assert agent.shown == [[rename(maze_to_text(ROOM))] * 2]
    assert [record.cause for record in records] == ["solved", "stray_text"]
    assert records[0].texts == ("<think>hm</think><|east|><|east|>",)  # as it was written
    assert {record.phrasing for record in records} == {"renamed"}
    assert rollout(Script("plan", [RIGHT + RIGHT]), [ROOM], [0])[0].phrasing == "standard"


@pytest.mark.parametrize(("mode", "options"), [("play", {}), ("plan", {"view_radius": 1})])
def test_the_environment_and_fog_speak_the_standard_phrasing(mode, options):
    with pytest.raises(InvalidConfig, match="Expects phrasing 'standard' in play and in fog, actual: 'ascii'"):
        rollout(Script(mode, [RIGHT]), [ROOM], [0], phrasing="ascii", **options)


@pytest.mark.parametrize(
    ("answer", "cause", "outcomes", "position", "end_distance"),
    [
        (RIGHT, "short_of_target", ["moved"], (0, 1), 1),
        (DOWN + DOWN + UP, "left_grid", ["moved", "left_grid"], (1, 0), 3),
        (RIGHT * 3, "past_target", ["moved", "moved"], (0, 2), 0),
        (f"<think>so</think>{RIGHT} {RIGHT}", "solved", ["moved", "moved"], (0, 2), 0),
        (f"<think>{RIGHT}{RIGHT}", "unclosed_thinking", [], (0, 0), 2),
        (f"go {RIGHT}{RIGHT}", "stray_text", [], (0, 0), 2),
        ("", "empty", [], (0, 0), 2),
    ],
)
def test_every_cause_of_a_plan_is_recorded_with_what_was_played(answer, cause, outcomes, position, end_distance):
    record = plan(answer)
    assert record.cause == cause
    assert [str(outcome) for outcome in record.outcomes] == outcomes
    assert (record.position, record.start_distance, record.end_distance) == (position, 2, end_distance)
    assert record.solved is (cause == "solved")
    assert record.malformed is (cause in ("unclosed_thinking", "stray_text", "empty"))
    assert record.legal is (cause in ("solved", "short_of_target", "past_target"))


def test_a_wall_hit_is_recorded_in_both_modes():
    walled = Maze.from_ascii(CUT_OFF_ASCII).with_endpoints((1, 0), (0, 2))
    for record in (plan(UP, walled), play([UP, RIGHT, RIGHT, UP], walled)):
        assert record.outcomes[0] is Outcome.HIT_WALL
        assert record.moves[0] is Move.UP
        assert not record.legal


def test_thinking_that_the_prompt_has_opened_is_judged_as_open():
    agent = Script("plan", [RIGHT + RIGHT])
    agent.thinking_opened = True
    assert rollout(agent, [ROOM], [0])[0].cause == End.UNCLOSED_THINKING


def test_a_game_is_recorded_completely():
    record = play([RIGHT, UP, LEFT, RIGHT, RIGHT])
    assert record.texts == (RIGHT, UP, LEFT, RIGHT, RIGHT)
    assert record.moves == (Move.RIGHT, Move.UP, Move.LEFT, Move.RIGHT, Move.RIGHT)
    assert [str(outcome) for outcome in record.outcomes] == ["moved", "left_grid", "moved", "moved", "moved"]
    assert (record.cause, record.position) == ("solved", (0, 2))
    assert (record.start_distance, record.end_distance) == (2, 0)
    assert record.solved
    assert not record.legal
    assert not record.truncated


def test_a_game_shows_each_position_and_nothing_once_it_has_ended():
    agent = Script("play", [RIGHT, RIGHT], [DOWN, RIGHT, RIGHT, UP])
    records = rollout(agent, [ROOM, ROOM], [5, 6])
    assert agent.seeds == [5, 6]
    assert [record.seed for record in records] == [5, 6]
    cells = [[(0, 0), (0, 1), None, None], [(0, 0), (1, 0), (1, 1), (1, 2)]]
    expected = [["" if cell is None else maze_to_text(ROOM, cell) for cell in episode] for episode in cells]
    assert agent.shown == [list(turn) for turn in zip(*expected, strict=True)]


def test_plans_cost_one_look():
    agent = Script("plan", [RIGHT], [DOWN])
    rollout(agent, [ROOM, EXAMPLE], [0, 1])
    assert agent.shown == [[maze_to_text(ROOM), maze_to_text(EXAMPLE)]]


@pytest.mark.parametrize("text", ["", "up", "<|up|><|up|>", "I go <|right|>", "<|blank|>"])
def test_a_text_that_is_no_move_ends_the_game_as_such(text):
    record = play([RIGHT, text])
    assert (record.cause, record.malformed, record.truncated) == ("not_a_move", True, False)
    assert record.texts == (RIGHT, text)
    assert record.moves == (Move.RIGHT,)
    assert (record.position, record.end_distance) == ((0, 1), 1)


def test_the_budget_of_moves_truncates_a_game():
    record = play([DOWN, UP] * 20, max_steps=5)
    assert len(record.moves) == 5
    assert (record.cause, record.truncated, record.malformed) == ("short_of_target", True, False)


def test_the_budget_is_four_moves_a_cell_if_not_given():
    assert len(play([DOWN, UP] * 20).moves) == 4 * 6


def test_a_target_reached_with_the_last_move_is_solved():
    record = play([RIGHT, RIGHT], max_steps=2)
    assert (record.cause, record.solved) == ("solved", True)


class Counting(Script):
    """Counts tokens, as a language model does."""

    def act(self, observations):
        self.usage = Usage([10 * self.turn + index for index in range(len(observations))], [False, True])
        return super().act(observations)


def test_the_tokens_of_a_plan_are_its_own():
    records = rollout(Counting("plan", [RIGHT], [RIGHT]), [ROOM, ROOM], [0, 1])
    assert [(record.tokens, record.truncated) for record in records] == [(0, False), (1, True)]


def test_the_tokens_of_a_game_are_summed_over_its_own_turns():
    records = rollout(Counting("play", [RIGHT, RIGHT], [DOWN, RIGHT, RIGHT, UP]), [ROOM, ROOM], [0, 1])
    assert [record.tokens for record in records] == [0 + 10, 1 + 11 + 21 + 31]


class Fixed(Script):
    """Gives back what it was built with, whatever it was asked."""

    def act(self, observations):
        return self.scripts[0]


@pytest.mark.parametrize("mode", ["play", "plan"])
@pytest.mark.parametrize("texts", [[], [UP], [UP] * 3, [UP, None], [UP, 0], [UP, b"<|up|>"]])
def test_texts_that_are_not_one_for_each_observation_are_an_error(mode, texts):
    with pytest.raises(InvalidConfig, match=r"Fixed\.act to give 2 texts"):
        rollout(Fixed(mode, texts), [ROOM, ROOM], [0, 1])


def test_no_mazes_give_no_records():
    for mode in ("play", "plan"):
        assert rollout(Script(mode), [], []) == []


def test_every_attempt_has_its_record_in_order():
    mazes = tiny.mazes(7)
    records = rollout(Script("plan", *([UP] for _ in mazes)), mazes, range(7))
    assert [record.maze for record in records] == mazes
