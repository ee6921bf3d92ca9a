"""The package that the id ``tokenmaze-verifiers`` names: verifiers imports an id as a package at the top level."""

from tokenmaze.benchmarks.doors.verifiers import TokenMazeEnv, TokenMazeTaskset

__all__ = ["TokenMazeEnv", "TokenMazeTaskset"]
