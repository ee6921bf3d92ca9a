"""64-bit keys: what mazes are made of, and what randomness is seeded with."""

import hashlib

import numpy as np


def draw_key(rng: np.random.Generator) -> int:
    """One 64-bit key from a NumPy generator."""
    return int(rng.integers(0, 2**64, dtype=np.uint64))


def key_of(*parts: object) -> int:
    """A 64-bit key that is a pure function of ``parts``: the first 8 bytes of a SHA-256."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big")
