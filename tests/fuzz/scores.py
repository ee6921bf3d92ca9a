"""Score files of other programs: refused by an error of ours, or read and compared with themselves."""

import os
import tempfile
from functools import cache
from pathlib import Path

from tests.fuzz.kinds import Kind, Wrong
from tests.fuzz.mutation import mutate_bytes
from tokenmaze.benchmarks.score_files import read_scores
from tokenmaze.benchmarks.scores import compare_scores
from tokenmaze.benchmarks.typed_json import InvalidResult

FOREIGN = Path(__file__).parent.parent / "benchmarks" / "foreign"
FOLDER = Path(tempfile.gettempdir())
TABLE = b"id,score,other\n1,1,0.5\n2,0,x\n3,,1\n"


@cache
def files():
    """The suffix and the bytes of each."""
    return [(".csv", TABLE), *((path.suffix, path.read_bytes()) for path in sorted(FOREIGN.iterdir()))]


def make(rng):
    """The suffix and the bytes of a file."""
    suffix, data = rng.choice(files())
    return suffix, mutate_bytes(rng, data)


def check(given):
    """Reads it."""
    suffix, data = given
    path = FOLDER / f"fuzz-scores-{os.getpid()}{suffix}"
    path.write_bytes(data)
    try:
        scores = read_scores(path)
        ((difference, p_value),) = compare_scores(scores, [scores])
    except InvalidResult:
        return "refused"
    finally:
        path.unlink()
    if (difference.difference, difference.first_only, difference.second_only, p_value) != (0, 0, 0, 1):
        raise Wrong(f"differs from itself: {difference}")
    return "read"


KIND = Kind(make, check)
