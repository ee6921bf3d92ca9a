"""The direction of imports, read from the source: maze_env <- agents <- training, benchmarks."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"maze_env", "agents", "training", "benchmarks"}
ALLOWED = {
    "maze_env": {"maze_env"},
    "agents": {"maze_env", "agents"},
    "training": {"maze_env", "agents", "training"},
    "benchmarks": {"maze_env", "agents", "benchmarks"},
}
# The whole of what maze_env may need besides the standard library.
MAZE_ENV_NEEDS = {"gymnasium", "numba", "numpy"}
HEAVY = ("numba", "torch", "transformers", "trl", "matplotlib")


def imported_packages(path):
    """(line, top-level package) of each import of a file, those inside functions included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # A relative import stays within its package; none is used here, and one could climb out of it.
            yield node.lineno, node.module.partition(".")[0] if node.level == 0 and node.module else "a relative import"


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_stands_before_them(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    forbidden = (OURS - ALLOWED[package]) | {"tests", "a relative import"}
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in files
        for line, name in imported_packages(path)
        if name in forbidden
    ]
    assert not found


def test_the_environment_needs_numpy_gymnasium_and_numba_only():
    allowed = MAZE_ENV_NEEDS | set(sys.stdlib_module_names) | {"maze_env"}
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sorted((ROOT / "maze_env").rglob("*.py"))
        for line, name in imported_packages(path)
        if name not in allowed
    ]
    assert not found


def loaded_after(statement):
    code = f"import sys\n{statement}\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout)


def test_importing_the_environment_and_making_one_loads_nothing_heavy():
    assert loaded_after("import gymnasium, maze_env; gymnasium.make('TokenMaze-v0')") == []


def test_numba_loads_with_the_first_maze():
    # Shows that the test above can see it.
    assert loaded_after("import maze_env; maze_env.generate(0, maze_env.MazeSpec())") == ["numba"]


def test_the_reading_of_imports_sees_every_form(tmp_path):
    source = tmp_path / "forms.py"
    source.write_text("import a.b, c\nfrom d.e import f\nfrom . import g\ndef late():\n    import h\n")
    names = [name for _, name in imported_packages(source)]
    assert sorted(names) == ["a", "a relative import", "c", "d", "h"]
