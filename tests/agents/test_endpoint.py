"""Agents behind an OpenAI-compatible server: ``transformers serve`` on a model built here, and ones that misbehave."""

import asyncio
import hashlib
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from maze_env.attempt import End, EndedBy
from maze_env.errors import InvalidConfig
from maze_env.solving import shortest_path
from maze_env.tokens import maze_to_text
from tests import tiny
from tokenmaze.agents import registry
from tokenmaze.agents.errors import InvalidEndpoint
from tokenmaze.agents.prompts import DESCRIBED
from tokenmaze.agents.rollout import rollout
from tokenmaze.benchmarks import compare, mazebench
from tokenmaze.benchmarks.record import load
from tokenmaze.benchmarks.runner import run_suite
from tokenmaze.benchmarks.suites import load as load_suite

pytest.importorskip("openai", reason="optional extra: pip install 'tokenmaze[endpoint]'")

from tests.endpoint_server import KEY, serving

MAZES = tiny.mazes(6, 3, 3)


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


def test_the_key_goes_to_no_other_host(server):
    with serving() as other:
        there = f"{other.address}/v1/chat/completions"
        server.misbehave = lambda number, body: lambda request: request.send(307, headers={"Location": there})
        assert all(attempt.solved for attempt in rollout(registry.make(server.url), MAZES[:2], range(2)))
        assert other.keys == [None, None]


def test_a_key_in_an_answer_is_not_stored(server, tmp_path):
    def echo(number, body):
        body["choices"][0]["message"] = {"content": f"{KEY}?", "reasoning": f"Bearer {KEY}"}
        return 200, body

    server.misbehave = echo
    output = tmp_path / "result.json"
    mazebench.main(["--agent", server.url, "--output", str(output), "--texts"])
    assert load(output).attempts[0].texts == ("<think>Bearer [key]</think>[key]?",)


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
    for status in (403, 404, 500):  # some keys are for requests alone
        server.models = (status, {})
        assert registry.make(server.url).request.model == "oracle"
    server.models = (200, b"<html>")
    with pytest.raises(InvalidEndpoint, match="Expects a server that speaks the OpenAI protocol"):
        registry.make(server.url)


def test_a_server_that_answers_nothing_ends_the_run_with_its_words(server, tmp_path, capsys):
    server.misbehave = lambda number, body: (400, {"error": {"message": "Use 'max_completion_tokens' instead."}})
    output = tmp_path / "result.json"
    with pytest.raises(InvalidEndpoint, match=r"answers at .*, actual: 10 x .*400.*Option fields says what is sent"):
        mazebench.main(["--agent", server.url, "--output", str(output)])
    assert len(server.asked) < 40, "most of the mazes were not asked for"
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().err.count("warning: a request failed: BadRequestError: Error code: 400") == 1


@pytest.mark.parametrize("mode", ["plan", "play"])
def test_few_attempts_that_all_fail_are_no_result_either(server, mode, monkeypatch):
    suite = load_suite("mazebench-100")
    few = replace(suite, mazes=suite.mazes[:4])
    server.misbehave = lambda number, body: (500, {"error": "out of order"})
    kept = []
    with pytest.raises(InvalidEndpoint, match="out of order"):
        run_suite(registry.make(server.url, mode, retries=0), few, keep=kept.append)
    assert not kept


@pytest.mark.parametrize(
    ("status", "body", "options", "hint"),
    [
        (500, {"error": "this tokenizer has no chat template"}, {}, "route=completions"),
        (
            400,
            {"error": {"message": "temperature is not supported"}},
            {},
            "fields .*max_tokens,temperature,seed",
        ),
        (400, {"error": {"message": "Unknown field: seed"}}, {"fields": "max_completion_tokens,seed"}, "Option fields"),
        (400, {"error": {"message": "maximum context length is 512"}}, {}, "Option max_new_tokens"),
        (402, b"no money", {}, "10 x APIStatusError: Error code: 402 - no money$"),
    ],
)
def test_an_error_says_what_a_user_can_do(server, status, body, options, hint):
    server.misbehave = lambda number, right: (status, body)
    with pytest.raises(InvalidEndpoint, match=hint):
        rollout(registry.make(server.url, retries=0, **options), MAZES * 2, range(12))


