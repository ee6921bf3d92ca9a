"""Compiled kernels on disk: used where they are whole and fit, and never in the way."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numba
import pytest

from maze_env.kernels import cache
from maze_env.kernels.jit import compiled
from tests.tiny import ROOT


def kernel(x):
    return x + 1


def called(*arguments):
    """Makes the kernel anew, as another process would, and calls it; returns whether it came from disk."""
    dispatcher = compiled(kernel)
    assert dispatcher(*arguments) == arguments[0] + 1
    return sum(dispatcher._cache_hits.values()) == 1


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "folders", lambda: iter([tmp_path / "cache"]))
    return tmp_path / "cache"


def test_each_signature_is_compiled_once(folder):
    assert not called(1)
    assert not called(1.5)
    assert len(list(folder.iterdir())) == 2
    assert called(1)
    assert called(2.5)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_person_at_a_terminal_is_told_once_what_takes_so_long(folder, monkeypatch, capsys, terminal):
    cache.tell_compiling.cache_clear()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    called(1), called(1.5)
    cache.tell_compiling.cache_clear()
    called(1)  # from disk
    assert capsys.readouterr().err.count("compiling for this machine") == terminal


DAMAGE = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "short": lambda data: data[:40],
    "zeros": lambda data: bytes(len(data)),
    "flipped": lambda data: data[:-100] + bytes([data[-100] ^ 1]) + data[-99:],
    "text": lambda data: b"not found",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_compiled_anew_and_replaced(folder, damage):
    called(1)
    (path,) = folder.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert not called(1)
    assert called(1)


def test_something_else_of_that_name_does_no_harm(folder):
    called(1)
    (path,) = folder.iterdir()
    path.unlink()
    path.mkdir()
    assert not called(1)
    assert [one.name for one in folder.iterdir()] == [path.name]  # nothing is left behind


def test_without_any_folder_kernels_are_compiled(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(cache, "folders", lambda: iter([tmp_path / "file" / "a", tmp_path / "file"]))
    assert not called(1)
    monkeypatch.setattr(cache, "folders", lambda: iter([]))
    assert not called(1)


def test_a_folder_that_cannot_be_written_to_is_read(folder, monkeypatch):
    called(1)

    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.write_bytes", refused)
    assert called(1)
    assert not called(1.5)


def test_the_next_folder_takes_what_the_first_refuses(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(cache, "folders", lambda: iter([tmp_path / "file", tmp_path / "next"]))
    assert not called(1)
    assert called(1)
    assert len(list((tmp_path / "next").iterdir())) == 1


@pytest.mark.parametrize(
    "change",
    [("numba", "__version__", "0.1"), ("sys", "version", "3.99"), ("numba.config", "BOUNDSCHECK", 1)],
    ids=lambda change: change[1],
)
def test_another_compiler_or_setting_finds_nothing(folder, monkeypatch, change):
    cache.versions.cache_clear()
    called(1)
    monkeypatch.setattr(f"{change[0]}.{change[1]}", change[2])
    cache.versions.cache_clear()
    assert not called(1)
    monkeypatch.undo()
    cache.versions.cache_clear()


@pytest.mark.parametrize("name", ["moves.py", "kernels/splitmix.py", "kernels/grid.py"])
def test_editing_any_source_finds_nothing(tmp_path, monkeypatch, name):
    for path in [*(ROOT / "maze_env" / "kernels").glob("*.py"), ROOT / "maze_env" / "moves.py"]:
        copy = tmp_path / path.relative_to(ROOT / "maze_env")
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    monkeypatch.setattr(cache, "__file__", str(tmp_path / "kernels" / "cache.py"))
    before = cache.versions.__wrapped__()
    assert before == cache.versions()
    with (tmp_path / name).open("a", encoding="utf-8") as stream:
        stream.write("\n")
    assert cache.versions.__wrapped__() != before


def test_the_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert list(cache.folders()) == [
        tmp_path / "tokenmaze", ROOT / "maze_env" / "kernels" / "__pycache__", tmp_path / "home" / "tokenmaze"
    ]  # fmt: skip
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setattr(cache, "user_cache_dir", lambda *_, **__: "~/.cache/tokenmaze")  # a user without a home
    assert list(cache.folders()) == [ROOT / "maze_env" / "kernels" / "__pycache__"]


SMALL = """
import os, pathlib, numpy
from maze_env.kernels import cache
cache.folders = lambda: iter([pathlib.Path(os.environ["FOLDER"])])
from maze_env.kernels.splitmix import mix
print(int(mix(numpy.uint64(5))), sum(mix._cache_hits.values()))
"""


def ran(code, **environment):
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_processes_that_compile_at_once_do_not_meet(tmp_path):
    with ThreadPoolExecutor(3) as pool:
        printed = [text.split() for text in pool.map(lambda _: ran(SMALL, FOLDER=str(tmp_path)), range(3))]
    assert len({value for value, _ in printed}) == 1
    assert ran(SMALL, FOLDER=str(tmp_path)).split() == [printed[0][0], "1"]
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("mix-")


def test_without_the_compiler_the_mazes_are_the_same():
    code = "import maze_env; print([maze_env.generate(key, maze_env.MazeSpec(4, 4)) for key in range(20)])"
    assert ran(code, NUMBA_DISABLE_JIT="1") == ran(code)
