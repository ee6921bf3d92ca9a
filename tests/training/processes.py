"""Both stages, in as many processes as there are; see test_processes.py.

    accelerate launch --config_file training/configs/accelerate/cpus.yaml -m tests.training.processes FOLDER

What a step reads goes into ``FOLDER/seen-RANK.json``. Sampling, whose generators differ from process to process, is
replaced by answers that depend on the maze and on the place in its group alone; all else is the real thing. So are the
solved rates of evaluations, which go into ``FOLDER/evaluated-RANK.json``.
"""

import json
import os
import random
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import torch

from maze_env.answers import moves_to_text
from maze_env.moves import MOVES
from maze_env.solving import shortest_path
from maze_env.tokens import maze_from_text
from tests.training import runs
from tokenmaze.agents.tiny_model import build_tokenizer
from tokenmaze.training import evaluation, grpo, sft
from tokenmaze.training.common import end_processes

WORLD, RANK = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
SEEN = {"sft": [], "grpo": []}
EVALUATED = []


@contextmanager
def script(model, lost=None):
    """Lets ``model`` "generate" completions: of half of the mazes all are right, of the others about half.

    So processes have unequal numbers of completions to learn from.
    """
    tokenizer = build_tokenizer()

    def generate(input_ids, attention_mask, generation_config, **options):
        prompts = [tokenizer.decode(ids[mask.bool()]) for ids, mask in zip(input_ids, attention_mask, strict=True)]
        SEEN["grpo"].append(prompts)
        places, completions = Counter(), []
        for prompt in prompts:
            draw = random.Random(f"{prompt}{places[prompt]}")
            places[prompt] += 1
            right = random.Random(prompt).random() < 0.5 or draw.random() < 0.5
            moves = shortest_path(maze_from_text(prompt)) if right else draw.choices(MOVES, k=draw.randint(1, 4))
            completions.append(torch.tensor([*tokenizer(moves_to_text(moves))["input_ids"], tokenizer.eos_token_id]))
        padded = torch.nn.utils.rnn.pad_sequence(completions, batch_first=True, padding_value=tokenizer.pad_token_id)
        return torch.cat([input_ids, padded.to(input_ids)], dim=1)

    model.generate = generate
    yield


class RecordingSFTTrainer(sft.MazeSFTTrainer):
    """Notes the rows of each step."""

    def training_step(self, model, inputs, *arguments):
        SEEN["sft"].append(self.processing_class.batch_decode(inputs["input_ids"]))
        return super().training_step(model, inputs, *arguments)


def recorded(self, model, mazes, figures=evaluation.Evaluation.figures):
    """Notes what an evaluation found."""
    EVALUATED.append(figures(self, model, mazes))
    return EVALUATED[-1]


def main(folder):
    """SFT, then GRPO from its checkpoint."""
    sft.MazeSFTTrainer = RecordingSFTTrainer
    grpo.early_row_removal = script
    evaluation.Evaluation.figures = recorded
    runs.train_sft(
        folder / "sft", sizes="4x4", examples=64, per_device_train_batch_size=16 // WORLD, logging_steps=1,
        muon_learning_rate=0.01, eval_strategy="steps", eval_steps=3, eval_mazes=2,
    )  # fmt: skip
    runs.train_grpo(
        folder / "grpo",
        folder / "sft",
        sizes="{4x4: 1, 3x4: 1}",
        per_device_train_batch_size=32 // WORLD,
        curriculum="success",
        scale_rewards="mean",
        step_credit="pointers",
        length_penalty=0.2,
        save_strategy="no",
    )
    (folder / f"seen-{RANK}.json").write_text(json.dumps(SEEN))
    (folder / f"evaluated-{RANK}.json").write_text(json.dumps(EVALUATED))
    end_processes()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
