"""``README.md`` of a checkpoint: what the model is, how it is asked, and how it is measured."""

from maze_env.answers import moves_to_text
from maze_env.maze import Maze
from maze_env.solving import shortest_path
from maze_env.tokens import maze_to_text
from tokenmaze.agents.model_names import is_hub_name

EXAMPLE = Maze([[5, 9], [14, 14]], (0, 0), (1, 1))
CARD = """\
---
library_name: transformers
{base}tags: [tokenmaze, maze, {stage}]
---
# {name}

A causal language model trained to find ways through mazes that are written in tokens, with
`tokenmaze {stage}` of TokenMaze{source}. `run.json` has every key and the versions.{solved}

It reads a maze cell by cell, coordinate, walls and content, in the prompt that its chat template writes; after its
reasoning, if any, it answers with the moves from the origin to the target:

```
{maze}
{moves}
```

Measured by `tokenmaze bench --agent FOLDER`.
"""


def model_card(name: str, stage: str, source: str, solved_rate: float | None) -> str:
    """The text of a card.

    Args:
        name: of the model.
        stage: the command that made it.
        source: the model it started from, as ``ModelConfig.model``.
        solved_rate: of the newest evaluation on validation mazes, where there was one.
    """
    on_hub = is_hub_name(source)
    return CARD.format(
        base=f"base_model: {source}\n" if on_hub else "",
        stage=stage,
        name=name,
        source=f", from [{source}](https://huggingface.co/{source})" if on_hub else "",
        solved="" if solved_rate is None else f" It solved {solved_rate:.1%} of the run's validation mazes.",
        maze=maze_to_text(EXAMPLE).rstrip("\n"),
        moves=moves_to_text(shortest_path(EXAMPLE)),
    )
