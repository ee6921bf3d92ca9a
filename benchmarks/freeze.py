"""Makes the frozen suites from their definitions.

    python -m benchmarks.freeze --check    makes every suite again and compares it with its frozen file
    python -m benchmarks.freeze --write    writes the frozen files; their hashes then have to be pinned in ``SUITES``

A frozen file has one maze a line. Where they come from: candidate ``i`` of a draw is ``generate_batch`` of the key
``key_of(suite, version, *draw.key, i)`` with the draw's bounds on the shortest path; a candidate is skipped when its
layout, under the 8 symmetries, is in the suite already or in a suite that this one must not overlap. So within a draw,
layouts and then endpoints whose distance is within the bounds are distributed as ``maze_env.generation`` draws them,
and no wall layout counts twice.

The mazes of suite ``unreachable`` have one more passage closed (``close_passage``): one on the shortest path, so that
the target cannot be reached and the correct answer is to say so, or another one. The layout that results must belong to
the suite's split, as the original does.
"""

import json
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise, product

import numpy as np

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, run_command, write_whole
from maze_env.generation import MazeSpec, generate_batch
from maze_env.keys import key_of
from maze_env.maze import Maze
from maze_env.moves import Move
from maze_env.phrasings import phrasing_named
from maze_env.solving import (
    UNREACHABLE,
    distances_to,
    has_unique_shortest_path,
    longest_corridor,
    path_cells,
    shortest_path,
)
from maze_env.splits import MIN_SPLIT_SIDE, layout_hash, split_of
from maze_env.symmetry import SYMMETRIES, transform_maze
from tokenmaze.benchmarks.suite_specs import GENERATOR, ON_PATH, SUITES, SuiteSpec
from tokenmaze.benchmarks.suites import ChangedSuite, Suite, load, text_hash

MAX_CANDIDATES_PER_MAZE = 1000
"""Where these do not suffice, there are no such mazes left."""


def make_mazes(spec: SuiteSpec) -> list[Maze]:
    """The suite's mazes, made from its definition alone."""
    used = set().union(*map(suite_layouts, spec.disjoint_from))
    mazes: list[Maze] = []
    for draw in spec.draws:
        rows, cols = draw.size or (spec.rows, spec.cols)
        split = spec.split if min(rows, cols) >= MIN_SPLIT_SIDE else None  # all smaller layouts belong to training
        (low, high), turns = (draw.min_length, draw.max_length), draw.turns or (0, None)
        bounds = MazeSpec(rows, cols, low, high, turns[0], turns[1], draw.generator, draw.braid, split)
        wanted, index = len(mazes) + draw.count, 0
        while len(mazes) < wanted:
            if index > MAX_CANDIDATES_PER_MAZE * draw.count:
                raise ChangedSuite(f"Expects {draw.count} mazes of {draw} in {spec.name}, actual: {len(mazes)} in all")
            keys = [key_of(spec.name, spec.version, *draw.key, i) for i in range(index, index + draw.count)]
            index += draw.count
            batch = generate_batch(np.array(keys, dtype=np.uint64), bounds)
            for key, maze in zip(keys, (batch[i] for i in range(len(batch))), strict=True):
                if draw.closed_passage:
                    closed = close_passage(maze, draw.closed_passage, key)
                    if closed is None or split_of(closed.walls) != spec.split:
                        continue
                    maze = closed
                if draw.corridors and not draw.corridors[0] <= longest_corridor(maze) <= draw.corridors[1]:
                    continue
                if draw.is_unique and not has_unique_shortest_path(maze):
                    continue
                layout = layout_hash(maze.walls)
                if layout not in used and len(mazes) < wanted:
                    used.add(layout)
                    mazes.append(maze)
    return [transform_maze(maze, symmetry) for maze in mazes for symmetry in (SYMMETRIES if spec.images else (0,))]


