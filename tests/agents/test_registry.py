"""From a name to an agent."""

import sys

import pytest

from maze_env.errors import InvalidConfig, UnknownName
from tests import tiny
from tokenmaze.agents import checkpoints, registry
from tokenmaze.agents.baselines import BASELINES
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.llm_policy import LLMPolicy
from tokenmaze.agents.multi_turn_policy import MultiTurnPolicy
from tokenmaze.agents.options import MODEL_OPTIONS
from tokenmaze.agents.rollout import rollout
from tokenmaze.agents.tiny_model import build_model, build_tokenizer

PLUGIN = '''
from typing import Literal

from tokenmaze.agents.base import Agent
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


class Patient(Stubborn):
    """Takes an option by the name of one of a language model's."""

    def __init__(self, mode, multi_turn=False):
        super().__init__(mode)
        self.multi_turn = multi_turn


class Typed(Stubborn):
    """Says what its options are."""

    def __init__(
        self,
        mode,
        patient: bool = False,
        words: "list[str] | None" = None,
        count: "int | None" = 3,
        way: 'Literal["left", "right"]' = "left",
        text: str = "",
        free=None,
    ):
        super().__init__(mode)
        self.options = dict(patient=patient, words=words, count=count, way=way, text=text, free=free)


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
    monkeypatch.delitem(sys.modules, "tokenmaze.agents.sb3", raising=False)
    (tmp_path / "sb3_config.json").write_text("{}")
    with pytest.raises(InvalidConfig, match=r"pip install 'tokenmaze\[sb3\]'"):
        registry.make(str(tmp_path), "play")


def test_an_option_that_the_agent_does_not_take_is_refused_and_not_dropped():
    assert registry.make("q-learning", "play", episodes=5, temperature=0.0, batch_size=8).episodes == 5
    with pytest.raises(InvalidConfig, match=r"Expects no options of agent 'random', .*actual: 'episodes'"):
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


@pytest.mark.parametrize("path", ["my_agents.py", "../folder/my_agents.py"])
def test_the_file_of_a_module_is_told_the_name_of_the_module(plugin, path):
    with pytest.raises(UnknownName, match="Did you mean 'my_agents:Stubborn'"):
        registry.make(f"{path}:Stubborn")


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


MODEL_TEXTS = [
    ("multi_turn", ["false", "False", "FALSE"], False),
    ("thinking", ["true", "True"], True),
    ("trust_remote_code", ["False"], False),
    ("max_new_tokens", ["32"], 32),
    ("temperature", ["0.5", "5e-1"], 0.5),
    ("revision", ["1234"], "1234"),
    ("max_memory", ['{"cpu": "1GB"}'], {"cpu": "1GB"}),
    ("dtype", ["bfloat16"], "bfloat16"),
]


@pytest.mark.parametrize(("name", "texts", "value"), MODEL_TEXTS)
def test_texts_are_read_by_the_type_of_the_option(tmp_path, name, texts, value):
    for text in texts:
        assert registry.typed_options(str(tmp_path), {name: text}) == {name: value}
    assert registry.typed_options(str(tmp_path), {name: value}) == {name: value}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("multi_turn", ["no", "off", "0", "1", "", "maybe", 1, 0, None, [True]]),
        ("trust_remote_code", ["no", "yes", "1"]),
        ("progress", ["on"]),
        ("max_new_tokens", ["", "many", "1.5", "1e3", "nan", "true", True, 1.5, None]),
        ("temperature", ["", "warm", "nan", "inf", "-inf", "1e400", "None", True, float("nan")]),
        ("revision", [1234]),
        ("max_memory", ["lots", "[1]", 3]),
    ],
)
def test_a_text_that_is_none_of_the_type_is_refused(tmp_path, name, wrong):
    for value in wrong:
        with pytest.raises(InvalidConfig, match=f"Expects {name} as .*, actual: "):
            registry.typed_options(str(tmp_path), {name: value})
        with pytest.raises(InvalidConfig, match=f"Expects {name} as .*, actual: "):
            registry.make(str(tmp_path), "play", **{name: value})


@pytest.mark.parametrize(
    ("agent", "options", "said"),
    [
        ("shortest-path", {"foo": "1"}, "no options of agent 'shortest-path', which takes none, actual: 'foo'"),
        ("q-learning", {"episode": "5"}, "out of 'discount', 'episodes', actual: 'episode'. Did you mean 'episodes'"),
        ("q-learning", {"episodes": "five"}, "episodes as int, actual: 'five'"),
        ("q-learning", {"mode": "play"}, "mode as an argument of its own"),
        ("FOLDER", {"name": "other"}, "name as an argument of its own"),
        ("FOLDER", {"mode": "play"}, "mode as an argument of its own"),
        ("FOLDER", {"restrict": "legal"}, "multi_turn=true with restrict, actual: multi_turn=false"),
        ("FOLDER", {"restrict": "legal", "multi_turn": "False"}, "multi_turn=true with restrict"),
        ("FOLDER", {"multi_turn": "true", "restrict": "leagl"}, "actual: 'leagl'"),
        ("FOLDER", {"multi_turn": "true", "max_new_tokens": "5"}, "actual: 'max_new_tokens'"),
        ("FOLDER", {"dtyp": "bfloat16"}, "Did you mean 'dtype'"),
        ("FOLDER", {"turn": "true"}, "actual: 'turn'"),
        ("FOLDER", {"model": "x"}, "actual: 'model'"),
        ("http://localhost:1/v1#m", {"concurency": "5"}, "Did you mean 'concurrency'"),
        ("http://localhost:1/v1#m", {"concurrency": "5.5"}, "concurrency as int, actual: '5.5'"),
        ("my_agents:Stubborn", {"mov": "<|up|>"}, "Did you mean 'move'"),
        ("my_agents:Typed", {"patient": "no"}, "patient as bool, actual: 'no'"),
    ],
)
def test_every_agent_refuses_options_that_it_does_not_take(plugin, tmp_path, agent, options, said):
    with pytest.raises((InvalidConfig, UnknownName), match=said):
        registry.typed_options(agent.replace("FOLDER", str(tmp_path)), options)


def test_options_of_ones_own_class_have_its_types(plugin):
    texts = {"patient": "True", "words": '["a", "b"]', "count": "None", "way": "left", "free": "[1]", "text": "12"}
    read = registry.typed_options("my_agents:Typed", texts)
    assert read == {"patient": True, "words": ["a", "b"], "count": None, "way": "left", "free": [1], "text": "12"}
    assert registry.make("my_agents:Typed", "play", **texts).options == read


def test_ones_own_class_may_have_an_option_that_language_models_have(plugin):
    assert registry.make("my_agents:Patient", "play", multi_turn=True).multi_turn is True


def test_the_words_of_a_command_line_are_those_of_loading():
    assert set(MODEL_OPTIONS) == {*checkpoints.OPTIONS, "device"}
