"""Traces of all styles: refused by an error of ours or true, and then the answer solves; taken apart for the replay."""

from maze_env import traces
from maze_env.traces.errors import InvalidTrace
from tests.fuzz import real, reference
from tests.fuzz.kinds import Kind, Wrong
from tests.fuzz.mazes import as_reference
from tests.fuzz.mutation import mutate_text
from tokenmaze.benchmarks.report.trace_replay import plan_pieces
from tokenmaze.benchmarks.trace_metrics import trace_of


def make(rng):
    """Number of the completion, the style as which it is read, its text, and the maze on which it is tried."""
    number = rng.randrange(len(real.completions()))
    _, style, text = real.completions()[number]
    if rng.random() < 0.1:
        style = rng.choice(list(traces.TRACE_STYLES))
    place = number if rng.random() < 0.9 else rng.randrange(len(real.completions()))
    other = real.completions()[rng.randrange(len(real.completions()))][2]
    return place, style, text if rng.random() < 0.05 else mutate_text(rng, text, [text, other])


def check(made):
    """A trace that is taken is one whose answer solves, by the model; untouched it is taken."""
    place, style, text = made
    maze, own_style, own = real.completions()[place]
    pieces = plan_pieces(maze, text, False, 0)
    if "".join(piece if isinstance(piece, str) else piece[0] for piece in pieces) != text:
        raise Wrong("the pieces of the replay are not the text")
    trace_of(maze, text)
    try:
        traces.validate(style, maze, text)
    except InvalidTrace as error:
        if (style, text) == (own_style, own):
            raise Wrong(f"a trace as it was written is refused: {error}") from None
        return error.kind
    if reference.judge(as_reference(maze), text)[0] != "solved":
        raise Wrong("valid, but by the model not solved")
    return "valid"


KIND = Kind(make, check)
