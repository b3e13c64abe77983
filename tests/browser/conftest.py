"""A real browser on a real server with the small demo dataset."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.demo.build import DemoDataset
from tests.end_to_end.conftest import small_demo  # noqa: F401 - the same fixture serves here
from tests.fixtures.served import PASSWORD, Person, Served
from tests.fixtures.shared_folder import made_once
from tests.fixtures.team_at_work import put_team_to_work

CHECKS = (
    "undecided", "open_conflicts", "open_leaks", "class_share", "lost_group", "both_sides", "vanished_class",
)  # fmt: skip

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


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, small_demo: DemoDataset) -> Path:  # noqa: F811 - pytest's way
    """A data folder with the small demo as project ``small`` and lena as admin, for each server to have a copy of."""

    def prepare(folder: Path) -> None:
        served = Served(folder / "data", roots=[small_demo.root])
        served.winnow(
            "import", "--project", "Small", "--root", str(small_demo.images), "--file", str(small_demo.export)
        )
        served.add_user("lena", "--admin")

    return made_once(tmp_path_factory, "prepared", prepare) / "data"


def serve_demo(folder: Path, demo: DemoDataset, prepared: Path, *options: str) -> Served:
    """A server with a copy of what is prepared."""
    shutil.copytree(prepared, folder / "data")
    served = Served(folder / "data", roots=[demo.root])
    served.start(*options)
    return served


@pytest.fixture
def served(
    tmp_path: Path,
    small_demo: DemoDataset,  # noqa: F811
    prepared: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Served]:
    """A server of the test's own; where the test is marked ``no_jobs``, without a worker, which takes seconds."""
    options = ("--no-worker",) if request.node.get_closest_marker("no_jobs") else ()
    served = serve_demo(tmp_path, small_demo, prepared, *options)
    yield served
    served.kill()


@pytest.fixture(scope="module")
def unchanged(
    tmp_path_factory: pytest.TempPathFactory,
    small_demo: DemoDataset,  # noqa: F811
    prepared: Path,
) -> Iterator[Served]:
    """A server for tests that only look; a team has worked there, so that there is something to see."""
    served = serve_demo(tmp_path_factory.mktemp("served"), small_demo, prepared)
    put_team_to_work(served)
    freeze_twice(served)
    yield served
    served.kill()


def freeze_twice(served: Served) -> None:
    """Two versions that differ: between them a lead settles what the two had said differently."""
    lena = Person(served, "lena", "small")
    lena.freeze(*CHECKS)
    for conflict in lena.get("/conflicts")["rows"][:3]:
        sample = conflict["sample"]
        body = {"client_event_id": str(uuid.uuid4()), "decision": "remove",
                "base_version": sample["version"]}  # fmt: skip
        lena.post(f"/samples/{sample['id']}/adjudication", body)
    lena.freeze(*CHECKS)
    lena.close()


def wait_until(page: Any, expression: str, seconds: float = 60) -> None:
    """Evaluate ``expression`` (a promise is awaited) until it is true."""
    deadline = time.monotonic() + seconds
    while not _evaluated(page, expression):
        assert time.monotonic() < deadline, f"never true: {expression}"
        page.wait_for_timeout(200)


def _evaluated(page: Any, expression: str) -> Any:
    from playwright.sync_api import Error

    try:
        return page.evaluate(expression)
    except Error as error:
        # A page that shows a job loads itself again when the job ends, which may be in the middle of this.
        if "context was destroyed" not in str(error):
            raise
        page.wait_for_load_state()
        return None


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
