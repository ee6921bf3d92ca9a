"""What every command of this project shares: how it ends, and how it writes."""

import ctypes
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from maze_env._text import harmless, without_keys
from maze_env.errors import InvalidOutput, TokenMazeError

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # names and numbers of malloc.h


def run_command(main: Callable[[], object]) -> None:
    """Runs a command's ``main``; an error of this project's own is one line and exit status 2, never a traceback."""
    keep_freed_memory()
    try:
        main()
        sys.stdout.flush()  # where the reader has gone, as with `| head`, this fails at the latest
    except TokenMazeError as error:
        print(f"error: {harmless(without_keys(str(error)))}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python flushes into the pipe at exit
        print(f"error: {harmless(without_keys(str(error)))}", file=sys.stderr)
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
    """Makes ``folder``; raises InvalidOutput unless files can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InvalidOutput(f"Expects a folder that can be written to, actual: {folder} ({error.strerror})") from None


def write_whole(path: Path, text: str) -> None:
    """Writes a text file atomically, without keys: a reader sees the old file or the whole new one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(without_keys(text))
        os.chmod(temporary, 0o644)  # mkstemp's files are for their owner alone
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)  # gone already after os.replace
