"""Group relative policy optimisation on the environment's rewards, by TRL's ``GRPOTrainer``.

    tokenmaze grpo --config default/grpo.yaml --model runs/my-sft --output_dir runs/my-grpo

For each maze the model writes a group of answers; each is verified and rewarded as the environment would; an answer
better than its group's mean is made more likely. GRPO: Shao et al. 2024, arXiv 2402.03300.

Departures from the paper (AlphaMaze, arXiv 2502.14669):
1. The reward is ``solved`` (maze_env/rewards.py): the paper's pays more for form than for a short maze's solution.
2. No KL term (``beta`` 0), as in Dr. GRPO (arXiv 2503.20783); full weights rather than LoRA.
3. Groups of 8 (training/configs/default) rather than 4, and one pass over fresh mazes.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from datasets import Dataset
from transformers import HfArgumentParser, PreTrainedModel
from trl import GRPOConfig

from maze_env._cli import called_as, run_command
from maze_env.errors import InvalidConfig, lookup
from maze_env.rewards import scheme_named, step_scheme_named
from maze_env.solving import shortest_path
from maze_env.tokens import maze_to_text
from maze_env.traces import TRACE_STYLES, style_named
from tokenmaze.agents.decoding import context_length, early_row_removal
from tokenmaze.agents.generation import end_ids
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.prompts import render
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.training import right_padded
from tokenmaze.training.alignment import check_log_probs
from tokenmaze.training.arguments import option, parse, parser_of
from tokenmaze.training.common import StageConfig, as_dict, begin, end_processes, finish, run
from tokenmaze.training.dataset import check_prompts_fit
from tokenmaze.training.difficulty_filter import filter_by_pass_rate
from tokenmaze.training.evaluation import EvaluatedTrainer, Evaluation
from tokenmaze.training.grpo_reward import MazeReward, episode_return
from tokenmaze.training.ladder import Ladder
from tokenmaze.training.maze_tokens import require_maze_tokens
from tokenmaze.training.mazes import DataConfig, Written, require_standard_texts, training_texts
from tokenmaze.training.model import TINY, ModelConfig, check_model_words, load, lora_config, reference_words
from tokenmaze.training.multi_turn import EnvConfig, MultiTurnRollout, multi_turn_dataset
from tokenmaze.training.run_folder import Stopwatch
from tokenmaze.training.step_credit import StepCredit
from tokenmaze.training.tool_calls import MazeTool, tool_dataset, tool_reward
from tokenmaze.training.trl import plan_dataset
from tokenmaze.training.trl_adapter import SCALES, SparseGRPOTrainer, is_sharded
from tokenmaze.training.trl_keys import check_keys, check_optimization

SOLVING_PAYS = ("solved", "sparse")
"""Schemes in which a solved maze earns at least 1 more than one that is not."""


@dataclass
class MazeGRPOConfig(StageConfig, GRPOConfig):
    """TRL's ``GRPOConfig`` with this project's defaults and a few fields of its own. Every field is a key."""

    reward: str = option("solved", "Reward scheme: solved, sparse, alphamaze or alphamaze-code.")
    max_episode_steps: int | None = option(None, "Moves of an episode in mode play; None for 4 * rows * cols.")
    max_turn_tokens: int = option(16, "Tokens of one turn in mode play.")
    tool_calls: bool = option(False, "In mode play, move by calling a tool; for models that were trained to.")
    length_penalty: float = option(0.0, "What an answer that solves is paid less at most for being long; below 1.")
    step_credit: str | None = option(
        None,
        "The style of the traces, e.g. pointers: an answer is then made less likely at its first token that is untrue "
        "or in vain, and one that fails learned from there alone (training/step_credit.py). With loss_type dapo.",
    )
    stop_at_fault: bool = option(
        False,
        "Sample no further when the token that step_credit makes less likely is there; such an answer has failed. "
        "With step_credit.",
    )
    curriculum: str | None = option(
        None,
        "'length' for rows in the order of their mazes' shortest paths; 'success' for sizes, generators and braids in "
        "shares that follow how often each is solved.",
    )
    filter_samples: int = option(0, "Leave out mazes that the first model solves always or never in so many samples.")
    from_scratch: bool = option(False, "Allow GRPO on the tiny model with random weights ('R1-Zero').")
    per_device_train_batch_size: int = option(256, "Completions a step and device.")
    num_generations: int | None = option(16, "Completions of each maze: the group.")
    max_completion_length: int | None = option(256, "A completion's budget in tokens; one cut short by it gets 0.")
    mask_truncated_completions: bool = option(False, "Kept false: a truncated completion counts with its reward of 0.")
    disable_dropout: bool = option(True, "No dropout: what is learned from is then what was drawn from.")
    num_generations_eval: int | None = option(1, "Not read: eval_samples says how often each maze is attempted.")
    scale_rewards: str = option(
        "group",
        "What a reward less its group's mean is divided by: the standard deviation of group or batch; none; mean, the "
        "group's (MaxRL, with reward sparse).",
    )
    learning_rate: float = option(6e-5, "AdamW's learning rate.")
    beta: float = option(0.0, "Weight of the KL term; 0 loads no reference model (2503.20783).")
    eval_on_start: bool = option(True, "Evaluate before the first step, where eval_strategy evaluates at all.")
    logging_steps: float = option(1, "Steps between log entries.")
    save_steps: float = option(20, "Steps between checkpoints, at generation boundaries.")

    def __post_init__(self) -> None:
        self.check(max_completion_length=1, max_episode_steps=1, max_turn_tokens=1, filter_samples=0, num_generations=2)
        if not 0 < self.temperature < math.inf:
            raise InvalidConfig(f"Expects temperature above 0 (a group is sampled), actual: {self.temperature}")
        scheme_named(self.reward)
        if self.curriculum not in (None, "length", "success"):
            raise InvalidConfig(f"Expects curriculum 'length', 'success' or none, actual: {self.curriculum!r}")
        if self.curriculum == "length":
            self.shuffle_dataset = False
        if not 0 <= self.length_penalty < 1 or (self.length_penalty and self.reward not in SOLVING_PAYS):
            raise InvalidConfig(
                "Expects length_penalty from 0 to below 1, and above 0 only with a reward in which solving always pays "
                f"more ({' or '.join(SOLVING_PAYS)}), actual: {self.length_penalty} with {self.reward}"
            )
        if self.step_credit is not None and style_named(self.step_credit).strict is None:
            telling = [name for name, style in TRACE_STYLES.items() if style.strict]
            raise InvalidConfig(
                f"Expects step_credit out of {', '.join(telling)} (which tell where they are wrong), actual: "
                f"{self.step_credit}"
            )
        of_tokens = {"loss_type": "dapo", "importance_sampling_level": "token", "top_entropy_quantile": 1.0}
        for name, value in of_tokens.items() if self.step_credit is not None else ():
            if getattr(self, name) != value:
                raise InvalidConfig(
                    f"Expects {name} {value} with step_credit (others spread what a wrong token has over its answer, "
                    f"or leave it out), actual: {getattr(self, name)}"
                )
        if self.stop_at_fault and (self.step_credit is None or self.use_vllm):
            raise InvalidConfig(
                "Expects stop_at_fault only with step_credit, and without use_vllm (which samples all), actual: "
                f"step_credit={self.step_credit}, use_vllm={self.use_vllm}"
            )
        self.eval_on_start = self.eval_on_start and self.eval_strategy != "no"
        self.task.check(self)
        check_keys(self, "grpo")
        if self.num_train_epochs != 1.0 or self.max_steps > 0:
            raise InvalidConfig(
                "Expects one pass over the rows (num_train_epochs=1, max_steps unset; set examples instead): a resumed "
                f"run is exact only in its first pass, actual: num_train_epochs={self.num_train_epochs}, "
                f"max_steps={self.max_steps}"
            )
        super().__post_init__()
        lookup("scale_rewards", self.scale_rewards, dict.fromkeys(SCALES))
        if self.scale_rewards == "mean" and self.multi_objective_aggregation != "sum_then_normalize":
            raise InvalidConfig(
                "Expects multi_objective_aggregation sum_then_normalize with scale_rewards mean, actual: "
                f"{self.multi_objective_aggregation}"
            )
        check_model_words(self.model_init_kwargs)
        assert self.steps_per_generation is not None
        completions = self.per_device_train_batch_size * self.steps_per_generation
        if self.length_penalty and completions % self.num_generations:
            raise InvalidConfig(
                "Expects per_device_train_batch_size * steps_per_generation to be a multiple of num_generations with "
                f"length_penalty (a process compares whole groups), actual: {completions}, {self.num_generations}"
            )
        boundary = self.steps_per_generation * self.num_iterations
        passes = self.save_steps * self.gradient_accumulation_steps
        if self.save_strategy == "steps" and (self.save_steps < 1 or passes % boundary):
            raise InvalidConfig(
                "Expects save_steps * gradient_accumulation_steps to be a multiple of steps_per_generation * "
                f"num_iterations = {boundary} (a run resumes exactly only at a generation boundary), actual: "
                f"{self.save_steps} * {self.gradient_accumulation_steps}"
            )

    @property
    def task(self) -> "type[PlanTask | MultiTurnTask | ToolTask]":
        """The task that ``mode`` and ``tool_calls`` name."""
        return PlanTask if self.mode == "plan" else ToolTask if self.tool_calls else MultiTurnTask

    @property
    def env(self) -> EnvConfig:
        """The environment of mode play."""
        return EnvConfig(self.view_radius, self.max_episode_steps, self.reward)

    @property
    def budget(self) -> int:
        """A completion's budget in tokens."""
        assert self.max_completion_length is not None
        return self.max_completion_length


