"""What ``training/trl_adapter.py`` takes from TRL, checked against the installed version; and that nothing else does.

When a newer version fails here, the test that fails says which use has to be looked at.
"""

import ast
import inspect
import re
from dataclasses import fields
from importlib.metadata import version
from types import MappingProxyType

import pytest
import torch
from accelerate import Accelerator, DistributedType
from datasets import Dataset
from torch.utils.flop_counter import FlopCounterMode
from transformers import Trainer, TrainingArguments
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer
from trl.trainer import utils

from maze_env.attempt import Attempt
from maze_env.tokens import maze_to_text
from tests import tiny
from tests.modules import package_of
from tokenmaze.agents.multi_turn_policy import Transcript
from tokenmaze.agents.tiny_model import build_model, build_tokenizer
from tokenmaze.training import trl_adapter
from tokenmaze.training.dpo import MazeDPOConfig, MazeDPOTrainer
from tokenmaze.training.grpo import MazeGRPOConfig, MazeGRPOTrainer
from tokenmaze.training.multi_turn import EnvConfig, MultiTurnRollout
from tokenmaze.training.rft import MazeRFTConfig, MazeRFTTrainer
from tokenmaze.training.sft import MazeSFTConfig, MazeSFTTrainer
from tokenmaze.training.trl_adapter import BATCH_KEYS, ROW_KEYS, TOKEN_KEYS, SparseGRPOTrainer, rollout_columns

HOLDS_FOR = ("1.16",)
MAZES = tiny.mazes(2, 2, 2)


def test_the_installed_version_is_one_that_the_adapter_was_written_for():
    installed = version("trl")
    assert installed.rpartition(".")[0] in HOLDS_FOR, (
        f"TRL {installed}: run this file, adapt training/trl_adapter.py, then name the version here and in setup.cfg"
    )


OURS = {
    "curriculum", "eval_max_tokens", "eval_mazes", "eval_samples", "expert", "filter_samples", "from_scratch", "keep",
    "length_penalty", "max_episode_steps", "max_turn_tokens", "mode", "muon_learning_rate", "overwrite", "pairs",
    "resume", "reward", "rounds", "step_credit", "stop_at_fault", "tool_calls", "view_radius",
}  # fmt: skip

OURS_AS_OF_GRPO = {"generation_batch_size", "max_completion_length", "num_generations", "temperature"}
"""Of the other stages: by the names that GRPO has."""


@pytest.mark.parametrize(
    ("config", "parent"),
    [(MazeSFTConfig, SFTConfig), (MazeGRPOConfig, GRPOConfig), (MazeRFTConfig, SFTConfig), (MazeDPOConfig, DPOConfig)],
)
def test_a_field_is_ours_or_overrides_one_that_exists_upstream(config, parent):
    # A field that TRL renames would live on as a key that does nothing.
    kinds = [kind for kind in config.__mro__ if package_of(kind.__module__) == "training"]
    written = {name for kind in kinds for name in vars(kind).get("__annotations__", {})}
    upstream = {field.name: field.default for field in fields(parent)}
    ours = OURS if parent is GRPOConfig else OURS | OURS_AS_OF_GRPO
    assert written - ours <= upstream.keys()
    assert not ours & upstream.keys()
    # What is not overridden is as it is upstream.
    defaults = {field.name: field.default for field in fields(config)}
    assert {name: defaults[name] for name in upstream.keys() - written} == {
        name: upstream[name] for name in upstream.keys() - written
    }


def one_step(tmp_path, reward, rows, keys=MappingProxyType({}), **trainer_arguments):
    """One step of GRPO by the tiny model; returns the trainer and the batch that the loss was computed on.

    ``keys`` are other values of its configuration.
    """
    batches = []

    class Spy(SparseGRPOTrainer):
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            batches.append(dict(inputs))
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)

    values = {"per_device_train_batch_size": 4, "num_generations": 2, "max_completion_length": 6, **keys}
    args = GRPOConfig(
        output_dir=str(tmp_path), num_train_epochs=1, use_cpu=True, report_to="none", save_strategy="no",
        disable_tqdm=True, logging_steps=1, bf16=False, **values,
    )  # fmt: skip
    tokenizer = build_tokenizer()
    trainer = Spy(
        model=build_model(tiny.SMALL, 0), args=args, processing_class=tokenizer, reward_funcs=reward,
        train_dataset=Dataset.from_list(rows), **trainer_arguments,
    )  # fmt: skip
    trainer.train()
    return trainer, batches[0]


