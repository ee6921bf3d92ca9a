"""What a run has freed is the system's again."""

import platform
from ctypes import create_string_buffer
from pathlib import Path

import pytest
from transformers import TrainerCallback

from tests.training import runs
from tokenmaze.training import common
from tokenmaze.training.common import FreedMemory


def resident():
    """MiB of this process in memory."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no malloc_trim")
def test_memory_in_pieces_is_returned():
    pieces = [create_string_buffer(b"x" * 100_000) for _ in range(3000)]  # too small to be mapped by itself
    kept = pieces[::50]
    full = resident()
    del pieces
    FreedMemory().on_log(None, None, None)
    assert resident() < full - 200
    assert kept


def test_every_stage_returns_it_when_it_logs(tmp_path, monkeypatch):
    logged, called = [], []

    class Counting(FreedMemory):
        def on_log(self, *arguments, **options):
            called.append(1)
            super().on_log(*arguments, **options)

    class Watching(TrainerCallback):
        def on_log(self, *arguments, **options):
            logged.append(1)

    whole = common.WholeCheckpoints
    monkeypatch.setattr(common, "FreedMemory", Counting)
    monkeypatch.setattr(
        common, "WholeCheckpoints", lambda trainer, limit: trainer.add_callback(Watching()) or whole(trainer, limit)
    )
    runs.train_sft(tmp_path / "sft", examples=32)
    assert len(called) == len(logged) > 0
    runs.train_grpo(tmp_path / "grpo", tmp_path / "sft", examples=8, save_strategy="no")
    assert len(called) == len(logged) > 1
