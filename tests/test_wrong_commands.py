"""What a person gets wrong on a command line is told in one line, before any work, and leaves nothing behind."""

import pytest

BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
FILES = {
    "tabs.yaml": b"examples: 3\n\tseed: 4\n",
    "twice.yaml": b"examples: 3\nexamples: 4\n",
    "bomb.yaml": f"{BOMB}sizes: *i\n".encode(),
    "alias.yaml": b"sizes: &s {5x5: 1}\nlengths: *s\n",
    "deep.yaml": b"sizes: " + b"[" * 5000,
    "code.yaml": b"sizes: !!python/object/apply:os.system [ls]\n",
    "binary.yaml": bytes(range(256)),
    "latin.yaml": "run_name: \xfcbung\n".encode("latin-1"),
    "list.yaml": b"examples: [1, 2]\n",
    "mapping.yaml": b"seed: {a: 1}\n",
    "listed.yaml": b"- examples\n",
    "nul.yaml": b'run_name: "a\\0b"\noutput_dir: "a\\0b"\n',
    "empty.yaml": b"",
    "typo.yaml": b"learning_rte: 1\n",
    "date.yaml": b"examples: 2020-01-01\n",
    "page.md": b"no marker\n",
    "text.json": b"{",
    "other.json": b"[]",
    "deep.json": b"[" * 100_000,
    "binary.json": bytes(range(256)),
    "prompt.txt": b"no place for the maze",
    "template.jinja": b"{% for",
}
COMMANDS = """
training.sft --config tabs.yaml
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "directory").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(text):
    return [line for line in text.splitlines() if line]
