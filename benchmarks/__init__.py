"""Benchmarks: suites of mazes, the runs of agents on them, results, and what is made of results."""

import tokenmaze.agents  # noqa: F401  first, for its setting of torch's threads
from maze_env._cli import one_line_errors

one_line_errors()
