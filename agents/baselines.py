"""Agents that are not language models: they read the same text, so they measure the same thing.

They read and write every phrasing through ``maze_env.phrasings``. Under partial observability they know what the text
shows: sides between unseen cells count as open until they are seen.

In *play* they choose one move at a time; in *plan* the same policy is simulated on the maze that was read, and its
moves are the answer. Its budget there is the environment's: 4 * rows * cols moves.
"""

from abc import abstractmethod
from collections.abc import Sequence
from heapq import heappop, heappush
from random import Random
from typing import Any

from maze_env.answers import moves_to_text
from maze_env.attempt import Reply
from maze_env.dynamics import transition
from maze_env.maze import Cell, Maze
from maze_env.moves import Move
from maze_env.phrasings import STANDARD, phrasing_named
from maze_env.solving import UNREACHABLE, distances_to, shortest_path
from maze_env.tokens import UNREACHABLE_TOKEN
from tokenmaze.agents.base import Agent, Mode


def manhattan(cell: Cell, to: Cell) -> int:
    return abs(cell[0] - to[0]) + abs(cell[1] - to[1])


class WalkingAgent(Agent):
    """A policy that chooses a move from the maze as it stands; subclasses implement ``choose``."""

    def __init__(self, mode: Mode = "play"):
        self.mode = mode
        self.reset([])

    @abstractmethod
    def choose(self, maze: Maze, rng: Random, memory: dict[str, Any]) -> Move | None:
        """The next move; ``None`` when the target is known to be unreachable.

        Args:
            maze: what is known, its origin where the agent stands.
            rng: the episode's.
            memory: the episode's, empty at first.
        """

    def reset(self, seeds: Sequence[int], phrasing: str = STANDARD) -> None:
        self._phrasing = phrasing_named(phrasing)
        self._rngs = [Random(seed) for seed in seeds]
        self._memory: list[dict[str, Any]] = [{} for _ in seeds]

    def act(self, observations: list[str]) -> list[Reply]:
        episodes = zip(observations, self._rngs, self._memory, strict=True)
        return [Reply(self._act_one(*episode) if episode[0] else "") for episode in episodes]

    def _act_one(self, observation: str, rng: Random, memory: dict[str, Any]) -> str:
        maze, moves = self._phrasing.read(observation), list[Move]()
        while len(moves) < 4 * maze.rows * maze.cols:
            move = self.choose(maze, rng, memory)
            if move is None:
                return UNREACHABLE_TOKEN
            if self.mode == "play":
                return move.token
            moves.append(move)
            cell, _ = transition(maze, maze.origin, move)
            if cell == maze.target:
                break
            maze = Maze.from_validated(maze.walls, cell, maze.target)
        return self._phrasing.translate(moves_to_text(moves))


class RandomAgent(WalkingAgent):
    """Any of the four moves with equal probability, walls or not."""

    name = "random"

    def choose(self, maze: Maze, rng: Random, memory: dict[str, Any]) -> Move:
        return Move(rng.randrange(4))


class RandomLegalAgent(WalkingAgent):
    """Any of the possible moves with equal probability."""

    name = "random-legal"

    def choose(self, maze: Maze, rng: Random, memory: dict[str, Any]) -> Move:
        return rng.choice(maze.open_moves(maze.origin))


class GreedyAgent(WalkingAgent):
    """The possible move that minimises the Manhattan distance to the target; ties are broken at random.

    It uses the walls of its own cell only, so it never leaves a dead end that points at the target.
    """

    name = "greedy"

    def choose(self, maze: Maze, rng: Random, memory: dict[str, Any]) -> Move:
        distances = {move: manhattan(move.apply(maze.origin), maze.target) for move in maze.open_moves(maze.origin)}
        return rng.choice([move for move, distance in distances.items() if distance == min(distances.values())])


CLOCKWISE = (Move.UP, Move.RIGHT, Move.DOWN, Move.LEFT)


class WallFollower(WalkingAgent):
    """Keeps one hand on the wall: turns to that side where it can, else ahead, else to the other side, else back.

    Finds the target of any maze without loops; it starts facing up.
    """

    turns: tuple[int, ...]
    """Clockwise quarter turns from the direction it faces, in order of preference."""

    def choose(self, maze: Maze, rng: Random, memory: dict[str, Any]) -> Move:
        facing = CLOCKWISE.index(memory.get("last", Move.UP))
        directions = [CLOCKWISE[(facing + turn) % 4] for turn in self.turns]
        memory["last"] = next(move for move in directions if maze.is_open(maze.origin, move))
        return memory["last"]


class LeftHandAgent(WallFollower):
    """The wall follower with its left hand on the wall."""

    name = "left-hand"
    turns = (3, 0, 1, 2)


class RightHandAgent(WallFollower):
    """The wall follower with its right hand on the wall."""

    name = "right-hand"
    turns = (1, 0, 3, 2)


class DepthFirstAgent(WalkingAgent):
    """Depth-first exploration: an open side that leads to a cell not visited yet, else backtracking.

    It uses the walls of its own cell only and not the target's position, so partial observability makes no difference
    to it; it finds the target of every maze, loops or not, within twice its cells, or that it is unreachable.
    """

    name = "depth-first"

    def choose(self, maze: Maze, rng: Random, memory: dict[str, Any]) -> Move | None:
        visited, path = memory.setdefault("visited", set()), memory.setdefault("path", [])
        visited.add(maze.origin)
        for move in maze.open_moves(maze.origin):
            if move.apply(maze.origin) not in visited:
                path.append(move)
                return move
        return path.pop().opposite if path else None


class ShortestPathAgent(WalkingAgent):
    """Breadth-first search: the oracle; on what it knows of a maze, the shortest path that this leaves possible."""

    name = "shortest-path"

    def choose(self, maze: Maze, rng: Random, memory: dict[str, Any]) -> Move | None:
        distances = distances_to(maze.walls, maze.target)
        return None if distances[maze.origin] == UNREACHABLE else shortest_path(maze, distances)[0]


class AStarAgent(WalkingAgent):
    """A* with Manhattan distance (Hart, Nilsson and Raphael 1968): shortest paths as well, found by another search."""

    name = "a-star"

    def choose(self, maze: Maze, rng: Random, memory: dict[str, Any]) -> Move | None:
        # Entries are (lower bound of the path's length, heuristic, cell, moves so far, the first of them).
        queue: list[tuple[int, int, Cell, int, Move | None]] = [(0, 0, maze.origin, 0, None)]
        best = {maze.origin: 0}
        while queue:
            _, _, cell, length, first = heappop(queue)
            if cell == maze.target:
                return first
            for move in maze.open_moves(cell):
                to = move.apply(cell)
                if length + 1 < best.get(to, maze.rows * maze.cols):
                    best[to] = length + 1
                    left = manhattan(to, maze.target)
                    heappush(queue, (length + 1 + left, left, to, length + 1, move if first is None else first))
        return None


_EXPLORERS = (RandomAgent, RandomLegalAgent, GreedyAgent, LeftHandAgent, RightHandAgent, DepthFirstAgent)
BASELINES: dict[str, type[WalkingAgent]] = {kind.name: kind for kind in (*_EXPLORERS, ShortestPathAgent, AStarAgent)}