@lru_cache
def suite_layouts(name: str) -> frozenset[int]:
    """The hashes of a suite's layouts, made from its definition: later suites leave them out."""
    return frozenset(layout_hash(maze.walls) for maze in make_mazes(SUITES[name]))


def close_passage(maze: Maze, place: str, key: int) -> Maze | None:
    """Closes one passage of a maze without loops, so that it falls into two parts of at least two cells each.

    The passage is on the shortest path (``ON_PATH``) or elsewhere (``OFF_PATH``); ``key`` chooses. ``None`` where there
    is none.
    """
    path = [{cell, to} for cell, to in pairwise(path_cells(maze.origin, shortest_path(maze)))]
    layouts = []
    for cell, move in product(np.ndindex(maze.rows, maze.cols), (Move.DOWN, Move.RIGHT)):
        to = move.apply(cell)
        if maze.is_open(cell, move) and ({cell, to} in path) == (place == ON_PATH):
            walls = maze.walls.copy()
            walls[cell] |= move.wall
            walls[to] |= move.opposite.wall
            part = np.count_nonzero(distances_to(walls, cell) != UNREACHABLE)
            if 2 <= part <= walls.size - 2:
                layouts.append(walls)
    return Maze(layouts[key % len(layouts)], maze.origin, maze.target) if layouts else None


def frozen_text(spec: SuiteSpec, mazes: Sequence[Maze]) -> str:
    """The text of a frozen file: JSON with one line for each maze. Version 1's writer: pinned hashes depend on it."""
    sized = any(draw.size for draw in spec.draws)
    head: dict[str, object] = {"suite": spec.name, "version": spec.version, "generator": GENERATOR}
    head |= {name: getattr(spec, name) for name in ("split", "rows", "cols", "max_steps", "levels")}
    head["draws"] = [draw.v1_form for draw in spec.draws]
    walls = "wall byte of each cell in hexadecimal, row by row; origin row-col; target row-col"
    head["maze"] = f"rows x columns; {walls}" if sized else walls
    if spec.images:
        head["images"] = "each maze in its 8 images, one after the other"
    if len(spec.phrasings) > 1:  # a hash of all mazes in each, so that no phrasing changes unnoticed
        texts = {name: "\n".join(map(phrasing_named(name).write, mazes)) for name in spec.phrasings}
        head["phrasings"] = {name: text_hash(text) for name, text in texts.items()}
    if spec.view_radius is not None:
        head["view_radius"] = spec.view_radius
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    listed = []
    for maze in mazes:
        size = [f"{maze.rows}x{maze.cols}"] if sized else []
        cells = [f"{row}-{col}" for row, col in (maze.origin, maze.target)]
        listed.append(json.dumps(" ".join([*size, "".join(f"{bits:x}" for bits in maze.walls.flat), *cells])))
    return "{\n" + ",\n".join(lines) + ',\n"mazes": [\n' + ",\n".join(listed) + "\n]\n}\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Checks or writes the frozen files."""
    parser = ArgumentParser(prog=called_as("benchmarks.freeze"), description=__doc__.splitlines()[0])
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="make every suite again and compare with its frozen file")
    action.add_argument("--write", action="store_true", help="write the frozen files and print their hashes")
    options = parser.parse_args(arguments)
    for spec in SUITES.values():
        mazes = make_mazes(spec)
        text = frozen_text(spec, mazes)
        if options.write:
            spec.path.parent.mkdir(exist_ok=True)
            write_whole(spec.path, text)
        elif load(spec.name).mazes != tuple(mazes) or text_hash(text) != spec.sha256:
            raise ChangedSuite(f"Expects {spec.name} as frozen, actual: the generator now makes other mazes")
        levels = Suite(spec, tuple(mazes)).labels
        counts = ", ".join(f"{name} {count}" for name, count in Counter(levels).items())
        print(f"{spec.name} v{spec.version}: {len(mazes)} mazes ({counts}), sha256 {text_hash(text)}")


if __name__ == "__main__":
    run_command(main)
