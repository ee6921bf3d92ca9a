"""What every command of this project shares: how it ends, and how it writes."""

import ctypes
import io
import os
import secrets
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from maze_env._packages import missing_package
from maze_env._text import harmless, without_keys
from maze_env.errors import InvalidConfig, InvalidOutput, TokenMazeError, nearest

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # names and numbers of malloc.h
TRACEBACK = "TOKENMAZE_TRACEBACK"
MAX_ERROR = 2000
"""Letters of an error beyond which nobody reads."""


def run_command(main: Callable[[], object]) -> None:
    """Runs a command's ``main``; whatever error it ends with is one line and an exit status, never a traceback.

    ``TOKENMAZE_TRACEBACK=1`` shows the traceback as well. ``exit_status`` says which status.
    """
    if sys.getfilesystemencoding() != "utf-8":
        # An old locale, in which names in UTF-8 are no texts: begin anew without.
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
    keep_freed_memory()
    keep_logs_plain()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console of another encoding, or a file's name that is no text
            stream.reconfigure(errors="backslashreplace")
    try:
        main()
        sys.stdout.flush()  # fails at the latest here, where it can be told
    except BaseException as error:
        _end(type(error), error, error.__traceback__)


def called_as(module: str) -> str:
    """How the command of a module of this project was called, as a shell takes it: for its usage, and for records.

    Args:
        module: as it is called in a checkout, such as ``benchmarks.mazebench``.

    Returns:
        ``tokenmaze bench`` where it was called so, else ``python -m`` with the name that it was run by.
    """
    if sys.argv[0].startswith("tokenmaze "):  # by ``maze_env.command``
        return sys.argv[0]
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    run_by = spec.name.removesuffix(".__main__") if spec else module
    return f"python -m {run_by if run_by.endswith(module) else module}"


def one_line_errors() -> None:
    """While ``python -m`` imports a command of this project: lets an import that fails end it as ``run_command`` does.

    Does nothing in a process that imports for itself: there, errors are whose who imports.
    """
    if sys.argv[:1] == ["-m"]:  # what runpy leaves there while it imports the packages that the command is in
        sys.excepthook = _end
        keep_logs_plain()


def keep_logs_plain() -> None:
    """Leaves progress bars out, of every library, where the output is no terminal; before tqdm is imported."""
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")


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
    return f"error: {harmless(without_keys(' '.join(text.split())))}"[:MAX_ERROR]


def _end(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    """Ends the process with an error; signature of ``sys.excepthook``."""
    if isinstance(error, SystemExit):
        raise error
    if os.environ.get(TRACEBACK):
        traceback.print_exception(kind, error, where)
    if isinstance(error, OSError) and isinstance(sys.stdout, io.TextIOWrapper):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python flushes into the pipe at exit
    if not isinstance(error, BrokenPipeError):  # whoever read has enough, as `head` has: that is no news
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


def path_of(text: str) -> Path:
    """A path of a command line or configuration, where ``~`` is the user's home; all else stands for itself."""
    return Path(os.path.expanduser(text))


def near(path: Path) -> str:
    """What the error for a path that does not exist ends with, where the folder that it names has a similar one."""
    try:
        return nearest(str(path), [str(one) for one in path.parent.iterdir()])
    except (OSError, ValueError):
        return ""


def why_unread(path: Path, error: Exception) -> str:
    """Why a file that somebody named cannot be read: how an error's line goes on behind the path."""
    if isinstance(error, FileNotFoundError):
        return f", which does not exist{near(path)}"
    if isinstance(error, OSError):
        return f", which cannot be read ({error.strerror or error})"
    return f" ({' '.join(str(error).split())})"


def read_utf8(path: Path) -> str:
    """The text of a file that somebody named. Raises InvalidConfig where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InvalidConfig(f"Expects a text file in UTF-8, actual: {str(path)!r}{why_unread(path, error)}") from None


def check_folder(folder: Path) -> None:
    """Makes ``folder``; raises InvalidOutput unless files can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as error:  # ValueError: a character that no path can have here
        reason = getattr(error, "strerror", None) or error
        raise InvalidOutput(f"Expects a folder that can be written to, actual: {folder} ({reason})") from None


def check_output(path: Path | None, overwrite: bool) -> None:
    """Raises InvalidOutput unless a file can be written to ``path`` later, where there is one; makes its folder."""
    if path is None:
        return
    check_folder(path.parent)
    try:
        is_there = path.stat() is not None
    except FileNotFoundError:
        is_there = False
    except (OSError, ValueError) as error:  # such as a name that is too long
        raise InvalidOutput(f"Expects a file that can be written, actual: {path} ({error})") from None
    if is_there and not path.is_file():
        kind = "a folder" if path.is_dir() else "no regular file"
        raise InvalidOutput(f"Expects a file to write to, actual: {path} is {kind}")
    if is_there and not overwrite:
        raise InvalidOutput(f"Expects a new file, actual: {path} exists; --overwrite replaces it")


def write_whole(path: Path, content: str | bytes) -> None:
    """Writes a file atomically: a reader sees the old file or the whole new one, after a power cut too.

    A text is written in UTF-8 and without keys. A link stays, and what it leads to is written.
    """
    # What UTF-8 cannot hold comes from names of files that are no text.
    written = content if isinstance(content, bytes) else without_keys(content).encode("utf-8", "backslashreplace")
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")  # whose length does not depend on that of the name
    try:
        with temporary.open("xb") as stream:
            stream.write(written)
            stream.flush()
            os.fsync(stream.fileno())  # else the new name may reach the disk before the content
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)  # gone already after os.replace


def write_result(path: Path, text: str) -> None:
    """``write_whole`` of what took long to find; where that fails, into a temporary folder.

    Raises InvalidOutput that says where it is instead.
    """
    try:
        write_whole(path, text)
    except OSError as error:
        reason = error.strerror or error
        try:
            elsewhere = Path(tempfile.mkdtemp(prefix="tokenmaze-")) / path.name
            write_whole(elsewhere, text)
        except OSError as second:
            raise InvalidOutput(
                f"Expects {path} to be written, actual: {reason}; nor can it be in a temporary folder "
                f"({second.strerror or second})"
            ) from None
        raise InvalidOutput(f"Expects {path} to be written, actual: {reason}; it is in {elsewhere}") from None
