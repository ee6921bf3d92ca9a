"""The examples in docstrings give what they say."""

import doctest
from importlib import import_module

import pytest

from tests.modules import PACKAGES, ROOT, files_of, module_of

DOCUMENTED = [*files_of(*PACKAGES), ROOT / "tests" / "modules.py"]
MODULES = sorted(module_of(path) for path in DOCUMENTED if ">>> " in path.read_text(encoding="utf-8"))
# What others implement, and how many lines its example has at least.
EXTENDED = {
    "tokenmaze.agents.base": 2, "tokenmaze.benchmarks.suite_specs": 3, "maze_env.generation": 3, "maze_env.rewards": 3,
    "maze_env.token_maze": 3, "maze_env.traces": 3, "maze_env.views": 3,
}  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_examples_give_what_they_say(module):
    if module.startswith("tokenmaze.benchmarks.doors."):  # each needs a package of its own
        pytest.importorskip(module, exc_type=ModuleNotFoundError)
    assert doctest.testmod(import_module(module)).failed == 0


@pytest.mark.parametrize(("interface", "least"), EXTENDED.items())
def test_what_others_extend_has_an_example(interface, least):
    assert doctest.testmod(import_module(interface)).attempted >= least
