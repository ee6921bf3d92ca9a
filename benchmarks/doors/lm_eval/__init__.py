"""The door to lm-eval (EleutherAI's Language Model Evaluation Harness): the suites as its task, scored by the verifier.

    lm_eval run --model hf --model_args pretrained=Qwen/Qwen3-0.6B --apply_chat_template --tasks mazebench \
        --include_path "$(python -m tokenmaze.benchmarks.doors.lm_eval)" --metadata '{"suite": "mazebench-1000"}'

The task is ``mazebench.yaml`` beside this file, whose folder the inner command prints. Tried with lm_eval 0.4.13.
"""

from typing import Any

from datasets import Dataset, DatasetDict

from tokenmaze.benchmarks.doors.task import score_answer, tasks_of_suite


def documents(suite: str = "mazebench-100", bare: bool = False, **metadata: Any) -> DatasetDict:
    """The mazes of a suite as the split ``test``; the arguments are the task's metadata.

    Args:
        suite: a frozen one, or a file of published mazes.
        bare: ask with the maze alone, as models that were trained on nothing else read it.
        metadata: what lm-eval itself tells a task, such as the model's name.
    """
    rows = [
        {
            "id": task.id,
            "level": task.level,
            "maze": task.text,
            "question": task.bare_prompt if bare else task.prompt,
            "answer": task.answer,
        }
        for task in tasks_of_suite(suite)
    ]
    return DatasetDict(test=Dataset.from_list(rows))


def verdict(document: dict[str, Any], results: list[str]) -> dict[str, float]:
    """What a model's answer scores, by the strict rule. lm-eval does not tell whether a budget cut it short."""
    score = score_answer(document["maze"], results[0])
    return {"solved": float(score.solved), "legal": float(score.legal)}
