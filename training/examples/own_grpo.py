"""GRPO in a script of one's own: TRL's trainer and arguments, the mazes and the verdict from here, a reward by hand.

    python -m tokenmaze.training.examples.own_grpo --model_name_or_path runs/default-0/sft --output_dir runs/own \\
        --bf16 false --max_steps 20

Every key of TRL's ``GRPOConfig`` and ``ModelConfig`` is one of this script.
"""

from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import GRPOConfig, GRPOTrainer, ModelConfig, TrlParser

from maze_env import Maze, Verdict
from tokenmaze.training.trl import DataConfig, MazeReward, plan_dataset, training_mazes


def brevity(maze: Maze, verdict: Verdict) -> float:
    """A reward of one's own: 1 for a shortest path, less for a detour, nothing for what does not solve the maze."""
    return verdict.start_distance / len(verdict.answer.moves) if verdict.solved and verdict.answer.moves else 0.0


def main(arguments: list[str] | None = None) -> None:
    """Model, mazes, rewards, trainer."""
    args, model_args = TrlParser([GRPOConfig, ModelConfig]).parse_args_and_config(arguments)
    model = AutoModelForCausalLM.from_pretrained(model_args.model_name_or_path)
    tokenizer = AutoTokenizer.from_pretrained(model_args.model_name_or_path)
    mazes = training_mazes(DataConfig(examples=10_000, sizes={"4x4": 1, "5x5": 2}, lengths={"2-8": 1}))
    rewards = [MazeReward("solved", tokenizer), MazeReward(brevity, tokenizer)]
    trainer = GRPOTrainer(model, rewards, args, plan_dataset(mazes), processing_class=tokenizer)
    trainer.train()
    trainer.save_model()


if __name__ == "__main__":
    main()
