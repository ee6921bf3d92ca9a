"""A model with its weights rounded as a GGUF file holds them, to measure what that costs.

    pip install 'tokenmaze[train,gguf]'
    python -m tokenmaze.training.examples.gguf_rounding runs/smollm2-0/sft Q4_1 --output runs/smollm2-0/sft-q4
    tokenmaze bench --agent runs/smollm2-0/sft-q4 --max-new-tokens 256

``transformers`` writes the weights of a GGUF file out as it loads it, so what it computes with are these. Every matrix
is rounded, embeddings among them; vectors stay as they are, as in such files.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, check_folder, path_of, run_command
from maze_env._packages import missing_package
from maze_env.errors import InvalidConfig, InvalidOutput
from tokenmaze.agents.checkpoints import load_checkpoint

TYPES = ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0")
"""Those that the package ``gguf`` can write."""


def rounded(weights: Tensor, kind: str) -> Tensor:
    """``weights``, (rows, columns), as GGUF's type ``kind`` holds them, in their own dtype.

    Raises InvalidConfig where columns do not divide into the type's blocks, which llama.cpp would round otherwise.
    """
    try:
        from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, dequantize, quantize
    except ModuleNotFoundError as error:
        raise missing_package(error) from None
    type_of = GGMLQuantizationType[kind]
    block, _ = GGML_QUANT_SIZES[type_of]
    if weights.shape[1] % block:
        raise InvalidConfig(f"Expects matrices of a multiple of {block} columns for {kind}, actual: {weights.shape[1]}")
    values = weights.detach().float().numpy()
    return torch.from_numpy(dequantize(quantize(values, type_of), type_of)).to(weights)


def main(arguments: Sequence[str] | None = None) -> None:
    """Loads, rounds, saves."""
    parser = ArgumentParser(prog=called_as("training.examples.gguf_rounding"), description=__doc__)
    parser.add_argument("model", help="a folder, or whatever else from_pretrained takes")
    parser.add_argument("type", choices=TYPES, help="of GGUF")
    parser.add_argument("-o", "--output", type=path_of, required=True, help="a new folder")
    options = parser.parse_args(arguments)
    if options.output.exists():
        raise InvalidOutput(f"Expects a new folder, actual: {str(options.output)!r} is there")
    check_folder(options.output.absolute().parent)
    model, tokenizer = load_checkpoint(options.model)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.copy_(rounded(parameter, options.type))
    with tempfile.TemporaryDirectory(prefix=".rounding-", dir=options.output.absolute().parent) as work:
        whole = Path(work) / "whole"
        model.save_pretrained(whole)
        tokenizer.save_pretrained(whole)
        os.replace(whole, options.output)


if __name__ == "__main__":
    run_command(main)
