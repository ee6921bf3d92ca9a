"""The frozen maze suites of "AlphaMaze-compatible MazeBench".

    python -m benchmarks.suites --check    makes every suite again from its definition and compares with the frozen file
    python -m benchmarks.suites --write    writes the frozen files; their hashes then have to be pinned in ``SUITES``

A suite is a file in ``frozen/`` with one maze a line, and its hash stands in the code below. Where the mazes come from:
candidate ``i`` of a draw is ``generate_batch`` of the key ``key_of(suite, version, *draw.key, i)`` with the draw's
bounds on the shortest path; a candidate is passed over when its layout, under the 8 symmetries, is in the suite
already or in a suite that this one must not overlap. So within a draw, layouts and then endpoints whose distance is
within the bounds are as ``maze_env.generation`` draws them, and no wall layout counts twice.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from maze_env.commands import run_command
from maze_env.errors import TokenMazeError, unknown_name
from maze_env.generation import MazeSpec, generate_batch
from maze_env.maze import Cell, Maze
from maze_env.solving import distances_to
from maze_env.splits import layout_hash

FROZEN = Path(__file__).parent / "frozen"
GENERATOR = "dfs"


class ChangedSuite(TokenMazeError):
    """A frozen file is missing, or is not the one whose hash is pinned."""


@dataclass(frozen=True)
class Draw:
    """``count`` mazes whose shortest path has ``min_length`` to ``max_length`` moves, ``braid`` of dead ends opened."""

    min_length: int
    max_length: int
    count: int
    braid: float = 0.0

    @property
    def key(self) -> tuple[float, ...]:
        """What tells its candidates from those of other draws."""
        return (self.min_length, self.max_length, *((self.braid,) if self.braid else ()))

    @property
    def written(self) -> list[float]:
        """Its form in a frozen file."""
        return [self.min_length, self.max_length, self.count, *((self.braid,) if self.braid else ())]


@dataclass(frozen=True)
class SuiteSpec:
    """How a suite is made, and the hash of what came out.

    Attributes:
        levels: name of each level and the bounds, inclusive, of its shortest-path lengths.
        draws: how the mazes are drawn, in order.
        disjoint_from: suites of the same split whose layouts this one leaves out.
        view_radius: of the fog that the suite is played in; ``None`` for none.
        sha256: of the frozen file's text, with "\\n" for line ends.
    """

    name: str
    split: str
    rows: int
    cols: int
    levels: dict[str, tuple[int, int]]
    draws: tuple[Draw, ...]
    sha256: str
    disjoint_from: tuple[str, ...] = ()
    view_radius: int | None = None
    version: int = 1

    @property
    def max_steps(self) -> int:
        """Play's budget of moves for each maze."""
        return 4 * self.rows * self.cols

    @property
    def path(self) -> Path:
        return FROZEN / f"{self.name}.json"


@dataclass(frozen=True)
class Suite:
    """A suite's mazes, as read from its frozen file."""

    spec: SuiteSpec
    mazes: tuple[Maze, ...]


PAPER_LEVELS = {"Easy": (1, 4), "Medium": (5, 8), "Hard": (9, 13)}
"""MazeBench's levels by length of the shortest path (AlphaMaze, arXiv 2502.14669)."""


def paper_draws(hundreds: int) -> tuple[Draw, ...]:
    """The paper's composition of 50 easy, 40 medium and 10 hard mazes, ``hundreds`` times."""
    counts = zip(PAPER_LEVELS.values(), (50, 40, 10), strict=True)
    return tuple(Draw(low, high, count * hundreds) for (low, high), count in counts)


# Far enough for what is not seen to matter: at radius 1 a target within two moves is in sight.
FOG_LEVELS = {"Near": (3, 5), "Middle": (6, 9), "Far": (10, 24)}
FOG_DRAWS = (Draw(3, 24, 500), Draw(3, 24, 500, braid=0.5))

SUITES: dict[str, SuiteSpec] = {
    spec.name: spec
    for spec in (
        SuiteSpec(
            name="mazebench-100",
            split="benchmark",
            rows=5,
            cols=5,
            levels=PAPER_LEVELS,
            draws=paper_draws(1),
            sha256="b221d7c99d8f32a0aa8538a705390ffb010e010e9b0f19622920f425e2e1b747",
        ),
        SuiteSpec(
            name="mazebench-1000",
            split="benchmark",
            rows=5,
            cols=5,
            levels=PAPER_LEVELS,
            draws=paper_draws(10),
            sha256="09773e2f991c0d4a556d29400e0ba936ac84dbbe27cb01a3079e25f954e720c1",
            disjoint_from=("mazebench-100",),
        ),
        SuiteSpec(
            name="mazebench-dev",
            split="validation",
            rows=5,
            cols=5,
            levels=PAPER_LEVELS,
            draws=paper_draws(10),
            sha256="de1aed882ddfdcac81e91adb23796481c05cc1b27befd4cfabcc596dce9ba0b8",
        ),
        SuiteSpec(
            name="mazebench-10x10",
            split="benchmark",
            rows=10,
            cols=10,
            # Lengths come as they come: of 4,000 mazes a third had up to 15 moves and a third over 30.
            levels={"Short": (1, 15), "Medium": (16, 30), "Long": (31, 99)},
            draws=(Draw(1, 99, 1000),),
            sha256="2347aaf3f4cf44df6c1047d6ec40f161b70dd1590a2309f1dd16265406d98029",
        ),
        SuiteSpec(
            name="fog",
            split="benchmark",
            rows=5,
            cols=5,
            levels=FOG_LEVELS,
            draws=FOG_DRAWS,
            sha256="bec04867fffdf4be412378233d91716ec676e96f1dd9fc83d55f48039d6a60f5",
            disjoint_from=("mazebench-100", "mazebench-1000"),
            view_radius=1,
        ),
        SuiteSpec(
            name="fog-dev",
            split="validation",
            rows=5,
            cols=5,
            levels=FOG_LEVELS,
            draws=FOG_DRAWS,
            sha256="6714a6d2b029726df68ba5220223089c74255667f2fc268929ce595c91298ea2",
            disjoint_from=("mazebench-dev",),
            view_radius=1,
        ),
    )
}


