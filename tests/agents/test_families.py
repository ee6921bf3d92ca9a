"""Every row is what it would be alone, in all model families: in plan, over several turns, and in training.

The reference is one plain forward pass over a text without cache, padding or company.
"""

import re

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, LogitsProcessor

from maze_env.vocabulary import VOCABULARY
from tests.families import FAMILIES, FULL, INDEXED, OWN_STATE, PLACES, RECURRENT, SIZES, build, enliven
from tests.tiny import ROOT
from tokenmaze.agents.decoding import drop_finished
from tokenmaze.agents.dialogue_cache import EqualDialogues, PaddedDialogues
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.multi_turn_decoder import MultiTurnDecoder
from tokenmaze.agents.multi_turn_policy import MultiTurnPolicy
from tokenmaze.agents.reading import reading_of
from tokenmaze.agents.tiny_model import build_tokenizer

ATOL = 1e-4
ENDS = [2, *range(400, 480)]
"""Tokens that end a completion: so many that rows end apart, as they do once a model is trained."""


def random_ids(lengths, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(4, 400, (length,), generator=generator).tolist() for length in lengths]


@torch.no_grad()
def plain_log_probs(model, ids):
    """(tokens, vocabulary), of what follows each token of a text."""
    return model(torch.tensor([ids])).logits[0].float().log_softmax(-1)


class Recorder(LogitsProcessor):
    """Notes what each row was about to draw from."""

    def __init__(self):
        self.seen = []

    def __call__(self, input_ids, scores):
        self.seen += [(ids.tolist(), row.log_softmax(-1)) for ids, row in zip(input_ids, scores, strict=True)]
        return scores


@pytest.mark.parametrize("name", FAMILIES)
def test_a_completion_is_drawn_from_what_its_row_alone_gives(name):
    model, recorder = build(name), Recorder()
    prompts = random_ids([23, 17, 23, 20, 11])
    prompts += prompts[:1]  # that two rows share
    width = max(map(len, prompts))
    inputs = {
        "input_ids": torch.tensor([[0] * (width - len(ids)) + ids for ids in prompts]),
        "attention_mask": torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts]),
    }
    config = GenerationConfig(
        max_new_tokens=14, do_sample=True, top_k=0, temperature=1.0, pad_token_id=0, bos_token_id=1, eos_token_id=ENDS
    )
    torch.manual_seed(3)
    written = model.generate(
        **inputs, generation_config=config, logits_processor=[recorder], custom_generate=drop_finished
    )[:, width:].tolist()
    lengths = [next((place + 1 for place, token in enumerate(row) if token in ENDS), 14) for row in written]
    assert len(set(lengths)) > 2  # rows have left the batch
    texts = [ids + row for ids, row in zip(prompts, written, strict=True)]
    plain = [plain_log_probs(model, text) for text in texts]
    checked = 0
    for ids, log_probs in recorder.seen:
        text = ids[next(place for place, token in enumerate(ids) if token) :]
        row = next((row for row, whole in enumerate(texts) if whole[: len(text)] == text), None)
        if row is not None:  # else an ended one that waits to be dropped
            torch.testing.assert_close(log_probs, plain[row][len(text) - 1], atol=ATOL, rtol=0)
            checked += 1
    assert checked >= sum(lengths)


def play(model, prompts, turns):
    """Lets dialogues read ``turns``, dropping one after the second; returns the texts and log-probabilities of each."""
    decoder = MultiTurnDecoder(model, build_tokenizer())
    decoder.prefill(prompts)
    texts, live = [list(ids) for ids in prompts], list(range(len(prompts)))
    result = []
    for number, chunks in enumerate([[[]] * len(prompts), *turns]):
        if number:
            decoder.append([chunks[dialogue] for dialogue in live])
        for row, dialogue in enumerate(live):
            texts[dialogue] += chunks[dialogue]
            result.append((list(texts[dialogue]), decoder.logits[row].float().log_softmax(-1)))
        if number == 2 and len(prompts) > 1:
            decoder.select([row for row, dialogue in enumerate(live) if dialogue != 1])
            live.remove(1)
    return result


