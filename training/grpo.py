"""Group relative policy optimisation on the environment's rewards, by TRL's ``GRPOTrainer``.

    python -m training.grpo --config training/configs/default/grpo.yaml --model runs/my-sft --output_dir runs/my-grpo

For each maze the model writes a group of answers; each is judged and rewarded as the environment would; an answer
better than its group's mean is made more likely. GRPO: Shao et al. 2024, arXiv 2402.03300.

Departures from the paper (AlphaMaze, arXiv 2502.14669):
1. The reward is ``solved`` (maze_env/rewards.py): the paper's pays more for form than for a short maze's solution.
2. No KL term (``beta`` 0), as in Dr. GRPO (arXiv 2503.20783); full weights rather than LoRA.
3. Groups of 8 (training/configs/default) rather than 4, and one pass over fresh mazes.
"""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor
from trl import GRPOConfig, GRPOTrainer

from agents.decoding import context_length, end_ids, use_dropping
from maze_env._cli import run_command
from maze_env.errors import InvalidConfig
from maze_env.rewards import scheme_named, step_scheme_named
from maze_env.tokens import THINK_OPEN
from training import run_folder
from training.arguments import parse
from training.common import StageConfig, as_dict, begin, finish, is_sharded, optimizer_for
from training.dataset import prompt_dataset
from training.difficulty_filter import unsettled_mazes
from training.evaluation import Stopwatch, ValidationCallback
from training.grpo_reward import MazeReward
from training.mazes import DataConfig
from training.model import EMBEDDED, ModelConfig, load, lora_config
from training.multi_turn import Rules, TurnRollout, game_dataset, play_reward
from training.tool_calls import MazeTool, ToolReward, tool_dataset


@dataclass
class MazeGRPOConfig(StageConfig, GRPOConfig):
    """TRL's ``GRPOConfig`` with this project's defaults and a few fields of its own. Every field is a key."""

    reward: str = field(default="solved", metadata={"help": "Reward scheme: solved, alphamaze or alphamaze-code."})
    game_steps: int | None = field(
        default=None, metadata={"help": "Moves of a game in mode play; None for the environment's 4 * rows * cols."}
    )
    max_turn_tokens: int = field(default=16, metadata={"help": "Tokens of one turn in mode play."})
    tool_calls: bool = field(
        default=False, metadata={"help": "In mode play, move by calling a tool; for models that were trained to."}
    )
    short_first: bool = field(
        default=False, metadata={"help": "A curriculum: rows in the order of their mazes' shortest paths."}
    )
    skip_settled: int = field(
        default=0,
        metadata={"help": "Leave out mazes that the starting model solves always or never in this many samples."},
    )
    from_nothing: bool = field(
        default=False, metadata={"help": "Allow GRPO on the embedded model with random weights ('R1-Zero')."}
    )
    per_device_train_batch_size: int = field(default=256, metadata={"help": "Completions a step and device."})
    num_generations: int | None = field(default=16, metadata={"help": "Completions of each maze: the group."})
    max_completion_length: int | None = field(
        default=256,
        metadata={"help": "A completion's budget in tokens; one that reaches it is judged as it stands, and gets 0."},
    )
    mask_truncated_completions: bool = field(
        default=False, metadata={"help": "Kept false: a truncated completion counts with its reward of 0."}
    )
    learning_rate: float = field(default=6e-5, metadata={"help": "AdamW's learning rate."})
    beta: float = field(
        default=0.0, metadata={"help": "Weight of the KL term; 0 loads no reference model (2503.20783)."}
    )
    logging_steps: float = field(default=1, metadata={"help": "Steps between log entries."})
    save_steps: float = field(default=20, metadata={"help": "Steps between checkpoints, at generation boundaries."})

    def __post_init__(self) -> None:
        scheme_named(self.reward)
        self.check(max_completion_length=1, game_steps=1, max_turn_tokens=1, skip_settled=0)
        if self.short_first:
            self.shuffle_dataset = False
        if self.mode == "play" and (self.short_first or self.skip_settled):
            raise InvalidConfig("Expects short_first and skip_settled with mode plan alone, actual: mode play")
        if self.mode == "play":
            step_scheme_named(self.reward)
        elif self.tool_calls:
            raise InvalidConfig("Expects tool_calls with mode play alone, actual: mode plan")
        if self.tool_calls and self.validate_every:
            raise InvalidConfig(
                "Expects validate_every 0 with tool_calls (a look lets the model write its moves, not call a tool), "
                f"actual: {self.validate_every}"
            )
        if self.mode == "play" and self.use_vllm and not self.tool_calls:
            raise InvalidConfig("Expects mode plan or tool_calls with use_vllm (turns keep a cache of their own)")
        if self.mask_truncated_completions:
            raise InvalidConfig(
                "Expects mask_truncated_completions to stay false (a truncated completion is judged as it stands), "
                "actual: true"
            )
        if self.num_train_epochs != 1.0 or self.max_steps > 0:
            raise InvalidConfig(
                "Expects one pass over the rows (num_train_epochs=1, max_steps unset; set examples instead): a resumed "
                f"run is exact in its first pass alone, actual: num_train_epochs={self.num_train_epochs}, "
                f"max_steps={self.max_steps}"
            )
        super().__post_init__()
        assert self.steps_per_generation is not None
        boundary = self.steps_per_generation * self.num_iterations
        passes = self.save_steps * self.gradient_accumulation_steps
        if self.save_strategy == "steps" and (self.save_steps < 1 or passes % boundary):
            raise InvalidConfig(
                "Expects save_steps * gradient_accumulation_steps to be a multiple of steps_per_generation * "
                f"num_iterations = {boundary} (a run resumes exactly at a generation boundary alone), actual: "
                f"{self.save_steps} * {self.gradient_accumulation_steps}"
            )


