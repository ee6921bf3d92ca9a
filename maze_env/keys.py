"""64-bit keys: what mazes are made of, and what randomness is seeded with."""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maze_env.errors import InvalidConfig, is_integer


def draw_key(rng: np.random.Generator) -> int:
    """One 64-bit key from a NumPy generator."""
    return int(rng.integers(0, 2**64, dtype=np.uint64))


def key_of(*parts: object) -> int:
    """A 64-bit key that is a pure function of ``parts``: the first 8 bytes of a SHA-256."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big")


def as_keys(keys: Iterable[int] | NDArray[Any]) -> NDArray[np.uint64]:
    """Keys as (n,) uint64. Raises InvalidConfig for what is no integer from 0 to 2**64 - 1: a cast would wrap it."""
    if not isinstance(keys, np.ndarray) or keys.dtype.kind != "u":
        for key in keys.ravel().tolist() if isinstance(keys, np.ndarray) else keys:
            if not (is_integer(key) and 0 <= key < 2**64):
                raise InvalidConfig(f"Expects keys from 0 to 2**64 - 1, actual: {key!r}")
    return np.ascontiguousarray(keys, dtype=np.uint64)
