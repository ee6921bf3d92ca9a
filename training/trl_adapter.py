"""What this project uses of TRL beyond its stable interface, in one place.

``tests/training/test_trl_contract.py`` says for which versions of TRL it holds, and checks each use against the one
that is installed. The rest of this package uses public names only.
"""

import warnings
from typing import Any, Protocol

import torch
from accelerate import DistributedType
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel, Trainer
from trl import GRPOTrainer, add_response_schema, supports_tool_calling
from trl.kernels.chunked_logprob import _use_triton as is_triton
from trl.trainer import utils

from maze_env.attempt import Attempt
from maze_env.tokens import maze_from_text
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.multi_turn_policy import Transcript
from tokenmaze.agents.prompts import model_template
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.training.alignment import align_rows
from tokenmaze.training.step_credit import StepCredit, unlikelihood

ROW_KEYS = frozenset({"prompt_ids", "prompt_mask", "advantages"})
"""Tensors of a micro-batch of GRPO with one entry for each completion, (rows, ...)."""
TOKEN_KEYS = frozenset({
    "completion_ids", "completion_mask", "tool_mask", "old_per_token_logps", "ref_per_token_logps",
    "sampling_per_token_logps", "importance_sampling_ratio",
})  # fmt: skip
"""Those with one entry for each token of a completion, (rows, tokens); a ratio of whole sequences is (rows, 1)."""
BATCH_KEYS = frozenset({"num_items_in_batch"})
"""Those of the whole batch."""


PART = 8
"""On a processor, log-probabilities are computed of so many rows at a time, those of like length together."""
SCALES = ("group", "batch", "none", "mean")
"""Values of ``scale_rewards``: TRL's, and ``mean`` (``over_group_means``)."""


COUNTERS = ("_total_loss_scalar", "_total_train_tokens")
"""Sums over a run that a trainer keeps and its checkpoints lack: of the losses, and for SFT of the tokens."""


class RolloutTrainer(Protocol):
    """What a rollout asks of the trainer that calls it."""

    model: Any
    """The one that is trained, as the accelerator wraps it."""
    processing_class: Tokenizer
    """Its tokenizer."""
    args: Any
    """The run's ``MazeGRPOConfig``."""
    accelerator: Any
    """What unwraps the model."""


def rollout_columns(
    prompt_ids: list[list[int]], transcripts: list[Transcript], attempts: list[Attempt], environment_seconds: float
) -> dict[str, list[Any]]:
    """What a ``rollout_func`` returns: TRL's columns, and two that it hands on to the reward function."""
    return {
        "prompt_ids": prompt_ids,
        "completion_ids": [transcript.ids for transcript in transcripts],
        "logprobs": [transcript.log_probs for transcript in transcripts],
        "env_mask": [transcript.own for transcript in transcripts],
        "attempt": attempts,
        "environment_seconds": [environment_seconds / len(attempts)] * len(attempts),
    }


def score_labels_alone() -> None:
    """Lets TRL's output head, on a processor too, score the tokens that are learned from and no others.

    TRL does so where Triton runs, and elsewhere scores prompts and padding for nothing, which a large vocabulary makes
    dear.
    """
    utils._use_triton = lambda device: device.type == "cpu" or is_triton(device)


def complete_head(model: PreTrainedModel) -> None:
    """Gives an output head whose new rows peft trains the ``bias`` that TRL's scoring asks of it, and peft forgets."""
    head = model.get_output_embeddings()
    original = getattr(head, "original_module", None)
    if original is not None and not hasattr(head, "bias"):
        object.__setattr__(head, "bias", original.bias)  # which stays a part of the original alone


def is_sharded(trainer: Trainer) -> bool:
    """Whether weights are spread over processes, by FSDP or DeepSpeed, asked for by key or by ``accelerate launch``."""
    return trainer.accelerator.distributed_type in (DistributedType.FSDP, DistributedType.DEEPSPEED)


def counters(trainer: Trainer) -> dict[str, float]:
    """``COUNTERS`` as they stand, to be set with ``restore_counters``."""
    return {name: getattr(trainer, name) for name in COUNTERS}


def restore_counters(trainer: Trainer, values: dict[str, float]) -> None:
    """Lets a trainer that goes on from a checkpoint count on."""
    for name in COUNTERS:
        setattr(trainer, name, values[name])


def train_loss(trainer: Trainer) -> float:
    """The mean loss of all steps of a run that has ended; ``Trainer``'s own is of the steps since it was resumed."""
    return trainer._total_loss_scalar / max(trainer.state.global_step, 1)


