"""The Python on the pages of the doors for training prints what stands below it."""

import contextlib
import io
import re

import pytest

from tests.modules import ROOT

BLOCKS = re.compile(r"```python\n(.*?)```(?:\s*```text\n(.*?)```)?", re.DOTALL)
PAGES = {"verifiers": "verifiers", "reasoning-gym": "reasoning_gym", "skyrl": "skyrl_gym"}
"""Pages by name, and the package of each."""


@pytest.mark.parametrize("page", PAGES)
def test_examples_print_what_the_page_says(page, tmp_path, monkeypatch):
    pytest.importorskip(PAGES[page])
    monkeypatch.chdir(tmp_path)
    blocks = BLOCKS.findall((ROOT / "docs" / "doors" / f"{page}.md").read_text(encoding="utf-8"))
    assert any(shown for _, shown in blocks)
    names = {}
    for code, shown in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, names)
        assert printed.getvalue() == shown
