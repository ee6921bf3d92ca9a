"""Train, validation and benchmark mazes, assigned by their content.

The 64-bit hash of a maze's wall layout, in canonical form under the 8 symmetries, decides its split. Seeds play no
part, so no choice of seeds can put the same walls into two splits; endpoints play no part, or the same walls would
recur with other endpoints; and a mirrored or rotated copy is in the split of its original.
"""

import numpy as np
from numpy.typing import NDArray

from maze_env import kernels
from maze_env.errors import ImpossibleMaze, unknown_name

SPLITS = ("train", "validation", "benchmark")
VALIDATION_SHARE = 0.05
BENCHMARK_SHARE = 0.05
MIN_SPLIT_SIDE = 4
"""Layouts with a shorter side are all ``train``: there are too few of them to hold any back (192 of 3x3)."""

# A hash under the first limit is benchmark, under the second validation, else train.
HASH_LIMITS = np.array(
    [int(BENCHMARK_SHARE * 2**64), int((BENCHMARK_SHARE + VALIDATION_SHARE) * 2**64)], dtype=np.uint64
)


def layout_hash(walls: NDArray[np.uint8]) -> int:
    """The 64-bit hash of a wall layout in canonical form: ``walls`` is (rows, cols) uint8."""
    with np.errstate(over="ignore"):  # the hash wraps; NumPy warns only when kernels run uncompiled
        return int(kernels.grid.layout_hash(walls))


def split_of(walls: NDArray[np.uint8]) -> str:
    """The split that a wall layout ((rows, cols) uint8) belongs to, by its hash alone."""
    if min(walls.shape) < MIN_SPLIT_SIDE:
        return "train"
    value = layout_hash(walls)
    if value < int(HASH_LIMITS[0]):
        return "benchmark"
    return "validation" if value < int(HASH_LIMITS[1]) else "train"


def hash_bounds(split: str | None, shape: tuple[int, int]) -> tuple[int, int] | None:
    """The inclusive range of hashes of ``split`` for layouts of ``shape``; ``None`` where every layout qualifies.

    Raises:
        UnknownName: for a split that does not exist.
        ImpossibleMaze: where the split is empty, as it is for validation and benchmark of a side under 4.
    """
    if split is None:
        return None
    if split not in SPLITS:
        raise unknown_name("split", split, SPLITS)
    if min(shape) < MIN_SPLIT_SIDE:
        if split != "train":
            raise ImpossibleMaze(
                f"Expects sides of at least {MIN_SPLIT_SIDE} for split={split!r} (smaller layouts are all 'train'), "
                f"actual: {shape[0]}x{shape[1]}"
            )
        return None
    first, second = (int(limit) for limit in HASH_LIMITS)
    return {"benchmark": (0, first - 1), "validation": (first, second - 1), "train": (second, 2**64 - 1)}[split]
