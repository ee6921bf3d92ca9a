"""Results are kept while they are made: a run that was killed, or whose server died, goes on."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from maze_env import _cli
from maze_env.errors import InvalidOutput
from tests.kept import COMMITTED, MODULE, REPOSITORY
from tokenmaze.agents.errors import InvalidEndpoint
from tokenmaze.benchmarks import runner
from tokenmaze.benchmarks.mazebench import main
from tokenmaze.benchmarks.record import Provenance, load
from tokenmaze.benchmarks.typed_json import InvalidResult


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "kept_agents.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "kept_agents", raising=False)
    return tmp_path


def unmade(result):
    """A result without what tells one run from another of the same attempts."""
    return replace(result, provenance=Provenance(""))


SAMPLER = ["--agent", "kept_agents:Sampler", "--samples", "2"]


def holds_attempts(partial):
    """Whether a partial file has a whole line behind its head."""
    try:
        return partial.read_bytes().count(b"\n") > 1
    except FileNotFoundError:
        return False


def kill_and_resume(folder, times, mode):
    """Kills runs at random moments and resumes them, ``times`` in all, and the last one is left to end.

    A run counts as killed when it was in the middle: one that ended first has its result checked, and the next ones are
    killed sooner.
    """
    pause = {"plan": 0.02, "play": 0.0005}[mode]  # a game has up to 100 turns
    arguments = [*SAMPLER, "--mode", mode, "--agent-option", f"pause={pause}"]
    main([*arguments, "--output", "whole.json"])
    whole, rng = unmade(load(Path("whole.json"))), random.Random(0)
    command = [sys.executable, "-m", "benchmarks.mazebench", *arguments, "--resume", "--overwrite", "--output"]
    environment = {**os.environ, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{folder}"}
    killed, resumed, output, longest = 0, [], folder / "0.json", 0.4
    for _ in range(10 * times):
        if killed >= times and any(resumed):
            break
        Path("begun").unlink(missing_ok=True)
        partial = output.with_name(f"{output.stem}.partial.jsonl")
        process = subprocess.Popen(
            [*command, str(output)], env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        while not (Path("begun").exists() and holds_attempts(partial)) and process.poll() is None:
            time.sleep(0.002)  # a run killed before its first batch is stored has nothing to resume
        if killed < times:
            time.sleep(rng.uniform(0, longest))
            process.kill()
        status = process.wait()
        if partial.exists():
            assert status == -signal.SIGKILL
            killed += 1
        else:
            result = load(output)
            assert unmade(result) == whole
            resumed.append(result.provenance.resumed)
            output, longest = folder / f"{len(resumed)}.json", longest / 2
    assert killed == times
    assert any(resumed)


def test_a_benchmark_that_is_killed_goes_on_and_ends_with_the_same_result(folder):
    kill_and_resume(folder, 3, "plan")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["plan", "play"])
def test_a_benchmark_that_is_killed_twenty_times_goes_on_and_ends_with_the_same_result(folder, mode):
    kill_and_resume(folder, 20, mode)


def test_a_server_that_dies_at_maze_900_of_1000_costs_nothing(folder):
    arguments = ["--agent", "kept_agents:Served", "--suite", "mazebench-1000", "--texts", "--resume", "--output"]
    with pytest.raises(InvalidEndpoint):
        main([*arguments, "r.json"])
    assert len(Path("r.partial.jsonl").read_text().splitlines()) == 1 + 900
    Path("restarted").touch()
    main([*arguments, "r.json"])
    main([*arguments, "whole.json"])
    resumed, whole = load(Path("r.json")), load(Path("whole.json"))
    assert unmade(resumed) == unmade(whole)
    assert (resumed.provenance.resumed, whole.provenance.resumed) == (1, 0)
    assert not Path("r.partial.jsonl").exists()


def interrupted(batches=3):
    """A partial file with so many batches, as a run leaves it behind that dies in the next one."""
    kept = []

    def keep(self, attempts):
        if len(kept) == batches:
            raise KeyboardInterrupt
        kept.append(attempts)
        original(self, attempts)

    original, runner.PartialFile.append = runner.PartialFile.append, keep
    try:
        with pytest.raises(KeyboardInterrupt):
            main([*SAMPLER, "--output", "r.json"])
    finally:
        runner.PartialFile.append = original
    return Path("r.partial.jsonl")


@pytest.mark.parametrize("torn", [0, 1, 30, 200, 2000])
def test_what_is_torn_at_the_end_is_made_again(folder, torn):
    partial = interrupted()
    text = partial.read_text()
    assert text.count("\n") == 1 + 3 * 7
    partial.write_text(text[: len(text) - torn] if torn < len(text) else text[:40])
    main([*SAMPLER, "--output", "r.json", "--resume"])
    main([*SAMPLER, "--output", "whole.json"])
    assert unmade(load(Path("r.json"))) == unmade(load(Path("whole.json")))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (["--seed", "1"], "seed 0, now 1"),
        (["--samples", "3"], "samples 2, now 3"),
        (["--suite", "mazebench-dev"], "suite"),
        (["--mode", "play"], "mode 'plan', now 'play'"),
        (["--agent-option", "pause=0.5"], "agent_options"),
        (["--texts"], "keeps_texts False, now True"),
    ],
)
def test_attempts_of_another_run_are_refused(folder, change, field):
    partial = interrupted(1)
    before = partial.read_text()
    with pytest.raises(InvalidResult, match=f"of the same run, actual: {field}"):
        main([*SAMPLER, "--output", "r.json", "--resume", *change])
    assert partial.read_text() == before


def test_a_model_that_was_trained_anew_is_another_agent(folder):
    Path("model").mkdir()
    Path("model/weights").write_text("old")
    run = replace(load(COMMITTED[0]), agent="model")
    first = runner.PartialFile(Path("r.json"), run)
    Path("model/weights").write_text("newer")
    assert runner.PartialFile(Path("r.json"), run).head["agent_files"] != first.head["agent_files"]


@pytest.mark.parametrize("agent", ["model", "model/part/weights.gguf", "~/model"])
def test_a_model_in_a_file_or_below_a_folder_is_noticed_too(folder, monkeypatch, agent):
    monkeypatch.setenv("HOME", str(Path.cwd()))
    weights = Path("model/part/weights.gguf")
    weights.parent.mkdir(parents=True)
    weights.write_text("old")
    run = replace(load(COMMITTED[0]), agent=agent)
    first = runner.PartialFile(Path("r.json"), run).head["agent_files"]
    weights.write_text("newer")
    assert runner.PartialFile(Path("r.json"), run).head["agent_files"] != first


def test_attempts_that_were_left_behind_are_neither_lost_nor_used_unasked(folder):
    interrupted(1)
    with pytest.raises(InvalidOutput, match=r"r\.partial\.jsonl holds attempts .* --resume"):
        main([*SAMPLER, "--output", "r.json"])
    main([*SAMPLER, "--output", "r.json", "--overwrite"])
    assert load(Path("r.json")).provenance.resumed == 0
    assert not Path("r.partial.jsonl").exists()


def test_a_result_that_cannot_be_written_is_printed_and_put_elsewhere(folder, monkeypatch, capsys):
    written = _cli.write_whole

    def full(path, text):
        if path.name == "r.json" and path.parent == folder:
            raise OSError(28, "No space left on device")
        written(path, text)

    monkeypatch.setattr(_cli, "write_whole", full)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    with pytest.raises(InvalidOutput, match="No space left on device; it is in ") as raised:
        main(["--agent", "greedy", "--output", str(folder / "r.json")])
    elsewhere = Path(str(raised.value).rpartition(" is in ")[2])
    assert load(elsewhere).agent == "greedy"
    assert "mazebench-100 v1, 100 mazes" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="the shell's limit on the size of files")
@pytest.mark.parametrize("limit", [0, 3])
def test_on_a_disk_that_is_full_everywhere_the_figures_are_printed(folder, limit):
    command = f"ulimit -f {limit}; exec {sys.executable} -m benchmarks.mazebench --agent greedy --output r.json 2>&1"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(folder)}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 2
    assert "mazebench-100 v1, 100 mazes" in done.stdout
    assert re.search(r"^error: Expects .* written", done.stdout, re.MULTILINE)
    assert "Traceback" not in done.stdout
    assert not list(folder.glob("*.tmp"))


def test_a_run_whose_attempts_cannot_be_kept_goes_on(folder, capfd):
    Path("r.partial.jsonl").mkdir()
    partial = runner.PartialFile(Path("r.json"), load(COMMITTED[0]))
    partial.append([])
    assert "warning: r.partial.jsonl cannot be written" in capfd.readouterr().err
