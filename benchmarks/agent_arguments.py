"""The options of commands that run an agent."""

import argparse
from typing import Any

from maze_env._arguments import suggest
from maze_env.episode import MODES
from maze_env.errors import InvalidConfig
from tokenmaze.agents import registry
from tokenmaze.agents.base import Agent
from tokenmaze.benchmarks.suite_specs import SUITES

GENERATION = ("temperature", "max_new_tokens", "batch_size")
"""Options of a language model that have a name of their own."""


def add_agent_arguments(parser: argparse.ArgumentParser, required: bool) -> None:
    """Adds the agent, what it is asked, and its options."""
    add = parser.add_argument
    kinds = "a FOLDER, owner/model or FILE.gguf with a language model, http://host/v1#model, my_module:MyAgent"
    agent = add(
        "--agent", required=required, help=f"a name ({', '.join([*registry.BUILT_IN, *registry.SHIPPED])}), {kinds}"
    )
    suggest(agent, registry.BUILT_IN)
    suites = "a name, a file or a description, which 'tokenmaze suites' lists (default %(default)s)"
    suggest(add("--suite", default=next(iter(SUITES)), help=suites), SUITES)
    add("--mode", default="plan", help=f"{' or '.join(MODES)}: two tracks that do not compare (default %(default)s)")
    add("--view-radius", type=int, help="partial observability: walls are seen this far; default: the suite's")
    add("--seed", type=int, default=0, help="seed of the attempts (default %(default)s)")
    add("--temperature", type=float, help="of a language model; default 0, greedy decoding")
    add("--max-new-tokens", type=int, help="token budget of a language model's completion")
    add("--batch-size", type=int, help="episodes at once")
    others = "anything else that the agent's constructor takes, e.g. dtype=bfloat16 or concurrency=32; may be repeated"
    add("--agent-option", action="append", default=[], metavar="NAME=VALUE", help=others)


def agent_option(text: str) -> tuple[str, str]:
    """``'concurrency=32'`` as ('concurrency', '32'). Raises InvalidConfig."""
    name, equals, value = text.partition("=")
    name = name.strip().replace("-", "_")
    if not name.isidentifier() or not equals:
        raise InvalidConfig(f"Expects --agent-option NAME=VALUE, actual: {text!r}")
    return name, value


def require_minima(options: argparse.Namespace, **minima: float) -> None:
    """Raises InvalidConfig for an option below its minimum."""
    for name, minimum in {**minima, "batch_size": 1, "max_new_tokens": 1, "temperature": 0, "view_radius": 0}.items():
        value = getattr(options, name)
        if value is not None and value < minimum:
            raise InvalidConfig(f"Expects --{name.replace('_', '-')} of at least {minimum}, actual: {value}")


def agent_of(options: argparse.Namespace) -> tuple[Agent, dict[str, Any]]:
    """The agent that is asked for, and the options that it was given. Raises as ``registry.make``."""
    given = {name: getattr(options, name) for name in GENERATION}
    named = {name: value for name, value in given.items() if value is not None}
    agent_options = registry.typed_options(options.agent, named | dict(map(agent_option, options.agent_option)))
    return registry.make(options.agent, options.mode, **agent_options), agent_options
