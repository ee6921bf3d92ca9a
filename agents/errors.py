"""What can be wrong with a model or a model server."""

from maze_env.errors import TokenMazeError


class InvalidCheckpoint(TokenMazeError):
    """A model folder is missing, incomplete, or speaks another vocabulary."""


class InvalidEndpoint(TokenMazeError):
    """A model server cannot be reached, refuses the key, or does not have the model."""
