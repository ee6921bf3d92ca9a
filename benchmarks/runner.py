"""Runs an agent on a suite, and keeps the attempts in a file as they are made, so that a run that died can go on.

``NAME.partial.jsonl`` beside the output has the run in its first line and then an attempt in each, written out after
each batch. Seeds are those of an attempt's place, and a resumed run goes on where a batch begins, with batches as the
first process would have made them: it ends with the same attempts as a run that was not interrupted.
"""

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import fields
from itertools import product, takewhile
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from maze_env._cli import path_of, write_whole
from maze_env._text import harmless, public, without_keys
from maze_env.attempt import Attempt, End
from maze_env.errors import InvalidOutput
from maze_env.keys import key_of
from maze_env.phrasings import STANDARD
from tokenmaze.agents.base import Agent
from tokenmaze.agents.errors import InvalidEndpoint
from tokenmaze.agents.failures import in_words, reasons
from tokenmaze.agents.rollout import rollout
from tokenmaze.benchmarks.record import Run, head_of
from tokenmaze.benchmarks.stored_attempts import places, restored, row_of, stored, stored_of
from tokenmaze.benchmarks.suites import Suite
from tokenmaze.benchmarks.typed_json import InvalidResult, encode, read_json

RESUMED = '{"resumed": true}'
"""A line of a partial file: here a later process went on."""


def episode_seed(seed: int, sample: int, maze: int) -> int:
    """The 32-bit seed of one attempt, scattered, so that runs with neighbouring seeds share no attempts."""
    return key_of("attempt", seed, sample, maze) % 2**32


def attempt_seeds(suite: Suite, samples: int, phrasings: Sequence[str], seed: int) -> list[int]:
    """The seeds of all attempts, in their order."""
    count, blocks = len(suite.mazes), {name: place for place, name in enumerate(suite.spec.phrasings)}
    where = places(samples, phrasings, count)
    return [episode_seed(seed, sample, blocks[phrasing] * count + maze) for sample, phrasing, maze in where]


def supported_phrasings(agent: Agent, suite: Suite) -> tuple[str, ...]:
    """Those of the suite's phrasings that the agent can read; ``standard`` it has to.

    The others are named in the summary and count as no attempts: they say nothing of what the agent can do with a maze.
    """
    return tuple(name for name in suite.spec.phrasings if name == STANDARD or agent.supports(name))


def run_suite(
    agent: Agent,
    suite: Suite,
    samples: int = 1,
    seed: int = 0,
    batch_size: int | None = None,
    view_radius: int | None = None,
    phrasings: Sequence[str] | None = None,
    done: Sequence[Attempt] = (),
    keep: Callable[[Sequence[Attempt]], None] | None = None,
) -> list[Attempt]:
    """Attempts every maze, sample after sample, in each phrasing after phrasing, in each every maze in order.

    Args:
        agent: who attempts them.
        suite: the mazes.
        samples: attempts at each maze in each phrasing.
        seed: of the attempts' seeds.
        batch_size: by default the agent's.
        view_radius: in play, how far the agent sees; None sees all.
        phrasings: by default the suite's.
        done: attempts to go on after, whole batches.
        keep: called with the attempts of each batch, once one of them has an answer.

    Raises:
        InvalidEndpoint: when requests failed and the server is gone, or all attempts ended in such a failure.
    """
    phrasings = phrasings or suite.spec.phrasings
    attempts, count, size = list(done), len(suite.mazes), batch_size or agent.batch_size
    kept, failed = len(done), [attempt.failure for attempt in done if attempt.end is End.REQUEST_FAILED]
    seeds = attempt_seeds(suite, samples, phrasings, seed)
    batches = product(range(samples), phrasings, range(0, count, size))
    with tqdm(
        total=len(seeds), initial=len(done), desc=harmless(f"{agent.name} {agent.mode}"), unit="maze", leave=False
    ) as bar:
        for place, (_, phrasing, start) in enumerate(batches):
            mazes = suite.mazes[start : start + size]
            if place // -(-count // size) * count + start < len(done):
                continue
            batch_seeds = seeds[len(attempts) : len(attempts) + len(mazes)]
            batch = rollout(agent, mazes, batch_seeds, suite.spec.max_steps, view_radius, phrasing)
            attempts += batch
            failed += [attempt.failure for attempt in batch if attempt.end is End.REQUEST_FAILED]
            if any(attempt.end is End.REQUEST_FAILED for attempt in batch):
                agent.check()
            if keep is not None and len(failed) < len(attempts):
                keep(attempts[kept:])
                kept = len(attempts)
            bar.update(len(mazes))
    if len(failed) == len(attempts):
        raise InvalidEndpoint(f"Expects answers, actual: none to any request ({in_words(reasons(failed))})")
    return attempts


