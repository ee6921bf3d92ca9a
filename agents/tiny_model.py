"""The tiny model: a small decoder with the maze vocabulary, built from a configuration, no download.

Its tokenizer is word-level: one token for each maze token, newline and trace word. Text round-trips exactly, and text
outside the vocabulary is an error, never ``<unk>``. Special tokens are only begin, end and padding: maze tokens and
think tags must survive ``skip_special_tokens=True``, with which trainers decode.
"""

import re
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    SmolLM3Config,
    SmolLM3ForCausalLM,
    set_seed,
)

from maze_env._arguments import ArgumentParser, read_seed
from maze_env._cli import called_as, check_folder, path_of, run_command
from maze_env.errors import InvalidOutput
from maze_env.tokens import coordinate_token, coordinate_tokens
from maze_env.vocabulary import BOS, EOS, ID_OF_TOKEN, MAX_VOCABULARY_SIDE, NUMERALS, PAD, VOCABULARY, WORDS
from tokenmaze.agents.prompts import BARE_CHAT

SPECIAL_TOKENS = {"pad_token": PAD, "bos_token": BOS, "eos_token": EOS}


@dataclass(frozen=True)
class TinyConfig:
    """The sizes of the tiny model."""

    hidden_size: int = 128
    """Width of the hidden states."""
    layers: int = 4
    """Decoder layers."""
    heads: int = 4
    """Attention heads of each layer."""
    context: int = 4096
    """Longest sequence in tokens; positions are rotary, so a long context costs nothing until it is used."""
    window: int | None = None
    """``None`` for Llama. A number for SmolLM3, whose layers then take turns: the first, third, ... attend to so many
    tokens, with rotary positions; the others to all, without positions, so that what they look up depends on tokens
    and not on how far away they stand.
    """
    names: int = MAX_VOCABULARY_SIDE
    """Rows and columns of the grid whose coordinates are tokens; those beyond the vocabulary's follow it."""
    line_numbers: bool = False
    """Whether the white space that numbers lines in traces of the style ``pointers`` is tokens, too; they come last."""


def vocabulary_of(config: TinyConfig) -> list[str]:
    """All tokens of a model; a token's id is its index."""
    numerals = NUMERALS if config.line_numbers else ()
    return list(dict.fromkeys((*VOCABULARY, *coordinate_tokens(config.names, config.names), *numerals)))


def build_tokenizer(config: TinyConfig = TinyConfig()) -> PreTrainedTokenizerFast:
    """The tokenizer of a model."""
    vocabulary = vocabulary_of(config)
    words = {*WORDS, *SPECIAL_TOKENS.values(), *(NUMERALS if config.line_numbers else ())}
    longest_first = sorted(map(re.escape, words), key=len, reverse=True)
    tokenizer = Tokenizer(models.WordLevel({token: index for index, token in enumerate(vocabulary)}))
    pattern = Regex("|".join((r"<\|[^|<>]*\|>", *longest_first)))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(pattern, behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    options = {"clean_up_tokenization_spaces": False, "padding_side": "left", "chat_template": BARE_CHAT}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIAL_TOKENS, **options)


def build_model(config: TinyConfig, seed: int) -> PreTrainedModel:
    """A decoder with random weights drawn from ``seed``; input and output embeddings are one matrix.

    A Llama (Touvron et al., arXiv 2302.13971), or with ``window`` a SmolLM3 (Hugging Face 2025,
    https://huggingface.co/blog/smollm3): layers without positions are NoPE's (Yang et al., arXiv 2501.18795).
    """
    # Set everywhere that a library looks: a configuration built by hand otherwise ends generation at token 2.
    special = {f"{name}_id": ID_OF_TOKEN[token] for name, token in SPECIAL_TOKENS.items()}
    sizes: dict[str, Any] = {
        "vocab_size": len(vocabulary_of(config)),
        "hidden_size": config.hidden_size,
        "intermediate_size": 3 * config.hidden_size,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.heads,
        "max_position_embeddings": config.context,
        "tie_word_embeddings": True,
        **special,
    }
    near = [layer % 2 == 0 for layer in range(config.layers)]
    set_seed(seed)
    model: PreTrainedModel
    if config.window is None:
        model = LlamaForCausalLM(LlamaConfig(**sizes))
    else:
        shape = SmolLM3Config(
            no_rope_layers=list(map(int, near)),  # despite its name, 1 where a layer has positions
            layer_types=["sliding_attention" if here else "full_attention" for here in near],
            use_sliding_window=True,
            sliding_window=config.window,
            rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
            **sizes,
        )
        model = SmolLM3ForCausalLM(shape)
        _begin_names_as_sums(model.get_input_embeddings().weight.data, config)
    for name, value in special.items():
        setattr(model.generation_config, name, value)
    return model


def _begin_names_as_sums(embeddings: torch.Tensor, config: TinyConfig) -> None:
    """Lets the (vocabulary, hidden) embedding of a coordinate begin as that of its row plus that of its column.

    A model that is to read mazes anywhere has as many names to learn as the vocabulary holds, and steps between them.
    """
    ids = {token: index for index, token in enumerate(vocabulary_of(config))}
    side, spread = config.names, embeddings.std()
    rows, cols = (torch.randn(side, embeddings.shape[1]) * spread / 2**0.5 for _ in range(2))
    for row, col in product(range(side), repeat=2):
        embeddings[ids[coordinate_token((row, col))]] = rows[row] + cols[col]


def main() -> None:
    """Saves an untrained model: what every training starts from, and a row of the table."""
    parser = ArgumentParser(prog=called_as("agents.tiny_model"), description=main.__doc__)
    parser.add_argument("--output_dir", type=path_of, required=True, help="a new folder")
    parser.add_argument("--seed", type=read_seed, default=0, help="of the random weights (default %(default)s)")
    options = parser.parse_args()
    if (options.output_dir / "config.json").exists():
        raise InvalidOutput(f"Expects a new folder, actual: {options.output_dir} holds a model")
    check_folder(options.output_dir)
    build_tokenizer().save_pretrained(options.output_dir)
    build_model(TinyConfig(), options.seed).save_pretrained(options.output_dir)


if __name__ == "__main__":
    run_command(main)
