"""The interface that every agent has, from the random walker to a language model."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from maze_env.attempt import Reply
from maze_env.episode import MODES, Mode, Observation
from maze_env.phrasings import STANDARD


class Agent(ABC):
    """Acts in a batch of episodes at once, one entry of each list for each episode.

    >>> class AlwaysRight(Agent):
    ...     name, mode = "always-right", "play"
    ...     def act(self, observations):
    ...         return [Reply("<|right|>") for _ in observations]
    >>> AlwaysRight().act(["a maze as text"])[0].text
    '<|right|>'
    """

    name: str
    """What result files and tables call it."""
    modes: ClassVar[tuple[Mode, ...]] = MODES
    """The modes it can act in."""
    mode: Mode
    """In *play* a reply is one move, the next observation follows; in *plan* it is an answer, verified as a whole."""
    batch_size: int = 100
    """How many episodes it is given at once."""

    @property
    def settings(self) -> dict[str, Any]:
        """What is in force (generation, the standard phrasing's ``prompt_template`` ...); results store it as JSON."""
        return {}

    def check(self) -> None:  # noqa: B027 (most depend on nothing)
        """Raises an error when what the agent depends on, e.g. a server, is gone; asked after requests failed."""

    def supports(self, phrasing: str) -> bool:
        """Whether the agent can read mazes in this one of ``maze_env.phrasings``."""
        return True

    def reset(self, seeds: Sequence[int], phrasing: str = STANDARD) -> None:  # noqa: B027 (most have nothing to reset)
        """Starts new episodes.

        Args:
            seeds: one for each; all randomness of an episode comes from its own.
            phrasing: in which of ``maze_env.phrasings`` mazes are given and answers read.
        """

    @abstractmethod
    def act(self, observations: list[str]) -> list[Reply]:
        """One reply to each observation, a maze's text.

        After ``reset`` with n seeds there are n, always in that order; an episode that has ended is given as ``""`` and
        the reply to it is ignored.
        """

    def respond(self, observations: Sequence[Observation | None]) -> list[Reply]:
        """``act`` on observations that are not written out yet; ``None`` where an episode has ended.

        An agent that needs no text (a model that has read the maze already) overrides this and saves writing it.
        """
        return self.act(["" if observation is None else observation.text for observation in observations])
