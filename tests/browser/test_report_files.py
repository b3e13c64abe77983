"""The report and the gallery as a browser opens them from a disk: no script fails, nothing is fetched, keys work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.deliverables.gallery import write_version_gallery
from app.deliverables.report.page import write_report
from tests.fixtures.frozen import DrawnPictures, frozen

pytestmark = pytest.mark.browser


@pytest.fixture
def opened(chromium: Any, tmp_path: Path) -> Any:
    """Opens what a writer writes of a version, 820 pixels wide; keeps what went wrong in ``page.said``."""
    pages = []

    def open_(write: Any) -> Any:
        path = tmp_path / "page.html"
        with path.open("wb") as stream:
            write(stream, frozen(60, note="a note"), DrawnPictures())
        page = chromium.new_page(viewport={"width": 820, "height": 900})
        page.said = []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("request", lambda request: page.said.append(request.url) if request.url.startswith("http") else None)
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield open_
    for page in pages:
        page.close()


def test_the_gallery_goes_by_keys(opened: Any) -> None:
    page = opened(write_version_gallery)
    shown = page.locator("#shown")
    assert shown.inner_text() == "63 of 63 shown"
    page.keyboard.press("t")
    assert page.locator("[data-type][aria-pressed=true]").get_attribute("data-type") == "mislabel"
    page.keyboard.press("d")
    assert page.locator("[data-decision][aria-pressed=true]").get_attribute("data-decision") == "remove"
    both = page.locator(".card:visible")
    assert both.count() > 0
    assert all("mislabel" in card.get_attribute("data-types") for card in both.all())
    assert {card.get_attribute("data-decision-is") for card in both.all()} == {"remove"}
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.classList.contains('card')")
    page.keyboard.press("/")
    page.keyboard.type("tj no such thing")
    assert shown.inner_text() == "0 of 63 shown"
    page.keyboard.press("Escape")
    assert shown.inner_text() == "63 of 63 shown"
    page.select_option("#class", "1")
    assert 0 < both.count() < 63
    assert page.said == []


def test_the_report_fits_its_window_and_prints(opened: Any) -> None:
    page = opened(write_report)
    assert page.evaluate("document.documentElement.scrollWidth") <= 820
    assert page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    page.locator("summary").first.click()
    assert page.locator("#flow table").is_visible()
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    assert page.said == []
