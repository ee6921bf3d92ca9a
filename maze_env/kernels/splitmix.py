"""Random numbers as a pure function of a 64-bit key: SplitMix64, small enough to be the same compiled and not.

Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (the mixing constants are
Stafford's variant 13). A stream is a ``(1,)`` uint64 array that each draw advances. NumPy's own generators cannot be
seeded a million times a second, which is what one stream per maze needs.
"""

import numpy as np
from numpy.typing import NDArray

from maze_env.kernels.jit import compiled

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
S27, S30, S31, S32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)
LOW_32 = np.uint64(0xFFFFFFFF)


@compiled
def mix(value: np.uint64) -> np.uint64:
    """A bijection of uint64 that scatters near inputs."""
    value = (value ^ (value >> S30)) * MIX_1
    value = (value ^ (value >> S27)) * MIX_2
    return value ^ (value >> S31)


@compiled
def below(stream: NDArray[np.uint64], bound: int) -> np.int64:
    """A draw from 0 .. bound - 1. The bias of multiply-and-shift is under bound / 2**32: 1e-6 for the largest grid."""
    stream[0] += GOLDEN
    return np.int64(((mix(stream[0]) & LOW_32) * np.uint64(bound)) >> S32)
