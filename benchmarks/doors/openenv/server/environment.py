"""What one session of the server talks to: an episode, and which mazes there are."""

import secrets
from collections.abc import Iterable
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any
from uuid import uuid4

from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import EnvironmentMetadata

from maze_env import __version__
from maze_env.episode import MODES, Mode
from maze_env.errors import InvalidConfig, InvalidMazeText, is_integer, lookup, unknown_name
from maze_env.generation import MazeSpec
from maze_env.keys import key_of
from maze_env.moves import MOVES
from maze_env.tokens import maze_from_text
from tokenmaze.benchmarks.doors.openenv.models import MazeAction, MazeObservation, MazeState
from tokenmaze.benchmarks.doors.task import Game, Task, score_answer, task_of_seed, tasks_of_suite
from tokenmaze.benchmarks.suite_specs import SUITES
from tokenmaze.benchmarks.suites import load

NAME = "tokenmaze_env"
"""The environment's name in OpenEnv, whose own example of a maze has taken the name ``maze_env``."""
GENERATED = ("train", "validation")
"""Splits whose mazes are made as they are asked for; the others are suites."""
TASKS_OF_GENERATED = 2**32
"""How many tasks each of them has."""
MAX_LISTED = 1000
"""Tasks that one request lists."""
ALWAYS = ("episode_id", "mode", "view_radius", "max_steps")
"""Options of every reset."""
MAZE_OPTIONS = tuple(field.name for field in fields(MazeSpec) if field.name != "split")
"""What a reset may say of the mazes of a generated split."""


class NoSuchTask(InvalidConfig, IndexError):
    """An index beyond a split's tasks; an ``IndexError``, as OpenEnv's task interface asks for."""


