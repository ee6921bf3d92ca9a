"""Training: data, configuration, SFT, GRPO, and the few lines that adapt TRL. Start at ``sft.py`` and ``grpo.py``."""

import tokenmaze.agents  # noqa: F401  first, for its setting of torch's threads
from maze_env._cli import one_line_errors

one_line_errors()
