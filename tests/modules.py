"""The modules of this project by the names that they have where it is installed (setup.cfg)."""

from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("maze_env", "agents", "training", "benchmarks")
"""The folders at the top that hold code."""
BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {packages!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)

sys.meta_path.insert(0, Blocked())
"""
"""A ``sitecustomize.py`` for a Python in which packages are not installed."""
TOP_LEVEL = {"benchmarks.doors.tokenmaze_verifiers": "tokenmaze_verifiers"}
"""Packages that another framework wants at the top level."""


def installed(module):
    """The name that a module of the checkout has where it is installed; others keep theirs.

    >>> installed("training.sft"), installed("maze_env.maze")
    ('tokenmaze.training.sft', 'maze_env.maze')
    """
    if module in TOP_LEVEL:
        return TOP_LEVEL[module]
    return f"tokenmaze.{module}" if module.partition(".")[0] in PACKAGES[1:] else module


def module_of(path, root=ROOT):
    """The name that a file of ``root`` is imported by.

    >>> module_of(ROOT / "benchmarks" / "report" / "__init__.py")
    'tokenmaze.benchmarks.report'
    """
    return installed(".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"))


def package_of(module):
    """The folder at the top that an imported module is in, or its top-level package.

    >>> package_of("tokenmaze.agents.base"), package_of("torch.nn")
    ('agents', 'torch')
    """
    return module.removeprefix("tokenmaze.").partition(".")[0]


def files_of(*packages):
    """Every Python file of packages of this project."""
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def waits_for_package(path):
    """Whether a file cannot be imported here: doors to other frameworks need the package of one, tests of them too."""
    if "doors" not in path.relative_to(ROOT).parts:
        return False
    try:
        import_module(module_of(path))
    except ModuleNotFoundError as error:
        return package_of(error.name) not in PACKAGES
    return False
