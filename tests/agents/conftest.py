"""What several tests of agents share."""

import pytest

from tests.endpoint_server import KEY, serving


@pytest.fixture
def server(monkeypatch):
    """A server of the test's own (``tests.endpoint_server``), which wants a key."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr("tokenmaze.agents.endpoint_errors.FIRST_PAUSE", 0.01)
    with serving() as made:
        yield made
