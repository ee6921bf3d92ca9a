"""Prints the folder of the task for lm-eval.

    lm_eval run --tasks mazebench --include_path "$(python -m tokenmaze.benchmarks.doors.lm_eval)" --model ...

In a checkout ``python -m benchmarks.doors.lm_eval`` does the same.
"""

from pathlib import Path

from maze_env._arguments import ArgumentParser
from maze_env._cli import run_command


def main() -> None:
    """Prints the folder."""
    ArgumentParser(
        prog="python -m benchmarks.doors.lm_eval", description="Prints the folder of the task for lm-eval."
    ).parse_args()
    print(Path(__file__).parent)


if __name__ == "__main__":
    run_command(main)
