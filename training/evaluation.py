"""What a run watches about itself: solved rate on validation mazes as it goes, and peak memory."""

import logging
import math
import resource
import time
from typing import TYPE_CHECKING, Any

import torch
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from agents.llm_policy import LLMPolicy
from agents.multi_turn_policy import MultiTurnPolicy
from agents.rollout import rollout
from maze_env.attempt import Attempt
from training.mazes import DataConfig, validation_mazes

if TYPE_CHECKING:
    from training.common import StageConfig

logger = logging.getLogger(__name__)


class ValidationCallback(TrainerCallback):
    """Every ``validate_every`` steps, and after the last, solves mazes of the validation split greedily, in the track
    that is trained for.

    The mazes have the run's own sizes and lengths, and are the same at every look and in every run of that
    configuration. They are no suite: figures to publish come from MazeBench.

    With ``validate_samples`` it also estimates pass@1 and pass@k from that many sampled attempts (temperature 1). And
    it holds the training reward against what it sees: a reward that rises while fewer validation mazes are solved is
    probably gamed, and is said to be.
    """

    def __init__(self, config: DataConfig, tokenizer: Any, stage: "StageConfig", max_new_tokens: int):
        self.tokenizer, self.every, self.max_new_tokens = tokenizer, stage.validate_every, max_new_tokens
        self.mode, self.view_radius = stage.mode, stage.view_radius
        self.samples = stage.validate_samples
        self.trainer: Any = None
        self.rewards: list[float] = []
        self.first_look: tuple[float, float] | None = None
        self.mazes = validation_mazes(config, stage.validate_mazes) if self.every else []

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        last = state.global_step >= state.max_steps
        if not self.mazes or not state.is_world_process_zero or not (last or state.global_step % self.every == 0):
            return
        records = self._attempt(kwargs["model"], temperature=0.0, attempts=1)
        figures = {
            "validation/solved_rate": sum(record.solved for record in records) / len(records),
            "validation/malformed_rate": sum(record.malformed for record in records) / len(records),
            "validation/tokens_mean": sum(record.tokens or 0 for record in records) / len(records),
        }
        if self.samples:
            sampled = self._attempt(kwargs["model"], temperature=1.0, attempts=self.samples)
            solves = [sum(record.solved for record in sampled[i :: len(self.mazes)]) for i in range(len(self.mazes))]
            figures["validation/pass@1"] = sum(solves) / len(sampled)
            figures[f"validation/pass@{self.samples}"] = sum(map(bool, solves)) / len(solves)
        # An entry of its own: TRL's log would put this step's metrics into it, and logging marks the step as logged.
        should_log = control.should_log
        Trainer.log(self.trainer, figures)
        control.should_log = should_log
        self._watch(figures["validation/solved_rate"])

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if "reward" in (kwargs.get("logs") or {}):
            self.rewards.append(float(kwargs["logs"]["reward"]))

    def _attempt(self, model: Any, temperature: float, attempts: int) -> list[Attempt]:
        """``attempts`` at every maze, attempt after attempt."""
        policy: Any = LLMPolicy.of_model(
            model, self.tokenizer, temperature=temperature, max_new_tokens=self.max_new_tokens
        )
        if self.mode == "play":
            policy = MultiTurnPolicy.of_model(model, self.tokenizer, temperature)
        count, records = len(self.mazes), []
        state = torch.get_rng_state()  # a look must not change what the run draws
        for attempt in range(attempts):
            seeds = list(range(attempt * count, (attempt + 1) * count))
            records += rollout(policy, self.mazes, seeds, view_radius=self.view_radius)
        torch.set_rng_state(state)
        return records

    def _watch(self, rate: float) -> None:
        """Says so when the reward has risen since the first look while the solved rate has clearly fallen."""
        if not self.rewards:
            return
        reward, self.rewards = sum(self.rewards) / len(self.rewards), []
        if self.first_look is None:
            self.first_look = reward, rate
            return
        first_reward, first_rate = self.first_look
        noise = 2 * math.sqrt((first_rate * (1 - first_rate) + rate * (1 - rate)) / len(self.mazes))
        if reward > first_reward and rate < first_rate - noise:
            logger.warning(
                f"The training reward rose from {first_reward:.3f} to {reward:.3f} while the solved rate on validation "
                f"mazes fell from {first_rate:.1%} to {rate:.1%}: the reward is probably gamed."
            )


class Stopwatch:
    """Wall seconds since it was made, and the process's peak memory."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def figures(self) -> dict[str, float]:
        """``wall_seconds`` and ``peak_memory_gib`` (resident, of this process)."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        return {"wall_seconds": round(time.perf_counter() - self.start, 1), "peak_memory_gib": round(peak, 2)}
