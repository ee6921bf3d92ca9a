"""What the tests of agents and training share: a model that trains in seconds, tokenizers without downloads, scripts.

Nothing here is downloaded, and everything runs on one core.
"""

import os
import subprocess
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from maze_env.generation import MazeSpec, generate
from tokenmaze.agents.prompts import DESCRIBED
from tokenmaze.agents.tiny_model import TinyConfig

ROOT = Path(__file__).parent.parent

SMALL = TinyConfig(hidden_size=32, layers=2, heads=2)


def python(*argv, cwd=ROOT, timeout=300):
    """Runs Python in a process of its own, with as many threads as this one (tests/conftest.py)."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *map(str, argv)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def mazes(count, rows=3, cols=3, **options):
    """Mazes of the keys 0, 1, 2 ..."""
    return [generate(key, MazeSpec(rows, cols, split=None, **options)) for key in range(count)]


# As DeepSeek-R1's template does, the second one opens the thinking itself.
CHAT = (
    "{% for message in messages %}<im_start>{{ message['role'] }}\n{{ message['content'] }}<im_end>\n{% endfor %}"
    "{% if add_generation_prompt %}<im_start>assistant\n{% endif %}"
)
R1_CHAT = CHAT.replace("assistant\n", "assistant\n<think>\n")


SPECIAL = ("<s>", "<im_start>", "<im_end>", "<pad>")


def byte_tokenizer(chat_template=None, special=SPECIAL, **options):
    """A byte-level BPE tokenizer, as pretrained models have, trained on the described prompt on the spot.

    Like many of them it puts a begin token before whatever is tokenised with special tokens.

    Args:
        special: tokens for the beginning, a turn's begin and end, and padding.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([DESCRIBED], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{special[0]} $A", special_tokens=[(special[0], 0)]
    )
    names = {"bos_token": special[0], "eos_token": special[2], "pad_token": special[3], **options}
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


def scripted(policy, write, ended=True):
    """Lets the model of ``policy`` "generate" what ``write(prompt text)`` says, token by token as a model would.

    Args:
        ended: whether each completion has its end token, as far as the budget reaches.
    """
    tokenizer = policy.tokenizer

    def generate(input_ids, attention_mask, generation_config, **options):
        completions = []
        for ids, mask in zip(input_ids, attention_mask, strict=True):
            text = write(tokenizer.decode(ids[mask.bool()]))
            end = [tokenizer.eos_token_id] if ended else []
            written = tokenizer(text, add_special_tokens=False)["input_ids"] + end
            completions.append(torch.tensor(written[: generation_config.max_new_tokens]))
        padded = torch.nn.utils.rnn.pad_sequence(
            completions, batch_first=True, padding_value=generation_config.pad_token_id
        )
        return torch.cat([input_ids, padded.to(input_ids)], dim=1)

    policy.model.generate = generate
    return policy
