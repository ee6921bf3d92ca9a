"""What a run watches about itself: solved rate on validation mazes as it goes, and peak memory."""

import resource
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from agents.episodes import run_episodes
from agents.llm_policy import LLMPolicy
from agents.turn_policy import TurnPolicy
from maze_env.splits import MIN_SPLIT_SIDE
from training.data import DataConfig, make_mazes, parse_sizes

if TYPE_CHECKING:
    from training.stage import StageConfig

VALIDATION_SEED = 20_250_220


class ValidationCallback(TrainerCallback):
    """Every ``validate_every`` steps, and after the last, solves mazes of the validation split greedily, in the track
    that is trained for.

    The mazes have the run's own sizes and lengths, and are the same at every look and in every run of that
    configuration. They are no suite: figures to publish come from MazeBench.
    """

    def __init__(self, config: DataConfig, tokenizer: Any, stage: "StageConfig", max_new_tokens: int):
        self.tokenizer, self.every, self.max_new_tokens = tokenizer, stage.validate_every, max_new_tokens
        self.mode, self.view_radius = stage.mode, stage.view_radius
        self.trainer: Any = None
        # Small grids are all train (maze_env/splits.py): a run on nothing else is looked at on 5x5.
        weights = {size: weight for size, weight in parse_sizes(config.sizes).items() if min(size) >= MIN_SPLIT_SIDE}
        sizes = [f"{rows}x{cols}:{weight}" for (rows, cols), weight in weights.items()]
        looked_at = replace(
            config, sizes=",".join(sizes) or "5x5", split="validation", maze_seed=VALIDATION_SEED,
            examples=stage.validate_mazes,
        )  # fmt: skip
        self.mazes = [maze for maze, _ in make_mazes(looked_at)] if self.every else []

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        last = state.global_step >= state.max_steps
        if not self.mazes or not state.is_world_process_zero or not (last or state.global_step % self.every == 0):
            return
        policy: Any = LLMPolicy.of_model(kwargs["model"], self.tokenizer, max_new_tokens=self.max_new_tokens)
        if self.mode == "play":
            policy = TurnPolicy.of_model(kwargs["model"], self.tokenizer)
        records = run_episodes(policy, self.mazes, list(range(len(self.mazes))), view_radius=self.view_radius)
        figures = {
            "validation/solved_rate": sum(record.solved for record in records) / len(records),
            "validation/malformed_rate": sum(record.malformed for record in records) / len(records),
            "validation/tokens_mean": sum(record.tokens or 0 for record in records) / len(records),
        }
        # An entry of its own: TRL's log would put this step's metrics into it, and logging marks the step as logged.
        should_log = control.should_log
        Trainer.log(self.trainer, figures)
        control.should_log = should_log


class Stopwatch:
    """Wall seconds since it was made, and the process's peak memory."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def figures(self) -> dict[str, float]:
        """``wall_seconds`` and ``peak_memory_gib`` (resident, of this process)."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        return {"wall_seconds": round(time.perf_counter() - self.start, 1), "peak_memory_gib": round(peak, 2)}
