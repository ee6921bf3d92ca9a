"""Attempts of an agent: complete and true in both modes."""

from dataclasses import replace

import pytest

from maze_env.attempt import End, EndedBy, Reply
from maze_env.dynamics import Outcome
from maze_env.errors import InvalidConfig
from maze_env.maze import Maze
from maze_env.moves import Move
from maze_env.phrasings import rename
from maze_env.tokens import maze_to_text
from tests import tiny
from tests.maze_env.golden import CUT_OFF_ASCII, EXAMPLE_ANSWER, EXAMPLE_ASCII, ROOM_ASCII
from tokenmaze.agents.base import Agent
from tokenmaze.agents.rollout import rollout

ROOM = Maze.from_ascii(ROOM_ASCII)  # 2x3 and open; origin (0, 0), target (0, 2)
EXAMPLE = Maze.from_ascii(EXAMPLE_ASCII)
UP, DOWN, LEFT, RIGHT = "<|up|>", "<|down|>", "<|left|>", "<|right|>"


class Script(Agent):
    """Says what it was told to: one list of texts for each episode, and remembers what it was shown."""

    name = "script"

    def __init__(self, mode, *scripts):
        self.mode, self.scripts, self.shown = mode, scripts, []

    def reset(self, seeds, phrasing):
        self.turn, self.seeds, self.phrasing = 0, list(seeds), phrasing

    def act(self, observations):
        self.shown.append(observations)
        self.turn += 1
        return [
            self.reply(index, script[self.turn - 1] if text else "")
            for index, (script, text) in enumerate(zip(self.scripts, observations, strict=True))
        ]

    def reply(self, index, text):
        return Reply(text)


def plan(answer, maze=ROOM):
    """The attempt of one answer."""
    return rollout(Script("plan", [answer]), [maze], [0])[0]


def play(moves, maze=ROOM, **options):
    """The attempt of one game."""
    return rollout(Script("play", moves), [maze], [0], **options)[0]


def test_a_solving_answer_is_recorded_completely():
    attempt = rollout(Script("plan", [EXAMPLE_ANSWER]), [EXAMPLE], [17])[0]
    assert attempt.maze is EXAMPLE
    assert attempt.seed == 17
    assert attempt.texts == (EXAMPLE_ANSWER,)
    assert "".join(move.token for move in attempt.moves) == EXAMPLE_ANSWER
    assert attempt.outcomes == (Outcome.MOVED,) * 16
    assert (attempt.end, attempt.position) == (End.SOLVED, (2, 4))
    assert (attempt.start_distance, attempt.end_distance) == (16, 0)
    assert (attempt.tokens, attempt.truncated) == (None, False)
    assert attempt.solved
    assert attempt.legal
    assert not attempt.malformed


def test_a_maze_is_given_and_an_answer_read_in_the_phrasing():
    agent = Script("plan", ["<think>hm</think><|east|><|east|>"], [RIGHT + RIGHT])
    attempts = rollout(agent, [ROOM, ROOM], [0, 1], phrasing="renamed")
    assert agent.phrasing == "renamed"
    assert agent.shown == [[rename(maze_to_text(ROOM))] * 2]
    assert [attempt.end for attempt in attempts] == ["solved", "stray_text"]
    assert attempts[0].texts == ("<think>hm</think><|east|><|east|>",)  # as it was written
    assert {attempt.phrasing for attempt in attempts} == {"renamed"}
    assert rollout(Script("plan", [RIGHT + RIGHT]), [ROOM], [0])[0].phrasing == "standard"


@pytest.mark.parametrize(("mode", "options"), [("play", {}), ("plan", {"view_radius": 1})])
def test_the_environment_and_partial_observability_have_the_standard_phrasing(mode, options):
    with pytest.raises(
        InvalidConfig, match="Expects phrasing 'standard' in play and under partial observability, actual: 'ascii'"
    ):
        rollout(Script(mode, [RIGHT]), [ROOM], [0], phrasing="ascii", **options)


