"""A result names this package's commit or its version, and never a commit of anybody else's repository."""

import json
import shutil
import subprocess
import sys
from typing import get_type_hints

import pytest

import maze_env
from tests import tiny
from tokenmaze.agents import provenance

ASK = "import json; from agents import provenance; print(json.dumps(provenance.provenance('m', ['a b'], 1.26)))"


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", folder, *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """Somebody's repository with a commit, and a copy of this package in it that is not tracked."""
    git(tmp_path, "init", "-q")
    (tmp_path / "theirs.py").write_text("x = 1\n")
    git(tmp_path, "add", "theirs.py")
    git(tmp_path, "commit", "-qm", "theirs")
    installed = tmp_path / "site-packages"
    for package in ("agents", "maze_env"):
        shutil.copytree(tiny.ROOT / package, installed / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def asked(folder):
    done = subprocess.run([sys.executable, "-c", ASK], cwd=folder, env={"PATH": "/usr/bin:/bin"}, capture_output=True)
    return json.loads(done.stdout)


def test_an_installed_package_names_its_version_and_not_the_commit_around_it(repository):
    found = asked(repository / "site-packages")
    assert (found["commit"], found["uncommitted_changes"]) == (None, None)
    assert found["version"] == maze_env.__version__
    assert found["command"] == "python -m m 'a b'"
    assert found["wall_seconds"] == 1.3
    assert 0.005 < found["peak_memory_gib"] < 1


def test_a_package_that_the_repository_tracks_names_the_commit_and_whether_it_was_changed(repository):
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "ours")
    found = asked(repository / "site-packages")
    assert found["commit"] == git(repository, "rev-parse", "HEAD")
    assert found["uncommitted_changes"] is False
    (repository / "theirs.py").write_text("x = 2\n")
    assert asked(repository / "site-packages")["uncommitted_changes"] is True


def test_without_git_there_is_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "")
    found = provenance.provenance("m", [], 0.0)
    assert (found["commit"], found["uncommitted_changes"]) == (None, None)


def test_the_fields_are_those_that_are_documented():
    assert provenance.provenance("m", [], 0.0).keys() == get_type_hints(provenance.Provenance).keys()
