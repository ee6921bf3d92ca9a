"""Command lines, their parsers alone: options, argparse's exit with its usage, or an error of ours."""

import contextlib
import io

from maze_env.errors import TokenMazeError
from tests.fuzz.kinds import Kind, Wrong
from tests.fuzz.mutation import NASTY, mutate_text, nested
from tokenmaze.benchmarks.agent_arguments import agent_option
from tokenmaze.benchmarks.mazebench import parser

LINES = (
    ["--agent", "random", "--suite", "mazebench-100", "--mode", "plan", "--output", "x.json", "--overwrite"],
    ["--agent", "http://localhost:8000/v1#m", "--agent-option", "concurrency=32", "--agent-option", "timeout=1e3"],
    ["--agent", "FOLDER", "--temperature", "0.7", "--samples", "8", "--seed", "3", "--max-new-tokens", "99"],
    ["--agent", "a:B", "--view-radius", "1", "--batch-size", "4", "--train-seed", "0", "--stage", "sft", "--texts"],
)


def make(rng):
    """The words of a command line."""
    words = list(rng.choice(LINES))
    for _ in range(rng.choice((1, 1, 2, 3))):
        place = rng.randrange(len(words))
        kind = rng.randrange(4)
        if kind == 0:
            words[place] = mutate_text(rng, words[place])
        elif kind == 1:
            words.insert(place, rng.choice(NASTY))
        elif kind == 2:
            words[place] = rng.choice((*NASTY, f"x={nested(rng)}", f"x={rng.choice(NASTY)}"))
        elif len(words) > 1:
            del words[place]
    return words


def check(words):
    """Parses them."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            options = parser().parse_args(words)
    except TokenMazeError:
        return "refused"
    except SystemExit as error:
        if error.code not in (0, 2):
            raise Wrong(f"exit status {error.code}") from None
        return "usage"
    try:
        for text in options.agent_option:
            agent_option(text)
    except TokenMazeError:
        return "option refused"
    return "taken"


KIND = Kind(make, check)
