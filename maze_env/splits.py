"""Train, validation and benchmark mazes, assigned by their content.

The 64-bit hash of a maze's wall layout, in canonical form under the 8 symmetries, decides its split. Seeds play no
part, so no choice of seeds can put the same walls into two splits; endpoints play no part, or the same walls would
recur with other endpoints; and a mirrored or rotated copy is in the split of its original.
"""

import numpy as np

from maze_env import kernels
from maze_env.errors import ImpossibleMaze, unknown_name
from maze_env.moves import Walls

SPLITS = ("train", "validation", "benchmark")
VALIDATION_SHARE = 0.05
BENCHMARK_SHARE = 0.05
MIN_SPLIT_SIDE = 4  # layouts with a shorter side are all ``train``: too few of them to hold any back (192 of 3x3)

# A hash under the first limit is benchmark, under the second validation, else train.
HASH_LIMITS = (int(BENCHMARK_SHARE * 2**64), int((BENCHMARK_SHARE + VALIDATION_SHARE) * 2**64))


def layout_hash(walls: Walls) -> int:
    """The 64-bit hash of a wall layout in canonical form."""
    with np.errstate(over="ignore"):  # the hash wraps; NumPy warns only when kernels run uncompiled
        return int(kernels.grid.layout_hash(walls))


def split_of(walls: Walls) -> str:
    """The split that a wall layout belongs to, by its hash alone.

    Args:
        walls: the wall bytes of the layout, (rows, cols) uint8.
    """
    if min(walls.shape) < MIN_SPLIT_SIDE:
        return "train"
    value = layout_hash(walls)
    return "benchmark" if value < HASH_LIMITS[0] else "validation" if value < HASH_LIMITS[1] else "train"


def hash_bounds(split: str | None, shape: tuple[int, int]) -> tuple[int, int] | None:
    """The inclusive range of hashes of ``split`` for layouts of ``shape``; ``None`` where every layout qualifies.

    Raises ImpossibleMaze where the split is empty, as it is for validation and benchmark of a side under 4.
    """
    if split is not None and not (isinstance(split, str) and split in SPLITS):
        raise unknown_name("split", split, SPLITS)
    small = min(shape) < MIN_SPLIT_SIDE
    if split is None or (small and split == "train"):
        return None
    if small:
        least = f"{MIN_SPLIT_SIDE} for split={split!r} (smaller layouts are all 'train')"
        raise ImpossibleMaze(f"Expects sides of at least {least}, actual: {shape[0]}x{shape[1]}")
    first, second = HASH_LIMITS
    return {"benchmark": (0, first - 1), "validation": (first, second - 1), "train": (second, 2**64 - 1)}[split]
