"""An analysis' map and thresholds, by keyboard, on a real server with a real worker's results."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Watched, wait_until
from tests.browser.test_pages import WINDOWS, axe_violations
from tests.fixtures.served import Served

pytestmark = pytest.mark.browser


def test_points_are_selected_by_keys_and_opened_in_the_grid(chromium: Any, served: Served, lena: Watched) -> None:
    served.winnow("analyse", "--project", "small", "--detectors", "quality,outliers")
    page = lena.page
    page.goto("/p/small/analyses")
    slider = page.get_by_label("Threshold of dark")
    figure = page.locator("[data-issue=dark]")
    assert figure.get_by_role("button", name="Apply").is_disabled()
    slider.focus()
    page.keyboard.press("Home")
    assert "above" in figure.locator("[data-part=told]").inner_text()
    assert figure.locator(".bar-usual").count() == 0
    assert figure.get_by_role("button", name="Apply").is_enabled()
    assert axe_violations(page) == []

    page.get_by_role("link", name="Map of the images").press("Enter")
    page.locator("[data-part=told]", has_text="flagged").wait_for()
    assert axe_violations(page) == []
    for width, scheme in WINDOWS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.locator("canvas").focus()
    page.keyboard.press("Enter")
    first = page.locator("[data-part=told]").inner_text()
    for _ in range(12):
        page.keyboard.press("+")
    page.keyboard.press("Enter")
    assert page.locator("[data-part=told]").inner_text() != first
    assert page.locator("[data-part=thumbs] img").count() == 24
    page.keyboard.press("Escape")
    assert page.get_by_role("button", name="Open in the grid").is_disabled()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="flagged in the grid").press("Enter")
    page.wait_for_url("**/grid?pick=*")
    wait_until(page, "document.querySelectorAll('.tile').length > 0")
    assert lena.errors == []
