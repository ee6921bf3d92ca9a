"""A policy is the model's own distribution, whatever the checkpoint's ``generation_config.json`` holds."""

import json

import pytest
import torch
from transformers import GenerationConfig
from transformers.generation import TemperatureLogitsWarper, TopPLogitsWarper

from maze_env.errors import InvalidConfig
from maze_env.tokens import maze_to_text
from tests import tiny
from tokenmaze.agents import decoding, registry
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.multi_turn_policy import MultiTurnPolicy
from tokenmaze.agents.prompts import render
from tokenmaze.agents.rollout import rollout
from tokenmaze.agents.tokenization import token_ids

MAZES = tiny.mazes(6, 2, 2)
OTHER = 150
"""A token of the byte tokenizer without a meaning of its own."""
HOSTILE = {
    "max_length": 3, "max_new_tokens": 2, "min_length": 5000, "min_new_tokens": 24, "early_stopping": True,
    "max_time": 1e-9, "stop_strings": ["e"], "do_sample": True, "num_beams": 3, "use_mtp": True, "use_cache": False,
    "cache_implementation": "static", "cache_config": {"backend": "quanto"}, "max_cache_len": 7, "temperature": 0.2,
    "top_k": 2, "top_p": 0.1, "min_p": 0.5, "top_h": 0.2, "typical_p": 0.1, "epsilon_cutoff": 0.1, "eta_cutoff": 0.1,
    "repetition_penalty": 1.5, "encoder_repetition_penalty": 1.5, "length_penalty": 3.0, "no_repeat_ngram_size": 1,
    "bad_words_ids": [[OTHER]], "renormalize_logits": True, "forced_bos_token_id": OTHER, "forced_eos_token_id": 2,
    "remove_invalid_values": True, "exponential_decay_length_penalty": (1, 5.0),
    "suppress_tokens": list(range(4, 300)), "begin_suppress_tokens": list(range(4, 300)),
    "sequence_bias": [[[OTHER], 50.0]], "token_healing": True, "guidance_scale": 2.0,
    "watermarking_config": {"greenlist_ratio": 0.1, "bias": 9.0}, "num_return_sequences": 2, "output_attentions": True,
    "output_hidden_states": True, "output_scores": True, "output_logits": True, "return_dict_in_generate": True,
    "encoder_no_repeat_ngram_size": 2, "decoder_start_token_id": OTHER, "is_assistant": True,
    "num_assistant_tokens": 3, "num_assistant_tokens_schedule": "constant", "assistant_confidence_threshold": 0.9,
    "prompt_lookup_num_tokens": 3, "max_matching_ngram_size": 2, "assistant_early_exit": 1, "assistant_lookbehind": 3,
    "target_lookbehind": 3, "assistant_ensemble_weight": 0.5, "speculation_type": "dflash", "compile_config": {},
    "disable_compile": True, "continuous_batching_config": {}, "low_memory": True, "penalty_alpha": 0.6,
    "dola_layers": "low", "diversity_penalty": 1.0, "num_beam_groups": 2, "constraints": [OTHER],
    "force_words_ids": [[OTHER]], "prefill_chunk_size": 3,
}  # fmt: skip
"""Every field of ``GenerationConfig`` with a value that would tell, were it read."""
ALLOWED = {"pad_token_id", "bos_token_id", "eos_token_id", "transformers_version", "_from_model_config"}
"""Fields that say which tokens begin and end a text, or nothing about generation."""


def lively():
    """A model whose answers differ from maze to maze, and its tokenizer."""
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    model = tiny.byte_model(tokenizer).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(3)
    return model, tokenizer


def answers(kind, model, tokenizer, temperature):
    if kind == "turns":
        policy = MultiTurnPolicy(model, tokenizer, temperature=temperature, max_turn_tokens=6)
        return [attempt.texts for attempt in rollout(policy, MAZES, range(6), max_steps=3)]
    policy = LLMPolicy(model, tokenizer, mode=kind, temperature=temperature, max_new_tokens=12)
    policy.reset(range(6))
    return [reply.text for reply in policy.act([maze_to_text(maze) for maze in MAZES])]


@pytest.fixture(scope="module")
def plain():
    model, tokenizer = lively()
    model.generation_config = GenerationConfig(bos_token_id=0, eos_token_id=2, pad_token_id=3)
    kinds = [(kind, temperature) for kind in ("plan", "turns") for temperature in (0.0, 1.0)]
    return {(kind, temperature): answers(kind, model, tokenizer, temperature) for kind, temperature in kinds}


def write(model, **values):
    """Puts values into a model's generation configuration, those too that transformers would refuse to make."""
    vars(model.generation_config).update(values)


def test_every_setting_that_transformers_has_is_tried():
    assert vars(GenerationConfig()).keys() - ALLOWED == HOSTILE.keys(), "does a new setting shape what is drawn?"


@pytest.mark.parametrize("field", HOSTILE)
def test_no_setting_of_the_checkpoint_changes_what_is_drawn(field, plain):
    model, tokenizer = lively()
    write(model, **{field: HOSTILE[field]})
    for kind, temperature in plain:
        assert answers(kind, model, tokenizer, temperature) == plain[kind, temperature]
    assert getattr(model.generation_config, field) == HOSTILE[field]  # and it is as it was


