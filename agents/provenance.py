"""Where a result comes from: command, commit, machine and versions."""

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGES = ("numpy", "numba", "scipy", "gymnasium", "torch", "transformers", "trl", "accelerate", "datasets")


def provenance(module: str, arguments: Sequence[str], seconds: float) -> dict[str, Any]:
    """What is needed to run a command again, and when it ran.

    Args:
        module: the command's module. arguments: its command line. seconds: wall time of the run.
    """
    torch = sys.modules.get("torch")  # not imported only to be asked
    return {
        "command": shlex.join(["python", "-m", module, *arguments]),
        "commit": git("rev-parse", "HEAD"),
        "uncommitted_changes": None if (status := git("status", "--porcelain", "-uno")) is None else bool(status),
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "wall_seconds": round(seconds, 1),
        "machine": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": installed_versions(),
        "torch_threads": torch.get_num_threads() if torch else None,
    }


def processor() -> str | None:
    """The processor's name; None where the system does not tell."""
    try:  # Linux, where platform.processor() is empty or no more than the architecture
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def git(*arguments: str) -> str | None:
    """What git says about this repository; None where there is no git or no repository."""
    try:
        command = ["git", "-C", str(REPOSITORY), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def installed_versions() -> dict[str, str]:
    """The versions of the packages that figures may depend on, as far as they are installed."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
