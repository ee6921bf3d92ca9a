"""The one loop: an agent attempts mazes. Benchmarks, training and evaluation go through here."""

from collections.abc import Sequence

from maze_env.attempt import Attempt, Reply
from maze_env.episode import Episode
from maze_env.errors import InvalidConfig
from maze_env.maze import Maze
from maze_env.phrasings import STANDARD
from tokenmaze.agents.base import Agent


def rollout(
    agent: Agent,
    mazes: Sequence[Maze],
    seeds: Sequence[int],
    max_steps: int | None = None,
    view_radius: int | None = None,
    phrasing: str = STANDARD,
    reward: str = "solved",
) -> list[Attempt]:
    """Lets an agent attempt every maze once, all at once, in its mode.

    Args:
        agent: who attempts them.
        mazes: what is attempted.
        seeds: one for each maze.
        max_steps: the budget of moves in play; default 4 * rows * cols of each maze.
        view_radius: of partial observability; a plan is made from what is seen at the start.
        phrasing: in which of ``maze_env.phrasings`` the mazes are given and the answers read.
        reward: name of the step reward in play.

    Returns:
        One attempt for each maze, in their order.

    Raises:
        InvalidConfig: as ``Episode``; for an agent in a mode that it lacks, or without one reply for each observation.
    """
    if agent.mode not in agent.modes:
        raise InvalidConfig(f"Expects a mode of {agent.name!r}, one of {agent.modes}, actual: {agent.mode!r}")
    under_way = {
        index: Episode(maze, agent.mode, seed, max_steps, view_radius, phrasing, reward)
        for index, (maze, seed) in enumerate(zip(mazes, seeds, strict=True))
    }
    attempts: dict[int, Attempt] = {}
    agent.reset(seeds, phrasing)
    while under_way:
        shown = [under_way[index].observation if index in under_way else None for index in range(len(mazes))]
        replies = agent.respond(shown)
        if len(replies) != len(mazes) or not all(isinstance(reply, Reply) for reply in replies):
            right = f"{type(agent).__name__}.act to give {len(mazes)} Reply objects, one for each observation"
            came = f"{len(replies)} of {sorted({type(reply).__name__ for reply in replies})}"
            raise InvalidConfig(f"Expects {right}, actual: {came}")
        for index in list(under_way):
            under_way[index].step(replies[index])
            if under_way[index].end is not None:
                attempts[index] = under_way.pop(index).attempt  # the episode is freed: many make collecting them slow
    return [attempts[index] for index in range(len(mazes))]
