"""HTML and SVG that no text can break out of: whatever is not ``Markup`` is escaped."""

import base64
import gzip
import json
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from maze_env._text import harmless


class Markup(str):
    """Text that is HTML; any other text is not, and is escaped where it joins."""

    __slots__ = ()


def element(name: str, *children: object, **attributes: object) -> Markup:
    """``<name attributes>children</name>``.

    Args:
        children: ``Markup`` as it stands, ``None`` left out, anything else as escaped text.
        attributes: ``class_`` is class, ``data_id`` is data-id; ``None`` and False are left out, True has no value.
    """
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{_escaped(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Markup(f"<{name}{written}>{joined(*children)}</{name}>")


def joined(*children: object) -> Markup:
    """``children``, as of an element, without one around them."""
    return Markup("".join(c if isinstance(c, Markup) else _escaped(c) for c in children if c is not None))


def _escaped(text: object) -> str:
    return escape(harmless(str(text), keep="\n"))


def visible(value: Any) -> Any:
    """A value for JSON in which no text hides anything from who reads it in a browser."""
    if isinstance(value, dict):
        return {visible(name): visible(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [visible(one) for one in value]
    return harmless(str(value), keep="\n\t") if isinstance(value, str) else value


def packed(value: Any) -> str:
    """JSON, compressed by gzip, in base64."""
    text = json.dumps(visible(value), separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode("ascii"), mtime=0)).decode("ascii")


def data_block(name: str, value: Any) -> Markup:
    """A script element that holds data for the page's own script, ``packed``: no text in ``value`` can end it."""
    return Markup(f'<script type="text/plain" id="{escape(name)}">{packed(value)}</script>')


def data_table(header: Iterable[object], rows: Iterable[Sequence[object]]) -> Markup:
    """A table whose first column names its rows, in a box that scrolls where the page is narrow."""
    head = element("tr", *(element("th", cell, scope="col") for cell in header))
    heads = [(element("th", name, scope="row"), cells) for name, *cells in rows]
    lines = [element("tr", name, *(element("td", cell) for cell in cells)) for name, cells in heads]
    return scrolling(element("table", element("thead", head), element("tbody", *lines)))


def scrolling(table: Markup) -> Markup:
    """A box for a table that scrolls where the page is narrow, by the keyboard too."""
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label="Table")
