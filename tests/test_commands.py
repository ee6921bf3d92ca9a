"""Commands that pages, notebook, Makefile and configurations show are ones that their parsers take."""

import ast
import importlib.util
import re
import shlex

import pytest

from maze_env.command import EXAMPLES
from tests.commands import Command, check, make_lines, python_commands, shell_lines, shown_lines
from tests.modules import PACKAGES, ROOT, installed
from tests.pages import NOTEBOOKS, PAGES, notebook_shell, text_of

SHOWN = [line for page in PAGES for line in shown_lines(text_of(page))]
SHOWN += [line for notebook in NOTEBOOKS for line in shell_lines(notebook_shell(notebook))]
MAKE = sorted({line for line in SHOWN if re.match(r"make [a-z]", line)})


def module_lines():
    """What the docstrings of modules and the heads of configurations show."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*"))]
    texts = [ast.get_docstring(ast.parse(path.read_bytes())) or "" for path in paths if path.suffix == ".py"]
    texts.append(EXAMPLES)
    texts += [re.sub(r"(?m)^#", "", path.read_text(encoding="utf-8")) for path in paths if path.suffix == ".yaml"]
    return [re.split(r"\s{2,}(?=\w)", line)[0] for text in texts for line in shell_lines(text)]


def unique(commands):
    return sorted({str(command): command for command in commands}.values())


# Commands with "..." in them are sketches.
PYTHON = [command for command in unique(python_commands([*SHOWN, *module_lines()])) if "..." not in command.arguments]


@pytest.fixture
def model(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def test_there_are_commands_to_check():
    assert len(PYTHON) > 20
    assert len(MAKE) > 5


@pytest.mark.parametrize("command", PYTHON, ids=str)
def test_a_shown_command_parses(command, monkeypatch, model):
    if command.arguments:
        check(command, monkeypatch, model)
    else:  # a sentence that names the module
        assert importlib.util.find_spec(installed(command.module))


@pytest.mark.parametrize("line", MAKE)
def test_what_make_would_run_parses(line, monkeypatch, model):
    for command in unique(python_commands(make_lines(shlex.split(line)[1:]))):
        with monkeypatch.context() as patch:
            check(command, patch, model)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("python -m benchmarks.table a.json  # a comment", Command("benchmarks.table", ["a.json"])),
        ("python -m benchmarks.table http://host/v1#name", Command("benchmarks.table", ["http://host/v1#name"])),
        ("tokenmaze play --size 5x5", Command("maze_env.human_play", ["--size", "5x5"])),
        (".venv/bin/tokenmaze bench   # a comment", Command("tokenmaze.benchmarks.mazebench", [])),
        (".venv/bin/python -m agents.x --a 'b c'", Command("agents.x", ["--a", "b c"])),
        ("accelerate launch --config_file f -m training.sft --a b", Command("training.sft", ["--a", "b"])),
    ],
)
def test_commands_are_found(line, expected):
    assert python_commands(shell_lines(line)) == [expected]


def test_an_argument_that_does_not_exist_is_found(monkeypatch, model):
    with pytest.raises(pytest.fail.Exception, match="not what its parser takes"):
        check(Command("benchmarks.table", ["--no-such-option"]), monkeypatch, model)
