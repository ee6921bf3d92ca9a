"""A suite as a task of lm-eval: found in the installed package, run by its command, scored by the verifier."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("lm_eval", reason="needs pip install 'tokenmaze[lm-eval]'")

from lm_eval import simple_evaluate
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

from tokenmaze.benchmarks.doors import lm_eval as door
from tokenmaze.benchmarks.doors.task import tasks_of_suite


class Solver(LM):
    """Answers the easy mazes rightly, the others with one move too many, after thinking."""

    tokenizer_name = "none"

    def __init__(self):
        super().__init__()
        self.answers = {task.prompt: task for task in tasks_of_suite("mazebench-100")}

    def loglikelihood(self, requests):
        raise NotImplementedError

    def loglikelihood_rolling(self, requests):
        raise NotImplementedError

    def generate_until(self, requests, **options):
        tasks = [self.answers[request.args[0]] for request in requests]
        return [f"<think>...</think>{task.answer}{'<|up|>' * (task.level != 'Easy')}" for task in tasks]


def evaluate(**metadata):
    manager = TaskManager(include_path=os.path.dirname(door.__file__), metadata=metadata or None)
    return simple_evaluate(Solver(), tasks=["mazebench"], task_manager=manager, bootstrap_iters=0)


def test_a_suite_is_verified():
    results = evaluate()
    figures = results["results"]["mazebench"]
    assert figures["solved,none"] == 0.5
    assert figures["sample_len"] == 100
    samples = results["samples"]["mazebench"]
    assert [sample["doc"]["id"] for sample in samples] == [f"mazebench-100/{index}" for index in range(100)]
    assert {(sample["doc"]["level"], sample["solved"]) for sample in samples} == {
        ("Easy", 1.0), ("Medium", 0.0), ("Hard", 0.0),
    }  # fmt: skip


def test_metadata_names_the_suite_and_the_prompt():
    (row, *_) = door.documents(suite="mazebench-dev", bare=True, pretrained="a model")["test"]
    assert row["id"] == "mazebench-dev/0"
    assert row["question"] == row["maze"]
    assert door.verdict(row, [row["answer"]]) == {"solved": 1.0, "legal": 1.0}
    assert door.verdict(row, ["lol"]) == {"solved": 0.0, "legal": 0.0}


def test_the_command_finds_the_task_and_writes_its_samples(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True, "timeout": 300}
    where = subprocess.run([sys.executable, "-m", "tokenmaze.benchmarks.doors.lm_eval"], **run)
    assert where.returncode == 0, where.stderr
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "dummy", "--tasks", "mazebench", "--include_path"]
    command += [where.stdout.strip(), "--metadata", '{"suite": "mazebench-dev"}', "--limit", "3"]
    done = subprocess.run([*command, "--log_samples", "--output_path", str(tmp_path / "out")], **run)
    assert done.returncode == 0, done.stderr
    assert "|mazebench|" in done.stdout
    (samples,) = tmp_path.glob("out/*/samples_mazebench_*.jsonl")
    rows = [json.loads(line) for line in samples.read_text(encoding="utf-8").splitlines()]
    assert [(row["doc"]["id"], row["solved"]) for row in rows] == [
        (f"mazebench-dev/{index}", 0.0) for index in range(3)
    ]
