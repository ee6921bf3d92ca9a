"""What GRPO learns from is what each text has alone, in all model families; others are refused by name."""

import pytest
import torch
from transformers import AutoModelForCausalLM
from trl.trainer.utils import add_fused_lm_head

from tests import tiny
from tests.agents.test_families import ATOL, plain_log_probs, random_ids
from tests.families import FAMILIES, build
from tests.training import runs
from tests.training.test_right_padded import REASONS
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.reading import reading_of
from tokenmaze.agents.tiny_model import build_tokenizer
from tokenmaze.training.alignment import align_rows, check_log_probs
from tokenmaze.training.right_padded import NAME, STANDARD, attention_of

REFUSED = ("Llama 4", "RecurrentGemma", "xLSTM")
"""TRL's head leaves out their caps of logits, or finds no hidden states."""
PROMPTS, ANSWERS = random_ids([23, 17, 12, 20]), random_ids([6, 14, 9, 1], seed=4)


def log_probs_as_trl_does(model):
    """(rows, tokens), of the answers: prompts padded on the left, answers on the right."""
    before, behind = max(map(len, PROMPTS)), max(map(len, ANSWERS))
    ids, mask = torch.zeros(2, len(PROMPTS), before + behind, dtype=torch.long)
    for row, (prompt, answer) in enumerate(zip(PROMPTS, ANSWERS, strict=True)):
        place = slice(before - len(prompt), before + len(answer))
        ids[row, place], mask[row, place] = torch.tensor(prompt + answer), 1
    labels = ids.masked_fill(mask == 0, -100)
    labels[:, :before] = -100
    return model(input_ids=ids, attention_mask=mask, labels=labels, fused_lm_head=True).log_probs[:, -behind:]


def largest_difference(model, log_probs):
    worst = 0.0
    for prompt, answer, row in zip(PROMPTS, ANSWERS, log_probs, strict=True):
        alone = plain_log_probs(model, prompt + answer)[len(prompt) - 1 : -1]
        expected = alone.gather(1, torch.tensor(answer)[:, None]).squeeze(1)
        worst = max(worst, float((expected - row[: len(answer)]).abs().max()))
    return worst


@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in REFUSED])
def test_log_probabilities_in_a_batch_are_those_of_each_alone(name):
    model = build(name)
    check_log_probs(model)
    assert "forward" not in vars(model)  # the check leaves nothing behind
    align_rows(model)
    add_fused_lm_head(model)
    log_probs = log_probs_as_trl_does(model)
    assert largest_difference(model, log_probs) <= ATOL
    log_probs.sum().backward()  # and it can be learned from


@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in {*REFUSED, *REASONS, "xLSTM", "RWKV"}])
def test_without_masks_they_are_too(name):
    model = build(name)
    model.set_attn_implementation(NAME)
    taken = attention_of(model)  # some families have an attention of their own alone
    check_log_probs(model)
    assert attention_of(model) == taken
    align_rows(model)
    add_fused_lm_head(model)
    log_probs = log_probs_as_trl_does(model)
    assert largest_difference(model, log_probs) <= ATOL
    assert attention_of(model) == (STANDARD if taken == NAME else taken)
    log_probs.sum().backward()


@pytest.mark.parametrize("name", REFUSED)
def test_a_family_that_trl_computes_otherwise_is_refused_by_name(name):
    model = build(name)
    with pytest.raises(InvalidCheckpoint, match=f"log-probabilities that each has alone .'{model.config.model_type}'"):
        check_log_probs(model)


@pytest.mark.parametrize("name", ["GPT-2", "GPT-BigCode", "XGLM", "GPT-Neo", "RWKV"])
def test_padding_on_the_left_would_not_do_for_learned_positions_and_some_states(name):
    model = build(name)
    assert not reading_of(model).pads_unplaced
    add_fused_lm_head(model)
    with torch.no_grad():
        assert largest_difference(model, log_probs_as_trl_does(model)) > 100 * ATOL


def test_what_is_told_positions_by_rotation_is_left_as_it_is():
    assert align_rows(build("Llama")) == align_rows(build("Gemma 3")) == []


@pytest.mark.parametrize(("name", "mode", "lora"), [
    ("GPT-2", "plan", {}), ("GPT-2", "play", {}), ("GPT-2", "plan", {"lora_rank": 2}), ("Gemma 3", "play", {}),
    ("LFM 2", "plan", {}), ("LFM 2", "play", {}), ("Mamba", "play", {}), ("RWKV", "plan", {}),
])  # fmt: skip
def test_a_step_of_grpo_learns_from_them(name, mode, lora, tmp_path, monkeypatch):
    folder, given, seen = tiny.save(tmp_path / "model", build(name), build_tokenizer()), [], []

    def spy(model):
        model.register_forward_pre_hook(lambda _, args, options: given.append(options), with_kwargs=True)
        align_rows(model)
        model.register_forward_hook(lambda _, args, outputs: seen.append((given[-1], outputs)))

    monkeypatch.setattr("tokenmaze.training.trl_adapter.align_rows", spy)
    monkeypatch.setattr("tokenmaze.training.trl_adapter.PART", 64)  # prompts of several lengths together
    budgets = {"max_completion_length": 40, "max_turn_tokens": 3} if mode == "play" else {"max_completion_length": 8}
    options = {"mode": mode, "examples": 4, **budgets}
    runs.train_grpo(
        tmp_path / "run", folder, sizes='{"2x2": 1, "2x3": 1}', save_strategy="no", beta=0.1, **options, **lora
    )
    model = AutoModelForCausalLM.from_pretrained(folder)
    rows = [(options, outputs.log_probs) for options, outputs in seen if options.get("labels") is not None]
    assert len(rows) > 1  # the model that is learned from, and the one that it is compared with
    for options, log_probs in rows[:2]:
        ids, mask = options["input_ids"], options["attention_mask"]
        assert len({int(row.argmax()) for row in mask}) > 1  # prompts of several lengths
        for row in range(len(ids)):
            text, learned = ids[row][mask[row].bool()], options["labels"][row, 1:] != -100
            alone = plain_log_probs(model, text.tolist())[:-1].gather(1, text[1:, None]).squeeze(1)
            torch.testing.assert_close(log_probs[row][learned], alone[-int(learned.sum()) :], atol=ATOL, rtol=0)
