"""Training runs that take a second, and what their folders hold."""

import json
import signal
from pathlib import Path

import torch
from safetensors.torch import load_file

from tests import tiny
from tokenmaze.training import dpo, grpo, rft, sft
from tokenmaze.training.arguments import parse
from tokenmaze.training.mazes import DataConfig
from tokenmaze.training.model import ModelConfig

# 2x2 mazes and answers without reasoning: the 48 mazes there are can be learnt by a small model in seconds.
SFT = {
    "sizes": "2x2", "trace_styles": "direct", "hidden_size": 32, "layers": 2, "heads": 2, "examples": 256,
    "per_device_train_batch_size": 16, "learning_rate": 0.01, "logging_steps": 4, "save_steps": 8, "use_cpu": True,
    "disable_tqdm": True,
}  # fmt: skip
# 4 mazes a step, 8 answers each.
GRPO = {
    "sizes": "2x2", "examples": 24, "per_device_train_batch_size": 32, "num_generations": 8,
    "max_completion_length": 12, "learning_rate": 0.001, "save_steps": 3, "use_cpu": True, "disable_tqdm": True,
}  # fmt: skip
# 3 rounds of 8 mazes, 8 samples each.
RFT = {
    "sizes": "2x2", "examples": 24, "rounds": 3, "num_generations": 8, "max_completion_length": 12,
    "per_device_train_batch_size": 8, "learning_rate": 0.001, "logging_steps": 2, "use_cpu": True,
    "disable_tqdm": True,
}  # fmt: skip
# 48 mazes, 8 samples each.
DPO = {
    "sizes": "2x2", "examples": 48, "num_generations": 8, "max_completion_length": 12, "pairs": 4,
    "per_device_train_batch_size": 8, "learning_rate": 0.001, "logging_steps": 2, "save_steps": 4, "use_cpu": True,
    "disable_tqdm": True,
}  # fmt: skip


def arguments(values):
    """A mapping of keys as a command line."""
    return [text for key, value in values.items() for text in (f"--{key}", str(value))]


def parsed(values, kind):
    """The three configurations of a stage; ``kind`` is its configuration class."""
    return parse([ModelConfig, DataConfig, kind], arguments(values))


def train_sft(folder, **changes):
    """A small SFT run into ``folder``; returns its figures."""
    return sft.train(*parsed({**SFT, "output_dir": folder, **changes}, sft.MazeSFTConfig))


def train_grpo(folder, model, **changes):
    """A small GRPO run from the folder ``model`` into ``folder``; returns its figures."""
    return grpo.train(*parsed({**GRPO, "output_dir": folder, "model": model, **changes}, grpo.MazeGRPOConfig))


def train_rft(folder, model, **changes):
    """A small run of rejection sampling from the folder ``model`` into ``folder``; returns its figures."""
    return rft.train(*parsed({**RFT, "output_dir": folder, "model": model, **changes}, rft.MazeRFTConfig))


def train_dpo(folder, model, **changes):
    """A small DPO run from the folder ``model`` into ``folder``; returns its figures."""
    return dpo.train(*parsed({**DPO, "output_dir": folder, "model": model, **changes}, dpo.MazeDPOConfig))


KILLED = """
import os, signal
from transformers import TrainerCallback
from tokenmaze.training import {stage}

class Kill(TrainerCallback):
    def on_step_end(self, args, state, control, **rest):
        if state.global_step == {step}:
            os.kill(os.getpid(), signal.SIGKILL)

def run(trainer, *rest, run={stage}.run):
    trainer.add_callback(Kill)
    return run(trainer, *rest)

{stage}.run = run
{stage}.main()
"""


def kill(stage, step, values):
    """Runs a stage in a process of its own, and kills it at the end of a step, before anything is logged or saved."""
    killed = tiny.python("-c", KILLED.format(stage=stage, step=step), *arguments(values))
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]


def weights(folder):
    """The saved weights of a run or checkpoint."""
    return load_file(Path(folder) / "model.safetensors")


def same_weights(one, other):
    """Whether two runs or checkpoints hold the same weights to the bit."""
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def log_of(folder):
    """The log entries of a finished run, the closing summary left out."""
    return json.loads((Path(folder) / "trainer_state.json").read_text())["log_history"][:-1]


def summary_of(folder):
    """The summary that closes the log of a finished run."""
    return json.loads((Path(folder) / "trainer_state.json").read_text())["log_history"][-1]


def timeless(log):
    """Log entries without what the clock says."""
    return [{key: value for key, value in entry.items() if "time" not in key and "second" not in key} for entry in log]


def run_file(folder):
    """What ``run.json`` says."""
    return json.loads((Path(folder) / "run.json").read_text())
