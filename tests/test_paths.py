"""A path is a path, with any character in it, at every door that takes one."""

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from maze_env._cli import check_output, path_of, write_result, write_whole
from maze_env.errors import InvalidOutput
from maze_env.tokens import maze_to_text
from tests import tiny
from tests.training import runs
from tokenmaze.agents import registry, tiny_model
from tokenmaze.benchmarks import compare, mazebench, record, table
from tokenmaze.benchmarks.report.__main__ import main as report
from tokenmaze.benchmarks.suites import load as load_suite
from tokenmaze.training import export, ppo
from tokenmaze.training.arguments import parse
from tokenmaze.training.checkpoints import newest_whole
from tokenmaze.training.mazes import DataConfig
from tokenmaze.training.model import ModelConfig
from tokenmaze.training.sft import MazeSFTConfig

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="characters that Windows forbids in names")

NAMES = [
    "a b", " blank ", "#1", "100%", "%20%s", "[ab]", "*?", "'q'", '"q"', "läufe", "🐭", "-dash", "--output", ".hidden",
    "~", "~nobody", "$HOME", "a;b&c|d", "back\\slash", "new\nline", "tab\t", "{x}", "{maze}", "a::b", "file:", "hf:x",
    "checkpoint-5", "a=b", "a,b", "@x", "!x", "(x)", "<x>", "null", "1", "e\u0301", "\u202ex", "\udcff", "x" * 200,
]  # fmt: skip
ALL = "ä b#%s[c]*?'\"$x;&{d}~🐭\\n,=::"
"""Most of them in one name, for doors that take seconds."""


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A result of the oracle, and a file of mazes."""
    folder = tmp_path_factory.mktemp("stored")
    mazebench.main(["--agent", "shortest-path", "--output", str(folder / "r.json")])
    rows = [{"Prompt": maze_to_text(maze)} for maze in tiny.mazes(3, 3, 3)]
    (folder / "suite.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_results_suites_reports_and_configurations(stored, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / name
    folder.mkdir()
    for form in (folder, os.path.join(".", name), os.path.join(".", name, "..", name, "")):
        result = os.path.join(form, f"{name}.json"[-250:])
        shutil.copy(stored / "r.json", result)
        assert record.load(path_of(result)) == record.load(stored / "r.json")
        compare.main([result, str(stored / "r.json")])
        table.main([result])
        report([result, f"--output={os.path.join(form, name)}.html", "--overwrite"])
    assert (folder / f"{name}.html").is_file()
    shutil.copy(stored / "suite.json", folder / f"{name}.json")
    assert len(load_suite(os.path.join(".", name, f"{name}.json")).mazes) == 3
    mazebench.main(["--agent", "random", f"--suite={folder / name}.json", f"--output={folder / name}.result.json"])
    assert record.load(folder / f"{name}.result.json").suite.mazes == 3
    assert not list(folder.glob(".*.tmp"))


@pytest.mark.parametrize("name", [name for name in NAMES if name.isprintable()], ids=ascii)
def test_values_of_a_configuration(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / name
    folder.mkdir()
    (folder / "base.yaml").write_text("examples: 7\n", encoding="utf-8")
    written = yaml.safe_dump({"base": "base.yaml", "output_dir": f"./{name}/run", "run_name": name})
    (folder / "c.yaml").write_text(written, encoding="utf-8")
    data, args = parse([DataConfig, MazeSFTConfig], [f"--config={os.path.join('.', name, 'c.yaml')}"])
    assert (data.examples, args.run_name) == (7, name)
    assert Path(args.output_dir).resolve() == folder / "run"


def test_a_home_is_one_in_files_too(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    tiny.save(tmp_path / "m", tiny.byte_model(tokenizer := tiny.byte_tokenizer(tiny.CHAT)), tokenizer)
    (tmp_path / "p.txt").write_text("{maze}", encoding="utf-8")
    (tmp_path / "c.yaml").write_text("model: ~/m\nprompt: ~/p.txt\n", encoding="utf-8")
    (config,) = parse([ModelConfig], ["--config", "~/c.yaml"])
    assert config.model == str(tmp_path / "m")
    assert registry.make("~/m", prompt="~/p.txt").name == str(tmp_path / "m")
    assert path_of("~/m") == tmp_path / "m"
    assert path_of("./~/m") == Path("~/m")


def test_runs_models_and_exports(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole, folder = tmp_path / "plain", tmp_path / ALL / "run"
    runs.train_sft(whole)
    runs.train_sft(folder)
    assert runs.same_weights(folder, whole)
    shutil.rmtree(folder / "checkpoint-16")
    assert newest_whole(folder).name == "checkpoint-8"
    runs.train_sft(os.path.join(ALL, "run"), resume=True)  # relative now
    assert runs.same_weights(folder, whole)
    (tmp_path / ALL / "p.txt").write_text("{maze}", encoding="utf-8")
    runs.train_grpo(tmp_path / ALL / "grpo", folder, examples=4, prompt=tmp_path / ALL / "p.txt")
    for form in (tmp_path / ALL / "grpo", os.path.join(ALL, "grpo"), os.path.join(ALL, "..", ALL, "grpo", "")):
        assert registry.make(str(form), max_new_tokens=1).modes
    export.main([f"--output_dir={tmp_path / ALL / 'rows'}", "--examples=4", "--sizes=2x2", "--trace_styles=direct"])
    (rows,) = (tmp_path / ALL / "rows" / "data").glob("*.parquet")
    assert rows.stat().st_size


def test_a_policy_and_an_untrained_model(tmp_path, monkeypatch):
    pytest.importorskip("stable_baselines3")
    config = ppo.PPORunConfig(output_dir=str(tmp_path / ALL), total_timesteps=8, num_envs=2, n_steps=4, batch_size=8)
    assert registry.make(str(ppo.train(config)), "play").modes == ("play",)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")  # of another stage
    with pytest.raises(InvalidOutput, match=r"Expects a new or an empty folder, actual: .* holds files"):
        ppo.train(replace(config, output_dir=str(tmp_path / "run")))
    assert (tmp_path / "run" / "run.json").read_text() == "{}"
    monkeypatch.setattr(sys, "argv", ["tiny_model", f"--output_dir={tmp_path / ALL / 'untrained'}"])
    tiny_model.main()
    assert (tmp_path / ALL / "untrained" / "model.safetensors").is_file()


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "there" / "r.json")  # which does not exist yet
    for text in ("one", "two"):
        write_whole(link, text)
        assert link.is_symlink()
        assert (tmp_path / "there" / "r.json").read_text(encoding="utf-8") == text
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["r.json"]


def test_files_have_the_permissions_that_the_user_wants(tmp_path):
    before = os.umask(0o077)
    try:
        write_whole(tmp_path / "mine", "text")
    finally:
        os.umask(before)
    assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["", "x" * 256, "a\0b", "folder", "/dev/null", "file/r.json", "loop"])
def test_what_cannot_be_a_file_is_refused_before_any_work(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InvalidOutput, match=r"Expects a (file|folder) "):
        check_output(tmp_path / name, overwrite=True)


def test_what_cannot_be_written_at_all_is_one_error(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(InvalidOutput, match=r"r\.json to be written, actual: .*; nor can it be in a temporary folder"):
        write_result(tmp_path / "gone" / "r.json", "text")
