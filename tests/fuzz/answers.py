"""Answers: the verdicts of both rules are the model's, and the first move is."""

from functools import cache

from maze_env.answers import first_move, parse_answer
from maze_env.solving import distances_to
from maze_env.verifier import verify
from tests.fuzz import real, reference
from tests.fuzz.kinds import Kind, Wrong
from tests.fuzz.mazes import as_reference
from tests.fuzz.mutation import NASTY, mutate_text

WORDS = ("<|up|>", "<|down|>", "<|left|>", "<|right|>")


@cache
def models():
    """The mazes of the completions, each with the model's form of it."""
    return [(maze, as_reference(maze)) for maze in real.mazes() if maze.rows * maze.cols <= 64]


def make(rng):
    """Number of the maze, answer, and whether its prompt opened the thinking."""
    number, kind = rng.randrange(len(models())), rng.random()
    if kind < 0.5:
        at = rng.randrange(len(real.completions()))
        maze, _, text = real.completions()[at]
        number = next(i for i, (one, _) in enumerate(models()) if one is maze)
        text = text if kind < 0.05 else mutate_text(rng, text)
    elif kind < 0.9:
        between = rng.choice(("", "", " ", "\n", "\u2003"))
        words = rng.choices(WORDS, k=rng.randrange(10))
        text = rng.choice(("", "<think>\n</think>\n\n", "a</think>", "<think>")) + between.join(words)
        text = text if rng.random() < 0.6 else mutate_text(rng, text)
    else:
        text = "".join(rng.choices(NASTY, k=rng.randrange(12))) * rng.choice((1, 1, 1, 200))
    return number, text, rng.random() < 0.2


def check(made):
    """Compares."""
    number, text, opened = made
    maze, model = models()[number]
    end, played, cell, moves = reference.judge(model, text, opened)
    verdict = verify(maze, text, thinking_opened=opened)
    distance = int(distances_to(maze.walls, maze.target)[cell])
    came = verdict.end.value, verdict.legal_moves, verdict.position, verdict.end_distance
    if came != (end, played, cell, distance):
        raise Wrong(f"{came}, by the model {(end, played, cell, distance)}")
    if [move.name.lower() for move in parse_answer(text, opened).moves] != moves:
        raise Wrong(f"other moves than the model's {moves}")
    first = first_move(text, opened)
    if (first.name.lower() if first is not None else None) != (moves[0] if moves else None):
        raise Wrong(f"another first move than the model's {moves[:1]}")
    published = verify(maze, text, "published").solved
    if published != reference.judge_published(model, text):
        raise Wrong(f"by the published rule solved: {published}, by the model not so")
    return end


KIND = Kind(make, check)
