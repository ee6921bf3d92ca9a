"""``tokenmaze``: its table, how it runs what it names, and the completion of a shell."""

import os
import subprocess
import sys
from importlib import import_module

import pytest

from maze_env import __version__, command
from maze_env._cli import called_as
from maze_env._packages import EXTRAS
from maze_env.errors import InvalidConfig, UnknownName
from tests import tiny
from tests.modules import BLOCKED

PROGRAM = [sys.executable, "-c", "from maze_env.command import run; run()"]


def program(*arguments):
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, cwd=tiny.ROOT, timeout=100)


def test_without_a_command_it_says_what_there_is(capsys):
    command.main([])
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in command.COMMANDS)


def test_help_and_version_load_nothing_of_what_is_run():
    code = (
        "import sys\nfrom maze_env.command import main\nmain([])\n"
        "print(sorted({'numba', 'scipy', 'torch', 'tokenmaze.agents', 'shtab'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tiny.ROOT, timeout=100)
    assert done.stdout.splitlines()[-1] == "[]"
    assert program("--version").stdout.strip() == __version__


@pytest.mark.parametrize("name", command.COMMANDS)
def test_help_without_any_extra_has_description_and_examples(name, tmp_path):
    modules = {module for extra in EXTRAS.values() for module in extra}
    (tmp_path / "sitecustomize.py").write_text(BLOCKED.format(packages=modules))
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{tiny.ROOT}"}
    line = [*PROGRAM, name, "--help"]
    done = subprocess.run(line, capture_output=True, text=True, env=environment, cwd=tiny.ROOT, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: tokenmaze {name} ")
    assert f"\n    tokenmaze {name}" in done.stdout
    extra = command.COMMANDS[name].extras
    assert (f"pip install 'tokenmaze[{extra}]'" in done.stdout.splitlines()[-1]) == bool(extra)


@pytest.mark.parametrize("name", command.COMMANDS)
def test_each_command_has_help_with_examples_by_that_name(name, monkeypatch):
    monkeypatch.setattr(sys, "argv", [f"tokenmaze {name}"])
    try:
        module = import_module(command.COMMANDS[name].module)
    except ModuleNotFoundError as error:
        pytest.skip(f"{error}, which this door needs")
    shown = module.parser().format_help()
    assert shown.startswith(f"usage: tokenmaze {name} ")
    assert f"\n    tokenmaze {name}" in shown


def test_a_command_gets_its_arguments_and_knows_its_name(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tokenmaze"])
    command.main(["generate", "--count", "2", "--json"])
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert called_as("maze_env.generate_command") == "tokenmaze generate"


def test_a_module_knows_by_which_name_it_was_run(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x.py"])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    assert called_as("benchmarks.compare") == "python -m benchmarks.compare"
    for name in ("benchmarks.report", "tokenmaze.benchmarks.report"):
        spec = import_module("types").SimpleNamespace(name=f"{name}.__main__")
        monkeypatch.setattr(sys.modules["__main__"], "__spec__", spec)
        assert called_as("benchmarks.report") == f"python -m {name}"


def test_a_name_that_is_none_is_told_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'bench'"):
        command.main(["banch"])


def test_a_missing_package_is_told_with_all_that_the_command_needs(monkeypatch):
    monkeypatch.setitem(command.COMMANDS, "sft", command.Subcommand("torch.no_such", "", "train"))
    with pytest.raises(InvalidConfig, match=r"'tokenmaze\[train\]'"):
        command.main(["sft"])


def test_ones_own_agent_is_found_in_the_current_folder_as_an_installed_script_runs(tmp_path):
    (tmp_path / "an_agent.py").write_text("from tokenmaze.agents.baselines import GreedyAgent as Mine\n")
    for name in ("gymnasium", "tokenmaze"):  # which do not stand in for the packages
        (tmp_path / f"{name}.py").write_text("1 / 0")
    script = [PROGRAM[0], "-P", *PROGRAM[1:]]  # with a script's path: without the current folder
    line = [*script, "bench", "--agent", "an_agent:Mine", "--suite", "3x3:dfs:2", "--limit", "1"]
    run = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, timeout=100)
    assert (run.returncode, "an_agent:Mine" in run.stdout) == (0, True), run.stderr


def test_whoever_reads_no_further_is_told_nothing():
    run = subprocess.run(
        f"{' '.join(map(repr, PROGRAM))} generate --count 5000 | head -1",
        shell=True, capture_output=True, text=True, cwd=tiny.ROOT, timeout=100,
    )  # fmt: skip
    assert (run.stdout, run.stderr) == ("seed 0, 12 moves\n", "")


def test_bash_completes_commands_options_and_names(tmp_path, monkeypatch, capsys):
    light = {name: command.COMMANDS[name] for name in ("play", "bench", "show")}
    monkeypatch.setattr(command, "COMMANDS", light)
    command.main(["--print-completion", "bash"])
    (tmp_path / "completion.sh").write_text(capsys.readouterr().out)
    (tmp_path / "short.json").touch()
    script = """
source completion.sh
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); COMPREPLY=(); _shtab_tokenmaze; echo "${COMPREPLY[*]}"; }
try tokenmaze be
try tokenmaze bench --sui
try tokenmaze bench --suite fog
try tokenmaze bench --agent sho
"""
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.stdout.splitlines() == ["bench", "--suite", "fog fog-dev", "shortest-path short.json"]
    with pytest.raises(UnknownName, match="Did you mean 'bash'"):
        command.main(["--print-completion", "bas"])