class PartialFile:
    """The attempts of a run under way; nothing is written before the first ones."""

    def __init__(self, output: Path, run: Run):
        self.path = output.with_name(f"{output.stem}.partial.jsonl")
        """Beside the result."""
        self.run = run
        self.resumed = 0
        """How often the run was gone on with."""
        described = {field.name: encode(getattr(run, field.name)) for field in fields(Run)}
        head = head_of("incomplete") | described | {"agent_files": _files_of(run.agent)}
        self.head: dict[str, Any] = public(json.loads(json.dumps(head)))
        """What tells this run from others."""
        self._stream: IO[str] | None = None
        self._broken = False

    def begin(self, suite: Suite, resume: bool, overwrite: bool) -> list[Attempt]:
        """The attempts to go on from.

        Those of whole batches; none where there is no file. Raises InvalidOutput for a file with attempts that are
        neither to be used (``resume``) nor deleted (``overwrite``), InvalidResult for a file of another run.
        """
        if self.path.exists() and not resume:
            if not overwrite:
                actual = f"{self.path} holds attempts of a run that did not end"
                choice = "--resume goes on with them, --overwrite begins anew"
                raise InvalidOutput(f"Expects a new file, actual: {actual}; {choice}")
            self.path.unlink()
        text = self.path.read_text(encoding="utf-8", errors="replace") if self.path.exists() else ""
        lines = text.split("\n")[:-1]  # the last is torn
        if not lines:
            self.path.unlink(missing_ok=True)
            return []
        head, *rows = [_json(line) for line in lines if line != RESUMED]
        rows = list(takewhile(bool, rows))  # what follows a damaged line is made again
        if not isinstance(head, dict):
            raise InvalidResult(
                f"Expects {self.path} to say whose attempts it holds, actual: {lines[0][:60]!r}; "
                "--overwrite begins anew"
            )
        for name in {**self.head, **head}:
            was, now = head.get(name), self.head.get(name)
            if was != now:
                actual = f"{name} {was!r}, now {now!r}; --overwrite begins anew"
                raise InvalidResult(f"Expects {self.path} of the same run, actual: {actual}")
        blocks, rest = divmod(len(rows), len(suite.mazes))
        size = self.run.batch_size or 1
        rows = rows[: blocks * len(suite.mazes) + rest // size * size]  # whole batches
        self.resumed = lines.count(RESUMED) + 1
        kept = [json.dumps(self.head), *map(json.dumps, rows), *[RESUMED] * self.resumed]
        write_whole(self.path, "\n".join(kept) + "\n")
        seeds = attempt_seeds(suite, self.run.samples, self.run.suite.phrasings, self.run.seed)
        made = [stored(row, self.run.mode, place) for row, place in zip(rows, self.run.places, strict=False)]
        return [restored(one, suite.mazes[one.maze], seed) for one, seed in zip(made, seeds, strict=False)]

    def append(self, attempts: Sequence[Attempt]) -> None:
        """Writes attempts out, with their texts, which figures on traces need."""
        if self._broken:
            return
        rows = [row_of(stored_of(attempt, (0, "", 0), texts=True), self.run.mode) for attempt in attempts]
        text = without_keys("".join(json.dumps(row) + "\n" for row in rows))
        try:
            if self._stream is None:
                text = text if self.path.exists() else json.dumps(self.head) + "\n" + text
                self._stream = self.path.open("a", encoding="utf-8", newline="\n")
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:  # the run goes on: its result may find a place, though these cannot be resumed
            self._broken = True  # nothing may follow half a line
            tqdm.write(f"warning: {harmless(str(self.path))} cannot be written ({error.strerror})", file=sys.stderr)

    def remove(self) -> None:
        """Closes and deletes the file: the result has taken its place."""
        if self._stream is not None:
            with suppress(OSError):  # what could not be written is tried once more
                self._stream.close()
        self.path.unlink(missing_ok=True)


def _files_of(agent: str) -> list[list[Any]]:
    """Name, size and time of each file of a model, a folder or a file itself: whether it is still the same one."""
    place = path_of(agent)
    files = sorted(path for path in (place, *place.rglob("*")) if path.is_file())
    return [[path.relative_to(place).as_posix(), path.stat().st_size, path.stat().st_mtime_ns] for path in files]


def _json(line: str) -> Any:
    """The object in a line; ``None`` for a damaged one."""
    try:
        value = read_json(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
