"""Options of an agent behind an endpoint: what is sent for them, and which are refused."""

from dataclasses import replace

import pytest

from maze_env.attempt import End
from maze_env.errors import InvalidConfig, UnknownName
from maze_env.tokens import maze_to_text
from tests import tiny
from tests.endpoint_server import KEY
from tokenmaze.agents import registry
from tokenmaze.agents.prompts import DESCRIBED
from tokenmaze.agents.rollout import rollout
from tokenmaze.benchmarks import mazebench
from tokenmaze.benchmarks.agent_arguments import agent_option
from tokenmaze.benchmarks.record import load
from tokenmaze.benchmarks.runner import run_suite
from tokenmaze.benchmarks.suites import load as load_suite

pytest.importorskip("openai", reason="optional extra: pip install 'tokenmaze[endpoint]'")
MAZES = tiny.mazes(6, 3, 3)


def test_requests_hold_what_the_options_say(server, tmp_path):
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("{maze}")
    options = {
        "prompt": str(prompt), "system_message": "You are a mouse.", "thinking": False, "reasoning_effort": "low",
        "chat_template_kwargs": {"x": 1}, "top_p": 0.9, "stop": ["END"], "fields": "max_completion_tokens, seed",
        "extra_body": {"min_p": 0.1}, "max_new_tokens": 99,
    }  # fmt: skip
    agent = registry.make(server.url, **options)
    (attempt,) = rollout(agent, MAZES[:1], [0])
    assert attempt.solved
    seed = server.asked[0].pop("seed")
    assert server.asked == [
        {
            "model": "oracle", "max_completion_tokens": 99, "top_p": 0.9, "stop": ["END"], "reasoning_effort": "low",
            "messages": [
                {"role": "system", "content": "You are a mouse."},
                {"role": "user", "content": maze_to_text(MAZES[0])},
            ],
            "chat_template_kwargs": {"x": 1, "enable_thinking": False}, "min_p": 0.1,
        }
    ]  # fmt: skip
    rollout(agent, MAZES[:1], [0])
    assert server.asked[1]["seed"] == seed, "the same attempt asks with the same seed"
    settings = agent.settings
    assert (settings["temperature"], settings["max_new_tokens"], settings["prompt_template"]) == (None, 99, "{maze}")
    assert settings["system_message"] == "You are a mouse."
    assert settings["chat_template_kwargs"] == {"x": 1, "enable_thinking": False}
    assert settings["min_p"] == 0.1


def test_usual_requests_hold_nothing_else(server):
    rollout(registry.make(server.url, temperature=0.5), MAZES[:1], [0])
    assert set(server.asked[0]) == {"model", "messages", "max_tokens", "temperature", "seed"}
    content = DESCRIBED.replace("{maze}", maze_to_text(MAZES[0]))
    assert server.asked[0]["messages"] == [{"role": "user", "content": content}]


def test_a_model_without_a_chat_template_continues_its_prompt(server):
    agent = registry.make(server.url, route="completions")
    (attempt,) = rollout(agent, MAZES[:1], [0])
    assert attempt.solved
    assert server.paths == ["/v1/completions"]
    assert server.asked[0]["prompt"] == DESCRIBED.replace("{maze}", maze_to_text(MAZES[0]))


def test_decoding_that_is_left_to_the_server_is_another_track(server, tmp_path):
    output = tmp_path / "result.json"
    mazebench.main(["--agent", server.url, "--output", str(output), "--agent-option", "fields=max_completion_tokens"])
    assert load(output).decoding == "the server's decoding"
    sampled = ["--temperature", "0.5", "--agent-option", "top_p=0.9"]
    mazebench.main(["--agent", server.url, "--output", str(output), "--overwrite", *sampled])
    assert load(output).decoding == "temperature 0.5, top-p 0.9"


