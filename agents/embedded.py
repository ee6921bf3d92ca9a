"""The embedded model: a small decoder with the maze vocabulary, built from a configuration, no download.

Its tokenizer is word-level: one token for each maze token, newline and trace word. Text round-trips exactly, and text
outside the vocabulary is an error, never ``<unk>``. Special tokens are begin, end and padding alone: maze tokens and
think tags must survive ``skip_special_tokens=True``, with which trainers decode.
"""

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed

from maze_env.moves import MOVE_TOKENS
from maze_env.tokens import MARKERS, THINK_CLOSE, THINK_OPEN, WALL_TOKENS, coordinate_tokens
from maze_env.traces.retry import DEAD_END, RESET, WRONG_WAY
from maze_env.traces.search import BACK, PATH

PAD, BOS, EOS = "<pad>", "<bos>", "<eos>"
MAX_COORDINATE = 20
"""Grids up to 20x20 can be written."""
WORDS = (
    "\n", THINK_OPEN, THINK_CLOSE, RESET, BACK, PATH, DEAD_END, WRONG_WAY,
    "Step", " ", ": Go ", "up", "down", "left", "right", *"0123456789",
)  # fmt: skip

VOCABULARY: tuple[str, ...] = (
    PAD,
    BOS,
    EOS,
    *WORDS,
    *MOVE_TOKENS,
    *MARKERS,
    *WALL_TOKENS,
    *coordinate_tokens(MAX_COORDINATE, MAX_COORDINATE),
)


def build_tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer of the maze vocabulary."""
    import re

    words = sorted((re.escape(word) for word in (*WORDS, PAD, BOS, EOS)), key=len, reverse=True)
    tokenizer = Tokenizer(models.WordLevel({token: index for index, token in enumerate(VOCABULARY)}))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"<\|[^|<>]*\|>|" + "|".join(words)), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )


def build_model(seed: int = 0, hidden=128, layers=4, heads=4, kv_heads=None, mlp=None, theta=10000.0) -> LlamaForCausalLM:
    set_seed(seed)
    special = dict(bos_token_id=VOCABULARY.index(BOS), eos_token_id=VOCABULARY.index(EOS), pad_token_id=0)
    config = LlamaConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=hidden,
        intermediate_size=mlp or hidden * 3,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads or heads,
        max_position_embeddings=4096,
        rope_parameters={"rope_type": "default", "rope_theta": theta},
        tie_word_embeddings=True,
        **special,
    )
    model = LlamaForCausalLM(config)
    for k, v in special.items():
        setattr(model.generation_config, k, v)
    return model
