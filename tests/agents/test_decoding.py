"""Decoding that drops finished rows writes what ``transformers`` would."""

from contextlib import suppress

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, MambaConfig, MambaForCausalLM

from maze_env.errors import InvalidConfig
from maze_env.tokens import maze_to_text
from tests import tiny
from tests.families import FAMILIES
from tokenmaze.agents.decoding import LOOK_EVERY, context_length, drop_finished, early_row_removal
from tokenmaze.agents.generation import end_ids
from tokenmaze.agents.kv_cache import preallocate
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.reading import CACHE_NAME, evaluation_mode
from tokenmaze.agents.tiny_model import build_model, build_tokenizer


def model_that_ends(eos_bias):
    """A model whose greedy completions depend on all that stands before; ``eos_bias`` says how soon they end.

    The output head is one of its own: with the embedding as head, such a model repeats its last token.
    """
    model = build_model(tiny.SMALL, seed=8)
    model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.lm_head.weight))
    torch.manual_seed(8)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.normal_(std=0.3)
        model.lm_head.weight[2] *= eos_bias
    return model.eval()


def inputs_of(tokenizer):
    """Prompts of several lengths, padded on the left."""
    mazes = [*tiny.mazes(8, 2, 2), *tiny.mazes(8, 3, 4), *tiny.mazes(8, 4, 4)]
    return tokenizer([maze_to_text(maze) for maze in mazes], padding=True, padding_side="left", return_tensors="pt")


def generate(model, length=25, repeats=1, **options):
    config = GenerationConfig(
        max_new_tokens=length, pad_token_id=0, bos_token_id=1, eos_token_id=2, **{"do_sample": False, **options}
    )
    inputs = {name: values.repeat(repeats, 1) for name, values in inputs_of(build_tokenizer()).items()}
    kinds = {"plain": None, "dropping": drop_finished}
    result = {}
    for kind, function in kinds.items():
        torch.manual_seed(5)
        sequences = model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            generation_config=config,
            custom_generate=function,
        )
        result[kind] = sequences[:, inputs["input_ids"].shape[1] :]
    return result["plain"], result["dropping"]


def lengths(completions):
    """Tokens of each completion, its end included."""
    return [int((row == 2).nonzero()[0]) + 1 if (row == 2).any() else len(row) for row in completions]


@pytest.mark.parametrize("eos_bias", [1.0, 1.5, 3.0])
def test_greedy_completions_are_those_of_transformers(eos_bias):
    plain, dropping = generate(model_that_ends(eos_bias))
    assert torch.equal(plain, dropping)


def test_a_prompt_that_rows_share_is_read_once():
    model = model_that_ends(1.5)
    rows = []
    model.register_forward_pre_hook(lambda _, inputs, options: rows.append(len(options["input_ids"])), with_kwargs=True)
    plain, dropping = generate(model, repeats=3)
    assert lengths(plain) == lengths(dropping)
    assert torch.equal(plain, dropping)
    different = len(inputs_of(build_tokenizer())["input_ids"].unique(dim=0))
    dropped = rows[rows.index(different) :]
    assert set(rows[: -len(dropped)]) == {72}  # transformers' own reads and writes them all
    assert dropped[1] == 72
    one, _ = generate(model)
    assert torch.equal(plain, one.repeat(3, 1))


def test_the_cases_above_hold_rows_that_end_early_late_and_never():
    few, half, all_rows = (lengths(generate(model_that_ends(bias))[0]) for bias in (1.0, 1.5, 3.0))
    assert 1 <= sum(length < 25 for length in few) <= 4
    assert len(set(half)) > 8
    assert half.count(25) > 4
    assert max(all_rows) < 25


def test_what_follows_an_end_is_padding():
    _, dropping = generate(model_that_ends(3.0))
    for row, length in zip(dropping, lengths(dropping), strict=True):
        assert (row[length:] == 0).all()
        assert (row[: length - 1] != 2).all()


def test_the_context_is_the_models_own():
    assert context_length(build_model(tiny.SMALL, 0)) == 4096
    state_space = MambaForCausalLM(MambaConfig(vocab_size=8, hidden_size=8, num_hidden_layers=1))
    assert context_length(state_space) == 2**31