def test_attempts_are_kept_once_one_of_them_has_an_answer(server):
    server.misbehave = lambda number, body: (200, body) if number > 2 else (400, {"error": "too long"})
    few = replace(load_suite("mazebench-100"), mazes=load_suite("mazebench-100").mazes[:4])
    kept = []
    attempts = run_suite(registry.make(server.url), few, batch_size=1, keep=kept.append)
    assert [len(batch) for batch in kept] == [3, 1]
    assert [attempt.end for attempt in attempts] == [End.REQUEST_FAILED] * 2 + [End.SOLVED] * 2


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
        ("http://localhost:x/v1#m", {}, "Expects an endpoint as"),
        ("http://localhost:99999/v1#m", {}, "Expects an endpoint as"),
        ("http://[::1/v1#m", {}, "Expects an endpoint as"),
        ("localhost:8000/v1#m", {}, r"Did you mean 'http://localhost:8000/v1#m'\?"),
        ("localhost:8000", {}, r"Did you mean 'http://localhost:8000#MODEL'\?"),
        ("me:secret@localhost:8000/v1#m", {}, "Expects an endpoint as"),
        ("htp://localhost/v1#m", {}, r"Did you mean 'http://localhost/v1#m'\?"),
        ("http://localhost:1/v1#m", {"route": "chats"}, "Expects a route out of .*Did you mean 'chat'"),
        ("http://localhost:1/v1#m", {"fields": "max_token"}, "Expects a field out of .*Did you mean 'max_tokens'"),
        ("http://localhost:1/v1#m", {"fields": "max_tokens,max_completion_tokens"}, "actual: both"),
        ("http://localhost:1/v1#m", {"fields": "seed", "temperature": 1}, "Expects fields with temperature=1"),
        ("http://localhost:1/v1#m", {"top_p": 0}, "Expects top_p above 0 and at most 1, actual: 0"),
        ("http://localhost:1/v1#m", {"stop": 5}, "Expects stop as .*, actual: 5"),
        ("http://localhost:1/v1#m", {"thinking": "maybe"}, "Expects thinking as .*, actual: 'maybe'"),
        ("http://localhost:1/v1#m", {"system_message": 5}, "Expects system_message as .*, actual: 5"),
        ("http://localhost:1/v1#m", {"extra_body": "x"}, "Expects extra_body as .*, actual: 'x'"),
        ("http://localhost:1/v1#m", {"extra_body": {"x": {1}}}, "Expects extra_body and .* as JSON"),
        ("http://localhost:1/v1#m", {"extra_body": {"stream": True}}, "Expects extra_body without 'stream'"),
        ("http://localhost:1/v1#m", {"extra_body": {"a": {"api_key": "secret"}}}, "without a key"),
        ("http://localhost:1/v1#m", {"extra_body": {"user": KEY}}, "without a key"),
        ("http://localhost:1/v1#m", {"chat_template_kwargs": [1]}, "Expects chat_template_kwargs as"),
        ("http://localhost:1/v1#m", {"thinking": True, "chat_template_kwargs": {"enable_thinking": True}}, "both"),
        ("http://localhost:1/v1#m", {"route": "completions", "thinking": True}, "Expects thinking with route='chat'"),
        ("http://localhost:1/v1#m", {"prompt": "nowhere.txt"}, "Expects prompt direct, structured, a text"),
        ("http://localhost:1/v1#m", {"prompt": __file__}, r"Expects a prompt with '\{maze\}' once in it"),
        ("http://localhost:1/v1#m", {"retrys": 1}, "Expects an option of agent .*Did you mean 'retries'"),
    ],
)
def test_bad_names_and_values_are_refused_without_naming_a_secret(name, options, message, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises((InvalidConfig, UnknownName), match=message) as error:
        registry.make(name, **options)
    assert "secret" not in str(error.value)
    assert KEY not in str(error.value)


@pytest.mark.parametrize("text", ["retries", "=1", "a b=1"])
def test_an_agent_option_has_a_name_and_a_value(text):
    with pytest.raises(InvalidConfig, match="Expects --agent-option NAME=VALUE"):
        agent_option(text)
