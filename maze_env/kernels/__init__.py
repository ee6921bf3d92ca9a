"""Everything that numba compiles: loops over arrays.

Modules of this package are imported at first use, because numba takes longer to import than all the rest: write
``from maze_env import kernels`` and call ``kernels.grid.fill_distances(...)``. (``from maze_env.kernels import grid``
imports numba at once.) Of the other modules they import ``maze_env.moves`` alone.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maze_env.kernels import generation, grid, texts, vector, views

__all__ = ["generation", "grid", "texts", "vector", "views"]


def __getattr__(name: str) -> ModuleType:
    # Called once for each module: importing it makes it an attribute of this package.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
