"""Agents: baselines, language models in a folder or behind a server, policies of other libraries."""

import os

from maze_env._cli import one_line_errors

one_line_errors()
# Before torch is imported. Its waiting threads sleep instead of spinning: beside any other busy program, spinning slows
# everything down manyfold. One's own value counts.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
