"""axe finds nothing against WCAG 2.2 AA on any page, in both themes, wide and narrow."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Watched
from tests.browser.test_pages import PATHS
from tests.fixtures.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LOOKS = ((1280, "light"), (1280, "dark"), (820, "light"))

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
    "preload": False,  # it would fetch and inline our style sheets, which the content security policy refuses
}

DRAWN = {
    "/p/small/review": "[data-testid=question]",
    "/p/small/grid": ".tile",
}
"""What a page's scripts draw, and axe is to see."""


def test_axe_finds_nothing_on_any_page(chromium: Any, unchanged: Served) -> None:
    watched = Watched(chromium, unchanged)
    watched.sign_in()
    watched.page.emulate_media(reduced_motion="reduce")  # halfway from one theme to the other colours are neither's
    page, found = watched.page, []
    for path in PATHS:
        page.goto(path, wait_until="load")
        page.wait_for_selector(DRAWN.get(path, "#content"))
        for width, scheme in LOOKS:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            found += [(path, width, scheme, *line) for line in _violations(page)]
    watched.context.close()
    assert found == []
    assert watched.errors == []


def _violations(page: Any) -> list[tuple[str, str, str]]:
    """(rule, where, why) of each."""
    violations = Axe().run(page, options=RULES).response["violations"]
    return [
        (violation["id"], str(node["target"]), node["failureSummary"])
        for violation in violations
        for node in violation["nodes"]
    ]
