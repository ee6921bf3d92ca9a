"""Where a result comes from: command, commit or version, machine and packages."""

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from maze_env import __version__
from maze_env._cli import called_as
from maze_env._text import public_command

try:
    import resource
except ModuleNotFoundError:  # Windows
    resource = None  # type: ignore[assignment]

PACKAGES = ("numpy", "numba", "scipy", "gymnasium", "torch", "transformers", "trl", "accelerate", "datasets")

STATUS = Path("/proc/self/status")
"""Linux's account of a process; what getrusage says there counts what the parent held as it started this one."""


@dataclass(frozen=True)
class Provenance:
    """What is needed to run a command again, and when it ran; ``None`` for what was not recorded."""

    command: str
    """As a shell takes it."""
    version: str | None = None
    """Of this package."""
    commit: str | None = None
    """Of the repository that this package runs from; ``None`` where it is installed."""
    uncommitted_changes: bool | None = None
    """Whether the code differed from the commit."""
    finished_at: str | None = None
    """UTC, ISO 8601."""
    wall_seconds: float | None = None
    """Of the run; of its last process where it was resumed."""
    peak_memory_gib: float | None = None
    """Resident, of the process; ``None`` on Windows."""
    machine: str | None = None
    """Operating system and architecture."""
    processor: str | None = None
    """Its name, where the system tells."""
    cores: int | None = None
    """Of the whole machine."""
    accelerator: str | None = None
    """The name of the GPU that torch used; ``None`` for none."""
    python: str | None = None
    """Its version."""
    packages: dict[str, str] | None = None
    """Versions of those of ``PACKAGES`` that are installed."""
    torch_threads: int | None = None
    """``None`` where torch was not loaded."""


def provenance(module: str, arguments: Sequence[str], seconds: float) -> dict[str, Any]:
    """The ``Provenance`` of a run of the command ``module``, with that command line, that ends now."""
    torch = sys.modules.get("torch")  # loaded, or the run did not use it
    # An installed package can lie inside of anybody's repository, whose commit says nothing about it.
    tracked = git("ls-files", "--error-unmatch", str(Path(__file__).resolve()))
    commit = None if tracked is None else git("rev-parse", "HEAD")
    packages = {}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            packages[package] = version(package)
    found = Provenance(
        command=public_command([*called_as(module).split(), *arguments]),
        version=__version__,
        commit=commit,
        uncommitted_changes=None if commit is None else bool(git("status", "--porcelain", "-uno")),
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        wall_seconds=round(seconds, 1),
        peak_memory_gib=peak_memory(),
        machine=platform.platform(),
        processor=processor(),
        cores=os.cpu_count(),
        accelerator=torch.cuda.get_device_name() if torch and torch.cuda.is_initialized() else None,
        python=platform.python_version(),
        packages=packages,
        torch_threads=torch.get_num_threads() if torch else None,
    )
    return asdict(found)


def peak_memory() -> float | None:
    """The most memory that this process has held so far, resident, in GiB; ``None`` on Windows."""
    with suppress(OSError, StopIteration):
        lines = STATUS.read_text(encoding="utf-8").splitlines()
        kib = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
        return round(kib / 2**20, 2)
    peak = None
    if resource is not None:
        unit = 1 if sys.platform == "darwin" else 2**10  # of ru_maxrss, in bytes
        peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30, 2)
    return peak


def processor() -> str | None:
    """The processor's name; ``None`` where the system does not tell."""
    try:  # Linux, where platform.processor() is empty or no more than the architecture
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def git(*arguments: str) -> str | None:
    """What git says in this package's folder; ``None`` where there is no git or it fails."""
    try:
        command = ["git", "-C", str(Path(__file__).resolve().parent), *arguments]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=True)
        return done.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
