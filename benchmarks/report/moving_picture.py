"""The moving picture of the README: a shipped model thinks its way through a maze, then walks it.

    python -m benchmarks.report.moving_picture -o docs/images/tiny.gif

Frames are the page to play on (benchmarks/report/play_page.py) in a headless Chromium: it takes what the tests take.
"""

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, check_output, path_of, run_command
from maze_env._text import harmless
from tokenmaze.benchmarks.report.play_page import play_page

WIDTH, HEIGHT = 720, 470
"""Pixels of the picture."""
MAZES = 40
STEP, LAST = 110, 2500
"""Milliseconds of a frame, and of the last one."""
LAYOUT = """
document.head.append(Object.assign(document.createElement("style"), {textContent: `
  .play header, .choices, .lane.you, .lane:last-child, .buttons { display: none !important; }
  html { overflow: hidden; } body.play { padding: 0; max-width: none; } .lanes { display: block; }
  .lane { border: 0; border-radius: 0; height: 100vh; display: grid; grid-template: auto auto 1fr auto / 400px 1fr; gap: .2rem 1.2rem; }
  .lane .board { grid-area: 2 / 1 / 5 / 2; max-height: none; } .lane .text { grid-area: 2 / 2 / 4 / 3; height: auto; }
  .lane h2 { grid-area: 1 / 1; } .lane #model-said { grid-area: 1 / 2; } .lane #verdict { grid-area: 4 / 2; min-height: 3em; }
`}));
"""  # noqa: E501


def parser() -> ArgumentParser:
    """The command line."""
    made = ArgumentParser(prog=called_as("benchmarks.report.moving_picture"), description=__doc__)
    made.add_argument("-o", "--output", type=path_of, required=True, help="GIF file; a new one unless --overwrite")
    made.add_argument("--overwrite", action="store_true", help="replace an existing output")
    made.add_argument("--maze", type=int, default=MAZES - 8, help="number on the page, from 0 (default %(default)s)")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Draws the picture."""
    from PIL import Image
    from selenium import webdriver

    options = parser().parse_args(arguments)
    check_output(options.output, options.overwrite)
    chrome = webdriver.ChromeOptions()
    for flag in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "hide-scrollbars"):
        chrome.add_argument(f"--{flag}")
    size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    with tempfile.TemporaryDirectory() as folder, webdriver.Chrome(options=chrome) as browser:
        page = Path(folder) / "play.html"
        page.write_text(play_page(MAZES), encoding="utf-8")
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(page.as_uri())
        browser.execute_script(f"{LAYOUT} at('maze').value = arguments[0]; return begin();", str(options.maze))
        frames = []
        for step in range(browser.execute_script("return state.panel.frames.length") + 1):
            browser.execute_script("goTo(arguments[0])", step)
            picture = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
            frames.append(picture.quantize(64, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE))
    times = [STEP] * (len(frames) - 1) + [LAST]
    frames[0].save(options.output, save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=True)
    print(f"{len(frames)} frames, {options.output.stat().st_size / 1e3:.0f} kB in {harmless(str(options.output))}")


if __name__ == "__main__":
    run_command(main)