@pytest.mark.parametrize("weight", [1.0, 0.5])
def test_advantages_over_group_means_are_those_of_the_equation(tmp_path, weight):
    rewards = [1.0, 0.25, 0.0, 0.0, 0.0, 1.5]
    mazes = tiny.mazes(3, 2, 2)
    rows = [{"prompt": [{"role": "user", "content": maze_to_text(maze)}], "maze": maze_to_text(maze)} for maze in mazes]
    keys = {"scale_rewards": "mean", "per_device_train_batch_size": 6, "reward_weights": [weight]}
    trainer, batch = one_step(tmp_path, lambda maze, **_: rewards, rows, keys)
    expected = [(1 - 0.625) / 0.625, (0.25 - 0.625) / 0.625, 0, 0, -1, 1]
    assert sorted(batch["advantages"].tolist()) == pytest.approx(sorted(expected))  # rows are shuffled
    entry = trainer.state.log_history[0]
    assert entry["reward"] == pytest.approx(weight * sum(rewards) / 6)
    assert entry["frac_reward_zero_std"] == pytest.approx(1 / 3)


def rows_of_messages():
    return [
        {
            "prompt": [{"role": "user", "content": maze_to_text(maze), "maze": maze_to_text(maze)}],
            "maze": maze_to_text(maze),
        }
        for maze in MAZES
    ]


def test_messages_are_tokenised_by_the_chat_template_and_rewards_get_the_columns(tmp_path):
    seen = []

    def reward(completion_ids, maze, log_metric, **columns):
        seen.append((completion_ids, maze))
        log_metric("solved_rate", 0.25)
        return [float(index) for index in range(len(maze))]

    trainer, batch = one_step(tmp_path, reward, rows_of_messages())
    tokenizer = trainer.processing_class
    ((completion_ids, mazes),) = seen
    assert len(completion_ids) == len(mazes) == 4
    assert sorted(mazes) == sorted(maze_to_text(maze) for maze in MAZES for _ in range(2))
    read = [
        tokenizer.decode(ids[mask.bool()]) for ids, mask in zip(batch["prompt_ids"], batch["prompt_mask"], strict=True)
    ]
    assert sorted(read) == sorted(mazes)
    entry = trainer.state.log_history[0]
    assert entry["solved_rate"] == 0.25
    assert {"reward", "step_time", "frac_reward_zero_std", "completions/clipped_ratio"} <= entry.keys()


def test_a_rollout_is_given_the_messages_and_its_columns_reach_loss_and_reward(tmp_path):
    seen = []
    rollout = MultiTurnRollout(EnvConfig(), 12, 1)

    def spy(prompts, trainer):
        columns = rollout(prompts, trainer)
        seen.append((prompts, columns))
        return columns

    def reward(attempt, environment_seconds, **columns):
        assert all(isinstance(one, Attempt) for one in attempt)
        assert all(seconds > 0 for seconds in environment_seconds)
        return [float(index) for index in range(len(attempt))]

    _, batch = one_step(tmp_path, reward, rows_of_messages(), rollout_func=spy)
    ((prompts, columns),) = seen
    assert [message["maze"] for (message,) in prompts] == [maze_to_text(one.maze) for one in columns["attempt"]]
    order = {tuple(ids): mask for ids, mask in zip(columns["completion_ids"], columns["env_mask"], strict=True)}
    for ids, mask, own in zip(batch["completion_ids"], batch["completion_mask"], batch["tool_mask"], strict=True):
        assert order[tuple(ids[mask.bool()].tolist())] == own[mask.bool()].tolist()


def test_the_trainer_takes_rollouts_and_environments():
    # How each is called: above, and in test_tool_calls.py.
    assert {"rollout_func", "environment_factory"} <= inspect.signature(GRPOTrainer.__init__).parameters.keys()


def test_the_batch_of_a_loss_holds_the_tensors_that_are_known(tmp_path):
    _, batch = one_step(tmp_path, lambda maze, **_: [0.0, 1.0, 0.0, 1.0], rows_of_messages())
    known = ROW_KEYS | TOKEN_KEYS | BATCH_KEYS
    assert {key for key, value in batch.items() if isinstance(value, torch.Tensor)} <= known
    assert ROW_KEYS | BATCH_KEYS | {"completion_ids", "completion_mask"} <= batch.keys()
    # Every name that is known is one that TRL may write.
    source = inspect.getsource(inspect.getmodule(GRPOTrainer))
    assert all(f'"{key}"' in source for key in known)


def test_the_loss_is_public_and_says_what_it_adds(tmp_path):
    assert list(inspect.signature(GRPOTrainer.compute_loss).parameters) == list(
        inspect.signature(SparseGRPOTrainer.compute_loss).parameters
    )
    trainer, _ = one_step(tmp_path, lambda maze, **_: [0.0, 1.0, 0.0, 1.0], rows_of_messages())
    assert trainer.aux_loss_enabled is False
    names = {field.name for field in fields(GRPOConfig)}
    assert {"loss_type", "beta", "entropy_coef", "use_adaptive_entropy"} <= names


