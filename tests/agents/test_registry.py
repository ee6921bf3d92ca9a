"""From a name to an agent."""

import sys

import pytest

from agents import registry
from agents.baselines import BASELINES
from agents.errors import InvalidCheckpoint
from agents.llm_policy import LLMPolicy
from agents.multi_turn_policy import MultiTurnPolicy
from agents.rollout import rollout
from agents.tiny_model import build_model, build_tokenizer
from maze_env.errors import InvalidConfig, UnknownName
from tests import tiny

PLUGIN = '''
from agents.base import Agent
from maze_env.attempt import Reply


class Stubborn(Agent):
    """Always the same move."""

    name = "stubborn"

    def __init__(self, mode, move="<|up|>"):
        self.mode, self.move = mode, move

    def act(self, observations):
        return [Reply(self.move)] * len(observations)


class Planner(Stubborn):
    """Has no way to play."""

    modes = ("plan",)


def make_down(mode):
    return Stubborn(mode, "<|down|>")


class Unfinished:
    """Is no Agent."""

    def __init__(self, mode):
        self.mode = mode
'''


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A module of one's own on the path."""
    (tmp_path / "my_agents.py").write_text(PLUGIN)
    (tmp_path / "needy_agents.py").write_text("import a_package_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("mode", ["play", "plan"])
def test_baselines_by_name(name, mode):
    agent = registry.make(name, mode)
    assert type(agent) is BASELINES[name]
    assert agent.mode == mode


def test_a_folder_with_a_model_becomes_a_policy_with_its_options(tmp_path):
    folder = tiny.save(tmp_path, build_model(tiny.SMALL, 0), build_tokenizer())
    agent = registry.make(folder, "play", temperature=0.5, max_new_tokens=3)
    assert isinstance(agent, LLMPolicy)
    assert (agent.mode, agent.generation.temperature, agent.generation.max_new_tokens) == ("play", 0.5, 3)


def test_an_option_makes_a_model_play_in_one_dialogue(tmp_path):
    folder = tiny.save(tmp_path, build_model(tiny.SMALL, 0), build_tokenizer())
    agent = registry.make(folder, "play", multi_turn=True, restrict="legal", max_turn_tokens=3)
    assert isinstance(agent, MultiTurnPolicy)
    assert (agent.name, agent.decoder.restrict, agent.decoder.max_turn_tokens) == (folder, "legal", 3)
    with pytest.raises(InvalidConfig, match=r"one of \('play',\), actual: 'plan'"):
        registry.make(folder, "plan", multi_turn=True)
    assert isinstance(registry.make(folder, "play", multi_turn=False), LLMPolicy)


def test_a_pickle_is_refused_without_the_library_that_wrote_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "stable_baselines3", None)
    with pytest.raises(InvalidCheckpoint, match=r"Expects a folder of training\.ppo, actual: 'runs/policy\.zip'"):
        registry.make("runs/policy.zip", "play")


def test_a_policy_whose_library_is_absent_names_the_extra(monkeypatch, tmp_path):
    for module in ("stable_baselines3", "stable_baselines3.common.policies"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "agents.sb3", raising=False)
    (tmp_path / "sb3_config.json").write_text("{}")
    with pytest.raises(InvalidConfig, match=r"pip install -e \.\[sb3\]"):
        registry.make(str(tmp_path), "play")


def test_an_option_that_the_agent_does_not_take_is_refused_and_not_dropped():
    assert registry.make("q-learning", "play", episodes=5, temperature=0.0, batch_size=8).episodes == 5
    with pytest.raises(InvalidConfig, match=r"Expects options that RandomAgent\(mode.* takes, actual: .*'episodes'"):
        registry.make("random", episodes=5)


@pytest.mark.parametrize(("given", "nearest"), [("shortest-paht", "shortest-path"), ("random_legal", "random-legal")])
def test_an_unknown_name_names_the_nearest(given, nearest):
    with pytest.raises(UnknownName, match=rf"actual: '{given}'\. Did you mean '{nearest}'"):
        registry.make(given)


def test_an_unknown_mode_names_the_nearest():
    with pytest.raises(UnknownName, match=r"mode out of 'plan', 'play', actual: 'plya'\. Did you mean 'play'"):
        registry.make("random", "plya")


def test_a_folder_that_does_not_exist_is_told_as_such():
    with pytest.raises(UnknownName, match=r"'runs/never/made'.*Nor is it a folder"):
        registry.make("runs/never/made")
    with pytest.raises(InvalidCheckpoint, match=r"Expects a folder .*'runs/never-made', which does not exist"):
        registry.make("runs/never-made")
    # This could be a name on the hub, where it is looked for.
    with pytest.raises(InvalidCheckpoint, match=r"Expects a folder or hub name .*'nobody/never-made'"):
        registry.make("nobody/never-made")


def test_a_folder_without_a_model_is_an_invalid_checkpoint(tmp_path):
    with pytest.raises(InvalidCheckpoint, match=r"config\.json"):
        registry.make(str(tmp_path))


def test_ones_own_class_plugs_in_with_its_options(plugin):
    agent = registry.make("my_agents:Stubborn", "play", move="<|left|>")
    attempts = rollout(agent, tiny.mazes(2), [0, 1], max_steps=3)
    assert [attempt.texts for attempt in attempts if not attempt.solved] == [("<|left|>",) * 3] * 2


def test_ones_own_function_plugs_in(plugin):
    agent = registry.make("my_agents:make_down", "plan")
    assert rollout(agent, tiny.mazes(1), [0])[0].texts == ("<|down|>",)


def test_a_name_that_the_module_lacks_names_the_nearest(plugin):
    with pytest.raises(UnknownName, match=r"'Stuborn'\. Did you mean 'Stubborn'"):
        registry.make("my_agents:Stuborn")


def test_a_module_that_is_not_there_is_told_as_such(plugin):
    with pytest.raises(UnknownName, match="module that can be imported, actual: 'my_agnets'"):
        registry.make("my_agnets:Stubborn")


def test_a_module_whose_own_import_fails_says_what_it_lacks(plugin):
    with pytest.raises(ModuleNotFoundError, match="a_package_that_is_not_there"):
        registry.make("needy_agents:Anything")


def test_something_that_is_no_agent_is_refused(plugin):
    with pytest.raises(InvalidConfig, match="actual: Unfinished"):
        registry.make("my_agents:Unfinished")


def test_a_mode_that_the_agent_lacks_is_refused(plugin):
    with pytest.raises(InvalidConfig, match="actual: 'play'"):
        registry.make("my_agents:Planner", "play")
    assert registry.make("my_agents:Planner", "plan").mode == "plan"