def spec_named(name: str) -> SuiteSpec:
    """The definition of a suite. Raises UnknownName with the nearest valid one."""
    if name not in SUITES:
        raise unknown_name("suite", name, SUITES)
    return SUITES[name]


@lru_cache(maxsize=8)
def load(name: str) -> Suite:
    """The frozen suite of that name.

    Raises:
        UnknownName: for a suite that does not exist.
        ChangedSuite: when the file is missing or its hash is not the pinned one.
    """
    spec = spec_named(name)
    if not spec.path.is_file():
        raise ChangedSuite(f"Expects the frozen suite at {spec.path}, actual: no such file")
    text = spec.path.read_text(encoding="utf-8")
    if text_hash(text) != spec.sha256:
        raise ChangedSuite(
            f"Expects {spec.path} unchanged, with sha256 {spec.sha256}, actual: {text_hash(text)}. "
            "Results on other mazes would not compare; restore the file."
        )
    return Suite(spec, tuple(_maze_of_line(line, spec) for line in json.loads(text)["mazes"]))


def text_hash(text: str) -> str:
    """The sha256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def key_of(*parts: object) -> int:
    """A 64-bit key that is a pure function of ``parts``: the first 8 bytes of a sha256."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big")


def make_mazes(spec: SuiteSpec) -> list[Maze]:
    """The suite's mazes, made from its definition alone."""
    taken = {layout_hash(maze.walls) for name in spec.disjoint_from for maze in make_mazes(SUITES[name])}
    mazes: list[Maze] = []
    for draw in spec.draws:
        bounds = MazeSpec(
            spec.rows,
            spec.cols,
            draw.min_length,
            draw.max_length,
            generator=GENERATOR,
            braid=draw.braid,
            split=spec.split,
        )
        wanted, index = len(mazes) + draw.count, 0
        while len(mazes) < wanted:
            candidates = range(index, index + draw.count)
            index += draw.count
            keys = [key_of(spec.name, spec.version, *draw.key, i) for i in candidates]
            batch = generate_batch(np.array(keys, dtype=np.uint64), bounds)
            for maze in (batch[i] for i in range(len(batch))):
                layout = layout_hash(maze.walls)
                if layout not in taken and len(mazes) < wanted:
                    taken.add(layout)
                    mazes.append(maze)
    return mazes


def frozen_text(spec: SuiteSpec, mazes: Sequence[Maze]) -> str:
    """The text of a frozen file: JSON with one line for each maze."""
    head = {
        "suite": spec.name,
        "version": spec.version,
        "generator": GENERATOR,
        "split": spec.split,
        "rows": spec.rows,
        "cols": spec.cols,
        "max_steps": spec.max_steps,
        "levels": spec.levels,
        "draws": [draw.written for draw in spec.draws],
        "maze": "wall byte of each cell in hexadecimal, row by row; origin row-col; target row-col",
    }
    if spec.view_radius is not None:
        head["view_radius"] = spec.view_radius
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    listed = ",\n".join(json.dumps(_line_of_maze(maze)) for maze in mazes)
    return "{\n" + ",\n".join(lines) + ',\n"mazes": [\n' + listed + "\n]\n}\n"


def _line_of_maze(maze: Maze) -> str:
    walls = "".join(f"{bits:x}" for bits in maze.walls.flat)
    return f"{walls} {maze.origin[0]}-{maze.origin[1]} {maze.target[0]}-{maze.target[1]}"


def _maze_of_line(line: str, spec: SuiteSpec) -> Maze:
    walls, origin, target = line.split()
    bits = np.array([int(digit, 16) for digit in walls], dtype=np.uint8)
    return Maze(bits.reshape(spec.rows, spec.cols), _cell(origin), _cell(target))


def _cell(text: str) -> Cell:
    row, col = text.split("-")
    return int(row), int(col)


def level_of(length: int, spec: SuiteSpec) -> str:
    """The level that a shortest path of ``length`` moves belongs to."""
    return next(name for name, (low, high) in spec.levels.items() if low <= length <= high)


def main(arguments: Sequence[str] | None = None) -> None:
    """Checks or writes the frozen files."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suites", description=__doc__.splitlines()[0])
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="make every suite again and compare with its frozen file")
    action.add_argument("--write", action="store_true", help="write the frozen files and print their hashes")
    options = parser.parse_args(arguments)
    for spec in SUITES.values():
        mazes = make_mazes(spec)
        text = frozen_text(spec, mazes)
        if options.write:
            FROZEN.mkdir(exist_ok=True)
            spec.path.write_text(text, encoding="utf-8", newline="\n")
        elif load(spec.name).mazes != tuple(mazes) or text_hash(text) != spec.sha256:
            raise ChangedSuite(f"Expects {spec.name} as frozen, actual: the generator now makes other mazes")
        lengths = [int(distances_to(maze.walls, maze.target)[maze.origin]) for maze in mazes]
        levels = [level_of(length, spec) for length in lengths]
        counts = ", ".join(f"{name} {levels.count(name)}" for name in spec.levels)
        print(f"{spec.name} v{spec.version}: {len(mazes)} mazes ({counts}), sha256 {text_hash(text)}")


if __name__ == "__main__":
    run_command(main)
