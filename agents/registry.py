"""From a name on a command line to an agent: a baseline, a checkpoint, a server, or one's own ``module:Class``."""

import importlib
import inspect
import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from maze_env._packages import missing_package
from maze_env.errors import InvalidConfig, UnknownName, unknown_name
from tokenmaze.agents.base import MODES, Agent, Mode
from tokenmaze.agents.baselines import BASELINES
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.model_names import HUB_NAME, check_exists
from tokenmaze.agents.options import MODEL_OPTIONS, read_options, read_value, types_of
from tokenmaze.agents.q_learning import QLearningAgent
from tokenmaze.agents.shipped import SHIPPED, default_options, folder_of

BUILT_IN: dict[str, Any] = {**BASELINES, QLearningAgent.name: QLearningAgent}  # they need no checkpoint
GENERATION_OPTIONS = ("temperature", "max_new_tokens", "batch_size")
"""Options of language models that an agent which is none ignores, as a command gives them to whichever it measures."""
NEARLY_ENDPOINT = re.compile(r"#|://|:\d+(/|$)")
"""An address that lacks its http://."""
MULTI_TURN = "multi_turn"
GIVEN_TO_MODELS = ("model", "tokenizer", "name", "mode")
"""What a policy is given besides its options."""


class Constructor(NamedTuple):
    """What makes the agent of a name, and the options that it takes."""

    kind: Any
    """A class or function."""
    make: Callable[..., Any]
    """What of it is called."""
    arguments: tuple[Any, ...]
    """Given first."""
    types: dict[str, Any]
    """The type of each option."""
    others: bool = False
    """Whether it takes options of other names."""
    generates: bool = False
    """Whether it takes ``GENERATION_OPTIONS``."""


def make(name: str, mode: Mode = "plan", **options: Any) -> Agent:
    """The agent of that name, ready to act in ``mode``.

    Args:
        name: one of ``BUILT_IN`` or of ``shipped.SHIPPED``; a folder, GGUF file or hub name (``owner/model``) with a
            model that ``transformers`` loads; a folder of ``training.ppo``; an endpoint
            (``http://host:port/v1#model``); or ``my_module:MyAgent``, a class or function called with ``mode`` and
            ``options``.
        mode: one of ``MODES``.
        options: passed to the agent, as ``read_options`` reads them; ``GENERATION_OPTIONS`` to language models and
            one's own class alone. ``multi_turn=True`` makes a model play in one dialogue for each episode, not plan
            anew at each move.

    Raises:
        UnknownName: for a name that is none of these, and an option that the agent does not take.
        InvalidConfig: for a mode that the agent lacks, or values that its options cannot have.
        InvalidCheckpoint: for a folder without a usable model and for a file whose loading would run code in it.

    >>> make("shortest-path").supports("ascii")
    True
    """
    if mode not in MODES:
        raise unknown_name("mode", mode, MODES)
    constructor = _constructor_of(name, default_options(name) | options)
    _check_mode(name, mode, getattr(constructor.kind, "modes", MODES))
    given = _read(name, default_options(name) | options, constructor)
    dropped = (MULTI_TURN,) if constructor.generates else GENERATION_OPTIONS
    signature = inspect.signature(constructor.make)
    given = {name: value for name, value in given.items() if name not in dropped or name in signature.parameters}
    try:
        signature.bind(*constructor.arguments, mode=mode, **given)
    except TypeError as error:
        raise InvalidConfig(f"Expects {name!r} to take a mode and its options, actual: {error}") from None
    agent = constructor.make(*constructor.arguments, mode=mode, **given)
    if not isinstance(agent, Agent):
        raise InvalidConfig(f"Expects {name!r} to make an agents.Agent, actual: {type(agent).__name__}")
    _check_mode(name, mode, agent.modes)
    return agent


def typed_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """``options``, texts of a command line among them, as the agent of that name takes them: see ``read_options``.

    Nothing is loaded. Raises as ``make``.
    """
    options = default_options(name) | dict(options)
    return _read(name, options, _constructor_of(name, options))


def _read(name: str, options: Mapping[str, Any], constructor: Constructor) -> dict[str, Any]:
    for reserved in ("mode", "name"):
        if reserved in options:
            raise InvalidConfig(f"Expects {reserved} as an argument of its own, actual: an option of agent {name!r}")
    ignored = [] if constructor.generates else [option for option in GENERATION_OPTIONS if option in options]
    read = {option: value for option, value in options.items() if option not in ignored}
    kept = {option: options[option] for option in ignored}
    return kept | read_options(name, read, constructor.types, constructor.others)


