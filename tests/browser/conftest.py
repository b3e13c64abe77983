"""A real browser on a real server with the small demo dataset."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.demo.build import DemoDataset
from tests.end_to_end.conftest import small_demo  # noqa: F401 - the same fixture serves here
from tests.fixtures.served import PASSWORD, Served

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's Chromium, driven by Playwright."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("there is no chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def served(tmp_path: Path, small_demo: DemoDataset) -> Iterator[Served]:  # noqa: F811 - pytest's way
    served = Served(tmp_path / "data", roots=[small_demo.root])
    served.winnow("import", "--project", "Small", "--root", str(small_demo.images), "--file", str(small_demo.export))
    served.add_user("lena", "--admin")
    served.start()
    yield served
    served.stop()


class Watched:
    """A page of which every error, in the console or over the network, is noted."""

    def __init__(self, browser: Any, served: Served, width: int = 1280, height: int = 800) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": height}, base_url=served.address)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note)
        self.page.on("response", self._note_response)

    def _note(self, message: Any) -> None:
        # A picture that can't be made answers with 400 on purpose; the page says why.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def _note_response(self, response: Any) -> None:
        if response.status >= 400 and "/img/" not in response.url:
            self.errors.append(f"{response.status} {response.request.method} {response.url}")

    def sign_in(self, name: str = "lena") -> None:
        self.page.goto("/sign-in")
        self.page.keyboard.type(name)
        self.page.keyboard.press("Tab")
        self.page.keyboard.type(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/")


@pytest.fixture
def lena(chromium: Any, served: Served) -> Iterator[Watched]:
    watched = Watched(chromium, served)
    watched.sign_in()
    yield watched
    watched.context.close()
    assert watched.errors == []
