"""What the tests of agents and training share: a model that trains in seconds, tokenizers without downloads, scripts.

Nothing here is downloaded, and everything runs on one core.
"""

import os
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from agents.embedded import EmbeddedConfig
from agents.prompts import DESCRIBED
from maze_env.generation import MazeSpec, generate
from training import grpo, sft
from training.arguments import parse
from training.data import DataConfig
from training.model import ModelConfig

ROOT = Path(__file__).parent.parent

SMALL = EmbeddedConfig(hidden_size=32, layers=2, heads=2)

# 2x2 mazes and answers without reasoning: the 48 mazes there are can be learnt by a small model in seconds.
SFT = {
    "sizes": "2x2:1", "styles": "direct:1", "hidden_size": 32, "layers": 2, "heads": 2, "examples": 256,
    "per_device_train_batch_size": 16, "learning_rate": 0.01, "logging_steps": 4, "save_steps": 8, "use_cpu": True,
    "disable_tqdm": True,
}  # fmt: skip
# 4 mazes a step, 8 answers each.
GRPO = {
    "sizes": "2x2:1", "examples": 24, "per_device_train_batch_size": 32, "num_generations": 8,
    "max_completion_length": 12, "learning_rate": 0.001, "save_steps": 3, "use_cpu": True, "disable_tqdm": True,
}  # fmt: skip


def arguments(values):
    """A mapping of keys as a command line."""
    return [text for key, value in values.items() for text in (f"--{key}", str(value))]


def parsed(values, kind):
    """The three configurations of a stage; ``kind`` is its configuration class."""
    return parse([ModelConfig, DataConfig, kind], arguments(values))


def train_sft(folder, **changes):
    """A small SFT run into ``folder``; returns its figures."""
    return sft.train(*parsed({**SFT, "output_dir": folder, **changes}, sft.MazeSFTConfig))


def train_grpo(folder, model, **changes):
    """A small GRPO run from the folder ``model`` into ``folder``; returns its figures."""
    return grpo.train(*parsed({**GRPO, "output_dir": folder, "model": model, **changes}, grpo.MazeGRPOConfig))


def command(module, *argv, timeout=300):
    """Runs ``python -m module`` in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, argv)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def weights(folder):
    """The saved weights of a run or checkpoint."""
    return load_file(Path(folder) / "model.safetensors")


def same_weights(one, other):
    """Whether two runs or checkpoints hold the same weights to the bit."""
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def mazes(count, rows=3, cols=3, **options):
    """Mazes of the keys 0, 1, 2 ..."""
    return [generate(key, MazeSpec(rows, cols, split=None, **options)) for key in range(count)]


# As DeepSeek-R1's template does, the second one opens the thinking itself.
CHAT = (
    "{% for message in messages %}<im_start>{{ message['role'] }}\n{{ message['content'] }}<im_end>\n{% endfor %}"
    "{% if add_generation_prompt %}<im_start>assistant\n{% endif %}"
)
R1_CHAT = CHAT.replace("assistant\n", "assistant\n<think>\n")


def byte_tokenizer(chat_template=None, **options):
    """A byte-level BPE tokenizer, as pretrained models have, trained on the described prompt on the spot.

    Like many of them it puts a begin token before whatever is tokenised with special tokens.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<im_start>", "<im_end>", "<pad>"]
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([DESCRIBED], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    names = {"bos_token": "<s>", "eos_token": "<im_end>", "pad_token": "<pad>", **options}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=chat_template, **names)


def byte_model(tokenizer, seed=0):
    """A small Llama with random weights for ``byte_tokenizer``."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=4096,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlamaForCausalLM(config)


def save(folder, model, tokenizer):
    """A checkpoint folder, as text."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
