"""The commands that texts of this project show, and their parsers, without running them."""

import argparse
import importlib
import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from maze_env.command import COMMANDS
from maze_env.errors import TokenMazeError
from tests.modules import PACKAGES, ROOT, installed, package_of


class Command(NamedTuple):
    """A shown ``python -m module arguments``, or ``tokenmaze name arguments`` by the module that it runs."""

    module: str
    arguments: list[str]

    def __str__(self):
        return shlex.join([self.module, *self.arguments])


class Parsed(Exception):
    """The arguments were accepted: raised in place of going on."""


def shell_lines(text):
    """Lines of a shell text, with continued lines joined and comments left out."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [re.sub(r"(^|\s)#.*", "", line).strip() for line in joined.splitlines()]


def shown_lines(markdown):
    """The shell lines of a page: of its ``sh`` and ``bash`` blocks, and what stands between single backticks."""
    prose = re.sub(r"```.*?```", "", markdown, flags=re.DOTALL)
    blocks = re.findall(r"```(?:ba)?sh\n(.*?)```", markdown, re.DOTALL)
    spans = [" ".join(span.split()) for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", prose)]
    return [*(line for block in blocks for line in shell_lines(block)), *spans]


def python_commands(lines):
    """Those of the lines that run a module of this project, be it through ``accelerate launch`` or ``tokenmaze``."""
    found = []
    for line in lines:
        door = re.match(r"(?:\S*/)?tokenmaze ([a-z][\w-]*)(.*)", line)
        if door:
            assert door[1] in COMMANDS, f"there is no command {line!r}"
            found.append(Command(COMMANDS[door[1]].module, shlex.split(door[2])))
        match = re.match(rf"(?:\S*python3?|accelerate launch.*?) -m ((?:{'|'.join(PACKAGES)})\S*)(.*)", line)
        if match:
            found.append(Command(match[1], shlex.split(match[2])))
    return found


def make_lines(arguments):
    """The shell lines that ``make arguments`` would run."""
    command = ["make", "--dry-run", "--always-make", f"BIN={Path(sys.executable).parent}", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [line.removeprefix("@") for line in shell_lines(done.stdout)]


def check(command, monkeypatch, model):
    """Gives the command to its module's own parser; fails where that does not take it.

    Args:
        command: what to check.
        monkeypatch: stops the module once it has parsed.
        model: a folder that stands for the checkpoint of ``--model``, which some parsers look for.
    """
    arguments = list(command.arguments)
    if "--model" in arguments:
        arguments[arguments.index("--model") + 1] = str(model)
    name = installed(command.module)
    try:
        spec = importlib.util.find_spec(name)
        assert spec, f"there is no module {name}"
        if spec.submodule_search_locations:
            name += ".__main__"
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if ".doors." in name and package_of(error.name) not in PACKAGES:
            pytest.skip(f"{error}, which this door needs")
        raise
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", [command.module, *arguments])
    stop_after(monkeypatch, argparse.ArgumentParser, "parse_args")
    if hasattr(module, "TrlParser"):
        stop_after(monkeypatch, module.TrlParser, "parse_args_and_config")
    if hasattr(module, "parse"):  # the stages of training, whose parser checks what it read
        stop_after(monkeypatch, module, "parse")
    if hasattr(module, "TrlParser"):  # scripts in TRL's own form
        stop_after(monkeypatch, module.TrlParser, "parse_args_and_config")
    try:
        with pytest.raises(Parsed):
            module.main()
    except (SystemExit, TokenMazeError) as end:
        if getattr(end, "code", 2):  # else it was --help
            pytest.fail(f"{command} is not what its parser takes")


def stop_after(monkeypatch, owner, name):
    """Lets the function ``name`` of ``owner`` raise ``Parsed`` once it has returned."""
    function = getattr(owner, name)

    def parse(*arguments, **options):
        function(*arguments, **options)
        raise Parsed

    monkeypatch.setattr(owner, name, parse)