def test_the_context_ends_where_positions_would_change_for_the_whole_batch():
    scaled = {"rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0] * 4, "long_factor": [9.0] * 4}
    kind, options = FAMILIES["Phi 3"]
    config = AutoConfig.for_model(kind, **options, original_max_position_embeddings=32, rope_parameters=scaled)
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.normal_(std=0.2)
        text = torch.arange(4, 37)[None]
        alone, together = model(text[:, :32]).logits[0, -1], model(text).logits[0, 31]
    assert not torch.allclose(alone, together, atol=1e-3)  # one token more changes what was before it
    assert context_length(model) == 32
    agent = LLMPolicy(model, build_tokenizer(), max_new_tokens=30)
    agent.reset([0])
    with pytest.raises(InvalidConfig, match="fit into the context of 'model', 32 tokens"):
        agent.act([maze_to_text(tiny.mazes(1)[0])])


def test_a_budget_of_one_token_is_one_token():
    plain, dropping = generate(model_that_ends(3.0), length=1)
    assert dropping.shape == (24, 1)
    assert torch.equal(plain, dropping)


def test_sampling_draws_from_the_models_distribution():
    # One prompt 4,000 times; of each first token's share, 5 sigma (a chance under 6 in ten million for each).
    model = model_that_ends(1.0)
    ids = inputs_of(build_tokenizer())["input_ids"][-1:]
    with torch.no_grad():
        shares = (model(ids).logits[0, -1] / 0.5).softmax(-1)
    config = GenerationConfig(
        max_new_tokens=1, do_sample=True, temperature=0.5, top_k=0, pad_token_id=0, bos_token_id=1, eos_token_id=2
    )  # fmt: skip
    torch.manual_seed(0)
    drawn = model.generate(
        input_ids=ids.repeat(4000, 1),
        attention_mask=torch.ones(4000, ids.shape[1], dtype=torch.long),
        generation_config=config,
        custom_generate=drop_finished,
    )[:, -1]
    counts = torch.bincount(drawn, minlength=len(shares))
    assert ((counts - 4000 * shares).abs() <= 5 * (4000 * shares * (1 - shares)).sqrt() + 1).all()
    assert (shares > 0.01).sum() > 5


def test_processors_of_logits_are_heeded():
    plain, dropping = generate(model_that_ends(3.0), suppress_tokens=[2])
    assert torch.equal(plain, dropping)
    assert (dropping != 2).all()


def test_rows_that_are_lost_end_at_the_next_look():
    model, looks = model_that_ends(3.0), []
    inputs, width = inputs_of(build_tokenizer()), inputs_of(build_tokenizer())["input_ids"].shape[1]

    def lost(rows, written):
        looks.append((rows, written.shape))
        return [row % 3 == 0 for row in rows]

    with early_row_removal(model, lost):
        written = model.generate(**inputs, max_new_tokens=LOOK_EVERY + 5, suppress_tokens=[2])[:, width:]
    everything = list(range(24))
    assert looks == [(everything, (24, LOOK_EVERY))]
    ends = [(row == 2).nonzero().flatten().tolist() for row in written]
    assert ends == [[LOOK_EVERY] if row % 3 == 0 else [] for row in everything]
    assert (written[::3, LOOK_EVERY + 1 :] == 0).all()
    model.generation_config.eos_token_id = None
    with early_row_removal(model, lost), pytest.raises(InvalidConfig, match="an end token"):
        model.generate(**inputs, max_new_tokens=5)


def test_for_the_time_of_a_context_whoever_calls_generate_decodes_so():
    model, rows = model_that_ends(3.0), []
    model.register_forward_pre_hook(lambda _, inputs, options: rows.append(len(options["input_ids"])), with_kwargs=True)
    inputs = inputs_of(build_tokenizer())
    options = {"max_new_tokens": 25, "do_sample": False}
    plain = model.generate(**inputs, **options)
    assert set(rows) == {24}
    with suppress(ZeroDivisionError), early_row_removal(model):  # and no longer, however it is left
        rows.clear()
        assert torch.equal(model.generate(**inputs, **options), plain)
        assert min(rows) < 24
        # A policy that asks for it again is not in conflict.
        agent = LLMPolicy(model, build_tokenizer(), max_new_tokens=3)
        agent.reset([0])
        assert agent.act([maze_to_text(tiny.mazes(1)[0])])
        raise ZeroDivisionError
    rows.clear()
    assert torch.equal(model.generate(**inputs, **options), plain)
    assert set(rows) == {24}


@pytest.mark.parametrize("training", [True, False])
def test_evaluation_mode_ends_as_it_began(training):
    model = build_model(tiny.SMALL, 0).train(training)
    with suppress(ZeroDivisionError), evaluation_mode(model):
        assert not any(module.training for module in model.modules())
        raise ZeroDivisionError
    assert all(module.training == training for module in model.modules())


def test_a_cache_that_the_caller_asked_for_is_used():
    model, used = model_that_ends(3.0), []
    model.register_forward_pre_hook(lambda _, inputs, options: used.append(options[CACHE_NAME]), with_kwargs=True)
    options = {"max_new_tokens": 25, "do_sample": False}
    plain = model.generate(**inputs_of(build_tokenizer()), **options)
    given = preallocate(model.config)
    dropping = model.generate(
        **inputs_of(build_tokenizer()), **options, **{CACHE_NAME: given}, custom_generate=drop_finished
    )
    assert used[-1] is given
    assert torch.equal(plain, dropping)


def test_a_model_with_no_end_token_writes_to_its_budget():
    model = model_that_ends(3.0)
    inputs, model.generation_config.eos_token_id = inputs_of(build_tokenizer()), None
    options = {"max_new_tokens": 6, "do_sample": False, "eos_token_id": None}
    plain = model.generate(**inputs, **options)
    assert torch.equal(model.generate(**inputs, **options, custom_generate=drop_finished), plain)
    assert plain.shape[1] == inputs["input_ids"].shape[1] + 6


def test_a_policy_ends_at_every_token_that_ends_its_model():
    model, tokenizer = model_that_ends(1.0), build_tokenizer()
    assert end_ids(model, tokenizer) == [tokenizer.eos_token_id]
    texts = [maze_to_text(maze) for maze in tiny.mazes(8, 3, 4)]
    before = LLMPolicy(model, tokenizer, max_new_tokens=25).act(texts)
    written = model.generate(**inputs_of(tokenizer), max_new_tokens=3, do_sample=False)[:, -2].tolist()
    other = max(set(written), key=written.count)  # a token that is often written early
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, other]
    assert end_ids(model, tokenizer) == [tokenizer.eos_token_id, other]
    after = LLMPolicy(model, tokenizer, max_new_tokens=25).act(texts)
    assert sum(reply.tokens for reply in after) < sum(reply.tokens for reply in before)
    assert all(reply.tokens == 25 for reply in after if reply.truncated)
    assert sum(reply.truncated for reply in after) < len(texts)
