"""Settings that all tests share."""

import hashlib
import os
from pathlib import Path

# Before any library that reads them is imported. No test may wait for the network, and the models are so small that a
# second thread costs more than it does.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import settings

# numba checks the time of a kernel's own file, not of those that it imports, and would serve stale code after an edit:
# one cache for each state of the sources.
ROOT = Path(__file__).parent.parent
SOURCES = [ROOT / "maze_env" / "moves.py", *sorted((ROOT / "maze_env" / "kernels").rglob("*.py"))]
STATE = hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()[:16]
os.environ["NUMBA_CACHE_DIR"] = str(ROOT / ".pytest_cache" / "numba" / STATE)

# Few examples, always the same ones, so that a failure is one on every machine; no deadline, for numba compiles at
# first use.
settings.register_profile("frugal", max_examples=60, deadline=None, derandomize=True, database=None)
settings.load_profile("frugal")
