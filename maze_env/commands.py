"""What every command of this project shares: how it ends, how it writes, and how a result says where it came from."""

import ctypes
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from maze_env.errors import InvalidOutput, TokenMazeError

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # names and numbers of malloc.h
REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGES = ("numpy", "numba", "scipy", "gymnasium", "torch", "transformers", "trl", "accelerate", "datasets")


def run_command(main: Callable[[], object]) -> None:
    """Runs a command's ``main``; an error of this project's own is one line and exit status 2, never a traceback."""
    keep_freed_memory()
    try:
        main()
        sys.stdout.flush()  # where the reader has gone, as with `| head`, that shows here at the latest
    except TokenMazeError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python flushes into the pipe at its end
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def keep_freed_memory() -> None:
    """Tells the C library to keep freed memory for the next allocation; does nothing where it is not glibc.

    By default it hands every large block back to the system and takes it anew, page by page, which a key-value cache
    that grows with each token pays for at each token.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def check_folder(folder: Path) -> None:
    """Makes ``folder`` and raises InvalidOutput unless files can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InvalidOutput(f"Expects a folder that can be written to, actual: {folder} ({error.strerror})") from None


def write_whole(path: Path, text: str) -> None:
    """Writes a text file in one step: whoever looks sees the old file or the whole new one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        os.chmod(temporary, 0o644)  # mkstemp's files are for their owner alone
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)  # there no more once it has taken its place


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
