"""Agents behind an OpenAI-compatible server: ``transformers serve`` on a model built here, and ones that misbehave."""

import hashlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from agents import registry
from agents.errors import InvalidEndpoint
from agents.prompts import DESCRIBED
from agents.rollout import rollout
from benchmarks import mazebench
from benchmarks.record import load
from maze_env.attempt import End, EndedBy
from maze_env.errors import InvalidConfig
from maze_env.solving import shortest_path
from maze_env.tokens import maze_to_text
from tests import tiny

pytest.importorskip("openai", reason="optional extra: pip install -e .[endpoint]")

from agents import endpoint_errors
from tests.endpoint_server import serving

KEY = "sk-never-to-be-seen"
MAZES = tiny.mazes(6, 3, 3)


@pytest.fixture
def server(monkeypatch):
    """A server of the test's own (``tests.endpoint_server``), which wants a key."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(endpoint_errors, "FIRST_PAUSE", 0.01)
    with serving() as made:
        yield made


@pytest.mark.parametrize("mode", ["plan", "play"])
def test_a_server_plays(server, mode):
    server.delay = 0.02
    agent = registry.make(server.url, mode, concurrency=3)
    attempts = rollout(agent, MAZES, range(6))
    assert all(attempt.solved and attempt.moves == tuple(shortest_path(attempt.maze)) for attempt in attempts)
    assert server.max_running <= 3
    assert all(key == f"Bearer {KEY}" for key in server.keys)
    if mode == "plan":
        assert [attempt.tokens for attempt in attempts] == [7] * 6
        assert attempts[0].texts[0].startswith("<think>hm</think><|")


def test_passing_failures_are_tried_again_and_lasting_ones_counted(server):
    server.misbehave = lambda number, body: (503 if number <= 2 else 200, body)
    assert all(r.solved for r in rollout(registry.make(server.url, concurrency=1, retries=3), MAZES, range(6)))
    assert len(server.asked) == 8
    server.misbehave = lambda number, body: (500, {"error": "out of order"})
    attempts = rollout(registry.make(server.url, retries=0), MAZES, range(6))
    assert [attempt.end for attempt in attempts] == [End.REQUEST_FAILED] * 6
    assert not any(attempt.legal or attempt.solved or attempt.truncated for attempt in attempts)
    assert all(attempt.ended_by is EndedBy.REQUEST for attempt in attempts)
    assert all(attempt.failure.startswith("InternalServerError: Error code: 500") for attempt in attempts)
    played = rollout(registry.make(server.url, "play", retries=0), MAZES, range(6))
    assert [attempt.end for attempt in played] == [End.REQUEST_FAILED] * 6


@pytest.mark.parametrize("quoted", [KEY, "sk-neve********seen", f"Bearer {KEY}", "Bearer abc.def"])
def test_a_failure_is_told_in_one_line_without_a_key(server, quoted):
    long = "very " * 200
    server.misbehave = lambda number, body: (400, {"error": {"message": f"no {quoted}\nbecause {long}"}})
    (attempt,) = rollout(registry.make(server.url, retries=0), MAZES[:1], [0])
    assert attempt.failure.startswith("BadRequestError: Error code: 400")
    assert "no [key]" in attempt.failure
    assert not any(secret in attempt.failure for secret in (KEY, quoted, "sk-", "Bearer", "\n"))
    assert len(attempt.failure) <= 300


def test_a_key_of_any_form_is_not_in_a_failure_not_even_where_it_is_cut_off(server, monkeypatch):
    key = "my own key"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    for padding in range(230, 262):  # so that some of these are cut within the key
        server.misbehave = lambda number, body, padding=padding: (400, {"error": "x" * padding + key})
        (attempt,) = rollout(registry.make(server.url, retries=0), MAZES[:1], [0])
        assert "my" not in attempt.failure


def test_a_cut_completion_is_told_as_such(server):
    def cut(number, body):
        body["choices"][0]["finish_reason"] = "length"
        return 200, body

    server.misbehave = cut
    for attempt in rollout(registry.make(server.url), MAZES[:2], range(2)):
        assert (attempt.ended_by, attempt.truncated) == (EndedBy.TOKEN_BUDGET, True)


def test_no_result_holds_the_key_and_failures_are_in_the_denominator(server, tmp_path, capsys):
    server.misbehave = lambda number, body: (200, body) if number % 2 else (400, {"error": {"message": f"no {KEY}"}})
    output = tmp_path / "result.json"
    arguments = ["--agent", server.url, "--output", str(output), "--agent-option", "retries=0"]
    mazebench.main([*arguments, "--agent-option", "concurrency=1"])
    stored = load(output)
    assert stored.summary.solved_rate == 0.5
    assert stored.summary.ends == {End.SOLVED: 50, End.REQUEST_FAILED: 50}
    assert stored.agent_options == {"retries": 0, "concurrency": 1}
    assert stored.settings == {
        "model": "oracle", "route": "chat", "fields": ["max_tokens", "temperature", "seed"],
        "temperature": 0.0, "max_new_tokens": 512, "prompt_template": DESCRIBED,
        "prompt_template_sha256": hashlib.sha256(DESCRIBED.encode()).hexdigest(), "thinking_opened": False,
    }  # fmt: skip
    assert sum("no [key]" in attempt.failure for attempt in stored.attempts) == 50
    assert KEY not in output.read_text() + "".join(capsys.readouterr())


def test_a_dead_server_a_refused_key_and_an_absent_model_are_known_before_any_work(server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(
        InvalidEndpoint, match=f"Expects a server .* at http://127.0.0.1:{port}/v1, actual: APIConnection"
    ):
        registry.make(f"http://127.0.0.1:{port}/v1#m")
    with pytest.raises(InvalidEndpoint, match=r"Expects a model of .*, one of \['oracle'\], actual: 'oracel'"):
        registry.make(server.url.replace("oracle", "oracel"))
    server.models = (401, {"error": {"message": f"wrong key {KEY}"}})
    with pytest.raises(
        InvalidEndpoint, match=r"Expects a key that .* accepts in OPENAI_API_KEY, actual: status 401"
    ) as error:
        registry.make(server.url)
    assert KEY not in str(error.value)
    for status in (404, 500):
        server.models = (status, {})
        assert registry.make(server.url).model == "oracle"
    server.models = (200, b"<html>")
    with pytest.raises(InvalidEndpoint, match="Expects a server that speaks the OpenAI protocol"):
        registry.make(server.url)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("http://localhost:1/v1", {}, "Expects an endpoint as http://HOST:PORT/v1#MODEL"),
        ("http:///v1#m", {}, "Expects an endpoint as"),
        ("http://me:secret@/v1#m", {}, "Expects an endpoint as"),
        ("http://me:secret@localhost:1/v1#m", {}, "without user, password or query"),
        ("http://localhost:1/v1?key=secret#m", {}, "without user, password or query"),
        ("http://localhost:1/v1#m", {"concurrency": 0}, "Expects concurrency of at least 1, actual: 0"),
        ("http://localhost:1/v1#m", {"temperature": -1}, "Expects temperature of at least 0, actual: -1"),
        ("http://localhost:1/v1#m", {"timeout": 0}, "a timeout above 0"),
        ("http://localhost:1/v1#m", {"retrys": 1}, "Expects options that EndpointAgent.* takes, actual:.*'retrys'"),
    ],
)
def test_bad_names_and_values_are_refused_without_naming_a_secret(name, options, message):
    with pytest.raises(InvalidConfig, match=message) as error:
        registry.make(name, **options)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("text", ["retries", "=1", "a b=1"])
def test_an_agent_option_has_a_name_and_a_value(text):
    with pytest.raises(InvalidConfig, match="Expects --agent-option NAME=VALUE"):
        mazebench.agent_option(text)


def test_agent_options_are_json_or_text():
    texts = ("a=1", "b=0.5", "c=true", "d=bfloat16", 'e={"f": 1}', "g=")
    values = [1, 0.5, True, "bfloat16", {"f": 1}, ""]
    assert [mazebench.agent_option(text) for text in texts] == list(zip("abcdeg", values, strict=True))


def test_transformers_serve_answers(tmp_path):
    pytest.importorskip("uvicorn", reason="pip install transformers[serving]")
    tokenizer = tiny.byte_tokenizer(tiny.CHAT)
    folder = tiny.save(tmp_path / "model", tiny.byte_model(tokenizer), tokenizer)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(folder), "--port", str(port)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with (
        open(tmp_path / "log", "wb") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/health", process)
            agent = registry.make(f"http://127.0.0.1:{port}/v1#{folder}", max_new_tokens=5, concurrency=2)
            attempts = rollout(agent, MAZES[:3], range(3))
        finally:
            process.terminate()
            process.wait(timeout=30)
    assert [attempt.tokens for attempt in attempts] == [5] * 3, (tmp_path / "log").read_text()[-2000:]
    assert all(attempt.end is not End.REQUEST_FAILED for attempt in attempts)
    assert maze_to_text(attempts[0].maze) == maze_to_text(MAZES[0])


def wait_for(url, process, seconds=120):
    """Until the server answers."""
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except OSError:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < end, "the server did not come up"
            time.sleep(0.2)