class Task:
    """What is trained on; ``check`` of each task raises InvalidConfig for keys that it cannot have."""

    rows: Dataset
    """The prompts, as messages."""
    reward: Callable[..., Any]
    """TRL's reward function."""
    trainer_arguments: dict[str, Any]
    """How the trainer gets completions, where it does not by itself."""


class PlanTask(Task):
    """One answer for the whole maze (mode plan)."""

    @staticmethod
    def check(args: MazeGRPOConfig) -> None:
        if args.tool_calls:
            raise InvalidConfig("Expects tool_calls only with mode play, actual: mode plan")
        if args.curriculum == "success" and args.filter_samples:
            raise InvalidConfig(
                "Expects filter_samples 0 with curriculum success (which chooses as training goes), actual: "
                f"{args.filter_samples}"
            )

    def __init__(self, args: MazeGRPOConfig, data: DataConfig, model: PreTrainedModel, tokenizer: Tokenizer):
        if args.step_credit:
            require_standard_texts(data, "with step_credit")
        ladder = Ladder(data) if args.curriculum == "success" else None
        if ladder:
            texts = [text for kind in ladder.texts for text in kind]
        elif args.filter_samples:
            policy = LLMPolicy(model, tokenizer, temperature=args.temperature, max_new_tokens=args.budget)
            mazes = filter_by_pass_rate(data, policy, args.filter_samples, args.seed)
            texts = [Written(maze_to_text(maze)) for maze in mazes]
        else:
            texts = training_texts(data)
        if args.curriculum == "length":
            texts.sort(key=lambda written: len(shortest_path(written.maze)))
        prompts = [render(tokenizer, written.text, written.phrasing) for written in texts]
        check_prompts_fit(tokenizer, [prompt.text for prompt in prompts], args.budget, context_length(model))
        self.rows = ladder.rows() if ladder else plan_dataset(texts)
        self.reward = MazeReward(
            args.reward, tokenizer, prompts[0].thinking_opened, end_ids(model, tokenizer), args.length_penalty,
            watch=ladder.observe if ladder else None,
        )  # fmt: skip
        self.trainer_arguments = {"fill": ladder.fill, "callbacks": [ladder]} if ladder else {}
        if args.step_credit:
            require_maze_tokens(tokenizer, (written.text for written in texts), "with step_credit")
            ends = end_ids(model, tokenizer)
            self.trainer_arguments["credit"] = StepCredit(args.step_credit, tokenizer, ends, prompts[0].opening)


