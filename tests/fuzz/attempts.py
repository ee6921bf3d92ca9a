"""The attempts in result files, and files of runs under way: refused by an error of ours, or read."""

import base64
import gzip
import json
import os
import tempfile
from functools import cache
from pathlib import Path

from maze_env.errors import TokenMazeError
from tests.fuzz import results
from tests.fuzz.kinds import Kind
from tests.fuzz.mutation import mutate_bytes, mutate_json, mutate_text, nested
from tokenmaze.benchmarks.record import load
from tokenmaze.benchmarks.runner import PartialFile
from tokenmaze.benchmarks.stored_attempts import row_of
from tokenmaze.benchmarks.suites import load as load_suite

OUTPUT = Path(tempfile.gettempdir()) / f"fuzz-attempts-{os.getpid()}.json"


@cache
def rows():
    """Of each result, its attempts as rows."""
    return [[row_of(one, result.mode) for one in result.attempts] for result in results.results()]


@cache
def bomb(byte, lines):
    """A gigabyte in a megabyte, in base64."""
    piece = (byte * 2**20 + b"\n" * lines)[: 2**20]
    return base64.b64encode(b"".join(gzip.compress(piece) for _ in range(1024))).decode()


@cache
def partial(number):
    """The file of a run under way with that result."""
    run = results.results()[number]
    file = PartialFile(OUTPUT, run)
    return file, "\n".join([json.dumps(file.head), *(json.dumps(row) for row in rows()[number])]) + "\n"


def make(rng):
    """Number of a result, and the bytes of its file or of the file of its run under way."""
    number, kind = rng.randrange(len(rows())), rng.random()
    if kind < 0.3:
        _, text = partial(number)
        lines = text.split("\n")
        place = rng.randrange(len(lines) - 1)
        lines[place] = nested(rng) if rng.random() < 0.05 else json.dumps(mutate_json(rng, json.loads(lines[place])))
        text = "\n".join(lines)
        text = mutate_text(rng, text) if rng.random() < 0.3 else text
        return number, "partial", text.encode("utf-8", "surrogatepass")
    raw = results.files()[number]
    changed = mutate_json(rng, rows()[number]) if kind < 0.9 else rows()[number]
    changed = changed if isinstance(changed, list) else [changed]
    packed = gzip.compress("\n".join(json.dumps(row) for row in changed).encode())
    packed = mutate_bytes(rng, packed) if kind > 0.8 else packed
    attempts = base64.b64encode(packed).decode()
    if kind > 0.97:
        attempts = mutate_text(rng, attempts)
    elif kind > 0.968:
        attempts = bomb(*rng.choice(((b"\n", 0), (b" ", 0), (b"[", 0), (b"1\n", 0))))
    return number, "result", json.dumps(raw | {"attempts": attempts}).encode()


def check(made):
    """What is read can be shown, or gone on with."""
    number, kind, body = made
    if kind == "result":
        OUTPUT.write_bytes(body)
        try:
            result = load(OUTPUT)
        except TokenMazeError:
            return "refused"
        return results.show(result)
    file, _ = partial(number)
    file.path.write_bytes(body)
    try:
        done = file.begin(load_suite(file.run.suite.name), resume=True, overwrite=False)
    except TokenMazeError:
        return "partial refused"
    return "gone on with" if done else "begun anew"


KIND = Kind(make, check)
