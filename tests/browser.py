"""A headless Chromium for the tests of the report, and a report in it."""

import shutil
import time

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHROMEDRIVER = shutil.which("chromedriver")


def chromium():
    """The driver of a new browser; skips the test where there is none."""
    if not CHROMIUM or not CHROMEDRIVER:
        pytest.skip("no chromium with a chromedriver is installed (Debian: apt-get install chromium chromium-driver)")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    flags = "headless=new no-sandbox disable-dev-shm-usage disable-gpu window-size=1280,1000"
    for flag in (*flags.split(), "force-prefers-reduced-motion"):  # a click would come while the page still scrolls
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(CHROMEDRIVER))


class Page:
    """A report in the browser."""

    def __init__(self, browser, path):
        self.browser = browser
        browser.get(path.as_uri())
        self.wait("document.querySelector('.board .agent')")

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def wait(self, condition, seconds=10):
        until = time.monotonic() + seconds
        while not self.run(f"return Boolean({condition})"):
            assert time.monotonic() < until, f"never came: {condition}"
            time.sleep(0.02)

    def choose(self, select, value):
        """As a visitor chooses an option; waits until the boards are there again."""
        self.run("document.querySelectorAll('.board').forEach((board) => board.remove())")
        self.run(
            "const s = document.getElementById(arguments[0]); s.value = arguments[1];"
            "s.dispatchEvent(new Event('change'))",
            select,
            str(value),
        )
        self.wait("document.querySelector('#boards > *') && document.querySelector('.board, #boards > p')")

    def check(self, box):
        self.browser.find_element("id", box).click()

    def press(self, *keys):
        boards = self.browser.find_element("id", "boards")
        for key in keys:
            boards.send_keys(key)

    def count(self, selector):
        return len(self.browser.find_elements("css selector", selector))

    def cells(self, shape="agent"):
        """Where the agents are, panel by panel."""
        found = self.browser.find_elements("css selector", f".board .{shape}")
        return [int(each.get_attribute("data-cell")) for each in found]

    def listed(self):
        return self.run("return [...document.querySelectorAll('#maze option')].map((each) => Number(each.value))")
