"""What a run says in the terminal."""

import io
import logging
import re
import shutil
from types import SimpleNamespace

import pytest
from tqdm import tqdm

from tests.training import runs
from tokenmaze.training import ppo
from tokenmaze.training.console import SPREAD_STEPS, Bar, NoSpread


def test_each_entry_is_one_line_and_a_resumed_run_warns_of_nothing(tmp_path, capsys, caplog, recwarn):
    runs.train_sft(tmp_path / "run", save_strategy="steps", save_steps=8, disable_tqdm=True)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("step ")]
    assert re.fullmatch(r"step 4/16  loss \S+  accuracy \S+  entropy \S+  lr \S+  left \d:\d\d:\d\d", lines[0])
    assert re.fullmatch(r"step 16/16  mean loss \S+  seconds \S+", lines[-1])
    assert len(lines) == 5
    shutil.rmtree(tmp_path / "run" / "checkpoint-16")
    caplog.set_level(logging.WARNING)
    runs.train_sft(tmp_path / "run", save_strategy="steps", save_steps=8, disable_tqdm=True, resume=True)
    assert "step 16/16" in capsys.readouterr().out
    assert "missing keys" not in caplog.text
    assert not [one for one in recwarn if "is_gradient_checkpointing" in str(one.message)]


def test_grpo_tells_how_it_goes_from_before_its_first_step(trained, tmp_path, capsys):
    evaluated = {"eval_strategy": "steps", "eval_steps": 6, "eval_mazes": 2, "save_strategy": "no"}
    runs.train_grpo(tmp_path / "run", trained, **evaluated)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("step ")]
    assert re.match(r"step 0/6  eval solved_rate \S+  eval malformed_rate ", lines[0])
    shown = ["loss", "reward", "solved", "pass@group", "legal", "tokens", "truncated", "groups without spread"]
    assert re.match("step 1/6  " + r" \S+  ".join([*shown, "entropy", "lr"]), lines[1])
    assert len(lines) == 1 + 6 + 1 + 1  # before the first step, each step, the evaluation after them, the end


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_has_one_line_with_the_figures_and_what_is_to_stay_above_it(capsys, terminal):
    stream, bar = io.StringIO(), Bar()
    state = SimpleNamespace(global_step=0, max_steps=4, is_world_process_zero=True)
    bar.on_train_begin(None, state, None)
    bar.training_bar = tqdm(total=4, file=stream, disable=not terminal)
    state.global_step = 2
    bar.on_log(None, state, None, logs={"reward": 0.5, "solved_rate": 0.25})
    bar.on_log(None, state, None, logs={"eval_solved_rate": 0.75})
    shown, above = stream.getvalue(), capsys.readouterr().out.splitlines()
    assert ("reward 0.5  solved 0.25" in shown) == terminal
    assert [line.partition("  left")[0] for line in above] == [
        *([] if terminal else ["step 2/4  reward 0.5  solved 0.25"]),
        "step 2/4  eval solved_rate 0.75",
    ]


@pytest.mark.parametrize(
    ("shares", "every", "warnings"),
    [
        ([1.0] * (SPREAD_STEPS - 1), 1, 0),
        ([1.0] * SPREAD_STEPS, 1, 1),
        ([1.0] * (2 * SPREAD_STEPS), 1, 2),
        ([1.0, 0.9] * SPREAD_STEPS, 1, 0),
        ([1.0] * 4, 5, 1),
        ([0.5] + [1.0] * 3, 5, 0),
        ([0.5] + [1.0] * 4, 5, 1),
        ([None] * 50, 1, 0),
    ],
)
def test_grpo_warns_when_no_group_has_unequal_rewards(caplog, shares, every, warnings):
    callback, args = NoSpread(), SimpleNamespace(logging_steps=float(every))
    for number, share in enumerate(shares, start=1):
        state = SimpleNamespace(global_step=number * every, is_world_process_zero=True)
        callback.on_log(args, state, None, logs={} if share is None else {"frac_reward_zero_std": share})
    assert caplog.text.count("in each group all rewards were equal") == warnings


def test_ppo_tells_how_it_goes(capsys, monkeypatch):
    monkeypatch.setattr(ppo, "SECONDS_A_LINE", 0.0)
    report = ppo.progress(100)
    episodes = [{"r": 1.0, "l": 3}, {"r": 0.0, "l": 5}]
    model = SimpleNamespace(num_timesteps=50, ep_info_buffer=episodes, ep_success_buffer=[True, False])
    assert report({"self": model}, {})
    assert re.fullmatch(r"step 50/100  reward 0.500  solved 0.500  moves 4.0  \S+ steps/s\n", capsys.readouterr().out)
