"""The README's Python runs as it stands there."""

import re
import subprocess
import sys

import pytest

from tests import tiny
from tests.tiny import ROOT, python

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def run(code, folder):
    (folder / "snippet.py").write_text(code)
    done = python(folder / "snippet.py")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_an_environment_an_agent_and_a_loop():
    assert [re.search(r"class FirstOpen|DataFrame|make_vec|make\(|GRPOTrainer\(", block)[0] for block in BLOCKS] == [
        "make(",
        "class FirstOpen",
        "DataFrame",
        "make_vec",
        "GRPOTrainer(",
    ]


def test_the_environment_is_played_to_the_end(tmp_path):
    shown = run(BLOCKS[0], tmp_path)
    assert shown.startswith("<|0-0|><|")
    assert shown.rstrip().endswith("+")


def test_the_agent_plays_the_benchmark(tmp_path):
    (tmp_path / "my_agent.py").write_text(BLOCKS[1])
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
    rewards = [float(number) for number in re.findall(r"per step (\S+)", run(BLOCKS[3], tmp_path))]
    assert rewards[-1] > 1.5 * rewards[0]  # it more than doubles, seed by seed


@pytest.mark.parametrize("prompt", ["conversation(text)", 'conversation(text)[0]["content"]'])
def test_the_reward_serves_a_trl_script_of_ones_own(prompt, tmp_path):
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    model = tiny.save(tmp_path / "model", tiny.byte_model(tokenizer), tokenizer)
    small = {"Qwen/Qwen3-0.6B": model, "examples=1000": "examples=2", "runs/mine": str(tmp_path / "run"), "=1024": "=8"}
    small["GRPOConfig(output"] = (
        "GRPOConfig(use_cpu=True, bf16=False, num_generations=2, per_device_train_batch_size=2, max_steps=1, "
        'logging_steps=1, report_to="none", output'
    )
    code = BLOCKS[4]
    for old, new in {**small, "conversation(text)": prompt}.items():
        assert code.count(old) == 1
        code = code.replace(old, new)
    shown = run(code, tmp_path)
    assert "'rewards/reward_solved/mean'" in shown
    assert "'solved_rate'" in shown


def test_a_result_becomes_a_table(tmp_path):
    code = BLOCKS[2].replace("benchmarks/results", f"{ROOT}/benchmarks/results")
    assert re.search(r"^solved +939$", run(code, tmp_path), re.MULTILINE)
