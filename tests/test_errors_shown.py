"""How an error is shown that is nobody's wrong key: a package that is missing, a fault inside, a name among many."""

import configparser
import os
import re
import subprocess
import sys

import pytest

from maze_env._cli import run_command
from maze_env._packages import EXTRAS
from maze_env.errors import unknown_name
from tests import tiny
from tests.modules import BLOCKED
from tokenmaze.benchmarks import mazebench

PACKAGES = [
    ("training.sft", "trl", "[train]"),
    ("training.export", "datasets", "[train]"), ("training.recipe", "yaml", "[train]"),
    ("training.speed", "torch", "[hf]"), ("agents.tiny_model", "transformers", "[hf]"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "package", "extra"), PACKAGES)
def test_a_package_that_is_missing_is_told_with_the_extra_that_installs_it(tmp_path, module, package, extra):
    (tmp_path / "sitecustomize.py").write_text(BLOCKED.format(packages={package}))
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{tiny.ROOT}"}
    run = subprocess.run(
        [sys.executable, "-m", module, "--help"], capture_output=True, text=True, env=environment, timeout=100
    )
    (line,) = run.stderr.splitlines()
    assert re.fullmatch(
        rf"error: Expects what pip install 'tokenmaze{re.escape(extra)}' installs, actual: .*{package}.*", line
    )
    assert run.returncode == 2
    environment["TOKENMAZE_TRACEBACK"] = "1"
    run = subprocess.run(
        [sys.executable, "-m", module, "--help"], capture_output=True, text=True, env=environment, timeout=100
    )
    assert "Traceback" in run.stderr
    assert run.stderr.splitlines()[-1] == line


def test_extras_are_those_of_setup_cfg():
    read = configparser.ConfigParser()
    read.read(tiny.ROOT / "setup.cfg", encoding="utf-8")
    modules = {
        "pyyaml": "yaml", "stable-baselines3": "stable_baselines3", "maze-dataset": "maze_dataset",
        "reasoning-gym": "reasoning_gym", "inspect-ai": "inspect_ai", "skyrl-gym": "skyrl_gym", "pillow": "PIL",
        "mkdocs-material": "material", "mkdocs-jupyter": "mkdocs_jupyter",
    }  # fmt: skip
    for extra, listed in read["options.extras_require"].items():
        names = {re.match(r"[\w-]+", line)[0] for line in listed.strip().splitlines()}
        if extra not in ("all", "test"):
            assert {modules.get(name, name) for name in names - {"tokenmaze"}} <= set(EXTRAS[extra])


def test_what_goes_wrong_inside_is_one_line_for_commands_alone(monkeypatch, capsys):
    def broken():
        raise KeyError("a\x1b[31m\nb")

    monkeypatch.delenv("TOKENMAZE_TRACEBACK", raising=False)
    with pytest.raises(SystemExit) as end:
        run_command(broken)
    error = capsys.readouterr().err
    assert (end.value.code, len(error.splitlines()), "\x1b" in error) == (1, 1, False)
    assert error.startswith("error: Expects a command that succeeds, actual: KeyError: ")
    monkeypatch.setenv("TOKENMAZE_TRACEBACK", "1")
    with pytest.raises(SystemExit):
        run_command(broken)
    assert "Traceback" in capsys.readouterr().err

    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as end:
        run_command(interrupted)
    assert end.value.code == 130


def test_importing_changes_nothing_of_how_errors_are_shown():
    run = tiny.python(
        "-c", "import agents, benchmarks, training, sys; assert sys.excepthook is sys.__excepthook__; 1 / 0"
    )
    assert run.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("text", ["--max_new_tokens", "--max-new-tokens", "--max_new-tokens"])
def test_dashes_and_underscores_are_the_same(text):
    assert mazebench.parser().parse_args(["--agent", "a_b-c", text, "5"]).max_new_tokens == 5
    assert mazebench.parser().parse_args(["--agent=a_b-c", f"{text}=5"]).agent == "a_b-c"


def test_a_typo_among_many_names_is_told_without_listing_them():
    error = unknown_name("key", "learning_rte", [f"key_{i}" for i in range(300)] + ["learning_rate"])
    assert (
        str(error) == "Expects a key out of 301 that there are, actual: 'learning_rte'. Did you mean 'learning_rate'?"
    )
