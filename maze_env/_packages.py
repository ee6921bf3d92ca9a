"""Packages that only some commands need, and which extra of ``setup.cfg`` installs each."""

from maze_env.errors import InvalidConfig

EXTRAS = {
    "hf": ("accelerate", "huggingface_hub", "safetensors", "tokenizers", "torch", "transformers"),
    "train": ("datasets", "trl", "yaml"),
    "endpoint": ("openai",),
    "gguf": ("gguf",),
    "lora": ("peft",),
    "sb3": ("stable_baselines3", "yaml"),
    "inspect": ("inspect_ai",),
    "lm-eval": ("lm_eval",),
    "verifiers": ("uv", "verifiers"),
    "reasoning-gym": ("reasoning_gym",),
    "skyrl": ("skyrl_gym",),
    "openenv": ("fastapi", "openenv", "uvicorn"),
    "mcp": ("mcp",),
    "docs": ("PIL", "material", "mkdocs_jupyter", "mkdocstrings", "ruff"),
    "peers": ("envpool", "jumanji", "maze_dataset", "minigrid", "muutils", "xminigrid"),
}  # fmt: skip
"""The modules that each extra brings."""


def missing_package(error: ModuleNotFoundError, extras: str = "") -> InvalidConfig:
    """The error for a module that is not installed, with the command that installs it.

    ``extras`` are those that bring all that is needed, where more than this module may be missing.

    >>> print(missing_package(ModuleNotFoundError(name="trl.trainer")))
    Expects what pip install 'tokenmaze[train]' installs, actual: no module 'trl.trainer'
    """
    module = error.name or str(error)
    package = module.partition(".")[0]
    if not package.isidentifier():  # a library's own words for what it needs
        return InvalidConfig(f"Expects every package that the command needs, actual: {module}")
    for extra, modules in EXTRAS.items():
        if package in modules:
            return InvalidConfig(
                f"Expects what pip install 'tokenmaze[{extras or extra}]' installs, actual: no module {module!r}"
            )
    return InvalidConfig(f"Expects package {package!r} to be installed, actual: no module {module!r}")