class MazeEnvironment(Environment[MazeAction, MazeObservation, MazeState]):
    """An episode on one maze; each session has an environment of its own."""

    SUPPORTS_CONCURRENT_SESSIONS = True
    """Nothing is shared between environments."""

    def __init__(self) -> None:
        """An environment that waits for its first reset."""
        super().__init__()
        self._state = MazeState()
        self._task: Task | None = None
        self._game: Game | None = None

    def reset(
        self,
        seed: int | None = None,
        episode_id: str | None = None,
        split: str = "train",
        index: int | None = None,
        maze: str | None = None,
        mode: Mode = "play",
        view_radius: int | None = None,
        max_steps: int | None = None,
        **maze_options: Any,
    ) -> MazeObservation:
        """Begins an episode.

        Args:
            seed: of a generated split, the row of mazes in which ``index`` counts; of a suite, what chooses the maze
                where no ``index`` does. By default at random; row 0 where there is an ``index``.
            episode_id: returned in the state.
            split: ``train``, ``validation``, or the name of a suite.
            index: the task in the split, from 0.
            maze: a maze as text, in place of one of a split.
            mode: ``play``, a move a turn, or ``plan``, one answer to the whole maze.
            view_radius: of partial observability; by default the suite's, else none.
            max_steps: moves that may be played; by default 4 * rows * cols.
            maze_options: of a generated split, what ``maze_env.MazeSpec`` takes: ``rows``, ``cols``, ``min_length`` ...

        Raises:
            TokenMazeError: for what does not exist or cannot be.
        """
        lookup("mode", mode, dict.fromkeys(MODES))
        if seed is not None and not (is_integer(seed) and seed >= 0):
            raise InvalidConfig(f"Expects a seed from 0 up, actual: {seed!r}")
        if maze is None:
            task = self._choose(mode, split, seed, index, maze_options)
        else:
            check_names("option beside a maze", maze_options, ALWAYS)
            if not isinstance(maze, str):
                raise InvalidMazeText(f"Expects a maze as text, actual: {type(maze).__name__}")
            given = maze_from_text(maze)
            task = Task("given", f"{given.rows}x{given.cols}", given)
        if view_radius is not None:
            task = replace(task, view_radius=view_radius)
        self._game = Game(task.maze, max_steps, task.view_radius) if mode == "play" else None
        message = task.prompt if self._game is None else self._game.prompt
        self._task = task
        self._state = MazeState(episode_id=episode_id or str(uuid4()), task=task.id, level=task.level, mode=mode)
        return self._observe(task, message)

    def step(self, action: MazeAction, timeout_s: float | None = None, **unused: Any) -> MazeObservation:
        """Takes the player's reply. Raises InvalidConfig before a reset and after the end."""
        task, game, state = self._task, self._game, self._state
        if task is None:
            reason = "a session without one (a client that has reconnected is in a new session)"
            raise InvalidConfig(f"Expects an episode that a reset began, actual: {reason}")
        if state.score is not None:
            raise InvalidConfig(f"Expects an episode that goes on, actual: one that has ended ({state.score.end})")
        if game is None:
            state.score = score_answer(task.maze, action.reply)
            message = "The answer is right." if state.score.solved else "The answer is wrong."
            reward = state.score.reward
        else:
            before = game.reward
            message = game.turn(action.reply)
            state.score = game.score if game.over else None
            reward = round(game.reward - before, 9)  # a difference of sums, within the bounds that are told
        state.step_count += 1
        return self._observe(task, message, reward)

    async def step_async(self, action: MazeAction, timeout_s: float | None = None, **unused: Any) -> MazeObservation:
        """As ``step``, which takes less time than the way to another thread."""
        return self.step(action)

    @property
    def state(self) -> MazeState:
        """Of the episode."""
        return self._state

    def _observe(self, task: Task, message: str, reward: float | None = None) -> MazeObservation:
        maze = task.bare_prompt if self._game is None else self._game.observation.text
        turn, score = self._state.step_count, self._state.score
        return MazeObservation(
            message=message, maze=maze, turn=turn, score=score, reward=reward, done=score is not None
        )

    def _choose(
        self, mode: Mode, split: str, seed: int | None, index: int | None, maze_options: dict[str, Any]
    ) -> Task:
        """The task that the arguments of a reset name."""
        count = self.num_tasks(split)
        if index is None:
            seed = secrets.randbits(64) if seed is None else seed
            index = key_of(seed) % count if split in SUITES else 0
        if not is_integer(index) or not 0 <= index < count:
            raise NoSuchTask(f"Expects an index of split {split!r} from 0 to {count - 1}, actual: {index!r}")
        if split in SUITES:
            check_names("option of reset for a suite", maze_options, ("seed", "index", *ALWAYS))
            return suite_tasks(split, mode)[index]
        check_names("option of reset", maze_options, MAZE_OPTIONS)
        return task_of_seed(seed or 0, index, MazeSpec(**maze_options, split=split))

    def list_splits(self) -> list[dict[str, str]]:
        """The name of each split, and whether it is for training, validation or tests."""
        types = {name: name for name in GENERATED} | dict.fromkeys(SUITES, "test")
        return [{"name": name, "type": kind} for name, kind in types.items()]

    def num_tasks(self, split: str) -> int:
        """How many tasks a split has. Raises UnknownName."""
        lookup("split", split, dict.fromkeys((*GENERATED, *SUITES)))
        return len(load(split).mazes) if split in SUITES else TASKS_OF_GENERATED

    def get_task(self, split: str, index: int) -> dict[str, Any]:
        """A task as ``reset`` takes it, with its name, its level and its maze as text.

        Raises UnknownName for a split, NoSuchTask for an index that does not exist.
        """
        task = self._choose("plan", split, None, index, {})
        return {"split": split, "index": index, "id": task.id, "level": task.level, "maze": task.text}

    def get_task_range(self, split: str, start: int | None = None, stop: int | None = None) -> list[dict[str, Any]]:
        """The tasks from ``start`` to before ``stop``, as slices count; ``MAX_LISTED`` at most."""
        places = range(self.num_tasks(split))[start:stop]
        if len(places) > MAX_LISTED:
            raise InvalidConfig(f"Expects at most {MAX_LISTED} tasks at once, actual: {len(places)}")
        return [self.get_task(split, index) for index in places]

    def list_tasks(self, split: str) -> list[dict[str, Any]]:
        """The first ``MAX_LISTED`` tasks of a split; ``num_tasks`` says how many there are."""
        return self.get_task_range(split, 0, MAX_LISTED)

    def get_metadata(self) -> EnvironmentMetadata:
        """What the server says of itself."""
        described = "Mazes in tokens, played turn by turn or answered at once; the verdict is the benchmark's."
        return EnvironmentMetadata(name=NAME, description=described, version=__version__)

    def web_actions(self, observation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        """The four moves, as buttons of OpenEnv's web page."""
        return [(move.name.lower(), {"reply": move.token}) for move in MOVES]


@lru_cache(maxsize=2 * len(SUITES))
def suite_tasks(name: str, mode: Mode) -> list[Task]:
    """The tasks of a suite. Raises InvalidConfig for a mode in which it cannot be measured."""
    return tasks_of_suite(name, mode=mode)


def check_names(kind: str, names: Iterable[str], valid: Iterable[str]) -> None:
    """Raises UnknownName for the first of ``names`` that is not valid."""
    for name in names:
        if name not in valid:
            raise unknown_name(kind, name, valid)
