"""Tries the inputs of a kind one after the other, each within limits of time and memory."""

import resource
import signal
import time
import traceback
from collections import Counter
from random import Random

from tests.fuzz.kinds import kind_named

SECONDS = 10
"""Of processor time that one input may take."""
MEMORY = 2**31
"""Bytes that a process may grow by."""
MAX_SHOWN = 2000
MAX_FAILURES = 5


class TooSlow(BaseException):
    """An input took longer than it may; no ``except Exception`` hides it."""


def _stop(*_):
    raise TooSlow(f"more than {SECONDS} s of processor time")


def limit():
    """Limits what one input may take, from here on."""
    signal.signal(signal.SIGPROF, _stop)
    with open("/proc/self/statm", encoding="ascii") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


def run(name, seed, first, count, step=1):
    """Tries inputs ``first``, ``first + step`` ... of a kind. Returns what came of them, seconds, and failures."""
    kind = kind_named(name)
    limit()
    outcomes, failures, began = Counter(), [], time.monotonic()
    for number in range(first, first + count * step, step):
        made = None
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            made = kind.make(Random(f"{seed} {name} {number}"))
            outcome = kind.check(made)
        except (Exception, TooSlow, SystemExit) as error:
            outcome = "FAILED"
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{last.filename}:{last.lineno}"
            if where not in (known for known, _ in failures) and len(failures) < MAX_FAILURES:
                shown = f"{type(error).__name__}: {str(error)[:MAX_SHOWN]} at {where}"
                again = f"python -m tests.fuzz --kind {name} --seed {seed} --first {number} --inputs 1"
                failures.append((where, f"{name}: {shown}\n  input: {ascii(made)[:MAX_SHOWN]}\n  again: {again}"))
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        outcomes[outcome] += 1
    return outcomes, time.monotonic() - began, [text for _, text in failures]
