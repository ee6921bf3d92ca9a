"""Attention without masks: the same numbers as with them, in all model families that take it."""

import pytest
import torch

from maze_env.errors import InvalidConfig
from tests.families import FAMILIES, build
from tests.training import runs
from tokenmaze.training import right_padded
from tokenmaze.training.right_padded import NAME

FIGURES = ("eval_solved_rate", "eval_malformed_rate", "eval_tokens_per_attempt")
LENGTHS = (150, 3, 41, 129)
REFUSED = {
    "softcap": ("Gemma 2", "VaultGemma"),
    "s_aux": ("gpt-oss", "Granite with windows"),
    "chunked_attention": ("Llama 4",),
    "conv": ("LFM 2",),
    "linear_attention": (
        "Qwen 3.5", "Qwen 3.5 MoE", "Qwen 3 Next", "OLMo Hybrid", "Granite 4 H", "Bamba", "Jamba", "Nemotron-H",
        "Kimi Linear", "Zamba", "Zamba 2", "Mamba", "Mamba 2", "Falcon Mamba", "RecurrentGemma", "MiniMax",
    ),
    "hybrid": ("Falcon-H1",),
}  # fmt: skip
"""Families, by what they have that this attention does not compute."""
REASONS = {family: reason for reason, families in REFUSED.items() for family in families}


def numbers(model, implementation):
    """Logits where there is text, and gradients, of rows of ``LENGTHS`` padded on the right."""
    model.set_attn_implementation(implementation)
    right_padded.check_layers(model)
    ids = torch.randint(20, 400, (len(LENGTHS), max(LENGTHS)), generator=torch.Generator().manual_seed(3))
    mask = torch.arange(ids.shape[1]) < torch.tensor(LENGTHS)[:, None]
    model.zero_grad()
    logits = model(input_ids=ids * mask, attention_mask=mask.long()).logits[mask]
    logits.log_softmax(-1)[:, 7].sum().backward()
    return logits.detach(), {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in ("xLSTM", "RWKV")])  # without gradients here
def test_it_gives_the_numbers_that_masks_give_or_is_refused(name):
    model = build(name)
    usual = model.config._attn_implementation
    if name in REASONS:
        with pytest.raises(InvalidConfig, match=REASONS[name]):
            numbers(model, NAME)
        return
    logits, gradients = numbers(model, usual)
    actual_logits, actual_gradients = numbers(model, NAME)
    torch.testing.assert_close(actual_logits, logits, atol=1e-4, rtol=1e-4)
    assert actual_gradients.keys() == gradients.keys()
    for weight, gradient in gradients.items():
        atol = 1e-4 * float(gradient.abs().max()) + 1e-5
        torch.testing.assert_close(actual_gradients[weight], gradient, atol=atol, rtol=1e-3)


@pytest.mark.parametrize("window", [None, 1, 5, 16, 200])
@pytest.mark.parametrize("key_heads", [4, 2])
def test_tokens_attend_to_those_before_them_in_the_window(window, key_heads):
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, heads, 150, 8, generator=generator) for heads in (4, key_heads, key_heads))
    result, weights = right_padded.attention(torch.nn.Module(), query, key, value, None, 0.3, sliding_window=window)
    behind = torch.arange(150)[:, None] - torch.arange(150)
    seen = (behind >= 0) & (behind < (window or 150))
    expected = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=seen, scale=0.3, enable_gqa=True
    )
    torch.testing.assert_close(result, expected.transpose(1, 2))
    assert weights is None


def test_sft_trains_the_same_model_evaluates_it_with_masks_and_saves_nothing_of_it(tmp_path):
    keys = {"examples": 64, "window": 8, "eval_strategy": "steps", "eval_steps": 1, "eval_mazes": 4, "logging_steps": 1}
    runs.train_sft(tmp_path / "usual", **keys, attn_implementation="sdpa")
    runs.train_sft(tmp_path / "own", **keys, attn_implementation=NAME)
    usual, own = (runs.weights(tmp_path / name) for name in ("usual", "own"))
    for name, weight in usual.items():
        torch.testing.assert_close(own[name], weight, atol=1e-4, rtol=1e-3)
    assert NAME not in (tmp_path / "own" / "config.json").read_text()
    evaluations = [
        [{k: v for k, v in e.items() if k in FIGURES} for e in runs.log_of(tmp_path / name)]
        for name in ("usual", "own")
    ]
    assert evaluations[0] == evaluations[1] != []


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sft")
    runs.train_sft(folder, window=8)
    return folder


@pytest.mark.parametrize("lora", [{}, {"lora_rank": 2}])
def test_grpo_learns_the_same_from_the_same_samples(lora, started, tmp_path):
    for name in ("sdpa", NAME):
        runs.train_grpo(tmp_path / name, started, sizes='{"2x2": 1, "2x3": 1}', attn_implementation=name, **lora)
    usual, own = (runs.log_of(tmp_path / name) for name in ("sdpa", NAME))
    assert len({entry["completions/mean_length"] for entry in usual}) > 1
    for one, other in zip(usual, own, strict=True):
        for key in ("loss", "reward", "entropy", "grad_norm", "completions/mean_length"):
            assert other[key] == pytest.approx(one[key], rel=1e-3, abs=1e-5), key


@pytest.mark.parametrize("train", [runs.train_rft, runs.train_dpo])
def test_stages_that_do_without_it_refuse_it(train, started, tmp_path):
    with pytest.raises(InvalidConfig, match=f"Expects attn_implementation {NAME} with SFT and GRPO alone"):
        train(tmp_path / "run", started, attn_implementation=NAME)


def test_grpo_computes_nothing_again_with_other_masks(started, tmp_path):
    with pytest.raises(InvalidConfig, match="Expects activation_checkpointing false with attn_implementation"):
        runs.train_grpo(tmp_path / "run", started, attn_implementation=NAME, activation_checkpointing=True)
