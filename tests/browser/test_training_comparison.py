"""A comparison of trainings started, watched and cancelled by keyboard. No worker is there: what one keeps of its runs
is written by the test, so that nothing is trained."""

from __future__ import annotations

import json

import pytest

from tests.browser.conftest import Watched, wait_until
from tests.browser.test_pages import WINDOWS, axe_violations
from tests.fixtures.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.no_jobs]

POINTS = "document.querySelectorAll('.curve-chart path[data-condition]').length"


def keep_curve(served: Served, number: int, shard: int, accuracies: list[float]) -> None:
    rows = [{"epoch": n + 1, "loss": 2 - x, "evaluation_accuracy": x} for n, x in enumerate(accuracies)]
    folder = served.data_dir / "trainings" / "project-1" / f"job-{number}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"curve-{shard}.json").write_text(json.dumps(rows))


def test_a_comparison_is_started_watched_and_cancelled_by_keyboard(served: Served, lena: Watched) -> None:
    page = lena.page
    page.goto("/p/small/finish")
    page.get_by_role("link", name="Did cleaning help?").press("Enter")
    page.wait_for_url("**/comparisons")
    page.get_by_label("Train although images of both splits").press("Space")
    page.get_by_label("Model").fill("small")
    page.get_by_label("Epochs", exact=True).fill("5")
    page.get_by_label("Seeds").fill("2")
    page.get_by_role("button", name="Start the comparison").press("Enter")
    page.wait_for_url("**/comparisons/*")
    number = int(page.url.rsplit("/", 1)[1])
    cells = page.locator("[data-run]")
    assert cells.all_inner_texts() == ["waiting"] * 8  # raw, flags and both controls with two seeds
    page.get_by_text("No epoch has ended yet.").wait_for()

    keep_curve(served, number, 1, [0.25, 0.412])
    keep_curve(served, number, 2, [0.25, 0.3, 0.5])
    wait_until(page, f"{POINTS} === 4")
    assert cells.nth(0).inner_text() == "waiting epoch 2 of 5, 41.2 %"
    keep_curve(served, number, 1, [0.25, 0.412, 0.6])
    page.get_by_text("epoch 3 of 5, 60.0 %").wait_for()
    assert axe_violations(page) == []
    for width, scheme in WINDOWS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")

    legend = page.get_by_role("group", name="Conditions that are drawn").get_by_role("button")
    legend.first.press("Enter")
    assert legend.first.get_attribute("aria-pressed") == "false"
    assert page.locator("path.curve.is-hidden").count() == 2  # raw, in each chart
    legend.first.press("Enter")
    assert page.locator("path.curve.is-hidden").count() == 0

    page.get_by_test_id("cancel-job").press("Enter")
    page.get_by_text("0 of 8 runs were done.").wait_for()
    assert page.get_by_test_id("cancel-job").count() == 0
