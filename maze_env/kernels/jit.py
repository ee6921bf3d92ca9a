"""The decorator of every kernel."""

from collections.abc import Callable
from typing import TypeVar

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def compiled(kernel: Kernel) -> Kernel:
    """``numba.njit(cache=True)`` with the types of ``kernel``: numba ships none, and calls of it would go unchecked."""
    return njit(cache=True)(kernel)


def inlined(kernel: Kernel) -> Kernel:
    """As ``compiled``, its body put in place of each call: a call that hands on an array costs as much as its body."""
    return njit(cache=True, inline="always")(kernel)
