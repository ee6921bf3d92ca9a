"""Training: data, configuration, SFT, GRPO, and the few lines that adapt TRL. Start at ``sft.py`` and ``grpo.py``."""
