"""The one loop: an agent attempts mazes. Benchmarks, training and evaluation go through here."""

from collections.abc import Sequence

from agents.base import Agent
from maze_env.attempt import Attempt, Reply
from maze_env.episode import Episode
from maze_env.errors import InvalidConfig
from maze_env.maze import Maze
from maze_env.phrasings import STANDARD


def rollout(
    agent: Agent,
    mazes: Sequence[Maze],
    seeds: Sequence[int],
    max_steps: int | None = None,
    view_radius: int | None = None,
    phrasing: str = STANDARD,
    reward: str = "solved",
) -> list[Attempt]:
    """Lets an agent attempt every maze once, all at once, in its mode; one attempt for each, in their order.

    Args:
        seeds: one for each maze.
        max_steps: the budget of moves in play; default 4 * rows * cols of each maze.
        view_radius: of partial observability; a plan is made from what is seen at the start.
        phrasing: in which of ``maze_env.phrasings`` the mazes are given and the answers read.
        reward: name of the step reward in play.

    Raises:
        InvalidConfig: as ``Episode``, for an agent in a mode that it lacks, and for one whose ``act`` does not give one
            reply for each observation.
    """
    if agent.mode not in agent.modes:
        raise InvalidConfig(f"Expects a mode of {agent.name!r}, one of {agent.modes}, actual: {agent.mode!r}")
    episodes = [
        Episode(maze, agent.mode, seed, max_steps, view_radius, phrasing, reward)
        for maze, seed in zip(mazes, seeds, strict=True)
    ]
    agent.reset(seeds, phrasing)
    while any(episode.end is None for episode in episodes):
        replies = agent.respond([episode.observation if episode.end is None else None for episode in episodes])
        if len(replies) != len(episodes) or not all(isinstance(reply, Reply) for reply in replies):
            raise InvalidConfig(
                f"Expects {type(agent).__name__}.act to give {len(episodes)} Reply objects, one for each observation, "
                f"actual: {len(replies)} of {sorted({type(reply).__name__ for reply in replies})}"
            )
        for episode, reply in zip(episodes, replies, strict=True):
            if episode.end is None:
                episode.step(reply)
    return [episode.attempt for episode in episodes]
