"""One trained model for all tests of this folder."""

import pytest

from tests.training import runs


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A model that solves part of the 2x2 mazes when it samples, so that the rewards of a group differ."""
    folder = tmp_path_factory.mktemp("trained") / "sft"
    runs.train_sft(
        folder, examples=12_800, per_device_train_batch_size=32, logging_steps=50, save_strategy="no"
    )  # fmt: skip
    return folder