def test_a_refusal_of_every_further_request_ends_the_run_though_some_were_answered(server):
    server.misbehave = lambda number, body: (200, body) if number <= 3 else (401, {"error": "the key has expired"})
    with pytest.raises(InvalidEndpoint, match=r"10 x AuthenticationError: .*the key has expired"):
        rollout(registry.make(server.url, concurrency=1), tiny.mazes(20, 3, 3), range(20))
    server.asked.clear()  # a prompt that is too long says nothing of the others
    server.misbehave = lambda number, body: (200, body) if number <= 3 else (400, {"error": "too long"})
    attempts = rollout(registry.make(server.url, concurrency=1), tiny.mazes(20, 3, 3), range(20))
    assert [attempt.solved for attempt in attempts] == [True] * 3 + [False] * 17


def test_reasons_for_failures_are_told_and_stored_with_counts(server, tmp_path, capsys):
    def some(number, body):
        error = {"error": {"message": f"request {number} of {number * 7} tokens is too long"}}
        return (400, error) if number % 4 == 0 else (422, {"error": "no"}) if number % 4 == 1 else (200, body)

    server.misbehave = some
    output = tmp_path / "result.json"
    mazebench.main(["--agent", server.url, "--output", str(output), "--agent-option", "concurrency=1"])
    failures = load(output).summary.failures
    assert sorted(failures.values()) == [25, 25]
    assert all("Error code: 4" in reason for reason in failures)
    printed = capsys.readouterr()
    assert printed.err.count("warning: a request failed") == 2
    assert all(f"  25 x {reason}" in printed.out for reason in failures)
    shutil.copy(output, tmp_path / "other.json")
    compare.main([str(output), str(tmp_path / "other.json")])
    assert capsys.readouterr().out.count("(50 of 100 attempts without an answer: request failed)") == 2
    assert load(output).summary.tokens_per_attempt == 50 * 7 / 100  # a failed request generates none that is told


def test_an_address_without_v1_is_told_apart(server):
    with pytest.raises(InvalidEndpoint, match=rf"Did you mean '{server.address}/v1#oracle'\?"):
        registry.make(f"{server.address}#oracle")


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions/"])
def test_an_address_is_no_route(path):
    with pytest.raises(InvalidConfig, match=r"up to /v1, actual: .*Did you mean 'http://\[::1\]:8000/v1#m'\?"):
        registry.make(f"http://[::1]:8000{path}#m")


def test_models_are_listed_in_several_forms_or_not_at_all(server):
    names = [{"id": "oracle:latest"}, {"id": 5}, "x", {}]
    for body in ({"data": names}, names, {"data": None}, {}, [], {"models": 5}, "none"):
        server.models = (200, body)
        assert registry.make(server.url).request.model == "oracle"


def test_it_works_where_a_loop_runs_already_and_from_threads(server):
    agents = [registry.make(server.url) for _ in range(4)]

    async def cell():
        return rollout(agents[0], MAZES, range(6))

    assert all(attempt.solved for attempt in asyncio.run(cell()))
    with ThreadPoolExecutor(4) as pool:
        for attempts in pool.map(lambda agent: rollout(agent, MAZES, range(6)), agents):
            assert all(attempt.solved for attempt in attempts)
    assert "background loop" not in {thread.name for thread in threading.enumerate()}
    assert pickle.loads(pickle.dumps(agents[0])).settings == agents[0].settings


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal to send")
def test_an_interrupt_ends_a_run_that_waits_for_its_server(server):
    server.misbehave = lambda number, body: lambda request: server.stopped.wait(30)
    command = [sys.executable, "-m", "benchmarks.mazebench", "--agent", server.url]
    # What a shell starts in the background ignores Ctrl-C, and so would what these tests start.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, cwd=tiny.ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        signal.signal(signal.SIGINT, handler)
        try:
            end = time.monotonic() + 60
            while not server.asked and time.monotonic() < end:
                time.sleep(0.05)
            assert server.asked
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode != 0


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