@pytest.mark.parametrize(
    ("answer", "end", "outcomes", "position", "end_distance"),
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
def test_every_end_of_a_plan_is_recorded_with_what_was_played(answer, end, outcomes, position, end_distance):
    attempt = plan(answer)
    assert attempt.end == end
    assert [str(outcome) for outcome in attempt.outcomes] == outcomes
    assert (attempt.position, attempt.start_distance, attempt.end_distance) == (position, 2, end_distance)
    assert attempt.solved is (end == "solved")
    assert attempt.malformed is (end in ("unclosed_thinking", "stray_text", "empty"))
    assert attempt.legal is (end in ("solved", "short_of_target", "past_target"))


def test_a_wall_hit_is_recorded_in_both_modes():
    walled = Maze.from_ascii(CUT_OFF_ASCII).with_endpoints((1, 0), (0, 2))
    for attempt in (plan(UP, walled), play([UP, RIGHT, RIGHT, UP], walled)):
        assert attempt.outcomes[0] is Outcome.HIT_WALL
        assert attempt.moves[0] is Move.UP
        assert not attempt.legal


class Opened(Script):
    """Its prompts end inside an open ``<think>``."""

    def reply(self, index, text):
        return Reply(text, thinking_opened=True)


def test_thinking_that_the_prompt_has_opened_is_verified_as_open():
    (attempt,) = rollout(Opened("plan", [RIGHT + RIGHT]), [ROOM], [0])
    assert (attempt.end, attempt.thinking_opened) == (End.UNCLOSED_THINKING, True)
    (attempt,) = rollout(Opened("plan", [f"hm</think>{RIGHT}{RIGHT}"]), [ROOM], [0])
    assert (attempt.end, attempt.thinking_opened) == (End.SOLVED, True)


def test_a_game_is_recorded_completely():
    attempt = play([RIGHT, UP, LEFT, RIGHT, RIGHT])
    assert attempt.texts == (RIGHT, UP, LEFT, RIGHT, RIGHT)
    assert attempt.moves == (Move.RIGHT, Move.UP, Move.LEFT, Move.RIGHT, Move.RIGHT)
    assert [str(outcome) for outcome in attempt.outcomes] == ["moved", "left_grid", "moved", "moved", "moved"]
    assert (attempt.end, attempt.position) == ("solved", (0, 2))
    assert (attempt.start_distance, attempt.end_distance) == (2, 0)
    assert attempt.solved
    assert not attempt.legal
    assert not attempt.truncated


def test_a_game_shows_each_position_and_nothing_once_it_has_ended():
    agent = Script("play", [RIGHT, RIGHT], [DOWN, RIGHT, RIGHT, UP])
    attempts = rollout(agent, [ROOM, ROOM], [5, 6])
    assert agent.seeds == [5, 6]
    assert [attempt.seed for attempt in attempts] == [5, 6]
    cells = [[(0, 0), (0, 1), None, None], [(0, 0), (1, 0), (1, 1), (1, 2)]]
    expected = [["" if cell is None else maze_to_text(ROOM, cell) for cell in episode] for episode in cells]
    assert agent.shown == [list(turn) for turn in zip(*expected, strict=True)]


def test_plans_cost_one_look():
    agent = Script("plan", [RIGHT], [DOWN])
    rollout(agent, [ROOM, EXAMPLE], [0, 1])
    assert agent.shown == [[maze_to_text(ROOM), maze_to_text(EXAMPLE)]]


@pytest.mark.parametrize("text", ["", "up", "<|up|><|up|>", "I go <|right|>", "<|blank|>"])
def test_a_text_that_is_no_move_ends_the_game_as_such(text):
    attempt = play([RIGHT, text])
    assert (attempt.end, attempt.malformed, attempt.truncated) == ("not_a_move", True, False)
    assert attempt.texts == (RIGHT, text)
    assert attempt.moves == (Move.RIGHT,)
    assert (attempt.position, attempt.end_distance) == ((0, 1), 1)


def test_the_budget_of_moves_truncates_a_game():
    attempt = play([DOWN, UP] * 20, max_steps=5)
    assert len(attempt.moves) == 5
    assert (attempt.end, attempt.ended_by) == (End.SHORT_OF_TARGET, EndedBy.STEP_BUDGET)
    assert (attempt.truncated, attempt.malformed) == (True, False)


def test_the_budget_is_four_moves_a_cell_if_not_given():
    assert len(play([DOWN, UP] * 20).moves) == 4 * 6


def test_a_target_reached_with_the_last_move_is_solved():
    attempt = play([RIGHT, RIGHT], max_steps=2)
    assert (attempt.end, attempt.solved) == ("solved", True)


class Counting(Script):
    """Counts tokens, as a language model does; the second episode's replies are cut off by the budget."""

    def reply(self, index, text):
        return Reply(text, 10 * self.turn - 10 + index, truncated=index == 1)


def test_the_tokens_of_a_plan_are_its_own():
    attempts = rollout(Counting("plan", [RIGHT], [RIGHT]), [ROOM, ROOM], [0, 1])
    assert [(attempt.tokens, attempt.truncated) for attempt in attempts] == [(0, False), (1, True)]


def test_the_tokens_of_a_game_are_summed_over_its_own_turns():
    attempts = rollout(Counting("play", [RIGHT, RIGHT], [DOWN, RIGHT, RIGHT, UP]), [ROOM, ROOM], [0, 1])
    assert [attempt.tokens for attempt in attempts] == [0 + 10, 1 + 11 + 21 + 31]


class Fixed(Script):
    """Gives back what it was built with, whatever it was asked."""

    def act(self, observations):
        return self.scripts[0]


@pytest.mark.parametrize("mode", ["play", "plan"])
@pytest.mark.parametrize("replies", [[], [Reply(UP)], [Reply(UP)] * 3, [Reply(UP), None], [UP, UP], (Reply(UP), UP)])
def test_replies_that_are_not_one_for_each_observation_are_an_error(mode, replies):
    with pytest.raises(InvalidConfig, match=rf"Fixed\.act to give 2 Reply objects, one .* actual: {len(replies)} of"):
        rollout(Fixed(mode, replies), [ROOM, ROOM], [0, 1])


def test_a_reply_to_an_episode_that_has_ended_is_ignored():
    class Chatty(Script):
        def act(self, observations):
            return [
                replace(reply, failure="" if text else "ended")
                for reply, text in zip(super().act(observations), observations, strict=True)
            ]

    first, second = rollout(Chatty("play", [RIGHT, RIGHT], [DOWN, RIGHT, RIGHT, UP]), [ROOM, ROOM], [0, 1])
    assert (first.texts, first.failure, first.end) == ((RIGHT, RIGHT), "", End.SOLVED)
    assert second.end is End.SOLVED


def test_a_mode_that_the_agent_lacks_is_refused():
    class Player(Script):
        modes = ("play",)

    with pytest.raises(InvalidConfig, match=r"Expects a mode of 'script', one of \('play',\), actual: 'plan'"):
        rollout(Player("plan", [RIGHT]), [ROOM], [0])


def test_observations_that_are_not_written_out_reach_an_agent_that_asks_for_them():
    class Sighted(Script):
        def respond(self, observations):
            self.shown.append([None if one is None else (one.position, one.moved) for one in observations])
            return [Reply(RIGHT) for _ in observations]

    agent = Sighted("play")
    rollout(agent, [ROOM, ROOM.with_endpoints((0, 1), (0, 2))], [0, 1])
    assert agent.shown == [[((0, 0), None), ((0, 1), None)], [((0, 1), True), None]]


def test_no_mazes_give_no_attempts():
    for mode in ("play", "plan"):
        assert rollout(Script(mode), [], []) == []


def test_every_attempt_has_its_attempt_in_order():
    mazes = tiny.mazes(7)
    attempts = rollout(Script("plan", *([UP] for _ in mazes)), mazes, range(7))
    assert [attempt.maze for attempt in attempts] == mazes