class MazeGRPOTrainer(GRPOTrainer):
    """TRL's trainer, but for three things.

    Prompts are tokenised as the policy and SFT do: their text has its special tokens already. TRL would have the
    tokenizer add its own, so that a model with a chat template would read two begin tokens here and one elsewhere.

    Rows that teach nothing are not computed: where all answers of a group earned the same, advantages and gradients
    are exactly zero. They are many once a model solves most mazes (``frac_reward_zero_std`` in the log). The logged
    entropy and clip ratios are then those of the rows that were learned from, and so is the quantile of entropy.

    While completions are made, ``mazes`` holds the maze text of each: a ``rollout_func`` is given the prompts alone.
    """

    mazes: list[str]

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        self.mazes = [row["maze"] for row in inputs]
        return super()._generate_and_score_completions(inputs)

    def _tokenize_prompts(self, prompts: list[Any]) -> Any:
        if not isinstance(prompts[0], str):  # messages, which are rendered with the tools
            return super()._tokenize_prompts(prompts)
        return self.processing_class(prompts, add_special_tokens=False)["input_ids"], None, {}

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Any:
        # Exact for dapo alone, whose divisor is counted over the whole batch, and where no other term needs the rows.
        exact = self.loss_type == "dapo" and self.beta == 0.0 and not self._entropy_bonus_enabled
        return super()._compute_loss(model, taught_rows(inputs) if exact else inputs)


def taught_rows(inputs: dict[str, Any]) -> dict[str, Any]:
    """The rows of a micro-batch with an advantage other than zero (one row where there is none), padding trimmed."""
    rows = inputs["advantages"].nonzero().flatten()
    if not len(rows):
        rows = rows.new_zeros(1)
    count = len(inputs["advantages"])
    kept = {
        key: value[rows] if isinstance(value, Tensor) and value.dim() and len(value) == count else value
        for key, value in inputs.items()
    }
    longest = int(kept["completion_mask"].sum(dim=1).max())
    width = kept["completion_ids"].shape[1]
    for key, value in kept.items():
        if isinstance(value, Tensor) and value.dim() == 2 and value.shape[1] == width and not key.startswith("prompt"):
            kept[key] = value[:, :longest]
    return kept


def main() -> None:
    """Data, model, reward, trainer, save."""
    model_config, data, args = parse([ModelConfig, DataConfig, MazeGRPOConfig], description=__doc__)
    train(model_config, data, args)


def train(model_config: ModelConfig, data: DataConfig, args: MazeGRPOConfig) -> dict[str, Any]:
    """Runs the stage and returns its figures; the checkpoint and ``run.json`` are in ``args.output_dir``."""
    if model_config.model == EMBEDDED and not args.from_nothing:
        raise InvalidConfig(
            "Expects --model to name a checkpoint (or --from_nothing true, to start GRPO from random weights), "
            "actual: none"
        )
    stopwatch = Stopwatch()
    configuration = as_dict(model_config, data, args)
    checkpoint = begin(configuration, args)

    model, tokenizer = load(model_config, args.seed)
    assert args.max_completion_length is not None
    context, budget = context_length(model), args.max_completion_length
    reward: Any = play_reward
    how: dict[str, Any] = {}
    ends = end_ids(model, tokenizer)
    rules = Rules(args.view_radius, args.game_steps, args.reward)
    if args.mode == "plan":
        mazes = unsettled_mazes(data, model, tokenizer, args) if args.skip_settled else None
        rows = prompt_dataset(data, tokenizer, context, budget, mazes, args.short_first)
        reward = MazeReward(args.reward, rows[0]["prompt"].rstrip().endswith(THINK_OPEN), ends)
    elif args.tool_calls:
        rows = tool_dataset(data, tokenizer, context, budget, args.view_radius)
        reward, how = ToolReward(ends), {"environment_factory": partial(MazeTool, rules)}
    else:
        rows = game_dataset(data, tokenizer, context, budget, args.view_radius)
        how = {"rollout_func": TurnRollout(rules, budget, args.max_turn_tokens)}

    if checkpoint is None and args.process_index == 0:
        run_folder.write_run(Path(str(args.output_dir)), "grpo", configuration, None)
    validation = ValidationCallback(data, tokenizer, args, budget)
    if not is_sharded(args):  # those generate in step with other processes
        use_dropping(model)
    trainer = MazeGRPOTrainer(
        model=model,
        reward_funcs=reward,
        args=args,
        train_dataset=rows,
        processing_class=tokenizer,
        optimizers=(optimizer_for(model, args), None),
        callbacks=[validation],
        peft_config=lora_config(model_config, model),
        **how,
    )
    validation.trainer = trainer
    trainer.train(resume_from_checkpoint=checkpoint)

    log = trainer.state.log_history
    figures = {"environment_share": environment_share(log), "reward": reward_range(log)}
    return finish(trainer, "grpo", configuration, stopwatch, figures, checkpoint, model_config.merge_lora)


def environment_share(log: list[dict[str, float]]) -> float | None:
    """The share of the steps' time that environment, parsing and reward took; ``None`` where no step tells."""
    told = [(entry["environment_seconds"], entry["step_time"]) for entry in log if "environment_seconds" in entry]
    return sum(seconds for seconds, _ in told) / sum(step for _, step in told) if told else None


def reward_range(log: list[dict[str, float]]) -> dict[str, float]:
    """The mean rewards of the logged steps: the first, the last, the least and the greatest."""
    means = [entry["reward"] for entry in log if "reward" in entry]
    return {"first": means[0], "last": means[-1], "least": min(means), "greatest": max(means)} if means else {}


if __name__ == "__main__":
    run_command(main)
