"""One attempt under way: a maze, the replies of whoever attempts it, and what came of them.

The benchmark, the human player, GRPO's rollouts, tool calls and the demonstrations that SFT learns from all go through
here.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

from maze_env.attempt import Attempt, End, EndedBy, Reply
from maze_env.dynamics import MOVED, Outcome
from maze_env.errors import InvalidConfig, InvalidMove, unknown_name
from maze_env.maze import Cell, Maze
from maze_env.moves import UNSEEN_BITS, Move, Walls, as_move
from maze_env.phrasings import STANDARD, phrasing_named
from maze_env.token_maze import TokenMazeEnv
from maze_env.tokens import cell_texts
from maze_env.verifier import Verdict, verify
from maze_env.visibility import check_view_radius, initial_visible_walls

Mode = Literal["play", "plan"]
"""``plan`` is single-turn: one reply answers the whole maze. ``play`` is multi-turn: one move a reply, and the
environment's observation after each."""
MODES: tuple[Mode, ...] = ("play", "plan")


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What an agent may know at one turn."""

    walls: Walls
    """The walls seen so far, (rows, cols) uint8; ``UNSEEN_BITS`` where a cell has not been seen."""
    position: Cell
    """Where the agent stands."""
    target: Cell
    """Where the agent should go."""
    phrasing: str = STANDARD
    """The one of ``maze_env.phrasings`` that ``text`` is in."""
    moved: bool | None = None
    """Whether the last move led on; ``None`` before the first."""
    revealed: tuple[tuple[Cell, int], ...] = ()
    """Cells that came into view with the last move, each with its wall byte."""
    written: str | None = None
    """The text, where the environment has written it already."""

    @property
    def text(self) -> str:
        """The observation as text."""
        if self.written is not None:
            return self.written
        if self.phrasing == STANDARD:
            return "".join(cell_texts(self.walls, self.position, self.target))
        return phrasing_named(self.phrasing).write(Maze.from_validated(self.walls, self.position, self.target))

    def after(self, before: "Observation | None") -> "Observation":
        """This observation, with what changed since the one ``before``."""
        if before is None:
            return self
        return replace(self, moved=self.position != before.position, revealed=_newly_seen(before.walls, self.walls))


def _newly_seen(before: Walls, now: Walls) -> tuple[tuple[Cell, int], ...]:
    """The cells of ``now`` that are unseen in ``before``, each with its wall byte."""
    if now is before:  # no partial observability
        return ()
    cells = ((before == UNSEEN_BITS) & (now != UNSEEN_BITS)).nonzero()
    return tuple(((int(row), int(col)), int(now[row, col])) for row, col in zip(*cells, strict=True))


class Episode:
    """One attempt under way.

    >>> episode = Episode(Maze([[5, 9], [14, 14]], (0, 0), (1, 1)))
    >>> while episode.end is None:
    ...     episode.step(Reply("<|right|>" if episode.observation.position == (0, 0) else "<|down|>"))
    >>> episode.attempt.end, episode.attempt.ended_by
    (<End.SOLVED: 'solved'>, <EndedBy.ENVIRONMENT: 'environment'>)
    """

    observation: Observation
    """What the agent may know now."""
    moves: list[Move]
    """Those made so far in play, illegal ones included."""
    outcomes: list[Outcome]
    """What each of ``moves`` did."""
    env: TokenMazeEnv
    """The environment of play."""
    verdict: Verdict | None = None
    """Of the answer in plan, once it is given."""
    end: End | None = None
    """How it ended, if it has."""
    ended_by: EndedBy | None = None
    """Who or what ended it, likewise."""
    reward = 0.0
    """Sum of the step rewards so far in play."""
    _replies: tuple[Reply, ...] = ()

    def __init__(
        self,
        maze: Maze,
        mode: Mode = "play",
        seed: int = 0,
        max_steps: int | None = None,
        view_radius: int | None = None,
        phrasing: str = STANDARD,
        reward: str = "solved",
        render_mode: str | None = None,
    ):
        """Starts an attempt.

        Args:
            maze: the one to attempt.
            mode: one of ``MODES``.
            seed: of the agent's randomness; only recorded.
            max_steps: the budget of moves in play; default 4 * rows * cols.
            view_radius: of partial observability; a plan is made from what is seen at the start.
            phrasing: of the maze and the answer; in play and under partial observability the standard one alone.
            reward: name of the step reward in play.
            render_mode: of the environment in play.

        Raises:
            InvalidConfig: for a view radius or budget that cannot be, or a phrasing where the standard one has to be.
            InvalidMaze: in play, for a maze whose target cannot be reached.
            UnknownName: for a mode, phrasing or step reward that does not exist.
        """
        if mode not in MODES:
            raise unknown_name("mode", mode, MODES)
        check_view_radius(view_radius)
        self._translate = phrasing_named(phrasing).translate
        if phrasing != STANDARD and (mode != "plan" or view_radius is not None):
            right = f"{STANDARD!r} in play and under partial observability"
            raise InvalidConfig(f"Expects phrasing {right}, actual: {phrasing!r}")
        self.maze, self.mode, self.seed, self.phrasing = maze, mode, seed, phrasing
        if mode == "plan":
            walls = initial_visible_walls(maze, view_radius)
            self.observation = Observation(walls, maze.origin, maze.target, phrasing)
            return
        self.env = TokenMazeEnv(
            maze.rows, maze.cols, split=None, view="text" if view_radius is None else "state", view_radius=view_radius,
            max_steps=max_steps, reward=reward, render_mode=render_mode,
        )  # fmt: skip
        self.moves, self.outcomes = [], []
        written, info = self.env.reset(options={"maze": maze})
        self._start_distance = self._end_distance = int(info["distance"])
        self.observation = self._observe(written)

    def step(self, reply: Reply) -> None:
        """Takes the agent's reply: an answer in plan, which ends the attempt, or a move in play."""
        self._check_under_way()
        self._replies += (reply,)
        if self.mode == "plan":
            self.verdict = verify(self.maze, self._translate(reply.text), thinking_opened=reply.thinking_opened)
        ended_by = EndedBy.TOKEN_BUDGET if reply.truncated else EndedBy.AGENT
        if reply.failure:
            self.stop(End.REQUEST_FAILED, EndedBy.REQUEST)
        elif self.verdict is not None:
            self.stop(self.verdict.end, ended_by)
        elif reply.truncated and reply.tokens == 0:  # no room was left to write another move
            self.stop(End.SHORT_OF_TARGET, ended_by)
        else:
            try:
                move = as_move(reply.text)
            except InvalidMove:
                self.stop(End.NOT_A_MOVE, ended_by)
            else:
                self.move(move)

    def move(self, move: Move) -> None:
        """Plays one move in the environment."""
        self._check_under_way()
        written, reward, terminated, truncated, info = self.env.step(int(move))
        self.moves.append(move)
        self.outcomes.append(info["last_move"])
        self.reward += reward
        self._end_distance = info["distance"]
        self.observation = self._observe(written, self.observation)
        if terminated or truncated:
            self.end, self.ended_by = self.env.end, self.env.ended_by

    def stop(self, end: End, ended_by: EndedBy) -> None:
        """Ends the attempt."""
        self.end, self.ended_by = end, ended_by

    @property
    def attempt(self) -> Attempt:
        """The complete attempt; raises InvalidConfig while it goes on."""
        if self.end is None or self.ended_by is None:
            raise InvalidConfig("Expects an episode that has ended, actual: one that goes on")
        texts = tuple(reply.text for reply in self._replies)
        opened = bool(self._replies) and self._replies[0].thinking_opened
        failure = self._replies[-1].failure if self._replies else ""
        counts = [reply.tokens for reply in self._replies if not reply.failure or reply.tokens is not None]
        known = [count for count in counts if count is not None]
        tokens = sum(known) if known and len(known) == len(counts) else None
        if (verdict := self.verdict) is not None:
            moves, outcomes, position = verdict.answer.moves, verdict.outcomes, verdict.position
            distances = verdict.start_distance, verdict.end_distance
        else:
            moves, outcomes, position = tuple(self.moves), tuple(self.outcomes), self.env.position
            distances = self._start_distance, self._end_distance
        return Attempt(
            self.maze, self.phrasing, self.seed, texts, opened, moves, outcomes, self.end, self.ended_by, position,
            *distances, self.reward, tokens, failure,
        )  # fmt: skip

    def _check_under_way(self) -> None:
        if self.end is not None:
            raise InvalidConfig(f"Expects an episode that goes on, actual: one that has ended ({self.end})")

    def _observe(self, written: Any, before: Observation | None = None) -> Observation:
        """What the agent may know now; ``written`` is the environment's own observation."""
        # Under partial observability the environment writes no text: it is made no faster there than from the walls.
        walls, text = self.env.visible_walls, written if self.env.view_radius is None else None
        moved = None if before is None else self.outcomes[-1] is MOVED
        revealed = () if before is None else _newly_seen(before.walls, walls)
        return Observation(walls, self.env.position, self.maze.target, STANDARD, moved, revealed, text)
