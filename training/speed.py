"""How fast runs were, against what their device can do.

    python -m training.speed runs/default-0/sft runs/default-0/grpo --output runs/default-0/speed.json

Training: tokens a second over a whole run and, for SFT, their share of the device's arithmetic (model FLOPs
utilisation, Chowdhery et al. 2022, arXiv 2204.02311, appendix B: six operations for each weight and token, attention
left out). Generation: tokens a second of a batch from the run's checkpoint, and their share of the memory's speed, as
each step of decoding reads every weight once and the keys and values of every row.

What the device can do is measured on it, not looked up: the product of two large matrices in the run's precision, and
the copy of a large tensor.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, PreTrainedModel

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, check_output, path_of, run_command, write_result
from maze_env._text import harmless
from maze_env.errors import InvalidConfig
from maze_env.generation import MazeSpec, generate
from maze_env.tokens import maze_to_text
from tokenmaze.agents.checkpoints import load_for_inference
from tokenmaze.agents.decoding import context_length, drop_finished
from tokenmaze.agents.prompts import render
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.agents.provenance import provenance
from tokenmaze.agents.run_log import read_run
from tokenmaze.agents.tokenization import token_ids

CPU_SIZES, GPU_SIZES = (2048, 2**26), (8192, 2**29)
"""Side of what is multiplied, elements of what is copied: so large that nothing but arithmetic, or memory, counts."""


def seconds(work: Callable[[], Any], rounds: int = 5) -> float:
    """Median wall seconds of ``work``, after a warm-up."""
    synchronize = torch.accelerator.synchronize if torch.accelerator.is_available() else lambda: None
    times = []
    for _ in range(rounds + 1):
        synchronize()
        start = time.perf_counter()
        work()
        synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def device_limits(device: torch.device, dtype: torch.dtype) -> dict[str, float]:
    """``flops_per_second`` of a matrix product in ``dtype``, ``bytes_per_second`` that memory reads and writes."""
    side, elements = CPU_SIZES if device.type == "cpu" else GPU_SIZES
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    source = torch.zeros(elements, device=device)
    target = torch.empty_like(source)
    return {
        "flops_per_second": 2 * side**3 / seconds(lambda: left @ right),
        "bytes_per_second": 2 * source.nbytes / seconds(lambda: target.copy_(source)),
    }


def weights_of(model: PreTrainedModel) -> list[torch.Tensor]:
    """The weights that every token is multiplied with: all, but for an input embedding that is not the head too."""
    inputs, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    return [weight for weight in model.parameters() if weight is not inputs or inputs is head]


def training_speed(
    model: PreTrainedModel, stage: str, log: list[dict[str, Any]], flops_per_second: float
) -> dict[str, float | None]:
    """Tokens a second of a finished run, prompts among them, and for SFT their share of the device's arithmetic.

    GRPO spends an unknown part of its time on generation, so it has no such share. A resumed run counts its tokens from
    the start but its time from where it went on: measure one that was not.
    """
    tokens = max(entry.get("num_tokens", 0.0) for entry in log)
    rate = tokens / next(entry["train_runtime"] for entry in reversed(log) if "train_runtime" in entry)
    needed = 6 * sum(weight.numel() for weight in weights_of(model))
    share = rate * needed / flops_per_second if stage == "sft" else None
    return {"tokens_per_second": rate, "share_of_arithmetic": share}


@torch.inference_mode()
def generation_speed(
    model: PreTrainedModel, tokenizer: Tokenizer, batch: int, tokens: int, side: int, bytes_per_second: float
) -> dict[str, float]:
    """Tokens a second while a model generates, its prompts' time left out, and the share of memory bandwidth it uses.

    Args:
        model: the one to measure.
        tokenizer: its own.
        batch: rows at once.
        tokens: what each row generates, at least 2.
        side: rows and columns of the mazes in the prompts.
        bytes_per_second: what the device can read.
    """
    mazes = [generate(key, MazeSpec(side, side)) for key in range(batch)]
    prompts = [render(tokenizer, maze_to_text(maze)).text for maze in mazes]
    ids = token_ids(tokenizer, prompts)
    inputs = tokenizer.pad({"input_ids": ids}, padding_side="left", return_tensors="pt").to(model.device)
    width, context = inputs["input_ids"].shape[1], context_length(model)
    if width + tokens > context:
        raise InvalidConfig(f"Expects prompts and {tokens} tokens to fit into {context}, actual: a prompt of {width}")

    def generation(count: int) -> Callable[[], Any]:
        config = GenerationConfig(
            min_new_tokens=count, max_new_tokens=count, do_sample=False, pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        )  # fmt: skip
        return lambda: model.generate(**inputs, generation_config=config, custom_generate=drop_finished)

    elapsed = seconds(generation(tokens), rounds=3) - seconds(generation(1), rounds=3)
    steps_per_second, config = (tokens - 1) / elapsed, model.config
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    per_token = 2 * config.num_hidden_layers * heads * head_dim * model.dtype.itemsize
    per_step = sum(weight.nbytes for weight in weights_of(model)) + batch * per_token * (width + tokens / 2)
    return {"batch": batch, "prompt_tokens": width, "new_tokens": tokens} | {
        "tokens_per_second": batch * steps_per_second,
        "share_of_memory": steps_per_second * per_step / bytes_per_second,
    }


def measure(folder: Path, batch: int, tokens: int, side: int) -> dict[str, Any]:
    """All figures of the finished run in ``folder``."""
    run = read_run(folder)
    precision = torch.bfloat16 if run.configuration["bf16"] else torch.float32
    model, tokenizer = load_for_inference(str(folder), None, dtype=precision)
    limits = device_limits(model.device, precision)
    return {
        "run": str(folder),
        "stage": run.stage,
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "precision": str(precision).removeprefix("torch."),
        "device": torch.cuda.get_device_name() if model.device.type == "cuda" else model.device.type,
        **limits,
        "training": training_speed(model, run.stage, run.entries, limits["flops_per_second"]),
        "generation": generation_speed(model, tokenizer, batch, tokens, side, limits["bytes_per_second"]),
    }


def main() -> None:
    """Reads the command line, measures and writes."""
    parser = ArgumentParser(prog=called_as("training.speed"), description=main.__doc__)
    parser.add_argument("runs", nargs="+", type=path_of, help="folders of finished SFT or GRPO runs")
    parser.add_argument("--batch", type=int, default=256, help="rows generated at once")
    parser.add_argument("--tokens", type=int, default=128, help="tokens that each of them writes, at least 2")
    parser.add_argument("--side", type=int, default=5, help="of the mazes in their prompts")
    parser.add_argument("--output", type=path_of, required=True, help="the JSON file to write")
    options = parser.parse_args()
    if options.batch < 1 or options.tokens < 2:
        raise InvalidConfig(
            f"Expects at least 1 row and at least 2 tokens, actual: {options.batch} and {options.tokens}"
        )
    check_output(options.output, overwrite=True)
    start = time.perf_counter()
    runs = [measure(folder, options.batch, options.tokens, options.side) for folder in options.runs]
    for run in runs:
        training, generation = run["training"], run["generation"]
        share = training["share_of_arithmetic"]
        print(
            f"{harmless(run['run'])}, {run['device']}, {run['precision']}: "
            f"training {training['tokens_per_second']:,.0f} tokens/s"
            + ("" if share is None else f" ({share:.1%} of the arithmetic)")
            + f", generation {generation['tokens_per_second']:,.0f} tokens/s "
            f"({generation['share_of_memory']:.1%} of the memory's speed)"
        )
    result = {"runs": runs, "provenance": provenance("training.speed", sys.argv[1:], time.perf_counter() - start)}
    write_result(options.output, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    run_command(main)
