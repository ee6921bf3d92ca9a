"""Compiled loops, imported when they are first called: numba takes longer to import than all the rest."""

from functools import cache
from importlib import import_module
from types import ModuleType


@cache
def kernels(name: str) -> ModuleType:
    """The module ``maze_env.<name>``. An ``import`` statement inside a function costs ten times as much each time."""
    return import_module(f"maze_env.{name}")
