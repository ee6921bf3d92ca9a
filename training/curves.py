"""The training curves of a run as one picture.

python -m training.curves runs/default-0/sft runs/default-0/grpo --output runs/default-0/curves.png
"""

import argparse
from pathlib import Path

import matplotlib

from maze_env._cli import check_folder, run_command
from training.run_folder import finished_run

matplotlib.use("Agg")
from matplotlib import pyplot as plt

VALIDATION = {"validation/solved_rate": "solved", "validation/malformed_rate": "malformed"}
PANELS: dict[str, list[tuple[str, dict[str, str]]]] = {
    "sft": [
        ("Loss of the supervised tokens (nats)", {"loss": "training"}),
        ("Validation mazes, greedy", VALIDATION),
    ],
    "grpo": [
        (
            "Completions",
            {
                "solved_rate": "solved",
                "pass@group": "solved by some of the group",
                "legality": "legal",
                "failures/truncated": "truncated",
                "frac_reward_zero_std": "groups without spread",
            },
        ),
        ("Validation mazes, greedy", VALIDATION),
        ("Entropy (nats a token)", {"entropy": "policy"}),
        ("Completion length (tokens)", {"completions/mean_length": "mean", "completions/max_length": "longest"}),
    ],
}
"""For each stage, the panels to draw: title, and the logged names with their labels."""


def draw(folders: list[Path], output: Path) -> None:
    """Draws the panels of each run, one row a run, into ``output`` (PNG)."""
    runs = [(run["stage"], log) for run, log in map(finished_run, folders)]
    check_folder(output.parent)
    columns = max(len(PANELS[stage]) for stage, _ in runs)
    figure, axes = plt.subplots(
        len(runs), columns, figsize=(4 * columns, 3.2 * len(runs)), squeeze=False, layout="constrained"
    )
    for row, (stage, log) in enumerate(runs):
        for column, axis in enumerate(axes[row]):
            if column >= len(PANELS[stage]):
                axis.axis("off")
                continue
            title, names = PANELS[stage][column]
            for name, label in names.items():
                points = [(entry["step"], entry[name]) for entry in log if name in entry]
                if points:
                    axis.plot(*zip(*points, strict=True), label=label, marker="o" if len(points) < 30 else None, ms=3)
            axis.set_title(f"{stage.upper()}: {title}", fontsize=9)
            axis.set_xlabel("step", fontsize=8)
            axis.tick_params(labelsize=8)
            axis.grid(alpha=0.3)
            axis.set_ylim(bottom=0)
            if axis.lines:
                axis.legend(fontsize=7)
    figure.savefig(output, dpi=120)
    plt.close(figure)


def main() -> None:
    """Reads the command line and draws."""
    parser = argparse.ArgumentParser(prog="python -m training.curves", description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished SFT or GRPO runs")
    parser.add_argument("--output", type=Path, required=True, help="the PNG to write")
    options = parser.parse_args()
    draw(options.runs, options.output)
    print(f"curves in {options.output}")


if __name__ == "__main__":
    run_command(main)
