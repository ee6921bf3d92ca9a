"""Views as wrappers, for an environment that somebody else made: ``GridObservation(gymnasium.make("TokenMaze-v0"))``.

Passing ``view="grid"`` to ``gymnasium.make`` gives the same observations and is faster.
"""

from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from maze_env.errors import InvalidConfig
from maze_env.padded_views import make_padded_view
from maze_env.token_maze import TokenMazeEnv
from maze_env.views import make_view


class _ViewObservation(gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Shows the environment inside by another view."""

    view_name: str

    def __init_subclass__(cls, view: str) -> None:
        cls.view_name = view

    def __init__(self, env: gymnasium.Env[Any, Any]):
        RecordConstructorArgs.__init__(self)
        gymnasium.ObservationWrapper.__init__(self, env)
        inner = env.unwrapped
        if not isinstance(inner, TokenMazeEnv):
            raise InvalidConfig(f"Expects a TokenMaze environment inside, actual: {type(inner).__name__}")
        self._inner = inner
        make = make_padded_view if inner.room.padded else make_view
        self._view = make(self.view_name, inner.room.rows, inner.room.cols, inner.view_radius)
        self.observation_space = self._view.space

    def observation(self, observation: Any) -> Any:
        """The current state of the environment inside; ``observation`` itself is ignored."""
        observe = self._view.observer(self._inner.visible_walls, self._inner.maze.target)
        row, col = self._inner.position
        return observe(row * self._view.cols + col)


class TextObservation(_ViewObservation, view="text"):
    """The ``text`` view."""


class TokensObservation(_ViewObservation, view="tokens"):
    """The ``tokens`` view: (rows * (3 * cols + 1),) int32."""


class GridObservation(_ViewObservation, view="grid"):
    """The ``grid`` view: (6 or 7, rows, cols) uint8."""


class StateObservation(_ViewObservation, view="state"):
    """The ``state`` view: the number of the agent's cell."""
