"""Shows that a server's highest reward can be had: plays a shortest path on some of its mazes.

python -m benchmarks.doors.openenv.oracle --url http://localhost:8000
"""

import asyncio
from collections.abc import Sequence

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, run_command
from maze_env.errors import TokenMazeError
from maze_env.rewards import PROGRESS
from maze_env.solving import shortest_path
from maze_env.tokens import maze_from_text
from tokenmaze.benchmarks.doors.openenv.client import MazeClient
from tokenmaze.benchmarks.doors.openenv.models import MazeAction

SPLITS = ("train", "mazebench-100")


class LowReward(TokenMazeError):
    """A shortest path was not paid in full."""


async def play(client: MazeClient, split: str, index: int) -> float:
    """The return of a shortest path, found anew at each turn from what the server shows."""
    result = await client.reset(split=split, index=index)
    paid = 0.0
    while not result.done:
        move = shortest_path(maze_from_text(result.observation.maze))[0]
        result = await client.step(MazeAction(reply=move.token))
        paid += result.reward or 0.0
    return paid


async def play_all(url: str, count: int) -> None:
    """Plays the first ``count`` mazes of each split. Raises LowReward."""
    async with MazeClient(url) as client:
        for split in SPLITS:
            lowest = min([await play(client, split, index) for index in range(count)])
            print(f"{split}: lowest return {lowest:.3f} of {count} mazes")
            if lowest < 1 + PROGRESS - 1e-6:
                raise LowReward(f"Expects a return of {1 + PROGRESS} for a shortest path, actual: {lowest}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Plays, and prints the lowest return of each split."""
    parser = ArgumentParser(prog=called_as("benchmarks.doors.openenv.oracle"), description=__doc__)
    parser.add_argument("--url", default="http://localhost:8000", help="of the server (default %(default)s)")
    parser.add_argument("--count", type=int, default=20, help="mazes of each split (default %(default)s)")
    options = parser.parse_args(arguments)
    asyncio.run(play_all(options.url, options.count))


if __name__ == "__main__":
    run_command(main)
