"""Attempts that are drawn in the terminal, and the hints beside them."""

import re

import pytest

from maze_env.attempt import Reply
from maze_env.errors import InvalidConfig
from maze_env.solving import shortest_path
from maze_env.tokens import maze_from_text
from tests import tiny
from tokenmaze.agents.base import Agent
from tokenmaze.agents.rollout import rollout
from tokenmaze.benchmarks.mazebench import main
from tokenmaze.benchmarks.present.attempts import MAX_TEXT, drawn, hints
from tokenmaze.benchmarks.record import load


class Around(Agent):
    """The right moves, in what is not only moves."""

    name, mode = "around", "plan"

    def __init__(self, form):
        self.form = form

    def act(self, observations):
        ways = ["".join(move.token for move in shortest_path(maze_from_text(text))) for text in observations]
        return [Reply(self.form.format(way)) for way in ways]


def attempts_of(form, count=20):
    return rollout(Around(form), tiny.mazes(count), range(count))


@pytest.mark.parametrize("form", ["{}.", "```\n{}\n```", "Sure: {}", "<think>hm</think>{}\n, that is it"])
def test_stray_text_that_hides_a_right_answer_is_counted_and_the_verdict_stays(form):
    attempts = attempts_of(form)
    assert not any(attempt.solved for attempt in attempts)
    first, second = hints(attempts)
    assert "100% of the attempts ended with text beside the moves" in first
    assert "20 of 20 answers with stray text would solve without it" in second


def test_hints_are_given_where_there_is_something_to_mend():
    assert hints(attempts_of("{}")) == []
    assert hints(attempts_of("<|up|><|up|><|up|><|up|><|up|>")) == []  # wrong, but an answer
    (line,) = hints(attempts_of("<think>{}"))
    assert "--max-new-tokens" in line
    assert hints(attempts_of("{}", 10) + attempts_of("{}.", 10))[0].startswith("hint: 10 of 10 answers")


def test_an_attempt_is_drawn_and_nothing_of_it_reaches_the_terminal_as_a_command():
    text = drawn(attempts_of("{}\x1b[2J\u202e" + "x" * MAX_TEXT)[0])
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert r"\x1b[2J\u202e" in text
    assert "letters)" in text
    assert "stray text, 0 moves played" in text
    solved = drawn(attempts_of("{}")[0])
    assert "X" not in solved.splitlines()[1:-3]
    assert "solved, " in solved


def test_of_a_long_text_the_answer_is_shown():
    # The shipped model writes more than MAX_TEXT letters of most mazes, and its answer was not to be seen.
    text = drawn(attempts_of("<think>" + "x" * 2 * MAX_TEXT + "</think>{}")[0])
    assert re.search(r"<think>x+ \.\.\. \([\d,]+ letters\) \.\.\. x+</think><\|", text)
    assert len(text) < 2 * MAX_TEXT


def test_attempts_are_shown_when_asked_for_or_when_none_was_solved(capsys, monkeypatch):
    arguments = ["--agent", "shortest-path", "--limit", "5"]
    main(arguments)
    printed = capsys.readouterr().out
    assert "+---+" not in printed
    assert "mazebench-100 v1, 5 mazes" in printed
    assert "the first 5 of 100 mazes: a first try, which compares with nothing" in printed
    main([*arguments, "--show", "2"])
    assert capsys.readouterr().out.count("solved, ") == 2
    main(["--agent", "tests.benchmarks.test_attempts_shown:make_dotted", "--limit", "3"])
    assert capsys.readouterr().out.count("stray text, 0 moves") == 1


def make_dotted(mode):
    """An agent that solves nothing for a full stop."""
    return Around("{}.")


def test_a_part_of_a_suite_is_no_result(tmp_path):
    with pytest.raises(InvalidConfig, match="no --output with --limit"):
        main(["--agent", "random", "--limit", "5", "--output", str(tmp_path / "r.json")])


def test_a_part_of_a_suite_with_images_has_whole_groups(capsys):
    main(["--agent", "shortest-path", "--suite", "symmetry", "--limit", "9"])
    assert "symmetry v1, 16 mazes" in capsys.readouterr().out


def test_a_result_is_read_by_text_or_path(tmp_path):
    path = tmp_path / "r.json"
    main(["--agent", "shortest-path", "--output", str(path)])
    assert load(str(path)) == load(path)
