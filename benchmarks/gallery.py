"""The gallery: every view, generator, baseline, suite, phrasing, trace style, reward and task, on mazes made here.

    python -m benchmarks.gallery docs-gallery

writes ``gallery.md`` and its pictures into a folder; the documentation makes both as it is built (``docs/hooks.py``).
What there is, is read from the registries, so that a new one shows without being told.
"""

import inspect
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maze_env._arguments import ArgumentParser
from maze_env._cli import check_folder, path_of, run_command, write_whole
from maze_env.answers import moves_to_text
from maze_env.episode import Episode
from maze_env.generation import GENERATORS, MazeSpec, generate
from maze_env.kernels import generators
from maze_env.maze import Maze
from maze_env.moves import MOVES
from maze_env.phrasings import PHRASINGS
from maze_env.rendering import AGENT_COLOR, FLOOR_COLOR, TARGET_COLOR, WALL_COLOR, Scene, draw_pixels
from maze_env.rewards import SCHEMES
from maze_env.solving import shortest_path
from maze_env.token_maze import TokenMazeEnv
from maze_env.traces import TRACE_STYLES, write
from maze_env.verifier import verify
from maze_env.views import VIEWS
from maze_env.visibility import initial_visible_walls
from tokenmaze.agents.base import Agent
from tokenmaze.agents.baselines import BASELINES
from tokenmaze.agents.prompts import PROMPT_TEMPLATES, conversation, tool_conversation
from tokenmaze.benchmarks.present.markdown import markdown_table
from tokenmaze.benchmarks.record import load as load_result
from tokenmaze.benchmarks.report.playground import SHIPPED, playground
from tokenmaze.benchmarks.suite_specs import SUITES
from tokenmaze.benchmarks.suites import load

Pixels = NDArray[np.uint8]
"""(height, width, 3)."""
FOLDER = "gallery"
"""Of the pictures, beside the page."""
COLORS = 64  # of a picture's palette: walls and floors have few, the agent's rim some more
SMALL = Maze.from_ascii("""
+---+---+---+
| O     |   |
+---+   +   +
|           |
+   +---+   +
|   |     X |
+---+---+---+
""")
"""What texts are shown of: one fork, a dead end on either side."""
FOGGY = MazeSpec(rows=7, cols=7, min_length=14, braid=0.3)
PLANE_CELL = 48  # pixels
LINE_COLOR = (205, 205, 205)
CHANNELS = [(f"wall {move.name.lower()}", WALL_COLOR) for move in MOVES]
CHANNELS += [("agent", AGENT_COLOR), ("target", TARGET_COLOR)]
"""What the planes of view ``grid`` are, and in which colours they are drawn."""


