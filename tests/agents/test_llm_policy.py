"""A language model as an agent."""

import hashlib
import json
import random

import numpy as np
import pytest
import torch

from maze_env import traces
from maze_env.attempt import End, EndedBy, Reply
from maze_env.errors import InvalidConfig, UnreadableMaze
from maze_env.maze import Maze
from maze_env.phrasings import PHRASINGS
from maze_env.solving import shortest_path
from maze_env.tokens import maze_from_text, maze_to_text
from tests import tiny
from tests.maze_env.golden import EXAMPLE_ANSWER, EXAMPLE_TEXT, ROOM_ASCII
from tokenmaze.agents.baselines import RandomAgent
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.multi_turn_policy import MultiTurnPolicy
from tokenmaze.agents.prompts import PROMPT_TEMPLATES, prompt_template, render
from tokenmaze.agents.rollout import rollout
from tokenmaze.agents.tiny_model import build_model, build_tokenizer

ROOM = Maze.from_ascii(ROOM_ASCII)  # 2x3 and open; origin (0, 0), target (0, 2)
RIGHT = "<|right|>"


def lively_model():
    """Random weights of such a size that completions differ from maze to maze and some end."""
    model = build_model(tiny.SMALL, seed=1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(8)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.save(tmp_path_factory.mktemp("model"), lively_model(), build_tokenizer())


def policy(model=None, tokenizer=None, **options):
    """A policy in memory."""
    return LLMPolicy(model or build_model(tiny.SMALL, 0), tokenizer or build_tokenizer(), **options)


def mixed_mazes():
    """Mazes of several sizes, so that batches need padding."""
    return [*tiny.mazes(4, 2, 2), *tiny.mazes(4, 4, 4), *tiny.mazes(4, 3, 5)]


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_the_tiny_model_takes_the_phrasings_that_its_vocabulary_holds(phrasing):
    agent = policy(max_new_tokens=2)
    if agent.supports(phrasing):
        assert phrasing in ("standard", "transposed", "bottom-up", "shuffled")
        assert rollout(agent, [ROOM], [0], phrasing=phrasing)[0].tokens
    else:
        assert phrasing in ("terse", "renamed", "adjacency", "ascii")
        with pytest.raises(UnreadableMaze):
            rollout(agent, [ROOM], [0], phrasing=phrasing)


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_a_model_that_reads_any_text_is_told_of_each_phrasing_and_answers_in_it(phrasing):
    tokenizer = tiny.byte_tokenizer()
    agent, prompts = policy(tiny.byte_model(tokenizer), tokenizer, max_new_tokens=200), []

    def write(prompt):
        prompts.append(prompt)
        return PHRASINGS[phrasing].translate(RIGHT + RIGHT)

    assert rollout(tiny.scripted(agent, write), [ROOM], [0], phrasing=phrasing)[0].solved
    assert prompts == [PROMPT_TEMPLATES[phrasing].replace("{maze}", PHRASINGS[phrasing].write(ROOM))]


@pytest.mark.parametrize("mode", ["play", "plan"])
def test_an_untrained_model_has_complete_attempts_in_both_modes(folder, mode):
    mazes = mixed_mazes()
    attempts = rollout(LLMPolicy.from_pretrained(folder, mode=mode, max_new_tokens=12), mazes, range(12), max_steps=3)
    assert [attempt.maze for attempt in attempts] == mazes
    for attempt in attempts:
        assert attempt.end in End
        assert attempt.tokens >= 1
        assert attempt.tokens <= 12 * len(attempt.texts)
        if mode == "plan":
            assert len(attempt.texts) == 1
            assert attempt.truncated or attempt.tokens <= 12


@pytest.mark.parametrize("batch_size", [1, 5, 7])
def test_greedy_completions_do_not_depend_on_the_batch_size(folder, batch_size):
    observations = [maze_to_text(maze) for maze in mixed_mazes()]
    results = []
    for size in (batch_size, 256):
        agent = LLMPolicy.from_pretrained(folder, max_new_tokens=20, batch_size=size)
        agent.reset(range(12))
        results.append(agent.act(observations))
    assert results[0] == results[1]
    assert len({reply.text for reply in results[0]}) > 6  # the mazes are really read


def test_texts_come_back_in_the_order_of_the_observations():
    # Batches are made longest first; each completion here is its maze's own answer.
    agent = tiny.scripted(policy(batch_size=2), lambda prompt: traces.write("direct", maze_from_text(prompt), 0))
    mazes = mixed_mazes()
    attempts = rollout(agent, mazes, range(12))
    assert all(attempt.solved for attempt in attempts)
    assert [attempt.moves for attempt in attempts] == [tuple(shortest_path(maze)) for maze in mazes]


def test_an_ended_episode_is_not_generated_for():
    seen = []
    agent = tiny.scripted(policy(), lambda prompt: seen.append(prompt) or RIGHT)
    agent.reset([0, 1, 2])
    assert agent.act(["", EXAMPLE_TEXT, ""]) == [Reply("", 0), Reply(RIGHT, 2), Reply("", 0)]
    assert seen == [EXAMPLE_TEXT]


def test_no_waiting_episode_needs_no_model():
    agent = tiny.scripted(policy(), None)
    agent.reset([0])
    assert agent.act([""]) == [Reply("", 0)]


@pytest.mark.parametrize(
    ("completion", "end"),
    [
        (f"<think>\n\n</think>\n\n{RIGHT}{RIGHT}", "solved"),
        (RIGHT + RIGHT, "solved"),
        (RIGHT, "short_of_target"),
        (f"{RIGHT}<|up|>", "left_grid"),
        (RIGHT * 3, "past_target"),
        (f"<think>{RIGHT}{RIGHT}", "unclosed_thinking"),
        (f"</think>{RIGHT}{RIGHT}RESET", "stray_text"),
        ("<think></think>", "empty"),
    ],
)
def test_a_given_completion_is_verified_as_expected(completion, end):
    attempt = rollout(tiny.scripted(policy(), lambda prompt: completion), [ROOM], [0])[0]
    assert attempt.texts == (completion,)
    assert (attempt.end, attempt.ended_by) == (end, EndedBy.AGENT)


def test_tokens_are_counted_with_the_end_token_and_without_padding():
    # Two completions of one batch: the shorter is padded.
    agent = tiny.scripted(policy(), lambda prompt: RIGHT * len(prompt.splitlines()))
    attempts = rollout(agent, [*tiny.mazes(1, 2, 3), *tiny.mazes(1, 5, 3)], [0, 1])
    assert [(attempt.tokens, attempt.truncated) for attempt in attempts] == [(3, False), (6, False)]


def test_a_completion_without_an_end_is_truncated():
    agent = tiny.scripted(policy(max_new_tokens=3), lambda prompt: RIGHT * len(prompt.splitlines()))
    attempts = rollout(agent, [ROOM, *tiny.mazes(1, 5, 3)], [0, 1])
    assert attempts[0].texts == (RIGHT * 2,)  # two moves and the end token: just within the budget
    assert attempts[1].texts == (RIGHT * 3,)
    assert [(attempt.tokens, attempt.ended_by) for attempt in attempts] == [
        (3, EndedBy.AGENT),
        (3, EndedBy.TOKEN_BUDGET),
    ]


def test_no_model_writes_more_than_its_budget(folder):
    agent = LLMPolicy.from_pretrained(folder, max_new_tokens=4)
    attempts = rollout(agent, mixed_mazes(), range(12))
    assert max(attempt.tokens for attempt in attempts) == 4
    assert any(attempt.ended_by is EndedBy.TOKEN_BUDGET for attempt in attempts)


def test_the_same_seeds_sample_the_same_and_others_do_not(folder):
    mazes = mixed_mazes()

    def sample(first_seed):
        agent = LLMPolicy.from_pretrained(folder, temperature=1.0, max_new_tokens=10)
        return [attempt.texts for attempt in rollout(agent, mazes, range(first_seed, first_seed + 12))]

    first = sample(0)
    torch.manual_seed(123)  # whatever was drawn before
    assert sample(0) == first
    # 120 tokens drawn anew agreeing by chance is out of the question.
    assert sample(100) != first


def test_sampling_draws_from_the_whole_vocabulary(folder):
    # transformers would cut to the 50 likeliest tokens. Hot enough, 300 of 451 equal ones leave far more than 100.
    agent = LLMPolicy.from_pretrained(folder, temperature=1000.0, max_new_tokens=1)
    agent.reset(range(300))
    assert len({reply.text for reply in agent.act([EXAMPLE_TEXT] * 300)}) > 100


@pytest.mark.parametrize("mode", ["plan", "play"])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_nothing_is_drawn_from_a_random_state_that_others_share(mode, temperature):
    # What a training run draws next would depend on it.
    def states():
        return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002

    agent = policy(lively_model(), mode=mode, temperature=temperature, max_new_tokens=10)
    before = states()
    rollout(agent, mixed_mazes(), range(12), max_steps=3)
    assert states() == before


def test_it_tells_the_settings_in_force():
    model, tokenizer = lively_model(), build_tokenizer()
    model.generation_config.update(top_p=0.8, repetition_penalty=1.1)
    prompt = {"prompt_template": "{maze}", "prompt_template_sha256": hashlib.sha256(b"{maze}").hexdigest()}
    common = {"max_new_tokens": 7, "eos_token_id": [2], "dtype": "float32", "use_model_settings": False} | prompt
    common["repetition_penalty"] = 1.0  # not the model's
    greedy = policy(model, tokenizer, max_new_tokens=7).settings
    assert greedy == common | {
        "temperature": 0.0, "do_sample": False, "top_k": None, "top_p": None, "thinking_opened": False
    }  # fmt: skip
    sampled = policy(model, tokenizer, max_new_tokens=7, temperature=0.5).settings
    assert sampled == common | {
        "temperature": 0.5, "do_sample": True, "top_k": 0, "top_p": 1.0, "thinking_opened": False
    }  # fmt: skip
    assert json.loads(json.dumps(sampled)) == sampled


def test_a_player_in_dialogues_tells_its_settings_too():
    agent = MultiTurnPolicy(lively_model(), build_tokenizer(), temperature=0.7, restrict="moves", max_tokens=90)
    assert agent.settings == {
        "temperature": 0.7, "restrict": "moves", "max_turn_tokens": 16, "max_new_tokens": 90, "do_sample": True,
        "top_k": 0, "top_p": 1.0, "eos_token_id": [2], "dtype": "float32", "prompt_template": "{maze}{state}",
        "prompt_template_sha256": hashlib.sha256(b"{maze}{state}").hexdigest(), "thinking_opened": False,
    }  # fmt: skip


def test_an_agent_without_settings_has_none():
    assert RandomAgent("play").settings == {}


@pytest.mark.parametrize("phrasing", ["standard", "ascii"])
def test_its_prompt_template_is_that_of_the_phrasing_and_chat_template(phrasing):
    tokenizer, prompts = tiny.byte_tokenizer(tiny.R1_CHAT), []
    agent = policy(tiny.byte_model(tokenizer), tokenizer)
    rollout(tiny.scripted(agent, lambda prompt: prompts.append(prompt) or ""), [ROOM], [0], phrasing=phrasing)
    assert prompts == [agent.prompt_template.replace("{maze}", PHRASINGS[phrasing].write(ROOM))]
    assert agent.settings["prompt_template"] == prompt_template(tokenizer)  # the standard one, whenever it is read
    assert agent.settings["thinking_opened"]


def test_sampling_draws_anew_at_each_turn(folder):
    agent = LLMPolicy.from_pretrained(folder, temperature=1.0, max_new_tokens=20)
    agent.reset([0])
    first, second = agent.act([EXAMPLE_TEXT]), agent.act([EXAMPLE_TEXT])
    assert first != second
    agent.reset([0])
    assert agent.act([EXAMPLE_TEXT]) == first


def test_greedy_decoding_reads_no_seeds(folder):
    agent = LLMPolicy.from_pretrained(folder, max_new_tokens=10)
    texts = []
    for seed in (0, 1):
        agent.reset([seed])
        texts.append(agent.act([EXAMPLE_TEXT]))
    assert texts[0] == texts[1]


def test_play_reads_the_maze_again_after_each_move_and_plays_the_first_of_its_plan():
    observations = []

    def plan_from_here(prompt):
        observations.append(prompt)
        return traces.write("path", maze_from_text(prompt), 0)

    maze = maze_from_text(EXAMPLE_TEXT)
    attempt = rollout(tiny.scripted(policy(mode="play"), plan_from_here), [maze], [0])[0]
    assert "".join(attempt.texts) == EXAMPLE_ANSWER
    assert attempt.solved
    assert len(set(observations)) == 16
    assert observations[0] == EXAMPLE_TEXT
    # All the tokens of all the plans are counted, each plan's end too.
    tokenizer = build_tokenizer()
    plans = [traces.write("path", maze_from_text(text), 0) for text in observations]
    assert attempt.tokens == sum(len(tokenizer(text)["input_ids"]) + 1 for text in plans)


def test_play_ends_with_not_a_move_when_a_plan_has_none_and_shows_the_completion():
    agent = tiny.scripted(policy(mode="play"), lambda prompt: "<think>\nRESET")
    attempt = rollout(agent, [ROOM], [0])[0]
    assert (attempt.end, attempt.ended_by, attempt.texts) == (End.NOT_A_MOVE, EndedBy.AGENT, ("<think>\nRESET",))


def test_play_keeps_to_the_budget_of_moves():
    agent = tiny.scripted(policy(mode="play"), lambda prompt: "<|left|>")
    attempt = rollout(agent, [ROOM], [0], max_steps=4)[0]
    assert (len(attempt.moves), attempt.end, attempt.ended_by) == (4, End.SHORT_OF_TARGET, EndedBy.STEP_BUDGET)


def test_a_template_that_opens_the_thinking_is_taken_into_account():
    tokenizer = tiny.byte_tokenizer(tiny.R1_CHAT)
    agent = policy(tiny.byte_model(tokenizer), tokenizer)
    closed, never_closed = (
        rollout(tiny.scripted(agent, lambda prompt, text=text: text), [ROOM], [0])[0].end
        for text in (f"so</think>\n\n{RIGHT}{RIGHT}", RIGHT + RIGHT)
    )
    assert (closed, never_closed) == (End.SOLVED, End.UNCLOSED_THINKING)


def test_prompts_get_no_special_tokens_besides_the_templates():
    # Many tokenizers put a begin token before everything; a template that writes it too would have it twice.
    tokenizer = tiny.byte_tokenizer("<s>" + tiny.CHAT)
    assert tokenizer("x")["input_ids"][0] == tokenizer.bos_token_id
    prompts = []
    agent = tiny.scripted(policy(tiny.byte_model(tokenizer), tokenizer), lambda prompt: prompts.append(prompt) or "")
    rollout(agent, [ROOM], [0])
    assert prompts[0].startswith("<s><im_start>user")
    assert prompts[0].count("<s>") == 1


def test_a_tokenizer_without_a_padding_token_serves_batches(tmp_path):
    # GPT-2's and Llama's have none.
    tokenizer = tiny.byte_tokenizer(tiny.CHAT, pad_token=None)
    folder = tiny.save(tmp_path, tiny.byte_model(tokenizer), tokenizer)
    observations = [maze_to_text(maze) for maze in tiny.mazes(2, 2, 2) + tiny.mazes(1, 3, 3)]
    texts = []
    for size in (1, 3):
        agent = LLMPolicy.from_pretrained(folder, max_new_tokens=5, batch_size=size)
        agent.reset(range(3))
        texts.append(agent.act(observations))
    assert texts[0] == texts[1]


def test_a_context_too_short_is_an_error_before_the_first_completion():
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    model = tiny.byte_model(tokenizer)
    short, long = tiny.mazes(1, 2, 2)[0], tiny.mazes(1, 5, 5)[0]
    lengths = [len(tokenizer(render(tokenizer, maze_to_text(maze)).text).input_ids) - 1 for maze in (short, long)]
    model.config.max_position_embeddings = lengths[0] + 5
    assert rollout(policy(model, tokenizer, max_new_tokens=5), [short], [0])
    with pytest.raises(InvalidConfig, match=f"max_new_tokens=5 .*, actual: a prompt of {lengths[1]} "):
        rollout(policy(model, tokenizer, max_new_tokens=5, batch_size=1), [short, long], [0, 1])


def test_a_model_in_training_goes_on_training():
    model = build_model(tiny.SMALL, 0).train()
    agent = policy(model, max_new_tokens=2)
    rollout(agent, [ROOM], [0])
    assert model.training
    assert not any(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("options", [{"temperature": -0.1}, {"max_new_tokens": 0}, {"batch_size": 0}])
def test_impossible_options_are_refused_before_the_model_loads(options):
    with pytest.raises(InvalidConfig, match=str(next(iter(options.values())))):
        LLMPolicy.from_pretrained("no/such/model", **options)
