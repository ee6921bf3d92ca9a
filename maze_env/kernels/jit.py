"""The decorator of every kernel.

Kernels divide as NumPy does, because a check for a divisor of 0, which none of them has, would keep the compiler from
working on many numbers at a time.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numba

from maze_env.kernels.cache import KernelCache

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def compiled(kernel: Kernel) -> Kernel:
    """``numba.njit`` with ``KernelCache`` and the types of ``kernel``: numba ships none."""
    return _cached(numba.njit(error_model="numpy")(kernel), kernel)


def inlined(kernel: Kernel) -> Kernel:
    """As ``compiled``, its body put in place of each call: a call that hands on an array costs as much as its body."""
    return _cached(numba.njit(inline="always", error_model="numpy")(kernel), kernel)


def _cached(dispatcher: Any, kernel: Kernel) -> Kernel:
    if not numba.config.DISABLE_JIT:  # with it there is none, and kernels run as Python
        dispatcher._cache = KernelCache(kernel)
    return dispatcher
