"""A curriculum that climbs by measured success: kinds of mazes come in shares that follow how often each is solved.

A kind is a size, generator and braid of ``DataConfig``. Of kind k, solved at the rate p_k, the share is proportional to

    w_k (p_k (1 - p_k) + FLOOR),

w_k being its weight in the configuration. p (1 - p) is the variance of 1[solved], and so what there is to
learn from a group: Tzannetos et al. 2023, arXiv 2304.12877; Rutherford et al. 2024, arXiv 2408.15099. What is always
solved, or never, keeps the floor, by which it is noticed when that changes.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from accelerate.utils import gather_object
from datasets import Dataset
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from maze_env._cli import write_whole
from maze_env.attempt import Attempt
from maze_env.errors import InvalidConfig
from maze_env.keys import key_of
from tokenmaze.training.grpo_reward import LogMetric
from tokenmaze.training.mazes import DataConfig, Written, training_texts
from tokenmaze.training.trl import plan_row

FLOOR = 0.01
"""Beside p (1 - p), which is 0.25 at most: of two kinds, the one that is always solved keeps at least 3.7 %."""
MEMORY = 256
"""Attempts over which a rate is remembered: so many later, a measured rate weighs 1/e of what it did."""
STATE = "ladder.json"
"""The rates in a checkpoint, in the order of the kinds."""


class Ladder(TrainerCallback):
    """Chooses the kind of each row when it is attempted, and keeps the rates at which kinds are solved.

    The maze of a row is a pure function of (``maze_seed``, its index, its kind), and its kind one of (``maze_seed``,
    its index, the rates); the rates are in each checkpoint.
    """

    def __init__(self, config: DataConfig):
        """Where nothing has been attempted: each kind counts as solved half of the time.

        Raises InvalidConfig for a configuration of one kind.
        """
        if len(config.specs) < 2:
            raise InvalidConfig(
                f"Expects several sizes, generators or braids with curriculum success, actual: sizes={config.sizes}, "
                f"generators={config.generators}, braids={config.braids}"
            )
        self._seed = config.maze_seed
        self.rates = [0.5] * len(config.specs)
        """How often each kind is solved."""
        self.weights: list[float] = []
        """Of the kinds, as the configuration has them."""
        self.names: list[str] = []
        """What the log calls them: of size, generator and braid those that differ."""
        self.texts: list[list[Written]] = []
        """The mazes of each, one for each row."""
        sizes, generators, braids = config.size_shares, config.generator_shares, config.braid_shares
        for spec in config.specs:
            size, generator, braid = f"{spec.rows}x{spec.cols}", str(spec.generator), spec.braid
            self.weights.append(sizes[spec.rows, spec.cols] * generators[generator] * braids[braid])
            told = ((size, sizes), (generator, generators), (f"braid-{braid:g}", braids))
            self.names.append("-".join(name for name, shares in told if len(shares) > 1))
            only = replace(config, sizes=size, generators=generator, braids=str(braid))
            self.texts.append(training_texts(only))

    @property
    def shares(self) -> list[float]:
        """Of each kind, as its rate says."""
        learnable = [weight * (p * (1 - p) + FLOOR) for weight, p in zip(self.weights, self.rates, strict=True)]
        return [one / sum(learnable) for one in learnable]

    def rows(self) -> Dataset:
        """What the trainer draws: the ``index`` of each row, which stands as the first kind until ``fill`` makes it."""
        return Dataset.from_list(
            [{"prompt": plan_row(text)["prompt"], "index": i} for i, text in enumerate(self.texts[0])]
        )

    def fill(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row of an index as it is attempted now: that of ``plan_dataset`` and its ``kind``, a number."""
        index = row["index"]
        (kind,) = Random(key_of("ladder", self._seed, index)).choices(range(len(self.names)), self.shares)
        return plan_row(self.texts[kind][index]) | {"kind": kind}

    def observe(
        self, attempts: Sequence[Attempt], columns: Mapping[str, Any], log_metric: LogMetric | None = None
    ) -> None:
        """Moves the rates by the attempts of all processes at rows of ``fill``; logs every kind's share and rate."""
        everywhere = gather_object(list(zip(columns["kind"], (one.solved for one in attempts), strict=True)))
        for kind, (name, share) in enumerate(zip(self.names, self.shares, strict=True)):
            results = [solved for of, solved in everywhere if of == kind]
            if results:
                kept = math.exp(-len(results) / MEMORY)
                self.rates[kind] = kept * self.rates[kind] + (1 - kept) * sum(results) / len(results)
            if log_metric is not None:
                log_metric(f"ladder/share/{name}", share)
                log_metric(f"ladder/solved/{name}", self.rates[kind])

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Goes on from the rates of the checkpoint that the run goes on from."""
        if state.global_step:
            self.rates = json.loads(_file(args, state).read_text(encoding="utf-8"))

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if args.should_save:
            write_whole(_file(args, state), json.dumps(self.rates) + "\n")


def _file(args: TrainingArguments, state: TrainerState) -> Path:
    return Path(str(args.output_dir)) / f"checkpoint-{state.global_step}" / STATE
