"""Compiled kernels on disk, so that only the first process waits for the compiler. A cache that fails costs time alone.

numba's own (``njit(cache=True)``) raises where it finds no folder to write to and where a file is damaged, takes a
kernel's own file for all that it was compiled from, and lets processes that compile for different types at once write
over each other. Here each kernel and signature has a file of its own, named by all that it was compiled from, which
appears whole and begins with its hash; a folder that cannot be written to is read all the same.

Like numba's the files are pickles, that is, code: no folder is read that others than the user or the installer fill.
"""

import hashlib
import os
import pickle
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps
from numba.misc.appdirs import user_cache_dir

HASH_BYTES = hashlib.sha256().digest_size


class KernelCache(NullCache):
    """What a dispatcher of numba's asks for the compiled signatures of one kernel."""

    def __init__(self, kernel: Callable[..., object]):
        self._kernel = kernel

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The kernel compiled for the argument types ``sig``; ``None`` where no folder has it whole."""
        target_context.refresh()
        name = self._file_name(sig, target_context.codegen())
        for folder in folders():
            with suppress(OSError):
                content = (folder / name).read_bytes()
                digest, reduced = content[:HASH_BYTES], content[HASH_BYTES:]
                if hashlib.sha256(reduced).digest() == digest:
                    return CompileResult._rebuild(target_context, *pickle.loads(reduced))
        tell_compiling()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keeps a compiled kernel in the first folder that takes it."""
        reduced = dumps(data._reduce())
        name = self._file_name(sig, data.codegen)
        for folder in folders():
            temporary = folder / f".{secrets.token_hex(8)}.tmp"
            with suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                try:
                    temporary.write_bytes(hashlib.sha256(reduced).digest() + reduced)
                    os.replace(temporary, folder / name)
                    return
                finally:
                    temporary.unlink(missing_ok=True)  # gone already after os.replace

    def _file_name(self, sig: Any, codegen: Any) -> str:
        kernel = f"{self._kernel.__module__}.{self._kernel.__qualname__}"
        facts = repr((kernel, sig, codegen.magic_tuple(), *versions()))
        return f"{self._kernel.__name__}-{hashlib.sha256(facts.encode()).hexdigest()[:32]}.nbc"


def folders() -> Iterator[Path]:
    """Where compiled kernels may be, the best place first: ``NUMBA_CACHE_DIR``, beside the source, the user's cache."""
    if numba.config.CACHE_DIR:
        yield Path(numba.config.CACHE_DIR) / "tokenmaze"
    yield Path(__file__).parent / "__pycache__"
    users = Path(user_cache_dir("tokenmaze", appauthor=False))
    if users.is_absolute():  # else there is no home
        yield users


@cache
def tell_compiling() -> None:
    """Tells a person at a terminal, once a process, what takes so long."""
    if sys.stderr is not None and sys.stderr.isatty():
        print("maze_env: compiling for this machine; some seconds, the first time only", file=sys.stderr, flush=True)


@cache
def versions() -> tuple[str, ...]:
    """What every kernel is compiled from: numba, its settings, Python, and the sources, which inline each other."""
    here = Path(__file__).parent
    sources = [here.parent / "moves.py", *sorted(here.glob("*.py"))]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    return numba.__version__, f"{numba.config.OPT} {numba.config.BOUNDSCHECK}", sys.version, digest