class MultiTurnTask(Task):
    """Move by move, written as text (mode play)."""

    @staticmethod
    def check(args: MazeGRPOConfig) -> None:
        step_scheme_named(args.reward)
        if args.curriculum or args.filter_samples or args.length_penalty or args.step_credit:
            raise InvalidConfig(
                "Expects curriculum, filter_samples, length_penalty and step_credit only with mode plan, actual: mode "
                "play"
            )
        if args.use_vllm and not args.tool_calls:
            raise InvalidConfig("Expects mode plan or tool_calls with use_vllm (dialogues keep a cache of their own)")

    def __init__(self, args: MazeGRPOConfig, data: DataConfig, model: PreTrainedModel, tokenizer: Tokenizer):
        self.rows = multi_turn_dataset(data, tokenizer, context_length(model), args.budget, args.view_radius)
        self.reward = episode_return
        self.trainer_arguments = {"rollout_func": MultiTurnRollout(args.env, args.budget, args.max_turn_tokens)}


class ToolTask(Task):
    """Move by move, each a tool call (mode play with ``tool_calls``)."""

    @staticmethod
    def check(args: MazeGRPOConfig) -> None:
        MultiTurnTask.check(args)
        reason = "an evaluation lets the model write its moves, not call a tool"
        if args.eval_strategy != "no":
            raise InvalidConfig(f"Expects eval_strategy no with tool_calls ({reason}), actual: {args.eval_strategy}")

    def __init__(self, args: MazeGRPOConfig, data: DataConfig, model: PreTrainedModel, tokenizer: Tokenizer):
        self.rows = tool_dataset(data, tokenizer, context_length(model), args.budget, args.view_radius)
        self.reward = tool_reward(end_ids(model, tokenizer))
        self.trainer_arguments = {"environment_factory": partial(MazeTool, args.env)}


