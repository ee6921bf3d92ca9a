"""What pip installs: the wheel and the source distribution hold the product, and nothing under everybody's names."""

import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

from tests.modules import PACKAGES, ROOT, TOP_LEVEL, files_of, module_of


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The names in a wheel and in a source distribution, made of the files that git knows."""
    folder = tmp_path_factory.mktemp("built")
    known = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, known.split("\0")):
        if (ROOT / name).is_file():  # else it is about to be removed
            (folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "tree" / name)
    code = "from setuptools import build_meta; build_meta.build_wheel('..'); build_meta.build_sdist('..')"
    subprocess.run([sys.executable, "-c", code], cwd=folder / "tree", check=True, capture_output=True)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive, tarfile.open(sdist) as source:
        return archive.namelist(), [name.partition("/")[2] for name in source.getnames()]


def test_nothing_in_the_wheel_has_a_name_of_everybodys(built):
    wheel, _ = built
    names = {name.partition("/")[0] for name in wheel if ".dist-info/" not in name}
    assert names == {"maze_env", "tokenmaze", *TOP_LEVEL.values()}


def test_every_module_is_in_the_wheel(built):
    wheel, _ = built
    modules = {name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in wheel if ".py" in name}
    assert {module_of(path) for path in files_of(*PACKAGES)} <= modules


@pytest.mark.parametrize(
    "pattern",
    [
        "benchmarks/frozen/*.json", "benchmarks/report/*.html", "benchmarks/report/*.css", "benchmarks/report/*.js",
        "training/configs/**/*.yaml", "*/py.typed",
    ],
)  # fmt: skip
def test_data_that_modules_read_is_in_the_wheel(built, pattern):
    wheel, _ = built
    names = [path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern)]
    assert names
    assert {name if name.startswith("maze_env/") else f"tokenmaze/{name}" for name in names} <= set(wheel)


def test_the_source_distribution_builds_the_wheel_and_runs_the_tests(built):
    _, sdist = built
    needed = [path.relative_to(ROOT).as_posix() for path in files_of(*PACKAGES, "tests")]
    assert {*needed, "setup.cfg", "pyproject.toml", "README.md", "LICENSE", "Makefile", "constraints.txt"} <= set(sdist)


@pytest.mark.slow
def test_the_wheel_alone_works_in_a_fresh_environment():
    run = subprocess.run([ROOT / ".ci" / "wheel"], capture_output=True, text=True, timeout=1200)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.splitlines()[-1] == "the wheel works"
