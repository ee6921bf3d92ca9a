"""The examples in docstrings give what they say."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = [
    path for package in ("maze_env", "agents", "training", "benchmarks") for path in (ROOT / package).rglob("*.py")
]
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in FILES
    if ">>> " in path.read_text(encoding="utf-8")
)
# What others implement, and how many lines its example has at least.
EXTENDED = {
    "agents.base": 2, "benchmarks.suite_specs": 3, "maze_env.generation": 3, "maze_env.rewards": 3,
    "maze_env.token_maze": 3, "maze_env.traces": 3, "maze_env.views": 3,
}  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_examples_give_what_they_say(module):
    assert doctest.testmod(import_module(module)).failed == 0


@pytest.mark.parametrize(("interface", "least"), EXTENDED.items())
def test_what_others_extend_has_an_example(interface, least):
    assert doctest.testmod(import_module(interface)).attempted >= least