@pytest.mark.parametrize("trainer", [MazeSFTTrainer, MazeGRPOTrainer, MazeRFTTrainer, MazeDPOTrainer])
def test_evaluate_takes_what_the_trainers_does(trainer):
    theirs = inspect.signature(Trainer.evaluate).parameters
    assert list(inspect.signature(trainer.evaluate).parameters) == list(theirs)
    assert issubclass(trainer, SFTTrainer | GRPOTrainer | DPOTrainer)


def test_the_head_scores_the_labels_alone_and_the_same_as_all_tokens(monkeypatch):
    monkeypatch.setattr(utils, "_use_triton", trl_adapter.is_triton)
    model, results, costs = build_model(tiny.SMALL, 0), [], []
    utils.add_fused_lm_head(model)
    ids = torch.randint(3, 500, (3, 40))
    labels = torch.where(torch.arange(40) < torch.tensor([[10], [30], [36]]), -100, ids)
    for prepare in (lambda: None, trl_adapter.score_labels_alone):
        prepare()
        model.zero_grad()
        with FlopCounterMode(display=False) as counter:
            outputs = model(ids, labels=labels, fused_lm_head=True)
            outputs.loss.backward()
        results.append([outputs.loss.detach(), outputs.log_probs.detach(), model.get_input_embeddings().weight.grad])
        costs.append(counter.get_total_flops())
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)
    per_token = 2 * tiny.SMALL.hidden_size * 512
    skipped = (labels[:, 1:] == -100).sum().item()
    assert costs[0] - costs[1] == 2 * skipped * per_token  # logits, and again in the backward pass; the rest is addmm_


def test_sharding_is_told_by_the_accelerator(tmp_path):
    trainer = Trainer(build_model(tiny.SMALL, 0), TrainingArguments(str(tmp_path), use_cpu=True, report_to="none"))
    assert isinstance(trainer.accelerator, Accelerator)
    assert not trl_adapter.is_sharded(trainer)
    for kind in (DistributedType.FSDP, DistributedType.DEEPSPEED):
        trainer.accelerator.state.distributed_type, before = kind, trainer.accelerator.distributed_type
        assert trl_adapter.is_sharded(trainer)
        trainer.accelerator.state.distributed_type = before


def test_rollout_columns_are_those_that_trl_asks_for():
    columns = rollout_columns([[1]], [Transcript([2, 3], [1, 0], [0.5, 0.0])], ["attempt"], 3.0)
    assert {"prompt_ids", "completion_ids", "logprobs"} <= columns.keys()
    assert columns["env_mask"] == [[1, 0]]
    assert columns["environment_seconds"] == [3.0]


UPSTREAM = ("trl", "transformers", "accelerate")


def private_names(path):
    """Private names of TRL, transformers and accelerate in a file: imported, or reached through what is not ours."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    ours = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    ours |= {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UPSTREAM:
            names = [*node.module.split("."), *(alias.name for alias in node.names)]
            yield from (name for name in names if name.startswith("_"))
        elif isinstance(node, ast.Attribute) and re.match("_[^_]", node.attr) and node.attr not in ours:
            yield node.attr


def overridden_private_names(kind):
    """Private names that a class of ours takes over from the classes upstream that it derives from."""
    upstream = {name for base in kind.__mro__ if base.__module__.split(".")[0] in UPSTREAM for name in vars(base)}
    own = {name for base in kind.__mro__ if package_of(base.__module__) == "training" for name in vars(base)}
    return {name for name in own & upstream if name.startswith("_") and not name.startswith("__")}


EXCEPTIONS = {"trl_adapter.py", "sb3.py"}  # the latter's are Stable-Baselines3's
FILES = [path for package in ("agents", "training") for path in sorted((tiny.ROOT / package).glob("*.py"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_private_name_is_used(path):
    if path.name not in EXCEPTIONS:
        assert sorted(private_names(path)) == []


@pytest.mark.parametrize("path", sorted((tiny.ROOT / "tests" / "training").glob("*.py")), ids=lambda path: path.name)
def test_no_test_reaches_into_trl(path):
    private = {
        name for kind in (GRPOTrainer, SFTTrainer, DPOTrainer) for base in kind.__mro__[:-1] for name in vars(base)
    }
    assert not {name for name in private_names(path) if name in private}


@pytest.mark.parametrize(
    ("trainer", "overridden"),
    [
        (MazeSFTTrainer, set()),
        (MazeRFTTrainer, set()),
        (MazeDPOTrainer, set()),
        (MazeGRPOTrainer, {"_generate_and_score_completions", "_get_per_token_logps_and_entropies"}),
    ],
)
def test_no_private_method_is_overridden_but_where_advantages_and_log_probabilities_are_made(trainer, overridden):
    assert overridden_private_names(trainer) == overridden


def test_the_search_for_private_names_finds_them(tmp_path):
    file = tmp_path / "file.py"
    file.write_text(
        "from trl._x import y\nclass A:\n  def _mine(self):\n    self._mine()\n    self.trainer._step = config._z\n"
    )
    assert sorted(private_names(file)) == ["_x", "_z"]
