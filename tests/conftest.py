"""Settings that all tests share."""

from hypothesis import settings

# Few examples, always the same ones, so that a failure is one on every machine; no deadline, for numba compiles at
# first use.
settings.register_profile("frugal", max_examples=60, deadline=None, derandomize=True, database=None)
settings.load_profile("frugal")
