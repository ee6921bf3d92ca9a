"""Texts of mazes in every phrasing: taken or refused as by the model, with the same walls and ends."""

import re
from functools import cache

from maze_env.errors import InvalidMaze
from maze_env.moves import MOVES
from maze_env.phrasings import PHRASINGS
from maze_env.tokens import maze_to_text
from tests.fuzz import real, reference
from tests.fuzz.kinds import Kind, Wrong
from tests.fuzz.mutation import NASTY, mutate_text


@cache
def texts(phrasing):
    """Real texts."""
    written = [PHRASINGS[phrasing].write(maze) for maze in real.mazes()]
    return written + real.fog_texts() if phrasing in ("standard", "terse") else written


def make(rng):
    """A phrasing and a text; now and then one that was written for another phrasing, or is nothing like a maze."""
    phrasing = rng.choice(list(PHRASINGS))
    kind, written = rng.random(), texts(phrasing)
    if kind < 0.02:
        return phrasing, rng.choice(texts(rng.choice(list(PHRASINGS))))
    if kind < 0.04:
        return phrasing, "".join(rng.choices(NASTY, k=rng.randrange(40)))
    text = rng.choice(written)
    if kind < 0.041:
        return phrasing, (text + rng.choice(("", *NASTY))) * rng.choice((2, 30, 2000))
    if kind < 0.3:
        return phrasing, respaced(rng, phrasing, text)
    return phrasing, text if kind < 0.31 else mutate_text(rng, text, written[:50])


def respaced(rng, phrasing, text):
    """A text that says the same: other white space, other order where the phrasing has none, now and then a slip."""
    if phrasing == "ascii":
        return "\n\n" + text.replace("\n", rng.choice(("\n", "\r\n", "\n  ")))
    if phrasing == "adjacency":
        before, listed, after = re.split(r"(?<=<ADJLIST_START>)|(?=<ADJLIST_END>)", text)
        sides = listed.split(";")[:-1]
        rng.shuffle(sides)
        return before + rng.choice((";", " ; ", ";\n")).join(sides) + rng.choice((";", "", " ")) + after
    cells = re.findall(r"<[^>]*><[^>]*><[^>]*>", text)
    if phrasing in ("bottom-up", "shuffled") or rng.random() < 0.1:
        rng.shuffle(cells)
    return rng.choice(("", " ", "\n", "\t", "\u2003", "\x1f", "\u200b")).join(cells)


def as_reference(maze):
    """A maze as the model has it."""
    names = {move: move.name.lower() for move in MOVES}
    walls = {
        (row, col): {names[move] for move in MOVES if maze.walls[row, col] >> move & 1}
        for row in range(maze.rows)
        for col in range(maze.cols)
    }
    return walls, maze.origin, maze.target


def check(made):
    """Compares reader and model; what is read is written and read again."""
    phrasing, text = made
    expected = reference.READERS[phrasing](text)
    try:
        maze = PHRASINGS[phrasing].read(text)
    except InvalidMaze as error:
        if expected is not None:
            raise Wrong(f"refused, but by the model a maze: {error}") from None
        return "refused"
    if expected is None:
        raise Wrong("taken, but by the model no maze")
    if as_reference(maze) != expected:
        raise Wrong(f"another maze than the model's: {maze_to_text(maze)!r}")
    if PHRASINGS[phrasing].read(PHRASINGS[phrasing].write(maze)) != maze:
        raise Wrong("written and read it is another maze")
    return "taken"


KIND = Kind(make, check)
