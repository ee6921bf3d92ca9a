"""What ``tests/test_documentation.py`` and ``tests/test_doctests.py`` ask, of the doors whose package is installed."""

import doctest
from importlib import import_module

import pytest

from tests.modules import ROOT, module_of, waits_for_package
from tests.test_documentation import undocumented

FILES = sorted((ROOT / "benchmarks" / "doors").rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_door_is_documented(path):
    if waits_for_package(path):
        pytest.skip("its package is not installed")
    assert [*undocumented(path)] == []
    assert doctest.testmod(import_module(module_of(path))).failed == 0
