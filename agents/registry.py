"""From a name on a command line to an agent: a baseline, a checkpoint, a server, or one's own ``module:Class``."""

import importlib
import inspect
import os
import re
from pathlib import Path
from typing import Any

from agents.base import MODES, Agent, Mode
from agents.baselines import BASELINES
from agents.errors import InvalidCheckpoint
from agents.model_names import HUB_NAME, check_exists
from agents.q_learning import QLearningAgent
from maze_env.errors import InvalidConfig, UnknownName, unknown_name

BUILT_IN: dict[str, Any] = {**BASELINES, QLearningAgent.name: QLearningAgent}  # they need no checkpoint
GENERATION_OPTIONS = ("temperature", "max_new_tokens", "batch_size")
"""Options of language models that an agent which is none ignores, as a command gives them to whichever it measures."""
NEARLY_ENDPOINT = re.compile(r"#|://|:\d+(/|$)")
"""An address that lacks its http://."""


def make(name: str, mode: Mode = "plan", **options: Any) -> Agent:
    """The agent of that name, ready to act in ``mode``.

    Args:
        name: one of ``BUILT_IN``; a folder, GGUF file or hub name (``owner/model``) with a model that ``transformers``
            loads; a folder of ``training.ppo``; an endpoint (``http://host:port/v1#model``); or ``my_module:MyAgent``,
            a class or function called with ``mode`` and ``options``.
        options: passed to the agent; ``GENERATION_OPTIONS`` to language models and one's own class alone.
            ``multi_turn=True`` makes a model play in one dialogue for each episode, not plan anew at each move.

    Raises UnknownName for a name that is none of these, InvalidConfig for a mode that the agent lacks,
    InvalidCheckpoint for a folder without a usable model and for a file whose loading would run code in it.

    >>> make("shortest-path").supports("ascii")
    True
    """
    if mode not in MODES:
        raise unknown_name("mode", mode, MODES)
    name = os.path.expanduser(name)
    others = {option: value for option, value in options.items() if option not in GENERATION_OPTIONS}
    if name in BUILT_IN:
        agent: Any = _construct(BUILT_IN[name], mode, **others)
    elif (Path(name) / "sb3_config.json").is_file():
        agent = _construct(_optional("agents.sb3", "sb3").SB3Agent, name, mode, **others)
    elif name.endswith(".zip"):
        raise InvalidCheckpoint(
            f"Expects a folder of training.ppo, actual: {name!r}, a pickle, which runs code when it is loaded. Train "
            "anew, or where you trust the file: from stable_baselines3 import PPO; from agents.sb3 import save_policy; "
            f"save_policy(PPO.load({name!r}).policy, 'FOLDER')"
        )
    elif HUB_NAME.fullmatch(name) or Path(name).expanduser().is_dir() or name.endswith(".gguf"):
        check_exists(name)
        # torch and transformers load at first use
        from agents.llm_policy import LLMPolicy
        from agents.multi_turn_policy import MultiTurnPolicy

        policy = MultiTurnPolicy if options.pop("multi_turn", False) else LLMPolicy
        of_dialogues = inspect.signature(MultiTurnPolicy).parameters.keys() - inspect.signature(LLMPolicy).parameters
        if policy is LLMPolicy and (given := sorted(of_dialogues & options.keys())):
            raise InvalidConfig(f"Expects multi_turn=true with {', '.join(given)}, actual: neither")
        agent = _construct(policy.from_pretrained, name, mode=mode, **options)
    elif name.lower().startswith(("http://", "https://")):
        agent = _construct(_optional("agents.endpoint", "endpoint").EndpointAgent, name, mode=mode, **options)
    elif NEARLY_ENDPOINT.search(name):
        address = (name.partition("://")[2] or name) + ("" if "#" in name else "#MODEL")
        # What stands before an @ may be a password.
        told = "one with '@'" if "@" in name else f"{name!r}. Did you mean 'http://{address}'?"
        raise InvalidConfig(f"Expects an endpoint as http://HOST:PORT/v1#MODEL, actual: {told}")
    elif ":" in name:
        agent = _construct(_import(name), mode=mode, **options)
        if not isinstance(agent, Agent):
            raise InvalidConfig(f"Expects {name!r} to make an agents.Agent, actual: {type(agent).__name__}")
    else:
        raise UnknownName(
            f"{unknown_name('agent', name, BUILT_IN)} Nor is it a folder, a hub name 'owner/model', an endpoint "
            "'http://host:port/v1#model' or a 'module:Class'."
        )
    if mode not in agent.modes:
        raise InvalidConfig(f"Expects a mode of {name!r}, one of {agent.modes}, actual: {mode!r}")
    return agent


def _construct(kind: Any, *arguments: Any, **options: Any) -> Any:
    """``kind(*arguments, **options)``. Raises InvalidConfig for options that it does not take."""
    signature = inspect.signature(kind)
    try:
        signature.bind(*arguments, **options)
    except TypeError as error:
        raise InvalidConfig(f"Expects options that {kind.__name__}{signature} takes, actual: {error}") from None
    return kind(*arguments, **options)


def _optional(module: str, extra: str) -> Any:
    """A module of ours that needs an optional package."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = f"no module {error.name!r}"
        raise InvalidConfig(f"Expects what 'pip install -e .[{extra}]' installs, actual: {missing}") from None


def _import(name: str) -> Any:
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and not module_name.startswith(error.name):
            raise  # the module exists; something that it imports does not
        raise UnknownName(f"Expects a module that can be imported, actual: {module_name!r} of {name!r}") from None
    if not hasattr(module, attribute):
        public = [key for key in vars(module) if not key.startswith("_")]
        raise unknown_name(f"name in module {module_name!r}", attribute, public)
    return getattr(module, attribute)
