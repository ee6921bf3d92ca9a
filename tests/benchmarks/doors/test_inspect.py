"""Suites as tasks of Inspect: found by name, run by it, scored by the verifier."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from maze_env.attempt import End, EndedBy
from maze_env.errors import InvalidConfig
from tokenmaze.agents.tool_game import DIRECTIONS

pytest.importorskip("inspect_ai", reason="needs pip install 'tokenmaze[inspect]'")

from inspect_ai import eval as inspect_eval
from inspect_ai import score as score_again
from inspect_ai.log import read_eval_log
from inspect_ai.model import (
    ChatMessageAssistant,
    ContentReasoning,
    ContentText,
    ModelOutput,
    ModelUsage,
    get_model,
)

from tokenmaze.benchmarks.doors import inspect_ai as door

USAGE = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)  # else Inspect would count, with a file to fetch


def output_of(*parts, stop_reason="stop"):
    return ModelOutput.from_message(ChatMessageAssistant(content=list(parts)), stop_reason)


def run(task, write, tmp_path, **options):
    """The log of a task whose model writes what ``write(messages)`` says."""

    def output(messages, tools, tool_choice, config):
        made = write(messages)
        made.usage = USAGE
        return made

    model = get_model("mockllm/model", custom_outputs=output, memoize=False)
    (log,) = inspect_eval(task, model=model, log_dir=str(tmp_path), display="none", **options)
    assert log.status == "success", log.error
    return log


def figures(log):
    (score,) = log.results.scores
    return {name: metric.value for name, metric in score.metrics.items()}


def scores(log):
    return [score for sample in log.samples for score in sample.scores.values()]


def test_a_plan_is_verified(tmp_path):
    task = door.mazebench(suite="mazebench-100")
    answers = {sample.input: sample.target for sample in task.dataset}

    def write(messages):
        answer = answers[messages[0].text]
        wrong = answer.count("<|") > 4  # all but the easy mazes
        return ModelOutput.from_content("mock", f"<think>...</think>{answer}{'<|up|>' if wrong else ''}")

    log = run(task, write, tmp_path)
    told = figures(log)
    assert told["accuracy"] == 0.5
    assert (told["Easy"], told["Medium"], told["Hard"]) == (1, 0, 0)
    assert told["lower"] == pytest.approx(0.4038, abs=1e-4)  # Wilson, as benchmarks.stats has it
    assert told["upper"] == pytest.approx(0.5962, abs=1e-4)
    (first, *_, last) = log.samples
    assert (first.id, last.id) == ("mazebench-100/0", "mazebench-100/99")
    assert [score.explanation for score in (scores(log)[0], scores(log)[-1])] == ["solved", "past target"]
    assert scores(log)[0].metadata["end"] == "solved"
    assert log.eval.metadata["suite_sha256"].startswith("b221d7c9")


def test_thinking_that_inspect_keeps_apart_is_thinking(tmp_path):
    task = door.mazebench()
    answer = task.dataset[0].target
    outputs = iter(
        [
            output_of(ContentReasoning(reasoning="hm"), ContentText(text=answer)),
            output_of(ContentReasoning(reasoning="hm"), stop_reason="max_tokens"),
            output_of(ContentReasoning(reasoning="hm")),
            output_of(ContentText(text=answer), stop_reason="max_tokens"),
        ]
    )
    log = run(task, lambda messages: next(outputs), tmp_path, sample_id="mazebench-100/0", epochs=4)
    ends = {(one.metadata["end"], one.metadata["ended_by"], one.metadata["reward"]) for one in scores(log)}
    assert ends == {  # the four run at once
        (End.SOLVED, EndedBy.AGENT, 1.1),
        (End.UNCLOSED_THINKING, EndedBy.TOKEN_BUDGET, 0.0),
        (End.EMPTY, EndedBy.AGENT, 0.0),
        (End.SOLVED, EndedBy.TOKEN_BUDGET, 0.0),
    }


def walker(task, calls_at_once=1, patience=10**6):
    """A model that calls the moves of the answer, and gives up after ``patience`` of them."""
    ways = {sample.input: sample.target.replace("<|", "").split("|>")[:-1] for sample in task.dataset}

    def write(messages):
        way = ways[messages[0].text]
        called = sum(len(message.tool_calls or []) for message in messages if message.role == "assistant")
        if called >= patience:
            return ModelOutput.from_content("mock", "I give up.")
        output = ModelOutput.for_tool_call("mock", "move", {"direction": way[called]})
        for number, move in enumerate(way[called + 1 : called + calls_at_once], start=1):
            more = ModelOutput.for_tool_call("mock", "move", {"direction": move}).message.tool_calls[0]
            output.message.tool_calls.append(replace(more, id=f"more {called} {number}"))
        return output

    return write


@pytest.mark.parametrize("calls_at_once", [1, 3])
def test_a_game_is_played_by_calls(tmp_path, calls_at_once):
    task = door.mazebench_play()
    log = run(task, walker(task, calls_at_once), tmp_path, limit=60)
    assert figures(log)["accuracy"] == 1.0
    assert {one.metadata["ended_by"] for one in scores(log)} == {EndedBy.ENVIRONMENT}
    told = [message.text for message in log.samples[0].messages if message.role == "tool"]
    assert told[-1] == "You stand on the target. The game is over."
    assert len(told) == len(log.samples[0].store[door.CALLS]) == scores(log)[0].metadata["moves"]


def test_a_game_that_is_left_or_cut_is_lost_and_a_log_can_be_scored_again(tmp_path):
    task = door.mazebench_play(suite="fog")
    left = run(task, walker(task, patience=2), tmp_path, limit=3)
    assert {one.metadata["end"] for one in scores(left)} == {End.NOT_A_MOVE}
    cut = run(task, walker(task), tmp_path, limit=3, message_limit=4)
    assert {(one.metadata["end"], one.metadata["ended_by"]) for one in scores(cut)} == {
        (End.SHORT_OF_TARGET, EndedBy.TOKEN_BUDGET)
    }
    again = score_again(left, door.game_verdict(), action="overwrite", display="none")
    assert [one.metadata for one in scores(again)] == [one.metadata for one in scores(left)]
    assert "<|unseen|>" in left.samples[0].input


def test_a_model_that_names_no_direction_is_told_so_up_to_the_budget(tmp_path):
    task = door.mazebench_play()
    output = ModelOutput.for_tool_call("mock", "move", {"direction": "north"})
    log = run(task, lambda messages: output.model_copy(deep=True), tmp_path, limit=1)
    (score,) = scores(log)
    assert (score.metadata["end"], score.metadata["ended_by"]) == (End.SHORT_OF_TARGET, EndedBy.STEP_BUDGET)
    assert len(log.samples[0].store[door.CALLS]) == 100  # four times the cells
    assert f"Expects one of {', '.join(DIRECTIONS)}" in log.samples[0].messages[2].text


def test_images_of_a_maze_are_one_trial(tmp_path):
    task = door.mazebench(suite="symmetry", bare=True)
    samples = list(task.dataset)
    assert samples[0].input == samples[0].metadata["maze"]
    assert len({sample.metadata["layout"] for sample in samples[:8]}) == 1
    # Eight images each of the first ten mazes, half of which are solved: as uncertain as ten mazes, not as eighty.
    solved = {sample.input for sample in samples[:40]}
    answers = {sample.input: sample.target for sample in samples}

    def write(messages):
        return ModelOutput.from_content("mock", answers[messages[0].text] if messages[0].text in solved else "")

    told = figures(run(task, write, tmp_path, limit=80))
    assert told["accuracy"] == 0.5
    assert told["stderr"] == pytest.approx((0.25 / 9) ** 0.5, rel=0.06)
    assert "lower" not in told


def test_a_suite_that_cannot_be_played_is_refused():
    with pytest.raises(InvalidConfig, match="Expects suite unreachable in mode plan, actual: 'play'"):
        door.mazebench_play(suite="unreachable")


def test_the_command_finds_the_task_by_name(tmp_path):
    # Elsewhere, for in the checkout Inspect takes the folders for no installed package.
    command = [sys.executable, "-m", "inspect_ai", "eval", "tokenmaze/mazebench", "-T", "suite=mazebench-dev"]
    command += ["--model", "none/none", "--limit", "2", "--display", "plain", "--log-dir", str(tmp_path)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (path,) = tmp_path.glob("*_mazebench_*.eval")
    about = read_eval_log(str(path)).eval  # of a run without a model, which ends in an error
    assert (about.task, about.dataset.name, about.dataset.samples) == ("tokenmaze/mazebench", "mazebench-dev", 1000)