def prepare_tool_calls(tokenizer: Tokenizer) -> None:
    """Lets a tokenizer read the tool calls of its chat template; InvalidCheckpoint for one that cannot be read."""
    if not supports_tool_calling(tokenizer):
        raise InvalidCheckpoint(
            "Expects a chat template that shows tools, calls and replies (for tool_calls; without it any model plays), "
            f"actual: {'one that does not' if tokenizer.chat_template else 'none'}"
        )
    if getattr(tokenizer, "response_template", None) is None and getattr(tokenizer, "response_schema", None) is None:
        given = tokenizer.chat_template
        tokenizer.chat_template = given if given is None or isinstance(given, dict) else model_template(given)
        try:
            add_response_schema(tokenizer)  # which knows templates by their text
        except ValueError as error:
            raise InvalidCheckpoint(
                f"Expects a chat template whose tool calls can be read (by a response_template), actual: {error}"
            ) from error
        finally:
            tokenizer.chat_template = given


class SparseGRPOTrainer(GRPOTrainer):
    """Computes the loss only of completions with an advantage, and of each as if it were alone (``alignment``).

    Where all answers of a group earned the same, advantages and gradients are exactly zero; they are many once a model
    solves most mazes (``frac_reward_zero_std`` in the log). The logged entropy and clip ratios are then those of the
    completions that were learned from, and so is the quantile of entropy.

    ``scale_rewards`` may be ``mean`` besides what TRL knows: ``over_group_means``.
    """

    def __init__(self, *arguments: Any, credit: StepCredit | None = None, **options: Any):
        """A trainer as TRL makes it; ``credit`` makes advantages of answers those of their tokens."""
        with warnings.catch_warnings():
            # Both ways to play are experimental in TRL; setup.cfg holds it to the version that they are written for.
            warnings.filterwarnings("ignore", "You are using '(rollout_func|environment_factory)'", UserWarning)
            super().__init__(*arguments, **options)
        self.credit = credit
        if self.args.scale_rewards == "mean":
            self.scale_rewards = "none"  # so that TRL leaves reward - mean, which is divided below
        for model in (self.model, self.ref_model):
            if model is not None:
                align_rows(model)

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        if self.credit is not None:
            read = {text: maze_from_text(text) for text in {row["maze"] for row in inputs}}
            self.credit.mazes = [read[row["maze"]] for row in inputs]
        output = super()._generate_and_score_completions(inputs)
        if self.args.scale_rewards == "mean":
            # The tables of completions hold this batch, of all processes in their order.
            by_function = torch.tensor([list(column) for column in self._logs["rewards"].values()])
            rewards = (by_function * self.reward_weights.cpu()[:, None]).nansum(dim=0)
            advantages = over_group_means(rewards, self.num_generations)
            self._logs["advantages"].extend(advantages.tolist())
            first = self.accelerator.process_index * len(inputs)
            output["advantages"] = advantages[first : first + len(inputs)].to(output["advantages"])
        if self.credit is not None:
            weights, wrong = self.credit.weights(
                output["completion_ids"], output["completion_mask"], output["advantages"]
            )
            output["advantages"] = self._with_unlikelihood(output, weights, wrong)
        return output

    @torch.no_grad()
    def _with_unlikelihood(self, output: dict[str, Any], weights: Tensor, wrong: Tensor) -> Tensor:
        """``unlikelihood`` by what the model gives to the wrong tokens; nothing after the last of them is computed."""
        rows = wrong.any(dim=1).nonzero().flatten()
        if not len(rows):
            return weights
        length = int(wrong.any(dim=0).nonzero().max()) + 1
        ids, mask = (
            torch.cat([output[f"prompt_{kind}"][rows], output[f"completion_{kind}"][rows, :length]], dim=1)
            for kind in ("ids", "mask")
        )
        log_probs, _, _ = self._get_per_token_logps_and_entropies(
            self.model, ids, mask, length, self.args.per_device_train_batch_size
        )
        weights[rows, :length] = unlikelihood(weights[rows, :length], wrong[rows, :length], log_probs.to(weights))
        return weights

    def _get_per_token_logps_and_entropies(
        self,
        model: PreTrainedModel,
        input_ids: Tensor,
        attention_mask: Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        compute_entropy: bool = False,
        **others: Any,
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        # On a processor padding takes as long as text. TRL's other inputs do not come a row a completion.
        if input_ids.device.type != "cpu" or any(value is not None and value is not False for value in others.values()):
            return super()._get_per_token_logps_and_entropies(
                model, input_ids, attention_mask, logits_to_keep, batch_size, compute_entropy, **others
            )
        order, prompt = attention_mask.sum(dim=1).argsort(), input_ids.shape[1] - logits_to_keep
        parts = []
        for rows in order.split(min(PART, batch_size or PART)):
            columns = attention_mask[rows].any(dim=0).nonzero()
            begin, end = min(int(columns.min()), prompt - 1), max(int(columns.max()), prompt) + 1
            ids, mask = input_ids[rows, begin:end], attention_mask[rows, begin:end]
            *values, _ = super()._get_per_token_logps_and_entropies(
                model, ids, mask, end - prompt, compute_entropy=compute_entropy
            )
            missing = (0, logits_to_keep - (end - prompt))
            parts.append([None if value is None else functional.pad(value, missing) for value in values])
        back = order.argsort()
        log_probs, entropies = zip(*parts, strict=True)
        return torch.cat(log_probs)[back], torch.cat(entropies)[back] if compute_entropy else None, None

    def compute_loss(
        self,
        model: PreTrainedModel,
        inputs: dict,
        return_outputs: bool = False,
        num_items_in_batch: Tensor | None = None,
    ) -> Tensor:
        # Exact only for dapo, whose divisor is counted over the whole batch, and where no other term needs the rows.
        args = self.args
        others = args.beta or args.entropy_coef or args.use_adaptive_entropy or self.aux_loss_enabled
        if args.loss_type == "dapo" and not others:
            learned = learned_rows(inputs["advantages"]).sum()
            # As many in every process: TRL gathers a figure of each row. None waits longer for it.
            inputs = drop_zero_advantage_rows(inputs, int(self.accelerator.gather(learned).max()))
        return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)


