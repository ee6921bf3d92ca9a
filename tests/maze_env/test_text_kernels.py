"""The compiled reader of texts and the compiled replay, against the plain Python that they stand in for."""

import random
import re

import numpy as np
import pytest

from maze_env import kernels, tokens
from maze_env.dynamics import MOVED, transition
from maze_env.errors import InvalidMazeText
from maze_env.generation import MazeSpec, generate
from maze_env.maze import Maze
from maze_env.moves import ALL_WALLS, MOVES, UNSEEN_BITS
from maze_env.solving import distances_to
from maze_env.tokens import BLANK, MARKERS, ORIGIN, TARGET, WALLS_OF_TOKEN, maze_to_text, parse_cells

PIECES = [
    *WALLS_OF_TOKEN,
    *MARKERS,
    "<|0-0|>",
    "<|1-0|>",
    "<|63-63|>",
    "<|",
    "|>",
    "-",
    "\n",
    "\0",
    "\x7f",
    "é",
    "",
    " ",
]


def read_either_way(text, monkeypatch):
    """What ``parse_cells`` finds, or the message of its error, with the compiled reader and without it."""
    results = []
    for reader in (tokens._read_plain_cells, lambda text: None):
        with monkeypatch.context() as patch:
            patch.setattr(tokens, "_read_plain_cells", reader)
            try:
                walls, origin, target = parse_cells(text)
                results.append((walls.tolist(), origin, target))
            except InvalidMazeText as error:
                results.append(str(error))
    return results


def damaged(text, draw):
    """The text with one to three pieces put in, taken out or exchanged, anywhere."""
    for _ in range(draw.randint(1, 3)):
        parts = re.findall(r"<\|[^|]*\|>|\n", text) if draw.random() < 0.7 else list(text)
        at = draw.randrange(len(parts)) if parts else 0
        parts[at : at + draw.randint(0, 2)] = draw.choices(PIECES, k=draw.randint(0, 2))
        text = "".join(parts)
    return text


@pytest.mark.parametrize("key", range(150))
def test_the_compiled_reader_finds_what_the_plain_one_does(key, monkeypatch):
    draw = random.Random(key)
    maze = generate(key, MazeSpec(draw.randint(2, 12), draw.randint(2, 12), split=None))
    text = maze_to_text(maze)
    assert tokens._read_plain_cells(text) == (maze.bits, maze.rows, maze.cols, maze.origin, maze.target, True)
    for hostile in (text, text[: draw.randrange(len(text))], *(damaged(text, draw) for _ in range(5))):
        compiled, plain = read_either_way(hostile, monkeypatch)
        assert compiled == plain


@pytest.mark.parametrize("marker", MARKERS)
@pytest.mark.parametrize("wall", WALLS_OF_TOKEN)
def test_every_token_is_read_by_the_compiled_reader(wall, marker):
    names = ["<|0-0|>", "<|0-1|>", "<|0-2|>", "<|1-0|>", "<|1-1|>", "<|1-2|>"]
    others = [other for other in (ORIGIN, TARGET) if other != marker]
    markers = [marker, *others, *[BLANK] * (5 - len(others))]
    text = "".join(name + wall + mark for name, mark in zip(names, markers, strict=True))
    bits = tokens._read_plain_cells(text)[0]
    assert bits == bytes([WALLS_OF_TOKEN[wall]] * 6)


@pytest.mark.parametrize("side", [2, 5, 64])
def test_a_text_of_the_shortest_cells_stays_within_its_buffer(side):
    # Of unseen cells there are more to the byte than of any others.
    walls = np.full((side, side), UNSEEN_BITS, np.uint8)
    text = "".join(tokens.cell_texts(walls, (0, 0), (0, 1)))
    read, origin, target = parse_cells(text)
    assert (read.tolist(), origin, target) == (walls.tolist(), (0, 0), (0, 1))
    bits = bytearray(side * side - 1)  # one too few
    found = kernels.texts.read_cells(text.encode() + tokens.AHEAD, len(text), tokens._guesses(), bits)
    assert found[0] == 0


def replayed_by_hand(maze, moves):
    cell, played = maze.origin, 0
    for move in moves:
        there, outcome = transition(maze, cell, move)
        if cell == maze.target or outcome is not MOVED:
            break
        cell, played = there, played + 1
    return played, cell


@pytest.mark.parametrize("key", range(100))
def test_the_compiled_replay_plays_what_the_transition_does(key):
    draw = random.Random(key)
    maze = generate(key, MazeSpec(draw.randint(2, 9), draw.randint(2, 9), split=None))
    if key % 4 == 0:  # the target walled in, where nothing leads to it
        maze = sealed(maze)
    distances = distances_to(maze.walls, maze.target)
    origin, target = (row * maze.cols + col for row, col in (maze.origin, maze.target))
    for _ in range(10):
        cell, moves = maze.origin, []
        for _ in range(draw.randrange(40)):  # seldom into a wall
            move = draw.choice(MOVES if draw.random() < 0.05 else maze.open_moves(cell) or MOVES)
            moves.append(move)
            cell = transition(maze, cell, move)[0]
        played, end = replayed_by_hand(maze, moves)
        number = end[0] * maze.cols + end[1]
        assert kernels.grid.replay(maze.bits, maze.cols, origin, target, bytes(moves)) == (played, number)
        measured = kernels.grid.replay_and_measure(maze.bits, maze.rows, maze.cols, origin, target, bytes(moves))
        assert measured == (played, number, distances[maze.origin], distances[end])


def sealed(maze):
    walls = maze.walls.copy()
    walls[maze.target] = ALL_WALLS
    for move in MOVES:
        row, col = move.apply(maze.target)
        if 0 <= row < maze.rows and 0 <= col < maze.cols:
            walls[row, col] |= move.opposite.wall
    return Maze(walls, maze.origin, maze.target)
