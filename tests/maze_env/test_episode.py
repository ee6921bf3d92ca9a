"""One attempt under way: how it ends, who ends it, and what it shows until then."""

import numpy as np
import pytest

from maze_env.attempt import MALFORMED, End, EndedBy, Reply
from maze_env.dynamics import Outcome
from maze_env.episode import MODES, Episode, Observation
from maze_env.errors import InvalidConfig, InvalidMaze, UnknownName
from maze_env.maze import Maze
from maze_env.moves import Move
from maze_env.phrasings import PHRASINGS
from maze_env.solving import UNREACHABLE
from maze_env.tokens import UNREACHABLE_TOKEN, UNSEEN_BITS, maze_to_text, parse_cells
from tests.maze_env.golden import CUT_OFF_ASCII, EXAMPLE_ASCII, HALVES_ASCII, ROOM_ASCII

ROOM = Maze.from_ascii(ROOM_ASCII)  # 2x3 and open; origin (0, 0), target (0, 2)
EXAMPLE = Maze.from_ascii(EXAMPLE_ASCII)
HALVES = Maze.from_ascii(HALVES_ASCII)
WALLED = Maze.from_ascii(CUT_OFF_ASCII).with_endpoints((1, 0), (0, 2))
UP, DOWN, LEFT, RIGHT = "<|up|>", "<|down|>", "<|left|>", "<|right|>"

PLANS = {
    End.SOLVED: RIGHT + RIGHT,
    End.UNCLOSED_THINKING: f"<think>{RIGHT}",
    End.EMPTY: "<think>hm</think>",
    End.STRAY_TEXT: f"go {RIGHT}",
    End.LEFT_GRID: UP,
    End.PAST_TARGET: RIGHT * 3,
    End.SHORT_OF_TARGET: RIGHT,
    End.SAID_UNREACHABLE: UNREACHABLE_TOKEN,
}


def replied(maze, mode, *replies, **options):
    """The attempt of these replies, which end it."""
    episode = Episode(maze, mode, **options)
    for reply in replies:
        assert episode.end is episode.ended_by is None
        episode.step(reply)
    return episode.attempt


@pytest.mark.parametrize("truncated", [False, True])
@pytest.mark.parametrize("end", PLANS)
def test_a_plan_ends_as_its_answer_says_and_by_its_agent_or_its_budget_of_tokens(end, truncated):
    attempt = replied(ROOM, "plan", Reply(PLANS[end], 7, truncated))
    assert attempt.end is end
    assert attempt.ended_by is (EndedBy.TOKEN_BUDGET if truncated else EndedBy.AGENT)
    assert attempt.truncated is truncated
    assert attempt.malformed is (end in MALFORMED)
    assert attempt.tokens == 7


def test_a_plan_into_a_wall_and_a_plan_of_what_cannot_be_reached():
    attempt = replied(WALLED, "plan", Reply(UP))
    assert (attempt.end, attempt.outcomes) == (End.HIT_WALL, (Outcome.HIT_WALL,))
    attempt = replied(HALVES, "plan", Reply(UNREACHABLE_TOKEN))
    assert (attempt.end, attempt.start_distance, attempt.reward) == (End.SOLVED, UNREACHABLE, 0.0)
    with pytest.raises(InvalidMaze, match="actual: none"):
        Episode(HALVES, "play")


@pytest.mark.parametrize("mode", MODES)
def test_a_failed_request_ends_an_attempt_whatever_its_text(mode):
    attempt = replied(ROOM, mode, Reply(RIGHT + RIGHT, 0, truncated=True, failure="Timeout"))
    assert (attempt.end, attempt.ended_by) == (End.REQUEST_FAILED, EndedBy.REQUEST)
    assert (attempt.failure, attempt.malformed, attempt.legal, attempt.truncated) == ("Timeout", True, False, False)


def test_the_environment_ends_play_on_the_target():
    attempt = replied(ROOM, "play", Reply(RIGHT, 3), Reply(f" {RIGHT}\n", 4, truncated=True))
    assert (attempt.end, attempt.ended_by) == (End.SOLVED, EndedBy.ENVIRONMENT)
    assert attempt.texts == (RIGHT, f" {RIGHT}\n")
    assert (attempt.tokens, attempt.truncated, attempt.position) == (7, False, (0, 2))
    assert attempt.reward == pytest.approx(1.1)


def test_the_budget_of_steps_ends_play_short_of_the_target():
    attempt = replied(ROOM, "play", Reply(DOWN), Reply(DOWN), max_steps=2)
    assert (attempt.end, attempt.ended_by, attempt.truncated) == (End.SHORT_OF_TARGET, EndedBy.STEP_BUDGET, True)
    assert attempt.outcomes == (Outcome.MOVED, Outcome.LEFT_GRID)
    assert (attempt.start_distance, attempt.end_distance, attempt.legal) == (2, 3, False)
    assert attempt.tokens is None


def test_what_is_no_move_ends_play_by_its_agent_or_its_budget_of_tokens():
    for truncated, ended_by in ((False, EndedBy.AGENT), (True, EndedBy.TOKEN_BUDGET)):
        attempt = replied(ROOM, "play", Reply(RIGHT, 1), Reply("hm", 16, truncated))
        assert (attempt.end, attempt.ended_by) == (End.NOT_A_MOVE, ended_by)
        assert (attempt.moves, attempt.position) == ((Move.RIGHT,), (0, 1))


def test_a_dialogue_without_room_for_another_move_ends_short_of_the_target():
    attempt = replied(ROOM, "play", Reply(RIGHT, 1), Reply("", 0, truncated=True))
    assert (attempt.end, attempt.ended_by) == (End.SHORT_OF_TARGET, EndedBy.TOKEN_BUDGET)
    assert (attempt.truncated, attempt.malformed, attempt.tokens) == (True, False, 1)


