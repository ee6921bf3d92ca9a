"""Completion of the command line in a shell, by shtab: what ``tokenmaze --print-completion`` prints."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import shtab

from maze_env._arguments import ArgumentParser
from maze_env._cli import path_of
from maze_env.errors import lookup


def script(root: ArgumentParser, commands: Mapping[str, Sequence[str]], shell: str) -> str:
    """The script that completes a command with subcommands.

    Args:
        root: the command line before the name of a subcommand.
        commands: module and summary of each subcommand; those that need a package which is not installed are completed
            by name alone.
        shell: one of shtab's.

    Raises:
        UnknownName: for another shell.
    """
    lookup("shell", shell, dict.fromkeys(shtab.SUPPORTED_SHELLS))
    made = root.add_subparsers(dest="subcommand")
    for name, (module, summary, *_) in commands.items():
        try:
            parents = [import_module(module).parser()]
        except ModuleNotFoundError:
            parents = []
        for action in (action for parent in parents for action in parent._actions):
            if names := vars(action).get("names"):
                vars(action)["complete"] = _names_or_files(names)
            elif action.type is path_of:
                vars(action)["complete"] = shtab.FILE
        made.add_parser(name, parents=parents, help=summary, add_help=False)
    return shtab.complete(root, shell)


def _names_or_files(names: tuple[str, ...]) -> dict[str, Any]:
    """For shtab: one of some names or a path; in other shells than bash, a path."""
    words = " ".join(names)
    function = f"_tokenmaze_{'_'.join(names[0].split('-'))}"
    body = f'{function}() {{\n  compgen -W "{words}" -- "$1"\n  compgen -f -- "$1"\n}}\n'
    return {**shtab.FILE, "bash": function, "preamble": {"bash": body}}
