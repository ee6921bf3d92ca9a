"""A page in one text that needs nothing else: its template filled in, with its style and its script inside."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from string import Template

from tokenmaze.benchmarks.report.markup import Markup

FOLDER = Path(__file__).parent
"""Of the templates, styles and scripts."""


def document(template: str, styles: Sequence[str], scripts: Sequence[str], **parts: Markup) -> str:
    """The whole page.

    Args:
        template: file of the page, with ``$style``, ``$script``, ``$hash`` (of the one script that its policy lets run)
            and the names of ``parts`` in it.
        styles: files of its style, in order.
        scripts: files of its script, in order.
        parts: what else is filled in.
    """
    script = _joined(scripts)
    text = Template(_joined([template])).substitute(
        parts,
        style=_joined(styles),
        script=script,
        hash=base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii"),
    )
    return text.encode("utf-8", "replace").decode("utf-8")  # a name may hold half a character, which no file can


def _joined(names: Sequence[str]) -> str:
    return "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in names)
