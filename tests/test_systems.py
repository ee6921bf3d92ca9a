"""Systems that the tests do not run on, and settings of this one: read from the source, or simulated."""

import ast
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.commands import PACKAGES
from tests.tiny import ROOT
from tokenmaze.agents import provenance
from tokenmaze.training import run_folder

FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TEXT_MODES = {"open", "read_text", "write_text"}
PROCESSES = {"run", "Popen", "check_output", "check_call", "call"}
UNIX = {"resource", "fcntl", "termios", "tty", "pty", "pwd", "grp", "curses", "readline", "syslog", "posix"}
UNIX_NAMES = {"fork", "getuid", "geteuid", "uname", "sched_getaffinity", "SIGKILL", "SIGALRM", "SIGHUP", "mkfifo"}


def calls(tree):
    """(line, name, keywords, constants) of each call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            constants = [value.value for value in node.args if isinstance(value, ast.Constant)]
            yield node.lineno, name, {keyword.arg: keyword.value for keyword in node.keywords}, constants


def without_encoding(source):
    """Lines that read or write text in the locale's encoding."""
    for line, name, keywords, constants in calls(ast.parse(source)):
        binary = any(re.fullmatch("[rwax+]b[+]?", str(value)) for value in constants)
        reads_text = name in TEXT_MODES and not binary
        runs_text = name in PROCESSES and "text" in keywords
        if (reads_text or runs_text) and "encoding" not in keywords:
            yield line


NO_TEXT = ("os.open(", "Image.open(", "archive.open(")
"""What opens a number, a picture, and bytes in an archive."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_text_is_utf_8_on_every_system(path):
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    found = [lines[line - 1] for line in without_encoding(source)]
    assert [line for line in found if not any(opened in line for opened in NO_TEXT)] == []


def test_the_reading_of_encodings_sees_every_form():
    source = """
open("a")
open("a", "rb")
path.open("w")
path.read_text()
path.read_text(encoding="utf-8")
path.write_text("abc")
subprocess.run(x, text=True)
subprocess.run(x)
"""
    assert list(without_encoding(source)) == [2, 4, 5, 7, 8]


def unguarded(tree):
    """Modules that a file imports on every system."""
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Try | ast.FunctionDef | ast.If)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_windows_lacks_is_needed(path):
    tree = ast.parse("import fcntl\ntry:\n    import resource\nexcept ImportError:\n    pass\nimport os.path")
    assert set(unguarded(tree)) == {"fcntl", "os"}


@pytest.mark.parametrize(("platform", "unit"), [("freebsd", 2**10), ("darwin", 1)])
def test_memory_is_in_gib_whatever_the_system_counts_in(monkeypatch, tmp_path, platform, unit):
    usage = SimpleNamespace(ru_maxrss=3 * 2**30 // unit)
    monkeypatch.setattr(provenance, "STATUS", tmp_path / "none")
    monkeypatch.setattr(provenance, "resource", SimpleNamespace(getrusage=lambda _: usage, RUSAGE_SELF=0))
    monkeypatch.setattr(sys, "platform", platform)
    assert run_folder.Stopwatch().figures()["peak_memory_gib"] == 3.0


def test_on_linux_memory_is_that_of_the_process_alone(monkeypatch, tmp_path):
    (tmp_path / "status").write_text("Name:\tpython\nVmPeak:\t 9000000 kB\nVmHWM:\t 3145728 kB\n")
    monkeypatch.setattr(provenance, "STATUS", tmp_path / "status")
    monkeypatch.setattr(provenance, "resource", None)
    assert provenance.peak_memory() == 3.0


def test_without_any_who_knows_it_memory_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setattr(provenance, "STATUS", tmp_path / "none")
    monkeypatch.setattr(provenance, "resource", None)
    assert run_folder.Stopwatch().figures()["peak_memory_gib"] is None


ODD = "Läufe 🐭 x"
CONFIG = f"# müßig\noutput_dir: {ODD}\ntrace_styles: direct\nsizes: 2x2\nexamples: 4\n"


def commanded(folder, *arguments, **environment):
    """A command run in ``folder`` under a C locale, without Python's own way out of it; its output in bytes."""
    environment = {
        "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PATH": os.environ["PATH"], "HF_HUB_OFFLINE": "1",
        "HOME": str(folder), "PYTHONPATH": str(ROOT), **environment,
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", *map(os.fsencode, arguments)], cwd=folder, env=environment, capture_output=True
    )


@pytest.mark.skipif(sys.platform == "win32", reason="locales of other systems")
def test_a_locale_and_a_console_without_umlauts_read_and_write_the_same(tmp_path):
    environment = {"PYTHONIOENCODING": "cp1252"}
    (tmp_path / "ä.yaml").write_text(CONFIG, encoding="utf-8")
    done = commanded(tmp_path, "training.export", "--config", "ä.yaml", **environment)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ODD / "_dataset.json").is_file()
    output = f"{ODD}/é.json"
    done = commanded(tmp_path, "benchmarks.mazebench", "--agent", "shortest-path", "--output", output, **environment)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / output).is_file()
    done = commanded(tmp_path, "benchmarks.report", output, "-o", "ö.html", **environment)
    assert done.returncode == 0, done.stderr
    assert "é" in (tmp_path / "ö.html").read_text(encoding="utf-8")
