"""Benchmarks: suites of mazes, the runs of agents on them, results, and what is made of results."""

import agents  # noqa: F401  first, for its setting of torch's threads
