"""What a run says as it goes: one line in a terminal, one for each log entry in a log, warnings that mean something.

Everything that is logged is in ``trainer_state.json``; a line has what one watches.
"""

import logging
import re
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from transformers import PrinterCallback, ProgressCallback, Trainer, TrainerCallback

logger = logging.getLogger(__name__)

SHOWN = {
    "loss": "loss", "reward": "reward", "solved_rate": "solved", "pass@group": "pass@group", "legality": "legal",
    "mean_token_accuracy": "accuracy", "completions/mean_length": "tokens", "completions/clipped_ratio": "truncated",
    "frac_reward_zero_std": "groups without spread", "entropy": "entropy", "kl": "kl", "learning_rate": "lr",
    "train_loss": "mean loss", "train_runtime": "seconds",
}  # fmt: skip
"""Names in the log and how a line calls them, in its order; ``eval_*`` come after them."""
SPREAD_STEPS = 20
"""Steps without a group of unequal rewards after which GRPO is warned."""
DEPRECATED = r".*`?is_gradient_checkpointing`? is deprecated"


def entry_text(entry: Mapping[str, Any]) -> str:
    """What of a log entry is shown.

    >>> entry_text({"loss": 0.25, "reward": 0.91, "solved_rate": 0.834, "end/empty": 0.0})
    'loss 0.25  reward 0.91  solved 0.834'
    """
    values = [(title, entry[name]) for name, title in SHOWN.items() if name in entry]
    values += [(f"eval {name.removeprefix('eval_')}", value) for name, value in entry.items() if name[:5] == "eval_"]
    texts = [f"{title} {value:.3g}" if isinstance(value, float) else f"{title} {value}" for title, value in values]
    return "  ".join(texts)


def entry_line(step: int, steps: int, entry: Mapping[str, Any], seconds_left: float | None = None) -> str:
    """A log entry in one line.

    >>> entry_line(34, 170, {"loss": 0.25, "solved_rate": 0.834}, seconds_left=75)
    'step 34/170  loss 0.25  solved 0.834  left 0:01:15'
    """
    left = [] if seconds_left is None else [f"left {timedelta(seconds=round(seconds_left))}"]
    return "  ".join(filter(None, [f"step {step}/{steps}", entry_text(entry), *left]))


class Clock(TrainerCallback):
    """Knows how long the steps of this process took."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        super().on_train_begin(args, state, control, **others)
        self._begun, self._first = time.monotonic(), state.global_step

    def line(self, state: Any, entry: Mapping[str, Any]) -> str:
        """A log entry in one line, with the time that is left where steps are to come."""
        done, to_come = state.global_step - self._first, state.max_steps - state.global_step
        left = (time.monotonic() - self._begun) / done * to_come if done > 0 and to_come > 0 else None
        return entry_line(state.global_step, state.max_steps, entry, left)


class Bar(Clock, ProgressCallback):
    """The trainer's bar, with the figures of the step in it; evaluations, and what is said at the end, stay above.

    Where there is no terminal, and so no bar (``maze_env._cli.keep_logs_plain``), each entry is a line.
    """

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **others: Any) -> None:
        if not state.is_world_process_zero or self.training_bar is None:
            return
        if self.training_bar.disable or not {"loss", "reward"} & logs.keys():
            self.training_bar.write(self.line(state, logs))
        else:
            self.training_bar.set_postfix_str(entry_text(logs))


class Lines(Clock, PrinterCallback):
    """A line for each entry, without a bar (``disable_tqdm``)."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **others: Any) -> None:
        if state.is_local_process_zero:
            print(self.line(state, logs), flush=True)


class NoSpread(TrainerCallback):
    """Warns when for ``SPREAD_STEPS`` steps all rewards of each group were equal: GRPO then learns nothing."""

    def __init__(self) -> None:
        """Of a run that begins, or goes on."""
        self._since: int | None = None

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **others: Any) -> None:
        share = logs.get("frac_reward_zero_std")
        if share is None:
            return
        if share < 1:
            self._since = state.global_step
            return
        if self._since is None:  # the entry is of the steps since the one before
            self._since = max(state.global_step - max(int(args.logging_steps), 1), 0)
        if state.global_step - self._since >= SPREAD_STEPS:
            if state.is_world_process_zero:
                logger.warning(
                    "Nothing has been learned for %d steps: in each group all rewards were equal. Begin from a model "
                    "that solves some mazes (made by sft), or with easier ones.", state.global_step - self._since
                )  # fmt: skip
            self._since = state.global_step


class TiedWeights(logging.Filter):
    """Leaves out that a checkpoint lacks weights which are other names of weights that it has."""

    def __init__(self, trainer: Trainer):
        """Of the trainer's model."""
        super().__init__()
        self._tied = set(getattr(trainer.model, "all_tied_weights_keys", None) or ())

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        named = re.findall(r"'([^']+)'", message) if "missing keys in the checkpoint" in message else []
        return not named or not self._tied.issuperset(named)


@contextmanager
def told_in_lines(trainer: Trainer) -> Iterator[None]:
    """While a trainer trains: its entries in lines, and no warnings of libraries about each other."""
    for theirs, ours in ((ProgressCallback, Bar), (PrinterCallback, Lines)):
        if trainer.pop_callback(theirs) is not None:
            trainer.add_callback(ours)
    trainer.add_callback(NoSpread)
    tied, source = TiedWeights(trainer), logging.getLogger("transformers.trainer")
    source.addFilter(tied)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", DEPRECATED, FutureWarning)
            yield
    finally:
        source.removeFilter(tied)