class MazeGRPOTrainer(EvaluatedTrainer, SparseGRPOTrainer):
    """TRL's trainer, which attempts validation mazes, and computes the loss where there is something to learn."""

    stage = "grpo"

    def __init__(self, *arguments: Any, fill: Callable[[dict[str, Any]], dict[str, Any]] | None = None, **options: Any):
        """A trainer as its parents make it; ``fill`` makes each row anew when it is attempted, if it is to change."""
        self.fill = fill
        super().__init__(*arguments, **options)

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
        # Not as rows are read: a loader reads ahead, and a resumed one reads again.
        rows = inputs if self.fill is None else [self.fill(row) for row in inputs]
        return super().training_step(model, rows, num_items_in_batch)


KEYS = (ModelConfig, DataConfig, MazeGRPOConfig)
"""Their fields are the command's options."""


def parser() -> HfArgumentParser:
    """The command line."""
    return parser_of(KEYS, prog=called_as("training.grpo"), description=__doc__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Data, model, reward, trainer, save."""
    train(*parse(KEYS, arguments, parser()))
    end_processes()


def train(model_config: ModelConfig, data: DataConfig, args: MazeGRPOConfig) -> dict[str, Any]:
    """Runs the stage and returns its figures; the checkpoint and ``run.json`` are in ``args.output_dir``."""
    if model_config.model == TINY and not args.from_scratch:
        allowed = "--from_scratch true, to start GRPO from random weights"
        raise InvalidConfig(f"Expects --model to name a checkpoint (or {allowed}), actual: none")
    stopwatch = Stopwatch()
    if model_config.attn_implementation == right_padded.NAME and args.activation_checkpointing:
        raise InvalidConfig(
            f"Expects activation_checkpointing false with attn_implementation {right_padded.NAME} (what is computed "
            "again would be with masks), actual: true"
        )
    configuration = as_dict(model_config, data, args)
    checkpoint = begin(configuration, args)

    model, tokenizer = load(
        model_config, args.seed, args.model_init_kwargs, trust_remote_code=args.trust_remote_code,
        chat_template_kwargs=args.chat_template_kwargs,
    )  # fmt: skip
    # Of these words TRL loads the reference model; of a model that is loaded it would say that it reads none.
    args.model_init_kwargs = reference_words(model_config, model, args.model_init_kwargs) if args.beta else None
    right_padded.check_layers(model)
    check_log_probs(model)
    check_optimization(args, model)
    task = args.task(args, data, model, tokenizer)
    check_fills_generations(len(task.rows), args)
    evaluation = Evaluation(args, data, tokenizer, args.budget, args.temperature)
    options = {"reward_funcs": task.reward, "train_dataset": task.rows, **task.trainer_arguments}
    source, adapters = model_config.model, lora_config(model_config, model)
    trainer = MazeGRPOTrainer(model, tokenizer, args, evaluation, source, peft_config=adapters, **options)
    # Sharded weights generate in step with other processes.
    lost = trainer.credit.lost if args.stop_at_fault and trainer.credit else None
    with nullcontext() if is_sharded(trainer) else early_row_removal(model, lost):
        run(trainer, "grpo", configuration, checkpoint)
    log = trainer.state.log_history
    figures = {"environment_share": environment_share(log), "reward": reward_range(log)}
    return finish(trainer, "grpo", configuration, stopwatch, figures, checkpoint)


def check_fills_generations(rows: int, args: MazeGRPOConfig) -> None:
    """Raises InvalidConfig for rows of which TRL would leave some out; a filter may leave any number."""
    assert args.generation_batch_size is not None
    assert args.num_generations is not None
    mazes = args.generation_batch_size // args.num_generations
    if rows < mazes or (rows % mazes and not args.filter_samples):
        raise InvalidConfig(
            f"Expects examples to be a multiple of {mazes}, the mazes of a generation ({args.generation_batch_size} "
            f"completions, {args.num_generations} of each; the rest would be left out), actual: {rows}"
        )


def environment_share(log: list[dict[str, float]]) -> float | None:
    """The share of the steps' time that environment and reward took; ``None`` where no step logged it."""
    steps = [(entry["environment_seconds"], entry["step_time"]) for entry in log if "environment_seconds" in entry]
    return sum(seconds for seconds, _ in steps) / sum(step for _, step in steps) if steps else None


def reward_range(log: list[dict[str, float]]) -> dict[str, float]:
    """The mean rewards of the logged steps: the first, the last, and the range of all."""
    means = [entry["reward"] for entry in log if "reward" in entry]
    return {"first": means[0], "last": means[-1], "min": min(means), "max": max(means)} if means else {}


if __name__ == "__main__":
    run_command(main)
