"""What README, documentation and notebook show runs as it stands there, and what they link to exists."""

import ast
import importlib.util
import os
import re
import subprocess
import sys

import pytest

from maze_env._packages import EXTRAS
from tests import tiny
from tests.pages import NOTEBOOKS, PAGES, ROOT, cells_of, python_blocks, text_of
from tests.tiny import python

SITE = "https://tokenmaze.github.io/tokenmaze/"
SOURCE = "https://github.com/tokenmaze/tokenmaze/blob/main/"
RAW = "https://raw.githubusercontent.com/tokenmaze/tokenmaze/main/"
LINK = re.compile(r"\]\(([^()\s]+)\)")
DOORS = ROOT / "docs" / "doors"
WITH_PYTHON = [page for page in PAGES if python_blocks(page) and (page.parent != DOORS or page.name == "index.md")]
"""Pages of doors are run by the tests of their doors, each in an environment that has its package."""
OPTIONAL = {module for modules in EXTRAS.values() for module in modules}


def name_of(page):
    return str(page.relative_to(ROOT))


def imports_of(code):
    """(statement, module) of each import."""
    for node in ast.walk(ast.parse(code)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) else []
        yield from ((node, name) for name in names)


def run(code, folder):
    (folder / "snippet.py").write_text(code)
    done = python(folder / "snippet.py", cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def block_with(page, text):
    """The one block of a page that holds a text."""
    (code,) = [block.code for block in python_blocks(ROOT / "docs" / page) if text in block.code]
    return code


@pytest.mark.parametrize("page", WITH_PYTHON, ids=name_of)
def test_the_python_of_a_page_runs_from_top_to_bottom(page, tmp_path):
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    code = "\n".join(block.code for block in python_blocks(page) if not block.not_run)
    (tmp_path / "page.py").write_text(code)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", WITH_PYTHON, ids=name_of)
def test_python_that_cannot_run_here_compiles_and_imports_what_there_is(page):
    for block in python_blocks(page):
        for node, name in imports_of(block.code):
            package = name.partition(".")[0]
            if importlib.util.find_spec(package) is None:
                assert package in OPTIONAL or block.not_run, f"{name} is in no extra"
            elif package in ("maze_env", "tokenmaze"):
                assert importlib.util.find_spec(name), f"there is no module {name}"
                if isinstance(node, ast.ImportFrom):
                    exec(ast.unparse(node), {})


def test_pages_are_found():
    assert len(WITH_PYTHON) > 8
    assert {"README.md", "CONTRIBUTING.md", "docs/index.md"} <= set(map(name_of, PAGES))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_pages_and_files_that_there_are(page):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", text_of(page), flags=re.DOTALL)
    made = {ROOT / "docs" / "gallery.md"}  # as the documentation is built
    for link in LINK.findall(text):
        path = link.partition("#")[0]
        if path.startswith(SITE):
            name = path.removeprefix(SITE).rstrip("/") or "index"
            candidates = [ROOT / "docs" / f"{name}{ending}" for ending in (".md", "/index.md", ".ipynb")]
        elif path.startswith((SOURCE, RAW)):
            candidates = [ROOT / path.removeprefix(SOURCE).removeprefix(RAW)]
        elif "://" in path or not path or path.startswith("mailto:"):
            continue
        else:
            assert page.parent != ROOT, f"{link}: pages at the top are read elsewhere too, and link absolutely"
            candidates = [page.parent / path]
        assert any(one.exists() or one in made for one in candidates), link


def test_the_readme_is_read_in_one_sitting():
    assert len(text_of(ROOT / "README.md").splitlines()) <= 150


def test_every_page_is_in_the_navigation():
    listed = text_of(ROOT / "mkdocs.yml").partition("\nhooks:")[0]
    pages = [path.relative_to(ROOT / "docs") for path in [*PAGES, *NOTEBOOKS] if (ROOT / "docs") in path.parents]
    assert [str(page) for page in pages if f" {page}\n" not in listed] == []


def test_a_block_that_cannot_run_says_why():
    blocks = [block for page in WITH_PYTHON for block in python_blocks(page)]
    assert {block.not_run for block in blocks} == {
        "",
        "needs sb3-contrib",
        "needs the folder that the command above writes",
    }


def test_the_environment_is_played_to_the_end(tmp_path):
    shown = run(block_with("start.md", "while not done"), tmp_path)
    assert shown.startswith("<|0-0|><|")
    assert shown.rstrip().endswith("+")


def test_the_agent_plays_the_benchmark(tmp_path):
    (tmp_path / "my_agent.py").write_text(block_with("agents.md", "class FirstOpen"))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.mazebench", "--agent", "my_agent:FirstOpen", "--mode", "play"],
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "my_agent:FirstOpen" in done.stdout


def test_the_loop_learns(tmp_path):
    code = block_with("reinforcement-learning.md", 'make_vec("TokenMaze-v0", num_envs=256')
    rewards = [float(number) for number in re.findall(r"per step (\S+)", run(code, tmp_path))]
    assert rewards[-1] > 1.5 * rewards[0]  # it more than doubles, seed by seed


@pytest.mark.parametrize("as_text", [False, True])
def test_the_reward_serves_a_trl_script_of_ones_own(as_text, tmp_path):
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    model = tiny.save(tmp_path / "model", tiny.byte_model(tokenizer), tokenizer)
    rows = block_with("doors/trl.md", "rows = plan_dataset(mazes)")
    if as_text:
        rows += 'rows = rows.map(lambda row: {"prompt": row["prompt"][0]["content"]})\n'
    code = rows + block_with("doors/trl.md", "GRPOTrainer(model, rewards") + "trainer.train()\n"
    small = {"Qwen/Qwen3-0.6B": model, "examples=1000": "examples=2", "runs/own": str(tmp_path / "run"), "=1024": "=8"}
    small["GRPOConfig(output"] = (
        "GRPOConfig(use_cpu=True, bf16=False, num_generations=2, per_device_train_batch_size=2, max_steps=1, "
        'logging_steps=1, report_to="none", output'
    )
    for old, new in small.items():
        assert code.count(old) == 1
        code = code.replace(old, new)
    shown = run(code, tmp_path)
    assert "'rewards/reward_solved/mean'" in shown
    assert "'solved_rate'" in shown


def test_a_result_becomes_a_table(tmp_path):
    shown = run(block_with("benchmark.md", "pandas"), tmp_path)
    assert re.search(r"^ends: .*solved 67", shown, re.MULTILINE)
    assert re.search(r"^solved +67$", shown, re.MULTILINE)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
def test_a_notebook_is_stored_as_it_ran(notebook):
    cells = cells_of(notebook)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell["outputs"] for cell in cells)
    assert not [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    assert notebook.stat().st_size < 300_000


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
def test_a_notebook_runs(notebook, tmp_path):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    made = nbformat.read(notebook, as_version=4)
    nbclient.NotebookClient(made, timeout=1800, resources={"metadata": {"path": str(tmp_path)}}).execute()
    log = "".join(output.get("text", "") for cell in made.cells for output in cell.get("outputs", []))
    rates = [float(rate) for rate in re.findall(r"solved (0\.\d+)", log)]
    assert rates[-1] > rates[0]  # GRPO's own log