def _check_mode(name: str, mode: Mode, modes: Sequence[Mode]) -> None:
    if mode not in modes:
        raise InvalidConfig(f"Expects a mode of {name!r}, one of {tuple(modes)}, actual: {mode!r}")


def _constructor_of(name: str, options: Mapping[str, Any]) -> Constructor:
    """The constructor of the agent of that name, given ``options``. Raises as ``make``."""
    name = os.path.expanduser(name)
    if name in BUILT_IN:
        return _constructor(BUILT_IN[name])
    if name in SHIPPED:
        return _model_constructor(str(folder_of(name)), options, name)
    if (Path(name) / "sb3_config.json").is_file():
        return _constructor(_optional("tokenmaze.agents.sb3").SB3Agent, name)
    if name.endswith(".zip"):
        raise InvalidCheckpoint(
            f"Expects a folder of training.ppo, actual: {name!r}, a pickle, which runs code when it is loaded. Train "
            "anew, or where you trust the file: from stable_baselines3 import PPO; "
            "from tokenmaze.agents.sb3 import save_policy; "
            f"save_policy(PPO.load({name!r}).policy, 'FOLDER')"
        )
    if HUB_NAME.fullmatch(name) or (name and Path(name).is_dir()) or name.endswith(".gguf"):
        check_exists(name)
        return _model_constructor(name, options)
    if name.lower().startswith(("http://", "https://")):
        return _constructor(_optional("tokenmaze.agents.endpoint").EndpointAgent, name, generates=True)
    if NEARLY_ENDPOINT.search(name):
        address = (name.partition("://")[2] or name) + ("" if "#" in name else "#MODEL")
        # What stands before an @ may be a password.
        told = "one with '@'" if "@" in name else f"{name!r}. Did you mean 'http://{address}'?"
        raise InvalidConfig(f"Expects an endpoint as http://HOST:PORT/v1#MODEL, actual: {told}")
    if ":" in name:
        return _constructor(_import(name), generates=True)
    known = "a folder, a hub name 'owner/model', an endpoint 'http://host:port/v1#model' or a 'module:Class'"
    raise UnknownName(f"{unknown_name('agent', name, [*BUILT_IN, *SHIPPED])} Nor is it {known}.")


def _constructor(kind: Any, *arguments: Any, generates: bool = False) -> Constructor:
    """A class or function, called with ``arguments`` and then by names."""
    types, others = types_of(kind)
    options = {name: types[name] for name in list(types)[len(arguments) :] if name != "mode"}
    return Constructor(kind, kind, arguments, options, others, generates)


def _model_constructor(path: str, options: Mapping[str, Any], name: str | None = None) -> Constructor:
    """That of a policy of that name, else its path's: the one of dialogues where ``options`` say so."""
    # torch and transformers load at first use
    llm_policy = _optional("tokenmaze.agents.llm_policy").LLMPolicy
    multi_turn = _optional("tokenmaze.agents.multi_turn_policy").MultiTurnPolicy
    policy = multi_turn if read_value(options.get(MULTI_TURN, False), bool, MULTI_TURN) else llm_policy
    if policy is llm_policy:
        of_dialogues = types_of(multi_turn)[0].keys() - types_of(llm_policy)[0].keys()
        if given := sorted(of_dialogues & options.keys()):
            raise InvalidConfig(f"Expects multi_turn=true with {', '.join(given)}, actual: multi_turn=false")
    own = {option: kind for option, kind in types_of(policy)[0].items() if option not in GIVEN_TO_MODELS}
    types = {**own, **MODEL_OPTIONS, MULTI_TURN: bool}
    make = policy.from_pretrained if name is None else partial(policy.from_pretrained, name=name)
    return Constructor(policy, make, (path,), types, generates=True)


def _optional(module: str) -> Any:
    """A module of ours that needs an optional package."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise missing_package(error) from None


def _import(name: str) -> Any:
    module_name, _, attribute = name.partition(":")
    missing = f"Expects a module that can be imported, actual: {module_name!r} of {name!r}"
    if module_name.endswith(".py"):
        raise UnknownName(f"{missing}. Did you mean '{Path(module_name).stem}:{attribute}', in that file's folder?")
    if not all(part.isidentifier() for part in module_name.split(".")):
        raise UnknownName(missing)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and not module_name.startswith(error.name):
            raise  # the module exists; something that it imports does not
        raise UnknownName(missing) from None
    if not hasattr(module, attribute):
        public = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise unknown_name(f"name in module {module_name!r}", attribute, public)
    return getattr(module, attribute)
