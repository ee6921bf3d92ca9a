"""Both stages, in as many processes as there are; see test_processes.py.

    accelerate launch --config_file training/configs/accelerate/cpus.yaml -m tests.training.processes FOLDER

What a step reads goes into ``FOLDER/seen-RANK.json``. Sampling, whose generators differ from process to process, is
replaced by answers that depend on the maze and on the place in its group alone; all else is the real thing.
"""

import json
import os
import random
import sys
from collections import Counter
from pathlib import Path

from maze_env.answers import moves_to_text
from maze_env.moves import MOVES
from maze_env.solving import shortest_path
from maze_env.tokens import maze_from_text
from tests.training import runs
from training import grpo, sft

WORLD, RANK = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
SEEN = {"sft": [], "grpo": []}


def written(trainer, prompt_ids, images, fields, num_generations):
    """Completions for ``prompt_ids``, about half of them right."""
    tokenizer = trainer.processing_class
    prompts = tokenizer.batch_decode(prompt_ids)
    SEEN["grpo"].append(prompts)
    places, completions = Counter(), []
    for prompt in prompts:
        draw = random.Random(f"{prompt}{places[prompt]}")
        places[prompt] += 1
        right = draw.random() < 0.5
        moves = shortest_path(maze_from_text(prompt)) if right else draw.choices(MOVES, k=draw.randint(1, 4))
        completions.append([*tokenizer(moves_to_text(moves))["input_ids"], tokenizer.eos_token_id])
    return completions, None


class RecordingSFTTrainer(sft.SFTTrainer):
    """Notes the rows of each step."""

    def training_step(self, model, inputs, *arguments):
        SEEN["sft"].append(self.processing_class.batch_decode(inputs["input_ids"]))
        return super().training_step(model, inputs, *arguments)


def main(folder):
    """SFT, then GRPO from its checkpoint."""
    sft.SFTTrainer = RecordingSFTTrainer
    grpo.MazeGRPOTrainer._generate_single_turn = written
    runs.train_sft(
        folder / "sft", sizes="4x4", examples=64, per_device_train_batch_size=16 // WORLD, logging_steps=1,
        muon_learning_rate=0.01, save_strategy="no", validate_every=3, validate_mazes=2,
    )  # fmt: skip
    runs.train_grpo(
        folder / "grpo", folder / "sft", sizes="4x4", per_device_train_batch_size=32 // WORLD, save_strategy="no"
    )
    (folder / f"seen-{RANK}.json").write_text(json.dumps(SEEN))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
