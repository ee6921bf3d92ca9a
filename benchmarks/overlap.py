"""Which wall layouts two files of mazes share, up to rotation and reflection.

    tokenmaze check-overlap mazebench-1000 mine.jsonl
    tokenmaze check-overlap train.parquet test.csv --json
    tokenmaze check-overlap maze_dataset.zanj sizes

A file may be a suite by its name; JSON lines, JSON, parquet or CSV with a column of mazes, alone or at the end of a
prompt; a text of mazes in tokens, drawn, or as grids of # or of 0 and 1; what maze-dataset saves (.zanj); or a folder
that 'tokenmaze export' wrote. Mazes that are images of each other under the 8 symmetries of a grid have the same
layout, whatever their endpoints.

Exit status 0: nothing is shared. 1: something is. 2: a file cannot be read.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, run_command
from maze_env._text import harmless
from maze_env.splits import layout_hash, split_of
from maze_env.symmetry import SYMMETRIES, wall_bytes
from tokenmaze.benchmarks.layout_files import read_layouts
from tokenmaze.benchmarks.layouts import Layout
from tokenmaze.benchmarks.present.words import counted

SHOWN = 5
"""Shared layouts that are printed; ``--json`` has all."""


@dataclass(frozen=True)
class Shared:
    """A layout that both files have."""

    first: tuple[int, ...]
    """Its places in the first file, from 0."""
    second: tuple[int, ...]
    """In the second."""
    same_ends: bool
    """Whether some maze of the first has the endpoints of one of the second too."""


def shared_layouts(first: Sequence[Layout], second: Sequence[Layout]) -> list[Shared]:
    """The layouts that both have, in the order of the first. The same layout is the same ``layout_hash``."""
    ours, theirs = by_hash(first), by_hash(second)
    both = [value for value in ours if value in theirs]
    one, two = (_with_ends(layouts, [place for value in both for place in places[value]])
                for layouts, places in ((first, ours), (second, theirs)))  # fmt: skip
    found = []
    for value in both:
        ends = {one[place] for place in ours[value] if place in one}
        same_ends = any(two.get(place) in ends for place in theirs[value])
        found.append(Shared(tuple(ours[value]), tuple(theirs[value]), same_ends))
    return found


def by_hash(layouts: Sequence[Layout]) -> dict[int, list[int]]:
    """The places of each layout, by its hash, in the order of the first of them."""
    places: dict[int, list[int]] = {}
    for place, layout in enumerate(layouts):
        places.setdefault(layout_hash(layout.walls), []).append(place)
    return places


def _with_ends(layouts: Sequence[Layout], places: Sequence[int]) -> dict[int, bytes]:
    """By place, what is the same for all images of a layout with its endpoints; without those of unknown endpoints.

    All layouts of one shape at once: the least of the 8 images, written as bytes.
    """
    shapes: dict[tuple[int, ...], list[int]] = {}
    for place in places:
        if layouts[place].ends is not None:
            shapes.setdefault(layouts[place].walls.shape, []).append(place)
    keys: dict[int, bytes] = {}
    for among in shapes.values():
        walls = np.stack([layouts[place].walls for place in among])
        ends = np.array([layouts[place].ends for place in among])  # (mazes, 2, 2): origin and target as (row, column)
        images = [_images(walls, ends, symmetry) for symmetry in SYMMETRIES]
        keys |= {place: min(image) for place, *image in zip(among, *images, strict=True)}
    return keys


def _images(walls: np.ndarray, ends: np.ndarray, symmetry: int) -> list[bytes]:
    """Of mazes of one shape the images under a symmetry: size, walls and endpoints of each."""
    image, row, col = wall_bytes(symmetry)[walls], ends[..., 0], ends[..., 1]
    if symmetry & 4:
        image, row, col = image.transpose(0, 2, 1), col, row
    rows, cols = image.shape[1:]
    if symmetry & 2:
        image, row = image[:, ::-1], rows - 1 - row
    if symmetry & 1:
        image, col = image[:, :, ::-1], cols - 1 - col
    count = len(walls)
    sizes = np.tile(np.array([rows, cols], dtype=np.uint8), (count, 1))
    parts = [sizes, image.reshape(count, -1), row.astype(np.uint8), col.astype(np.uint8)]
    text = np.concatenate(parts, axis=1).tobytes()
    width = len(text) // count
    return [text[start : start + width] for start in range(0, len(text), width)]


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=called_as("benchmarks.overlap"), description=__doc__)
    made.add_argument("first", metavar="A", help="a suite's name, a file or a folder of parquet files")
    made.add_argument("second", metavar="B", help="likewise")
    made.add_argument("--json", action="store_true", help="print all that is shared as JSON")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Compares the two and prints what they share; exits with status 1 where they share something."""
    options = parser().parse_args(arguments)
    sources = (options.first, options.second)
    first, second = map(read_layouts, sources)
    found = shared_layouts(first, second)
    files = {
        name: {
            "mazes": len(layouts),
            "layouts": len(by_hash(layouts)),
            "of_training_split": sum(split_of(layout.walls) == "train" for layout in layouts),
            "mazes_with_a_shared_layout": sum(len(getattr(one, place)) for one in found),
        }
        for name, place, layouts in (("A", "first", first), ("B", "second", second))
    }
    same_ends = sum(one.same_ends for one in found)
    if options.json:
        shared = [{"A": one.first, "B": one.second, "same_endpoints": one.same_ends} for one in found]
        counts = {"shared_layouts": len(found), "shared_with_endpoints": same_ends}
        print(json.dumps({"files": sources, **files, **counts, "shared": shared}, indent=1))
    else:
        for source, (name, told) in zip(sources, files.items(), strict=True):
            sizes = f"{counted(told['mazes'], 'maze')}, {counted(told['layouts'], 'layout')}"
            print(harmless(f"{name}: {sizes}, {told['of_training_split']:,} of the training split  {source}"))
        print(f"shared: {counted(len(found), 'layout')}, {same_ends:,} of them with the same endpoints")
        for one in found[:SHOWN]:
            ends = "with" if one.same_ends else "without"
            print(f"  A {_places(one.first)} = B {_places(one.second)}, {ends} the same endpoints")
        if len(found) > SHOWN:
            print(f"  ... and {len(found) - SHOWN:,} more, which --json lists")
    if found:
        sys.exit(1)


def _places(places: Sequence[int]) -> str:
    return ", ".join(map(str, places[:SHOWN])) + (" ..." if len(places) > SHOWN else "")


if __name__ == "__main__":
    run_command(main)
