"""``tokenmaze show``: attempts of an agent and of a stored result, drawn."""

import pytest

from maze_env import traces
from maze_env.attempt import Reply
from maze_env.episode import Episode
from maze_env.errors import TokenMazeError
from maze_env.solving import path_cells, shortest_path
from tests import tiny
from tokenmaze.benchmarks.mazebench import main as bench
from tokenmaze.benchmarks.present.attempts import drawn, frames, picture_of, thoughts
from tokenmaze.benchmarks.show import main


def test_reasoning_is_on_the_maze_and_goes_on_cell_by_cell():
    (maze,) = tiny.mazes(1, 5, 5, min_length=6)
    text = traces.write("path", maze, 0)
    episode = Episode(maze, "plan")
    episode.step(Reply(text.partition("</think>")[0] + "</think>" + shortest_path(maze)[0].token))
    cells = path_cells(maze.origin, shortest_path(maze))
    assert list(dict.fromkeys(thoughts(episode.attempt))) == list(cells)
    picture = picture_of(episode.attempt)
    assert picture.count(":") == len(cells) - 3  # the first is left, on the second is the agent, in the last the target
    shown = list(frames(episode.attempt))
    assert len(shown) == len(cells) + 2
    assert shown[-1] == picture
    assert "\x1b[" in drawn(episode.attempt, colored=True)


def test_an_agent_is_drawn_from_the_maze_that_is_named(capsys):
    main(["--agent", "shortest-path", "--maze", "98", "--count", "3"])
    shown = capsys.readouterr().out
    assert [line for line in shown.splitlines() if line.startswith("maze ")] == ["maze 98, Hard", "maze 99, Hard"]
    assert shown.count("solved, ") == 2


def test_of_a_result_the_unsolved_ones_are_drawn(tmp_path, capsys):
    file = str(tmp_path / "random.json")
    bench(["--agent", "random", "--output", file, "--texts", "--name", "a walker"])
    assert "a walker" in capsys.readouterr().out
    main([file, "--unsolved", "--count", "90"])
    shown = capsys.readouterr().out
    assert shown.count("maze ") >= 90
    assert "solved, " not in shown
    assert "--texts" not in shown


def test_where_nothing_is_to_be_seen_it_says_so(tmp_path, capsys):
    file = str(tmp_path / "oracle.json")
    bench(["--agent", "shortest-path", "--output", file])
    capsys.readouterr()
    main([file, "--unsolved"])
    assert capsys.readouterr().out == "There is no unsolved attempt from maze 0 on.\n"
    main([file, "--maze", "100"])
    assert capsys.readouterr().out == "There is no attempt from maze 100 on.\n"
    main([file])
    assert capsys.readouterr().out.endswith("'tokenmaze bench --texts' keeps it.\n")


@pytest.mark.parametrize("wrong", [[], ["x.json", "--agent", "random"], ["--agent", "random", "--maze", "100"]])
def test_what_cannot_be_drawn_is_refused(wrong):
    with pytest.raises(TokenMazeError, match="Expects"):
        main(wrong)
