"""The direction of imports, read from the source: maze_env <- agents <- training, benchmarks; no circle anywhere.

Imports inside functions count like those at the top of a file: they hide a circle, and do not undo it.
"""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.modules import PACKAGES, ROOT, files_of, module_of, package_of

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
            yield from ((node.lineno, package_of(alias.name)) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # A relative import stays within its package; none is used here, and one could climb out of it.
            yield node.lineno, package_of(node.module) if node.level == 0 and node.module else "a relative import"


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_stands_before_them(package):
    files = files_of(package)
    assert files
    forbidden = (set(PACKAGES) - ALLOWED[package]) | {"tests", "a relative import"}
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in files
        for line, name in imported_packages(path)
        if name in forbidden
    ]
    assert not found


def import_graph(root, *packages):
    """For each module of the packages, the modules of them that it imports, itself and its parents excepted."""
    paths = [path for package in packages for path in (root / package).rglob("*.py")]
    files = {module_of(path, root): path for path in paths}
    graph = {}
    for name, path in files.items():
        graph[name] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                # ``from package import module`` imports the module, ``from module import name`` the module it is in.
                within = [f"{node.module}.{alias.name}" for alias in node.names]
                imported = [module if module in files else node.module for module in within]
            else:
                continue
            graph[name].update(module for module in imported if module in files and module != name)
    return graph


def circle(graph):
    """The modules of one import circle, or None."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return None


@pytest.mark.parametrize("package", ALLOWED)
def test_no_package_has_an_import_circle(package):
    graph = import_graph(ROOT, package)
    assert any(graph.values())
    assert circle(graph) is None


def test_kernels_stand_on_the_ground():
    # Of the environment they import the moves, which import the errors, which import nothing.
    graph = import_graph(ROOT, "maze_env")
    outside = {name for module, names in graph.items() if module.startswith("maze_env.kernels.") for name in names}
    assert {name for name in outside if not name.startswith("maze_env.kernels")} == {"maze_env.moves"}
    assert graph["maze_env.moves"] == {"maze_env.errors"}
    assert graph["maze_env.errors"] == set()


def commands(root, graph):
    """Those of the modules that are a command line: they define ``main``."""
    files = {module_of(path, root): path for package in PACKAGES for path in (root / package).rglob("*.py")}
    return {name for name in graph if re.search(r"^def main\b", files[name].read_text("utf-8"), re.MULTILINE)}


def test_no_module_of_the_benchmark_imports_a_command():
    graph = import_graph(ROOT, "benchmarks")
    found = commands(ROOT, graph)
    assert {f"tokenmaze.benchmarks.{name}" for name in ("mazebench", "study", "report.__main__")} <= found
    assert not {(name, module) for name, imported in graph.items() for module in imported & found}


def test_what_presents_figures_reaches_no_command():
    # Terminal, Markdown, study and report, through every package that they import.
    graph = import_graph(ROOT, *ALLOWED)
    packages = ("tokenmaze.benchmarks.present.", "tokenmaze.benchmarks.report.")
    presenting = {name for name in graph if name.startswith(packages)}
    reached, new = set(), presenting | {"tokenmaze.benchmarks.study", "tokenmaze.benchmarks.table"}
    while new:
        new = set().union(*(graph[name] for name in new)) - reached
        reached |= new
    assert {"tokenmaze.benchmarks.record", "tokenmaze.agents.run_log", "maze_env.solving"} <= reached
    assert not reached & commands(ROOT, graph)


@pytest.mark.parametrize("late", ["import package.a", "from package import a", "from package.a import f"])
def test_the_reading_of_circles_sees_those_inside_functions(tmp_path, late):
    (tmp_path / "package").mkdir()
    for name, text in (("__init__", ""), ("a", "from package.b import g"), ("b", f"def g():\n    {late}")):
        (tmp_path / "package" / f"{name}.py").write_text(text)
    graph = import_graph(tmp_path, "package")
    assert graph == {"package": set(), "package.a": {"package.b"}, "package.b": {"package.a"}}
    assert set(circle(graph)) == {"package.a", "package.b"}


# Nothing imports them but who has that package, and who wants the completion of a shell.
OPTIONAL = {"minari.py": {"minari"}, "_completion.py": {"shtab"}}


def test_the_environment_needs_numpy_gymnasium_and_numba_only():
    allowed = MAZE_ENV_NEEDS | set(sys.stdlib_module_names) | {"maze_env"}
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in files_of("maze_env")
        for line, name in imported_packages(path)
        if name not in allowed | OPTIONAL.get(path.name, set())
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


def test_the_environment_is_imported_in_50_milliseconds():
    # Beyond gymnasium and numpy. Seconds of the processor, the minimum of five: another program does not count.
    code = """
import time, gymnasium, numpy
begun = time.process_time()
import maze_env
print(time.process_time() - begun)"""
    runs = [subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True) for _ in range(5)]
    assert min(float(run.stdout) for run in runs) < 0.05


def test_the_reading_of_imports_sees_every_form(tmp_path):
    source = tmp_path / "forms.py"
    source.write_text("import a.b, c\nfrom d.e import f\nfrom . import g\ndef late():\n    import h\n")
    names = [name for _, name in imported_packages(source)]
    assert sorted(names) == ["a", "a relative import", "c", "d", "h"]
