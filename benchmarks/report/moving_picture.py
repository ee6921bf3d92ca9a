"""A moving picture of a model at work: it thinks its way through a maze, token by token, then walks beside the oracle.

    python -m benchmarks.report.moving_picture -o docs/images/tiny.gif

Its frames are the page that ``tokenmaze page`` writes, in a headless Chromium: selenium, Pillow and a Chromium with its
driver are needed, as for the tests of that page.
"""

import io
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, check_output, path_of, run_command, write_whole
from maze_env._text import harmless
from maze_env.errors import InvalidConfig
from tokenmaze.benchmarks.record import load
from tokenmaze.benchmarks.report.playground import SHIPPED, playground

WIDTH, HEIGHT, SCALE = 1000, 420, 1
"""Of the picture, in pixels of the page; and how many of its own each of them becomes."""
COLORS = 224
REASONED, EXECUTED, LAST = 90, 260, 3000
"""Milliseconds of a frame that a token, a move, or the end is."""
BARE = """
  body { padding: 14px; max-width: none; background: var(--card); } html { overflow: hidden; }
  body > header, footer, .choice, .transport, .keys, #board-key, #model .moves { display: none !important; }
  main > section { margin: 0; padding: 0; border: 0; }
  #model .boards { grid-template-columns: 270px 1fr 270px; gap: 0 20px; }
  #model .verdict { margin-top: .2rem; }
"""
"""What is left of the page: the two boards, what is written, and the verdict."""


def frames(page: str, maze: int | None) -> tuple[list[Image.Image], list[int]]:
    """The pictures of an attempt, step by step, and for how many milliseconds each is shown."""
    from selenium import webdriver  # of the tests alone

    options = webdriver.ChromeOptions()
    for flag in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "hide-scrollbars"):
        options.add_argument(f"--{flag}")
    size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": SCALE, "mobile": False}
    still = {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    service = webdriver.ChromeService(shutil.which("chromedriver"))  # without one, selenium downloads it
    with tempfile.TemporaryDirectory() as folder, webdriver.Chrome(options, service) as browser:
        path = Path(folder) / "page.html"
        write_whole(path, page)
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", still)
        browser.get(path.as_uri())
        browser.execute_script("document.head.append(make('style', {}, arguments[0]))", BARE)
        browser.execute_async_script(
            "const done = arguments[1]; opening.then(() => goToMaze(arguments[0] ?? state.maze))"
            ".then(() => choose('model')).then(done)",
            maze,
        )
        thinking, last = browser.execute_script("return [state.panels[1].delay, lastStep()]")
        pictures = []
        for step in range(last + 1):
            browser.execute_script("goTo(arguments[0])", step)
            pictures.append(Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB"))
    return pictures, [REASONED] * thinking + [EXECUTED] * (last - thinking) + [LAST]


def gif(pictures: Sequence[Image.Image], times: Sequence[int]) -> bytes:
    """The pictures as one that moves, over and over, in the colours of one amid the reasoning and of the last."""
    both = np.vstack([np.asarray(one) for one in (pictures[len(pictures) // 2], pictures[-1])])
    palette = Image.fromarray(both).quantize(COLORS, Image.Quantize.MEDIANCUT)
    drawn = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in pictures]
    file = io.BytesIO()
    drawn[0].save(file, "GIF", save_all=True, append_images=drawn[1:], duration=list(times), loop=0, optimize=True)
    return file.getvalue()


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=called_as("benchmarks.report.moving_picture"), description=__doc__)
    made.add_argument("--result", type=path_of, default=SHIPPED, metavar="RESULT.json", help="attempts, with texts")
    made.add_argument("--maze", type=int, help="number of the maze; default: the one that the page opens with")
    made.add_argument("-o", "--output", type=path_of, required=True, help="GIF file; a new one unless --overwrite")
    made.add_argument("--overwrite", action="store_true", help="replace an existing output")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Draws the picture."""
    options = parser().parse_args(arguments)
    check_output(options.output, options.overwrite)
    result = load(options.result)
    if options.maze is not None and not 0 <= options.maze < result.suite.mazes:
        raise InvalidConfig(f"Expects --maze from 0 to {result.suite.mazes - 1}, actual: {options.maze}")
    made = gif(*frames(playground(result), options.maze))
    write_whole(options.output, made)
    print(f"{len(made) / 1e3:.0f} kB in {harmless(str(options.output))}")


if __name__ == "__main__":
    run_command(main)