def test_every_end_is_reached_above():
    assert {*PLANS, End.HIT_WALL, End.REQUEST_FAILED, End.NOT_A_MOVE} == set(End)


@pytest.mark.parametrize("mode", MODES)
def test_an_attempt_while_it_goes_on_and_a_step_after_its_end_are_errors(mode):
    episode = Episode(ROOM, mode)
    with pytest.raises(InvalidConfig, match="Expects an episode that has ended, actual: one that goes on"):
        _ = episode.attempt
    episode.step(Reply("hm"))
    before = episode.attempt
    for act in (lambda: episode.step(Reply(RIGHT)), lambda: episode.move(Move.RIGHT)):
        with pytest.raises(InvalidConfig, match="Expects an episode that goes on, actual: one that has ended"):
            act()
    assert episode.attempt == before


def test_moves_and_an_end_can_come_from_the_outside():
    episode = Episode(ROOM, seed=7)
    episode.move(Move.DOWN)
    episode.stop(End.SHORT_OF_TARGET, EndedBy.TOKEN_BUDGET)
    attempt = episode.attempt
    assert (attempt.texts, attempt.moves, attempt.tokens, attempt.seed) == ((), (Move.DOWN,), None, 7)
    assert (attempt.end, attempt.ended_by, attempt.position) == (End.SHORT_OF_TARGET, EndedBy.TOKEN_BUDGET, (1, 0))


def test_an_observation_shows_the_maze_from_where_the_agent_stands():
    episode = Episode(EXAMPLE)
    assert episode.observation.text == maze_to_text(EXAMPLE)
    assert episode.observation.moved is None
    episode.move(Move.RIGHT)
    assert (episode.observation.position, episode.observation.moved) == ((3, 2), True)
    assert episode.observation.text == maze_to_text(EXAMPLE, (3, 2))
    episode.move(Move.RIGHT)  # a wall
    assert (episode.observation.position, episode.observation.moved) == ((3, 2), False)
    assert episode.observation.revealed == ()


@pytest.mark.parametrize("view_radius", [0, 1, 2])
def test_what_comes_into_view_is_what_was_not_seen_before(view_radius):
    episode = Episode(EXAMPLE, view_radius=view_radius)
    known = {cell: int(bits) for cell, bits in np.ndenumerate(episode.observation.walls) if bits != UNSEEN_BITS}
    assert all(bits == EXAMPLE.walls[cell] for cell, bits in known.items())
    earlier, shown, count = episode.observation, episode.observation.walls.copy(), len(known)
    for move in (Move.DOWN, Move.LEFT, Move.LEFT, Move.UP, Move.UP, Move.RIGHT):
        episode.move(move)
        revealed = dict(episode.observation.revealed)
        assert not revealed.keys() & known.keys()
        known |= revealed
        now = {cell: int(bits) for cell, bits in np.ndenumerate(episode.observation.walls) if bits != UNSEEN_BITS}
        assert now == known
    assert np.array_equal(earlier.walls, shown)  # an observation is not changed by what comes after it
    assert len(known) > count


@pytest.mark.parametrize("view_radius", [None, 1])
def test_an_observation_read_from_its_text_is_the_same(view_radius):
    episode, read = Episode(EXAMPLE, view_radius=view_radius), None
    for move in (None, Move.UP, Move.UP, Move.RIGHT, Move.LEFT, Move.LEFT):
        if move is not None:
            episode.move(move)
        seen = episode.observation
        read = Observation(*parse_cells(seen.text)).after(read)
        assert np.array_equal(read.walls, seen.walls)
        assert (read.position, read.target) == (seen.position, seen.target)
        assert (read.moved, read.revealed) == (seen.moved, seen.revealed)


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_a_plan_is_asked_for_and_read_in_its_phrasing(phrasing):
    episode = Episode(ROOM, "plan", phrasing=phrasing)
    assert episode.observation.text == PHRASINGS[phrasing].write(ROOM)
    answer = PHRASINGS[phrasing].translate(RIGHT + RIGHT)
    episode.step(Reply(answer))
    assert (episode.attempt.end, episode.attempt.texts, episode.attempt.phrasing) == (End.SOLVED, (answer,), phrasing)


def test_a_plan_under_partial_observability_is_made_from_what_is_seen_at_the_start():
    episode = Episode(EXAMPLE, "plan", view_radius=1)
    assert episode.observation.text == Episode(EXAMPLE, "play", view_radius=1).observation.text
    assert (episode.observation.walls == UNSEEN_BITS).sum() == 25 - 9


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"mode": "plya"}, UnknownName, r"Expects a mode out of 'plan', 'play', actual: 'plya'\. Did you mean 'play'"),
        ({"mode": "plan", "phrasing": "asci"}, UnknownName, "Did you mean 'ascii'"),
        ({"phrasing": "ascii"}, InvalidConfig, "Expects phrasing 'standard' in play and under"),
        ({"mode": "plan", "phrasing": "terse", "view_radius": 1}, InvalidConfig, "Expects phrasing 'standard' in play"),
        ({"view_radius": -1}, InvalidConfig, "Expects view_radius"),
        ({"mode": "plan", "view_radius": 0.5}, InvalidConfig, "Expects view_radius"),
        ({"max_steps": 0}, InvalidConfig, "Expects max_steps of at least 1"),
        ({"reward": "sovled"}, UnknownName, "Did you mean 'solved'"),
    ],
)
def test_wrong_settings_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        Episode(ROOM, **options)
