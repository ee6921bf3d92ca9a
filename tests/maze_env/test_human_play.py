"""The game in the terminal, played through a pipe and through a real pseudo-terminal."""

import math
import os
import pty
import re
import subprocess
import sys
from datetime import date

import pytest

from maze_env.generation import MazeSpec
from maze_env.human_play import KEYS, Game
from maze_env.solving import shortest_path
from maze_env.token_maze import TokenMazeEnv

LETTERS = "wsad"
COMMAND = [sys.executable, "-m", "maze_env.human_play", "--size", "3x4", "--seed", "5"]
DAILY = COMMAND[:3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.getcwd()}


def game(min_length=1, **options):
    return Game(MazeSpec(4, 4, min_length, split=None), seed=5, **options)


def solve(played):
    for move in shortest_path(played.maze):
        played.press(LETTERS[move])


def test_a_game_is_won_by_the_shortest_path_and_keys_are_dead_afterwards():
    played = game()
    solve(played)
    best = len(shortest_path(played.maze))
    assert f"Solved in {best} steps; the shortest path has {best}." in played.screen()
    played.press("w"), played.press("h")
    assert len(played.episode.moves) == best


def test_hints_lead_to_the_target():
    played = game()
    names = {f"Hint: {name}.": key for name, key in zip(("up", "down", "left", "right"), LETTERS, strict=True)}
    while played.episode.end is None:
        played.press("h")
        played.press(names[played.message])
    best = len(shortest_path(played.maze))
    helped = f"with {best} hints" if best > 1 else "with 1 hint"
    assert played.message.startswith(f"Solved in {best} steps {helped}; the shortest path has {best}.")
    played.press("n")
    solve(played)
    assert "hint" not in played.message


def test_the_daily_maze_has_the_date_as_its_seed():
    before = date.today()
    done = subprocess.run([*DAILY, "--daily"], input="q", capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    assert any(f"seed {day:%Y%m%d}   steps 0" in done.stdout for day in (before, date.today()))
    done = subprocess.run([*COMMAND, "--daily"], capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: Expects --daily or --seed, actual: both\n"


def test_undo_takes_back_one_move_and_the_end():
    played = game()
    screens = [played.screen()]
    for move in shortest_path(played.maze):
        played.press(LETTERS[move])
        screens.append(played.screen())
    for expected in reversed(screens[:-1]):
        played.press("u")
        assert played.screen() == expected
    played.press("u")
    assert played.screen() == screens[0]


def test_a_new_maze_has_the_next_seed_and_walls_are_named():
    played = game()
    before = played.maze
    played.press("n")
    assert (played.seed, played.maze != before) == (6, True)
    assert "seed 6   steps 0" in played.screen()
    for _ in range(4):
        played.press("w")
    assert played.message in ("A wall.", "The edge of the maze.")
    assert "steps 4" in played.screen()


def test_the_mazes_are_those_of_the_environment():
    env = TokenMazeEnv(4, 4, split=None)
    env.reset(seed=5)
    assert game().maze == env.maze


def test_undo_forgets_what_the_last_move_revealed():
    played = game(view_radius=0)
    assert played.screen().count("?") == 14
    solve(played)
    assert played.screen().count("?") < 14
    for _ in played.episode.moves[:]:
        played.press("u")
    assert played.screen().count("?") == 14


def test_running_out_of_steps_is_said():
    played = game(max_steps=1, min_length=5)
    played.press("w")
    assert played.message == "Out of steps after 1. u: undo, n: new maze, q: quit."


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (300, 100), (30, 14)], ids=str)
def test_of_a_maze_larger_than_the_terminal_the_part_around_the_agent_is_shown(size):
    played = Game(MazeSpec(20, 30, min_length=40, split=None), seed=5, view_radius=1)
    for move in [None, *shortest_path(played.maze)]:
        if move is not None:
            played.press(LETTERS[move])
        lines = played.screen(size).splitlines()
        drawn = lines[1:-2]
        assert sum("O" in line for line in drawn) == 1
        assert all(len(line) <= size[0] for line in drawn)
        # What the terminal breaks up counts as the lines that it becomes, and the cursor needs one.
        assert sum(max(1, math.ceil(len(line) / size[0])) for line in lines) < size[1]
        if size == (300, 100):
            assert played.screen(size) == played.screen()


def test_colors_change_nothing_but_the_color():
    played = game(view_radius=1)
    played.press("w"), played.press("s")
    colored = played.screen(colored=True)
    assert "\x1b[1;33mO" in colored
    assert "\x1b[1;32mX" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == played.screen()


@pytest.mark.parametrize("key", KEYS)
def test_every_key_moves(key):
    played = game()
    played.press(key)
    assert played.episode.moves == [KEYS[key]]


def test_through_a_pipe():
    done = subprocess.run(COMMAND, input="h n\nq", capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("3x4 dfs   seed 5") == 2
    assert done.stdout.count("3x4 dfs   seed 6") == 1
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(("variable", "colored"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_through_a_terminal_with_arrow_keys(variable, colored):
    leader, follower = pty.openpty()
    environment = {**ENVIRONMENT, "TERM": "xterm", "NO_COLOR": "", "COLUMNS": "80", "LINES": "24", **variable}
    with subprocess.Popen(COMMAND, stdin=follower, stdout=follower, stderr=follower, env=environment) as process:
        os.close(follower)
        shown = b""
        while b"quit" not in shown:
            shown += os.read(leader, 4096)
        os.write(leader, b"\x1b[Aq")
        while True:
            try:
                data = os.read(leader, 4096)
            except OSError:  # the other side is closed
                break
            if not data:
                break
            shown += data
        assert process.wait(timeout=60) == 0
    os.close(leader)
    assert b"steps 1" in shown
    assert b"\x1b[2J" in shown
    assert (b"\x1b[1;33mO" in shown) == colored


def test_bad_arguments_are_one_line():
    done = subprocess.run([*COMMAND, "--generator", "dsf"], capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("error: Expects a generator out of")
    done = subprocess.run([*COMMAND, "--seed", "-1"], capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    assert (done.returncode, done.stderr) == (2, "error: Expects --seed as a seed from 0 to 2**32 - 1, actual: '-1'\n")
