"""What every command of this project shares: how it ends, and how it writes."""

import ctypes
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from maze_env._packages import missing_package
from maze_env.errors import InvalidConfig, InvalidOutput, TokenMazeError

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # names and numbers of malloc.h
TRACEBACK = "TOKENMAZE_TRACEBACK"
MAX_ERROR = 2000
"""Letters of an error beyond which nobody reads."""


def run_command(main: Callable[[], object]) -> None:
    """Runs a command's ``main``; whatever error it ends with is one line and an exit status, never a traceback.

    ``TOKENMAZE_TRACEBACK=1`` shows the traceback as well. ``exit_status`` says which status.
    """
    keep_freed_memory()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console of another encoding, or a file's name that is no text
            stream.reconfigure(errors="backslashreplace")
    try:
        main()
        sys.stdout.flush()  # fails at the latest here, where it can be told
    except BaseException as error:
        _end(type(error), error, error.__traceback__)


def one_line_errors() -> None:
    """While ``python -m`` imports a command of this project: lets an import that fails end it as ``run_command`` does.

    Does nothing in a process that imports for itself: there, errors are whose who imports.
    """
    if sys.argv[:1] == ["-m"]:  # what runpy leaves there while it imports the packages that the command is in
        sys.excepthook = _end


def exit_status(error: BaseException) -> int:
    """2 for a command that cannot be carried out as it was given, 130 for Ctrl-C, 1 for whatever else went wrong."""
    if isinstance(error, KeyboardInterrupt):
        return 130
    return 2 if isinstance(error, TokenMazeError | ModuleNotFoundError) else 1


def error_line(error: BaseException) -> str:
    """What a command says of an error: one line, without control characters."""
    if isinstance(error, KeyboardInterrupt):
        text = "interrupted"
    elif isinstance(error, ModuleNotFoundError):
        text = str(missing_package(error))
    elif isinstance(error, TokenMazeError | OSError):
        text = str(error)
    else:  # a fault of this project's, or of a library that it uses
        kind = f"{type(error).__name__}: {error}"
        text = f"Expects a command that succeeds, actual: {kind} ({TRACEBACK}=1 shows where)"
    return f"error: {printable(' '.join(text.split()))}"[:MAX_ERROR]


def printable(text: str) -> str:
    """A text of somebody else's that a terminal can be given: its control characters are written out."""
    return "".join(one if one.isprintable() or one == "\n" else ascii(one)[1:-1] for one in text)


def _end(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    """Ends the process with an error; signature of ``sys.excepthook``."""
    if isinstance(error, SystemExit):
        raise error
    if os.environ.get(TRACEBACK):
        traceback.print_exception(kind, error, where)
    if isinstance(error, OSError) and isinstance(sys.stdout, io.TextIOWrapper):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python flushes into the pipe at exit
    print(error_line(error), file=sys.stderr)
    sys.exit(exit_status(error))


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


def read_text(path: Path) -> str:
    """The text of a file that somebody named. Raises InvalidConfig where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InvalidConfig(f"Expects a text file in UTF-8, actual: {str(path)!r} ({error})") from None


def check_folder(folder: Path) -> None:
    """Makes ``folder``; raises InvalidOutput unless files can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InvalidOutput(f"Expects a folder that can be written to, actual: {folder} ({error.strerror})") from None


def write_whole(path: Path, text: str) -> None:
    """Writes a text file atomically: a reader sees the old file or the whole new one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        os.chmod(temporary, 0o644)  # mkstemp's files are for their owner alone
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)  # gone already after os.replace
