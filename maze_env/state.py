"""What of an environment changes while it plays, and how it is copied.

Everything here is replaced and never written into, so that a copy may share it: a search branches in microseconds.
"""

import copy
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, Space
from numpy.typing import NDArray

from maze_env import kernels
from maze_env.dynamics import Outcome
from maze_env.maze import Cell, Maze
from maze_env.moves import Walls
from maze_env.spaces import MazeText
from maze_env.views import Observer, View

NO_MOVE = "none"  # ``last_move`` after a reset
OUTCOMES = np.array([NO_MOVE, *Outcome], dtype=object)  # by the numbers of ``kernels.vector``
OUTCOME_RUNS = np.array(list(product(OUTCOMES, repeat=4)), dtype=object)  # every four in a row, (256, 4)
# Attributes of the vector environment, (n, ...) each, that change while it plays.
VECTOR_ARRAYS = (
    "_walls", "_visible_walls", "_sides", "_here", "_origins", "_target_cells", "_agents", "_masks", "_positions",
    "_targets", "_start_distances", "_steps", "_distances_to_target", "_outcomes", "_done",
)  # fmt: skip


@dataclass(slots=True)
class EpisodeState:
    """An episode of a single environment as it stands."""

    maze: Maze
    """With the endpoints it had at the reset."""
    view: View
    """The one that ``observe`` belongs to."""
    observe: Observer
    """What makes an observation of the agent's cell."""
    distances: list[int]
    """Moves from each cell, row by row, to the target."""
    target: NDArray[np.int64]
    """The target as (row, col)."""
    walls: bytes
    """The wall byte of each cell, row by row."""
    masks: list[NDArray[np.int8]]
    """The action mask of each cell, row by row, (4,) each."""
    stops: tuple[tuple[Outcome, ...], ...]
    """``dynamics.stops`` of the maze."""
    start_distance: int
    """Moves from the origin to the target."""
    cell: int
    """The number of the agent's cell: in lists as ``distances``, and for ``observe``."""
    visible_walls: Walls
    """(rows, cols) uint8, read-only, ``UNSEEN_BITS`` where the agent has not seen a cell."""
    distance: int
    """Moves from ``cell`` to the target."""
    step_count: int = 0
    """Steps taken since the reset."""
    last_move: str = NO_MOVE
    """What the last move did."""
    moves_made: tuple[tuple[Cell, int], ...] = ()
    """Those to be drawn, each with the cell that it was made from."""

    @property
    def position(self) -> Cell:
        """Where the agent stands."""
        return divmod(self.cell, self.view.cols)

    def __copy__(self) -> "EpisodeState":
        return replace(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> "EpisodeState":
        return replace(self)


def outcomes_of(numbers: NDArray[np.uint8]) -> NDArray[np.object_]:
    """The outcomes of these numbers, (n,): looked up four at a time, which takes as long as one object does."""
    runs = np.empty(-(-len(numbers) // 4), np.int64)
    kernels.vector.number_runs(numbers, runs)
    return OUTCOME_RUNS.take(runs, axis=0).reshape(-1)[: len(numbers)]


def copy_generator(generator: np.random.Generator) -> np.random.Generator:
    """What ``copy.deepcopy`` gives, several times as fast."""
    bits = generator.bit_generator
    seeds = bits.seed_seq
    if type(seeds) is not np.random.SeedSequence:
        return copy.deepcopy(generator)
    twin = type(bits)(np.random.SeedSequence(**seeds.state))
    twin.state = bits.state
    return np.random.Generator(twin)


def copy_space(space: Space[Any], memo: dict[int, Any]) -> Space[Any]:
    """What ``copy.deepcopy`` gives, several times as fast, with the arrays of a box shared."""
    if type(space) not in (Box, Discrete, MazeText):
        return copy.deepcopy(space, memo)
    twin: Space[Any] = type(space).__new__(type(space))
    twin.__dict__.update(space.__dict__)
    if twin._np_random is not None:
        twin._np_random = copy_generator(twin._np_random)
    return twin


@dataclass(frozen=True)
class VectorState:
    """The environments of a vector as they stand; ``state[indices]`` are those of ``indices``, in that order.

    ``indices`` is what NumPy takes of an axis: numbers, which may repeat, a mask, a slice.
    """

    view_radius: int | None
    """Of partial observability."""
    arrays: dict[str, NDArray[Any]]
    """By the name of the attribute, out of ``VECTOR_ARRAYS``."""
    generators: list[tuple[int, Any] | None]
    """Seed and state of each random generator, where there is one."""
    moves_made: list[tuple[tuple[Cell, int], ...]]
    """As in ``EpisodeState``, of each environment."""

    def __len__(self) -> int:
        return len(self.generators)

    def __getitem__(self, indices: Any) -> "VectorState":
        chosen = np.atleast_1d(np.arange(len(self))[indices])
        return VectorState(
            self.view_radius,
            {name: values[chosen] for name, values in self.arrays.items()},
            [self.generators[i] for i in chosen.tolist()],
            [self.moves_made[i] for i in chosen.tolist()],
        )