class Gallery:
    """The page as it grows, and its pictures."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        """Of the page, in Markdown."""
        self.pictures: dict[str, bytes] = {}
        """PNG files by name, and the page to play on."""

    def say(self, *paragraphs: str) -> None:
        """Adds paragraphs."""
        self.lines += [line for paragraph in paragraphs for line in (paragraph, "")]

    def show(self, figures: Iterable[tuple[str, str, str, Pixels]]) -> None:
        """Adds figures side by side: (name of the file, title, caption, picture)."""
        self.lines.append('<div class="gallery" markdown>')
        for name, title, caption, pixels in figures:
            self.pictures[f"{name}.png"] = png(pixels)
            image = f"![{title}]({FOLDER}/{name}.png){{ loading=lazy }}"
            self.lines += [
                '<figure markdown="span">',
                image,
                f'<figcaption markdown="span">**{title}** {caption}</figcaption>',
                "</figure>",
            ]
        self.lines += ["</div>", ""]

    def quote(self, title: str, text: str) -> None:
        """Adds a text to unfold."""
        body = [f"    {line}".rstrip() for line in ("```text", *text.rstrip("\n").splitlines(), "```")]
        self.lines += [f'??? quote "{title}"', "", *body, ""]

    @property
    def page(self) -> str:
        """The whole in Markdown."""
        return "\n".join(self.lines)


def png(pixels: Pixels) -> bytes:
    """A picture as the bytes of a small PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).quantize(COLORS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


def summary(documented: object) -> str:
    """The first sentence of a docstring, as Markdown, without the name that it may begin with."""
    sentence = re.split(r"(?<=\.)\s", (inspect.getdoc(documented) or "").replace("\n", " "), maxsplit=1)[0]
    return re.sub(r"^``[\w-]+``: ", "", sentence).replace("``", "`")


def picture(maze: Maze, view_radius: int | None = None) -> Pixels:
    """A maze as its agent sees it at the start."""
    return draw_pixels(Scene(initial_visible_walls(maze, view_radius), maze, maze.origin))


def played(agent: Agent, maze: Maze, view_radius: int | None) -> tuple[int, Pixels]:
    """How many steps the agent makes in a maze, and the last picture."""
    env = TokenMazeEnv(maze.rows, maze.cols, split=None, view_radius=view_radius, render_mode="rgb_array")
    text, _ = env.reset(options={"maze": maze})
    agent.reset([0])
    done = False
    while not done:
        text, _, terminated, truncated, info = env.step(agent.act([text])[0].text)
        done = terminated or truncated
    pixels = env.render()
    assert isinstance(pixels, np.ndarray)
    return info["step_count"], pixels


def plane(channel: Pixels, color: tuple[int, int, int]) -> Pixels:
    """A channel, (rows, cols) of 0 and 1, as squares."""
    cells = np.where(channel[..., None] == 1, np.array(color, np.uint8), np.array(FLOOR_COLOR, np.uint8))
    pixels = np.kron(cells, np.ones((PLANE_CELL, PLANE_CELL, 1), np.uint8))
    pixels[::PLANE_CELL], pixels[:, ::PLANE_CELL] = LINE_COLOR, LINE_COLOR
    return np.asarray(pixels, np.uint8)


def show_views(gallery: Gallery) -> None:
    """Each view of one maze, and fog."""
    gallery.say("## Views", 'What `view="..."` makes of one maze, and what fog of a radius leaves of it.')
    maze = SMALL
    walls, target = maze.walls, maze.target
    gallery.show([("view", "rgb_array", "what `render` draws: the agent, its target", picture(maze))])
    for name, kind in VIEWS.items():
        observation = kind(maze.rows, maze.cols, None).observer(walls, target)(maze.origin[0] * maze.cols)
        gallery.say(f"**`{name}`** {summary(kind)}")
        if isinstance(observation, np.ndarray) and observation.ndim == 3:
            gallery.show(
                (f"view-{name}-{number}", title, "", plane(observation[number], color))
                for number, (title, color) in enumerate(CHANNELS)
            )
        else:
            gallery.say(f"```text\n{str(observation).rstrip()}\n```")
    maze = generate(3, FOGGY)
    radii: list[int | None] = [None, 2, 1, 0]
    gallery.show(
        (f"fog-{radius}".lower(), "no fog" if radius is None else f"radius {radius}", "", picture(maze, radius))
        for radius in radii
    )


def show_generators(gallery: Gallery) -> None:
    """Each algorithm, and braiding."""
    gallery.say("## Generators", 'Mazes of 12x12 by `generator="..."`, and by `dfs` with dead ends opened.')
    figures = [
        (f"generator-{name}", name, summary(getattr(generators, name.replace("-", "_"))), 0.0, name)
        for name in GENERATORS
    ]
    figures += [
        (f"braid-{share}", f"braid {share}", "of the dead ends are opened", share, "dfs") for share in (0.5, 1.0)
    ]
    gallery.show(
        (name, title, caption, picture(generate(1, MazeSpec(12, 12, generator=generator, braid=braid))))
        for name, title, caption, braid, generator in figures
    )


def show_baselines(gallery: Gallery) -> None:
    """Each baseline in one maze, in fog of radius 1."""
    maze = generate(3, FOGGY)
    shortest = len(shortest_path(maze))
    gallery.say("## Baselines", f"Each in the same maze in fog of radius 1, whose shortest way has {shortest} moves.")
    figures = []
    for name, kind in BASELINES.items():
        steps, pixels = played(kind(mode="play"), maze, 1)
        figures.append((f"baseline-{name}", name, f"{steps} steps. {summary(kind)}", pixels))
    gallery.show(figures)


def show_suites(gallery: Gallery) -> None:
    """A maze of each suite."""
    gallery.say(
        "## Suites", "The first maze of each, as it is seen at the start. [What they ask](benchmark.md#suites)."
    )
    figures = []
    for name, spec in SUITES.items():
        suite = load(name)
        levels = Counter(suite.labels) if len(spec.phrasings) == 1 else Counter(spec.phrasings)
        told = ", ".join(list(levels)[:4]) + (", ..." if len(levels) > 4 else "")
        caption = f"{len(suite.mazes)} mazes, {' and '.join(sorted(spec.modes))}: {told}"
        figures.append((f"suite-{name}", name, caption, picture(suite.mazes[0], spec.view_radius)))
    gallery.show(figures)


def show_phrasings(gallery: Gallery) -> None:
    """The maze of the texts in each phrasing."""
    told = "One maze in each way that suite `phrasing` writes it; `terse` is in other words around it."
    gallery.say("## Phrasings", told)
    for name, phrasing in PHRASINGS.items():
        text = phrasing.write(SMALL)
        gallery.quote(name, PROMPT_TEMPLATES[name].replace("{maze}", text) if name == "terse" else text)


def show_traces(gallery: Gallery) -> None:
    """What each trace style teaches to write."""
    gallery.say("## Trace styles", "What a model is taught to write of this maze. [What each is worth](traces.md).")
    gallery.show([("trace", "the maze", "", picture(SMALL))])
    for name in TRACE_STYLES:
        gallery.quote(name, write(name, SMALL, key=1))


def show_rewards(gallery: Gallery) -> None:
    """What each reward scheme pays for some answers."""
    told = "What each scheme pays for some answers to that maze. [Definitions](environment.md#rewards)."
    gallery.say("## Rewards", told)
    moves = shortest_path(SMALL)
    right, first = moves_to_text(moves), moves_to_text(moves[:2])
    answers = {
        "right": f"<think>\n...\n</think>\n\n{right}",
        "right, moves apart": f"<think>\n...\n</think>\n\n{' '.join(move.token for move in moves)}",
        "breaks off": f"<think>\n...\n</think>\n\n{first}",
        "into a wall": f"<think>\n...\n</think>\n\n{first}{moves[0].opposite.token * 3}",
        "past the target": f"<think>\n...\n</think>\n\n{right}{moves[-1].opposite.token}",
        "a word too many": f"<think>\n...\n</think>\n\n{right} Done.",
        "never ends to think": "<think>\n...",
    }
    rows = []
    for title, answer in answers.items():
        verdict = verify(SMALL, answer)
        rows.append([title, f"`{verdict.end}`", *(f"{scheme(SMALL, verdict):.3f}" for scheme in SCHEMES.values())])
    gallery.say(markdown_table(["answer", "how it ended", *(f"`{name}`" for name in SCHEMES)], rows))


def show_tasks(gallery: Gallery) -> None:
    """What a model reads and writes in each task."""
    gallery.say("## Tasks", "What a chat model reads; a model from scratch reads the maze alone.")
    text = PHRASINGS["standard"].write(SMALL)
    gallery.quote("plan: the whole way in one answer", conversation(text)[0]["content"])
    seen = Episode(SMALL, view_radius=1).observation
    gallery.quote("play by tool calls, in fog: a move at a time", tool_conversation(seen)[0]["content"])


def show_page(gallery: Gallery) -> None:
    """The page on which a visitor walks mazes and watches a model."""
    gallery.pictures["play.html"] = playground(load_result(SHIPPED)).encode("utf-8")
    gallery.say(
        "## A page to play on",
        f"[Walk a maze yourself, then watch the model that comes along do it]({FOLDER}/play.html): one file, which "
        "works offline. `tokenmaze page -o play.html` writes it, `--result` of another model's attempts.",
    )


SECTIONS: Sequence[Callable[[Gallery], None]] = (
    show_page, show_views, show_generators, show_baselines, show_suites, show_phrasings, show_traces, show_rewards,
    show_tasks,
)  # fmt: skip


def made() -> Gallery:
    """The whole gallery."""
    gallery = Gallery()
    gallery.say("# Gallery", "Made by `python -m benchmarks.gallery FOLDER` from what there is.")
    for section in SECTIONS:
        section(gallery)
    return gallery


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the gallery into a folder."""
    parser = ArgumentParser(prog="python -m benchmarks.gallery", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=path_of, help="where gallery.md and its pictures are written")
    folder: Path = parser.parse_args(arguments).folder
    check_folder(folder / FOLDER)
    gallery = made()
    write_whole(folder / "gallery.md", gallery.page)
    for name, content in gallery.pictures.items():
        (folder / FOLDER / name).write_bytes(content)


if __name__ == "__main__":
    run_command(main)
