"""Settings that all tests share."""

import os

# Before any library that reads them is imported. No test may wait for the network, and the models are so small that a
# second thread costs more than it does.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import settings

# Few examples, always the same ones, so that a failure is one on every machine; no deadline, for numba compiles at
# first use.
settings.register_profile("frugal", max_examples=60, deadline=None, derandomize=True, database=None)
settings.load_profile("frugal")
