"""The client of a server of mazes."""

from typing import Any

from openenv.core import EnvClient
from openenv.core.client_types import StepResult

from tokenmaze.benchmarks.doors.openenv.models import MazeAction, MazeObservation, MazeState


class MazeClient(EnvClient[MazeAction, MazeObservation, MazeState]):
    """One session on a server: ``await client.reset(...)``, ``await client.step(...)``, or ``client.sync()`` without.

    ``reset`` takes what the server's does (``server/environment.py``). A client that waits too long for a reply
    (``message_timeout_s``) or whose connection breaks is in a new session from then on, which knows no episode: the
    next ``step`` is refused, and a new ``reset`` begins.
    """

    def _step_payload(self, action: MazeAction) -> dict[str, Any]:
        return action.model_dump()

    def _parse_result(self, payload: dict[str, Any]) -> StepResult[MazeObservation]:
        reward, done = payload["reward"], payload["done"]
        observation = MazeObservation.model_validate({**payload["observation"], "reward": reward, "done": done})
        return StepResult(observation=observation, reward=reward, done=done)

    def _parse_state(self, payload: dict[str, Any]) -> MazeState:
        return MazeState.model_validate(payload)