def over_group_means(rewards: Tensor, group: int) -> Tensor:
    """The advantages of ``scale_rewards: mean``: A = (r - mean) / mean, with the mean of each group's rewards.

    A group whose mean is not above 0 has advantages of 0. With rewards of 0 and 1 this is MaxRL, Tajwar et al. 2026,
    arXiv 2602.02710: an estimate of the gradient of the log of the rate at which a maze is solved, where r - mean is of
    the rate itself. What is rarely solved weighs more; a group that always succeeds, or never, adds nothing.

    >>> over_group_means(torch.tensor([1.0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0]), 4).tolist()
    [3.0, -1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 0.0, 0.0, 0.0, 0.0]

    Args:
        rewards: (rows,), of whole groups one after another.
        group: rows of each.
    """
    grouped = rewards.view(-1, group)
    means = grouped.mean(dim=1, keepdim=True)
    return torch.where(means > 0, grouped / means - 1, 0.0).flatten()


def learned_rows(advantages: Tensor) -> Tensor:
    """Which completions have an advantage other than zero, (completions,), or a token that has."""
    return advantages.any(dim=1) if advantages.dim() == 2 else advantages.ne(0)


def drop_zero_advantage_rows(inputs: dict[str, Any], at_least: int = 0) -> dict[str, Any]:
    """The completions of a micro-batch with an advantage other than zero (one where there is none), padding trimmed.

    Where they are fewer than ``at_least``, others fill up. Where tokens have advantages, what follows the last of them
    in a row is padding too.
    """
    advantages = inputs["advantages"]
    of_tokens = advantages.dim() == 2
    learned = learned_rows(advantages)
    first = learned.int().argsort(descending=True, stable=True)
    rows = first[: max(1, at_least, int(learned.sum()))].sort().values
    mask = inputs["completion_mask"][rows]
    if of_tokens:  # a token counts where a later one is learned from
        mask = mask * advantages[rows].ne(0).flip(1).cumsum(1).flip(1).gt(0)
    longest = max(1, int(mask.sum(dim=1).max()))
    kept = dict(inputs)
    for key, value in inputs.items():
        if key in ROW_KEYS and not (key == "advantages" and of_tokens):
            kept[key] = value[rows]
        elif key in TOKEN_KEYS or key in ROW_KEYS:
            kept[key] = value[rows, :longest]
        elif key not in BATCH_KEYS and isinstance(value, Tensor):
            raise KeyError(f"Expects tensors that training/trl_adapter.py knows, actual: {key!r}")
    kept["completion_mask"] = mask[:, :longest]
    return kept