PROMPTS = random_ids([23, 17, 23, 12], seed=5)
TURNS = [
    random_ids(lengths, seed=7 + sum(lengths)) for lengths in ((9, 1, 2, 3), (1, 1, 1, 2), (4, 1, 4, 4), (1, 1, 1, 1))
]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_dialogue_reads_as_if_it_were_alone(name):
    model = build(name)
    for text, log_probs in play(model, PROMPTS, TURNS):
        torch.testing.assert_close(log_probs, plain_log_probs(model, text)[-1], atol=ATOL, rtol=0)


@pytest.mark.parametrize("name", [name for name in PLACES | RECURRENT if name != "Bloom"])
def test_one_padded_batch_would_not_do(name, monkeypatch):
    # So the tests above see what they are for. (Bloom counts places by the mask: it would do.)
    model = build(name)
    monkeypatch.setattr(
        "tokenmaze.agents.multi_turn_decoder.dialogues_of",
        lambda model, pad: PaddedDialogues(model, reading_of(model), pad),
    )
    try:
        differences = [
            float((log_probs - plain_log_probs(model, text)[-1]).abs().max())
            for text, log_probs in play(model, PROMPTS, TURNS)
        ]
    except RuntimeError:  # sizes of tensors
        return
    assert max(differences) > 10 * ATOL


@pytest.mark.parametrize("name", PLACES)
def test_windows_that_take_no_masks_are_read_without_padding(name, monkeypatch):
    # As with flash attention, for which there is no processor here.
    monkeypatch.setattr(
        "tokenmaze.agents.multi_turn_decoder.dialogues_of", lambda model, _: EqualDialogues(model, reading_of(model))
    )
    model = build(name)
    for text, log_probs in play(model, PROMPTS, TURNS):
        torch.testing.assert_close(log_probs, plain_log_probs(model, text)[-1], atol=ATOL, rtol=0)


def test_how_a_model_is_read_is_told_from_what_it_has():
    kinds = {"full attention": FULL, "sliding windows, or places for positions": PLACES,
             "recurrent layers": RECURRENT, "a state of its own": OWN_STATE}  # fmt: skip
    for mechanism, families in kinds.items():
        assert {name: reading_of(build(name)).mechanism for name in families} == dict.fromkeys(families, mechanism)


BOTH_SIDES = {
    "bert": SIZES | {"intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4},
    "roberta": SIZES | {"intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4},
    "xlnet": {"vocab_size": len(VOCABULARY), "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 48},
}


@pytest.mark.parametrize("kind", BOTH_SIDES)
@pytest.mark.parametrize("policy", [LLMPolicy, MultiTurnPolicy])
def test_a_model_that_reads_from_both_sides_is_refused_by_name(kind, policy):
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **BOTH_SIDES[kind])).eval()
    enliven(model)
    with pytest.raises(InvalidCheckpoint, match=f"causal language model, actual: '{kind}'"):
        policy(model, build_tokenizer())


def test_the_same_kind_made_a_decoder_is_taken():
    config = AutoConfig.for_model("bert", **BOTH_SIDES["bert"], is_decoder=True)
    model = AutoModelForCausalLM.from_config(config).eval()
    enliven(model)
    LLMPolicy(model, build_tokenizer())


@pytest.mark.parametrize("kind", ["deepseek_v32", "glm_moe_dsa"])
def test_layers_that_pick_what_they_see_are_refused_by_name(kind):
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **INDEXED)).eval()
    with pytest.raises(InvalidCheckpoint, match=f"without an index of what is to be seen, actual: '{kind}'"):
        LLMPolicy(model, build_tokenizer())


def test_the_documentation_names_these_families():
    text = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
    rows = [line for line in text.partition("## Models")[2].partition("\n## ")[0].splitlines() if line.startswith("|")]
    for families in (FULL, PLACES, RECURRENT, OWN_STATE):
        assert any(set(families) <= set(re.split(r", |\| ?", row.replace(" |", "|"))) for row in rows), families
