"""The interface that every agent has, from the random walker to a language model."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

from maze_env.phrasings import STANDARD

Mode = Literal["play", "plan"]
MODES: tuple[Mode, ...] = ("play", "plan")


class Agent(ABC):
    """Acts on a batch of episodes at once, one entry of each list for each episode.

    Attributes:
        name: what result files and tables call it.
        modes: the modes it can act in.
        mode: how its texts are read. In *play* an action text is one move, and the agent is asked again with the next
            observation; in *plan* it is a complete answer, judged as a whole.
        phrasing: in which of ``maze_env.phrasings`` it is given the mazes of the next episodes and answers; set before
            ``reset``. An agent that cannot read them raises UnreadableMaze (or InvalidMaze, where it parses them).
    """

    name: str
    phrasing: str = STANDARD
    modes: ClassVar[tuple[Mode, ...]] = MODES
    mode: Mode

    def reset(self, seeds: Sequence[int]) -> None:  # noqa: B027 (an agent without memory or chance needs none)
        """Begins ``len(seeds)`` new episodes. All randomness of episode ``i`` comes from ``seeds[i]``."""

    @abstractmethod
    def act(self, observations: list[str]) -> list[str]:
        """One action text for each observation.

        Args:
            observations: the maze texts. After ``reset`` with n seeds the list has n entries, always in that order;
                an episode that has ended is given as ``""`` and its action is not looked at.
        """
