"""The Python on the pages of the doors prints what stands below it."""

import contextlib
import io
import re

import pytest

from tests.modules import ROOT

BLOCKS = re.compile(r"(<!-- not run: [^>]+ -->\n+)?```python\n(.*?)```(?:\s*```text\n(.*?)```)?", re.DOTALL)
PAGES = {
    "verifiers": "verifiers",
    "reasoning-gym": "reasoning_gym",
    "skyrl": "skyrl_gym",
    "mcp": "mcp.server.mcpserver",
    "trl": "trl",
}
"""Pages by name, and the package of each."""


# TRL's trains for a minute.
@pytest.mark.parametrize(
    "page", [name if name != "trl" else pytest.param(name, marks=pytest.mark.slow) for name in PAGES]
)
def test_examples_print_what_the_page_says(page, tmp_path, monkeypatch):
    pytest.importorskip(PAGES[page])
    monkeypatch.chdir(tmp_path)
    blocks = BLOCKS.findall((ROOT / "docs" / "doors" / f"{page}.md").read_text(encoding="utf-8"))
    assert any(shown for *_, shown in blocks)
    names = {}
    for code, shown in ((code, shown) for not_run, code, shown in blocks if not not_run):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, names)
        assert printed.getvalue().endswith(shown)  # TRL prints its log before