@pytest.mark.parametrize(("temperature", "top_p", "kinds"), [
    (0.0, 1.0, []), (1.0, 1.0, []), (0.7, 1.0, [TemperatureLogitsWarper]),
    (0.7, 0.9, [TemperatureLogitsWarper, TopPLogitsWarper]),
])  # fmt: skip
def test_logits_are_processed_by_temperature_and_top_p_alone(temperature, top_p, kinds, monkeypatch):
    # What transformers sets by itself, as top_k=50, would be seen here.
    model, tokenizer = lively()
    write(model, **{name: HOSTILE[name] for name in ("repetition_penalty", "top_k", "min_p", "suppress_tokens")})
    seen, decode = [], decoding.drop_finished

    def spy(*arguments, logits_processor, **options):
        seen.append([type(processor) for processor in logits_processor])
        return decode(*arguments, logits_processor=logits_processor, **options)

    monkeypatch.setattr("tokenmaze.agents.llm_policy.drop_finished", spy)
    policy = LLMPolicy(model, tokenizer, temperature=temperature, top_p=top_p, max_new_tokens=2)
    policy.reset([0])
    policy.act([maze_to_text(MAZES[0])])
    assert seen == [kinds]


@pytest.mark.parametrize("kind", ["plan", "turns"])
def test_a_small_top_p_is_greedy(kind, plain):
    model, tokenizer = lively()
    options = {"temperature": 1.0, "top_p": 1e-6}
    if kind == "plan":
        policy = LLMPolicy(model, tokenizer, max_new_tokens=12, **options)
    else:
        policy = MultiTurnPolicy(model, tokenizer, max_turn_tokens=6, **options)
    if kind == "plan":
        policy.reset(range(6))
        texts = [reply.text for reply in policy.act([maze_to_text(maze) for maze in MAZES])]
    else:
        texts = [attempt.texts for attempt in rollout(policy, MAZES, range(6), max_steps=3)]
    assert texts == plain[kind, 0.0]
    assert (policy.settings["top_p"], policy.settings["do_sample"]) == (1e-6, True)


@pytest.mark.parametrize("kind", [LLMPolicy, MultiTurnPolicy])
@pytest.mark.parametrize(("options", "message"), [
    ({"top_p": 0.0, "temperature": 1.0}, "top_p above 0"), ({"top_p": 1.1, "temperature": 1.0}, "at most 1"),
    ({"top_p": 0.9}, "temperature above 0 with top_p"),
])  # fmt: skip
def test_an_impossible_top_p_is_refused(kind, options, message):
    with pytest.raises(InvalidConfig, match=message):
        kind(*lively(), **options)


def test_the_models_own_settings_are_an_option_that_is_stored(tmp_path):
    model, tokenizer = lively()
    own = {"do_sample": True, "temperature": 0.7, "top_p": 0.8, "top_k": 20, "repetition_penalty": 1.1}
    model.generation_config.update(**own, suppress_tokens=[OTHER], max_length=3)
    folder = tiny.save(tmp_path, model, tokenizer)
    policy = registry.make(folder, use_model_settings=True, max_new_tokens=7)
    settings = policy.settings
    assert {name: settings[name] for name in own} == own
    assert settings["use_model_settings"] is True
    assert settings["model_settings"]["suppress_tokens"] == [OTHER]
    assert settings["max_new_tokens"] == 7
    assert json.loads(json.dumps(settings)) == settings
    without = registry.make(folder, max_new_tokens=7).settings
    assert (without["use_model_settings"], "model_settings" in without) == (False, False)


def test_the_models_own_settings_are_what_transformers_makes_of_them():
    model, tokenizer = lively()
    model.generation_config.update(repetition_penalty=1.5, no_repeat_ngram_size=2)
    text = maze_to_text(MAZES[0])
    (reply,) = LLMPolicy(model, tokenizer, use_model_settings=True, max_new_tokens=12).act([text])
    ids = torch.tensor(token_ids(tokenizer, [render(tokenizer, text).text]))
    written = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12)[0, ids.shape[1] :]
    assert reply.text == tokenizer.decode(written, skip_special_tokens=True)
    (other,) = LLMPolicy(model, tokenizer, max_new_tokens=12).act([text])
    assert other.text != reply.text


@pytest.mark.parametrize(
    "own", [{"num_beams": 3}, {"stop_strings": ["e"]}, {"guidance_scale": 2.0}, {"prompt_lookup_num_tokens": 3}]
)
def test_settings_that_are_no_plain_sampling_are_refused(own):
    model, tokenizer = lively()
    write(model, **own)
    with pytest.raises(InvalidConfig, match="plain sampling or greedy decoding with use_model_settings"):
        LLMPolicy(model, tokenizer, use_model_settings=True)


def test_there_is_one_temperature():
    with pytest.raises(InvalidConfig, match=r"temperature and top_p to stay unset .* temperature=0.5"):
        LLMPolicy(*lively(), use_model_settings=True, temperature=0.5)
