"""Tries inputs, and says how many of each kind, what came of them, and how fast.

    python -m tests.fuzz --inputs 1000000 --seed 0 --jobs 2
    python -m tests.fuzz --kind mazes --seed 0 --first 1234 --inputs 1      repeats one

Exit status 1 after a failure, which is printed with its input and the command that repeats it.
"""

import argparse
import sys
import time
from collections import Counter
from multiprocessing import get_context
from types import SimpleNamespace

from tests.fuzz.kinds import SHARES
from tests.fuzz.trial import run


class Inline:
    """In place of a pool of processes: this one."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def apply_async(self, function, arguments):
        """Does it when it is asked for."""
        return SimpleNamespace(get=lambda: function(*arguments))


def counts_of(inputs, kinds):
    """How many inputs each kind gets."""
    total = sum(SHARES[name] for name in kinds)
    return {name: max(1, round(inputs * SHARES[name] / total)) for name in kinds}


def main():
    """Reads the command line, tries, and tells."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--first", type=int, default=0, help="number of the first input of each kind")
    parser.add_argument("--kind", choices=SHARES, action="append", help="may be repeated; by default all")
    options = parser.parse_args()
    began, failed, tried = time.monotonic(), [], 0
    counts = counts_of(options.inputs, options.kind or SHARES)
    pools = get_context("spawn").Pool(options.jobs, maxtasksperchild=1) if options.jobs > 1 else Inline()
    with pools as pool:
        parts: dict = {name: [] for name in counts}
        for name, count in counts.items():
            for job in range(min(options.jobs, count)):
                some = len(range(job, count, options.jobs))
                parts[name].append(pool.apply_async(run, (name, options.seed, options.first + job, some, options.jobs)))
        for name, waiting in parts.items():
            done = [part.get() for part in waiting]
            outcomes = sum((part[0] for part in done), Counter())
            seconds = max(part[1] for part in done)
            tried += outcomes.total()
            said = ", ".join(f"{word} {number:,}" for word, number in outcomes.most_common(8))
            rate = outcomes.total() / max(seconds, 1e-9)
            print(f"{name:<9} {outcomes.total():>9,} inputs {rate:>8,.0f}/s  {said}", flush=True)
            for failure in (text for part in done for text in part[2]):
                failed.append(failure)
                print(failure, flush=True)
    print(f"{tried:,} inputs in {time.monotonic() - began:.0f} s; {len(failed)} failures")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
