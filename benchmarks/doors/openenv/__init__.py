"""The door to OpenEnv: a server of mazes, its client, and the folder ``tokenmaze_env`` that OpenEnv's commands take.

The folder is this package's own: ``openenv.yaml``, ``Dockerfile`` and what OpenEnv checks an environment with lie here.
"""

from tokenmaze.benchmarks.doors.openenv.client import MazeClient
from tokenmaze.benchmarks.doors.openenv.models import MazeAction, MazeObservation, MazeState

__all__ = ["MazeAction", "MazeClient", "MazeObservation", "MazeState"]
