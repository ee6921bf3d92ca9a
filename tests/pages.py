"""The pages that readers see: Markdown at the top and in ``docs/``, and the notebook."""

import json
import re
from pathlib import Path
from typing import NamedTuple

from tests.modules import ROOT

NOTEBOOKS = sorted((ROOT / "docs").rglob("*.ipynb"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(
    r"(?:<!-- not run: (?P<why>[^>]+) -->\n+)?^(?P<indent> *)```python\n(?P<code>.*?)^ *```$", re.M | re.S
)


class Block(NamedTuple):
    """A block of Python on a page."""

    code: str
    """What stands there."""
    not_run: str
    """Why it cannot run here, from the comment above it; else empty."""


def text_of(page: Path) -> str:
    """A page as it is written."""
    return page.read_text(encoding="utf-8")


def python_blocks(page: Path) -> list[Block]:
    """Those of a Markdown page, in their order."""
    found = []
    for match in BLOCK.finditer(text_of(page)):
        lines = [line.removeprefix(match["indent"]) for line in match["code"].splitlines()]
        found.append(Block("\n".join(lines) + "\n", match["why"] or ""))
    return found


def cells_of(notebook: Path) -> list[dict]:
    """The code cells of a notebook, as they are stored."""
    cells = json.loads(text_of(notebook))["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in cells if cell["cell_type"] == "code"]


def notebook_shell(notebook: Path) -> str:
    """What a notebook gives to a shell."""
    sources = [cell["source"] for cell in cells_of(notebook)]
    bash = [source.partition("\n")[2] for source in sources if source.startswith("%%bash")]
    lines = [line[1:].partition(" && ")[0] for source in sources for line in source.splitlines() if line[:1] == "!"]
    return re.sub(r" (2>|>) \S+( 2>&1)?", "", "\n".join([*bash, *lines]))
