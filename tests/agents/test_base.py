"""What every agent can be asked: which phrasings it reads, and replies to observations that are not written out."""

import pytest

from maze_env.attempt import Reply
from maze_env.episode import Episode
from maze_env.phrasings import PHRASINGS, STANDARD
from tests import tiny
from tokenmaze.agents import registry
from tokenmaze.agents.base import Agent
from tokenmaze.agents.baselines import BASELINES
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.multi_turn_policy import MultiTurnPolicy
from tokenmaze.agents.tiny_model import build_model, build_tokenizer


class Echo(Agent):
    """Replies with what it was shown."""

    name, mode = "echo", "play"

    def act(self, observations):
        return [Reply(text) for text in observations]


def supported(agent):
    return {phrasing for phrasing in PHRASINGS if agent.supports(phrasing)}


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_reads_every_phrasing(name):
    assert supported(registry.make(name)) == set(PHRASINGS)


def test_an_agent_of_ones_own_reads_every_phrasing_unless_it_says_otherwise():
    assert supported(Echo()) == set(PHRASINGS)


def test_a_bare_tokenizer_reads_what_is_in_its_vocabulary_and_not_another_prompt():
    policy = LLMPolicy(build_model(tiny.SMALL, 0), build_tokenizer())
    assert supported(policy) == {STANDARD, "transposed", "bottom-up", "shuffled"}  # not terse, which is a prompt alone


def test_a_tokenizer_of_any_text_reads_every_phrasing():
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    assert supported(LLMPolicy(tiny.byte_model(tokenizer), tokenizer)) == set(PHRASINGS)


def test_asking_what_is_supported_costs_nothing_and_leaves_an_episode_under_way_alone():
    policy = LLMPolicy(build_model(tiny.SMALL, 0), build_tokenizer(), max_new_tokens=2)
    policy.model.generate = None  # is not called
    policy.reset([0], "transposed")
    before = dict(vars(policy))
    supported(policy)
    assert vars(policy) == before


def test_agents_that_play_alone_read_the_standard_phrasing():
    multi_turn = MultiTurnPolicy(build_model(tiny.SMALL, 0), build_tokenizer())
    assert supported(multi_turn) == supported(registry.make("q-learning", "play")) == {STANDARD}


def test_observations_are_written_out_and_ended_episodes_are_empty():
    observation = Episode(tiny.mazes(1)[0]).observation
    assert Echo().respond([None, observation]) == [Reply(""), Reply(observation.text)]
