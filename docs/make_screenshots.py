"""Make the README's pictures anew: a server with the demo project, a browser, three pages.

Run it by ``make screenshots``. It works in a temporary folder and leaves nothing behind but ``docs/images/*.png``.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

HERE = Path(__file__).resolve().parent
IMAGES = HERE / "images"
WINDOW = {"width": 1280, "height": 800}
SAMPLE = "train/lighthouse/0064.jpg"
"""A fish that is labelled as a lighthouse; the demo is the same wherever it is drawn."""

PAIR = "test/balloon/0040.jpg"
"""A fish again, in train under its own name and in test as a balloon."""

LEVELS = 31
"""Steps of each colour that are kept: the drawings' grain would make files of more than half a megabyte."""

_LINK = re.compile(r"http://\S+/welcome/\S+")
_START_SECONDS = 300


@contextmanager
def demo_server() -> Iterator[str]:
    """Run ``winnow serve --demo`` in a folder of its own; give the first admin's link."""
    with tempfile.TemporaryDirectory(prefix="winnow-pictures-") as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WINNOW_")}
        environment |= {"WINNOW_DATA_DIR": folder, "WINNOW_PORT": str(_free_port())}
        command = [sys.executable, "-m", "app.cli.main", "serve", "--demo"]
        server = subprocess.Popen(  # noqa: S603 - our own command line
            command, env=environment, cwd=HERE.parent, stdout=subprocess.PIPE, text=True
        )
        try:
            yield _read_link(server)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _read_link(server: subprocess.Popen[str]) -> str:
    """Read what the server prints until the link comes, and go on reading so that it never waits for us."""
    found: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert server.stdout is not None  # noqa: S101 - it was asked for
        for line in server.stdout:
            if link := _LINK.search(line):
                found.put(link[0])
        found.put("")  # the server has ended

    threading.Thread(target=read, daemon=True).start()
    link = found.get(timeout=_START_SECONDS)
    if not link:
        raise RuntimeError(f"The server ended with status {server.wait()} before it printed the first admin's link.")
    return link


def sign_in(page: Page, link: str) -> str:
    """Become the first admin; return the server's address."""
    page.goto(link)
    page.fill("[name=username]", "robin")
    page.fill("[name=display_name]", "Robin")
    for name in ("password", "password_again"):
        page.fill(f"[name={name}]", "barley and chaff")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(re.compile(r"/$"))
    return link.partition("/welcome/")[0]


def review(page: Page, site: str, filters: str, keys: str) -> None:
    """Decide the next samples of a view by keyboard. A sample with several flags asks several times."""
    page.goto(f"{site}/p/demo/review?{filters}")
    for key in keys:
        name, question = page.locator("#sample-name"), page.locator("#question")
        expect(name).not_to_be_empty()
        before = name.inner_text()
        while name.inner_text() == before:
            asked = question.inner_text()
            page.keyboard.press(key)
            page.wait_for_function(
                "([name, asked]) => document.querySelector('#sample-name').innerText !== name"
                " || document.querySelector('#question').innerText !== asked",
                arg=[before, asked],
            )


def open_sample(page: Page, site: str, key: str) -> None:
    """Open the review page at one sample."""
    answer = page.request.get(f"{site}/api/v1/projects/demo/samples", params={"q": key})
    page.goto(f"{site}/p/demo/review/{answer.json()['rows'][0]['id']}?issue_type=mislabel")
    expect(page.get_by_test_id("question")).to_contain_text("wrong?")


def start_leak_run(page: Page, site: str) -> None:
    """Start a leak run by the page's form and wait for its candidates."""
    page.goto(f"{site}/p/demo/leaks")
    page.get_by_role("button", name="Start the run").click()
    expect(page.get_by_test_id("runs")).to_contain_text(re.compile(r"[1-9]\d* candidates"), timeout=120_000)


def judge_until(page: Page, key: str) -> None:
    """Confirm pairs by keyboard until the one to be shown is on screen."""
    name, pair = page.locator("#pair-name"), page.get_by_test_id("pair")
    expect(name).not_to_be_empty()
    while key not in pair.inner_text():
        before = name.inner_text()
        page.keyboard.press("y")
        expect(name).not_to_have_text(before)


def take(page: Page, name: str) -> None:
    IMAGES.mkdir(exist_ok=True)
    path = IMAGES / f"{name}.png"
    page.wait_for_timeout(400)  # let motion end
    page.screenshot(path=path)
    with Image.open(path) as picture:
        small = picture.convert("RGB").point([round(value / 255 * LEVELS) * 255 // LEVELS for value in range(256)] * 3)
    small.save(path, optimize=True)
    print(f"{path.relative_to(HERE.parent)}: {path.stat().st_size // 1000} kB")


def wait_for_pictures(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_function("[...document.images].every((image) => image.complete)")


def take_pictures(browser: Browser, link: str) -> None:
    page = browser.new_page(viewport=WINDOW, color_scheme="light")
    site = sign_in(page, link)
    review(page, site, "issue_type=quality", "yykyykyy")
    review(page, site, "issue_type=duplicate", "yyyykyyyykyyyyk")
    review(page, site, "issue_type=outlier", "ynynyynu")
    review(page, site, "issue_type=mislabel&max_confidence=0.92", "ykyyykyyk")
    open_sample(page, site, SAMPLE)
    wait_for_pictures(page)
    take(page, "review")

    start_leak_run(page, site)
    page.emulate_media(color_scheme="dark")
    page.goto(f"{site}/p/demo/leaks/pairs?verdict=open&method=perceptual")
    judge_until(page, PAIR)
    wait_for_pictures(page)
    take(page, "leaks")

    page.emulate_media(color_scheme="light")
    page.goto(f"{site}/p/demo")
    wait_for_pictures(page)
    take(page, "dashboard")


def main() -> None:
    with demo_server() as link, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        try:
            take_pictures(browser, link)
        finally:
            browser.close()


if __name__ == "__main__":
    main()
