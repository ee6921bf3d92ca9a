"""The door to OpenEnv: a server of mazes, its client, and the folder ``tokenmaze_env`` that OpenEnv's commands take.

>>> from tokenmaze.benchmarks.doors.openenv import MazeAction, MazeClient
>>> async def play(url):
...     async with MazeClient(url) as maze:
...         print((await maze.reset(seed=3)).observation.message)
...         print((await maze.step(MazeAction(reply="<|up|>"))).observation.message)

The folder is this package's own: ``openenv.yaml``, ``Dockerfile`` and what OpenEnv checks an environment with lie in it.
"""

from tokenmaze.benchmarks.doors.openenv.client import MazeClient
from tokenmaze.benchmarks.doors.openenv.models import MazeAction, MazeObservation, MazeState

__all__ = ["MazeAction", "MazeClient", "MazeObservation", "MazeState"]
