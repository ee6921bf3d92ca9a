"""TokenMaze: a maze environment whose observations are text in the AlphaMaze token format.

Importing this package registers ``TokenMaze-v0`` with Gymnasium.
"""

import gymnasium

from maze_env.answers import parse_answer
from maze_env.attempt import Attempt, End, EndedBy, Reply
from maze_env.episode import Episode
from maze_env.errors import TokenMazeError
from maze_env.generation import MazeBatch, MazeSpec, generate, generate_batch
from maze_env.maze import Maze
from maze_env.moves import Move
from maze_env.solving import distances_to, shortest_path
from maze_env.splits import split_of
from maze_env.token_maze import TokenMazeEnv
from maze_env.tokens import maze_from_text, maze_to_text
from maze_env.verifier import Verdict, verify

__version__ = "0.1.0"

__all__ = [
    "Attempt",
    "End",
    "EndedBy",
    "Episode",
    "Maze",
    "MazeBatch",
    "MazeSpec",
    "Move",
    "Reply",
    "TokenMazeEnv",
    "TokenMazeError",
    "Verdict",
    "distances_to",
    "generate",
    "generate_batch",
    "maze_from_text",
    "maze_to_text",
    "parse_answer",
    "shortest_path",
    "split_of",
    "verify",
]

gymnasium.register(
    id="TokenMaze-v0",
    entry_point="maze_env.token_maze:TokenMazeEnv",
    vector_entry_point="maze_env.vector:TokenMazeVectorEnv",
    reward_threshold=1.0,  # of 1.1 that the target is worth: about nine mazes in ten are solved
)
