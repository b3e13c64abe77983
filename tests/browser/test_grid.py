"""Many samples at once in the grid: chosen by keys and by dragging, answered with one key, taken back with one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Watched, wait_until
from tests.fixtures.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.no_jobs]

STORED = "!Object.keys(localStorage).some(key => key.startsWith('winnow.outbox.'))"
DECIDED = "fetch('/api/v1/projects/small').then(a => a.json()).then(p => p.figures.decided === 1)"


def open_grid(page: Any, query: str = "") -> None:
    page.goto(f"/p/small/grid{query}")
    page.wait_for_selector("[data-testid=tile]")


def stored(page: Any) -> dict[str, int]:
    """How many samples have which decision on the server, once everything is sent."""
    wait_until(page, STORED)
    rows = page.evaluate("fetch('/api/v1/projects/small/samples?limit=500').then(a => a.json()).then(p => p.rows)")
    found: dict[str, int] = {}
    for row in rows:
        found[row["decision"] or "open"] = found.get(row["decision"] or "open", 0) + 1
    return found


def selected(page: Any) -> int:
    return page.locator("[data-testid=tile][aria-selected=true]").count()


def test_a_selection_by_keys_is_answered_undone_and_redone_as_one(lena: Watched) -> None:
    page = lena.page
    open_grid(page)
    before = stored(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    assert selected(page) == 4
    chosen = page.evaluate("location.hash.match(/sel=([0-9,]+)/)[1].split(',').map(Number)")
    page.keyboard.press("x")
    assert selected(page) == 0
    assert stored(page) == {**before, "open": before["open"] - 4, "remove": before.get("remove", 0) + 4}
    assert page.locator("[data-testid=tile][data-decision=remove]").count() == 4
    page.keyboard.press("z")
    wait_until(page, STORED)
    assert stored(page) == before
    page.keyboard.press("Shift+z")
    wait_until(page, STORED)
    after = page.evaluate(
        "ids => fetch(`/api/v1/projects/small/samples/states?ids=${ids}`).then(a => a.json())",
        ",".join(map(str, chosen)),
    )
    assert [row["decision"] for row in after] == ["remove"] * 4


def test_the_address_brings_back_where_one_was(lena: Watched) -> None:
    page = lena.page
    open_grid(page, "?issue_type=mislabel&sort=class")
    for key in ("ArrowRight", "Space", "ArrowRight", "Space"):
        page.keyboard.press(key)
    address, current = page.url, page.get_attribute("[data-testid=grid]", "aria-activedescendant")
    page.goto("/p/small")
    page.goto(address)
    page.wait_for_selector("[data-testid=tile]")
    assert selected(page) == 2
    assert page.get_attribute("[data-testid=grid]", "aria-activedescendant") == current
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-testid=question]")
    assert f"/review/{current.removeprefix('tile-')}" in page.url
    assert "issue_type=mislabel" in page.url


def test_dragging_takes_what_the_band_touches_and_all_takes_all(lena: Watched) -> None:
    page = lena.page
    open_grid(page)
    first, third = (page.locator("[data-testid=tile]").nth(i).bounding_box() for i in (0, 2))
    page.mouse.move(first["x"] + 5, first["y"] + 5)
    page.mouse.down()
    page.mouse.move(third["x"] + 20, third["y"] + 30, steps=4)
    page.mouse.up()
    assert selected(page) == 3
    page.mouse.click(first["x"] + 10, first["y"] + 10)
    assert selected(page) == 1
    page.keyboard.down("Shift")
    page.mouse.click(third["x"] + 10, third["y"] + 10)
    page.keyboard.up("Shift")
    assert selected(page) == 3
    page.keyboard.press("a")
    assert (
        page.inner_text("[data-testid=selected]").split()[0] == page.inner_text("[data-testid=grid-count]").split()[0]
    )
    page.keyboard.press("Escape")
    assert selected(page) == 0


def test_what_somebody_else_answered_meanwhile_is_marked_and_left(chromium: Any, served: Served, lena: Watched) -> None:
    page = lena.page
    served.add_user("otto", "--admin")
    open_grid(page)
    other = Watched(chromium, served)
    other.sign_in("otto")
    open_grid(other.page)
    other.page.keyboard.press("k")
    wait_until(other.page, DECIDED)
    for key in ("Space", "Shift+ArrowRight", "x"):
        page.keyboard.press(key)
    page.wait_for_selector("[data-testid=toast].is-problem")
    assert "answered by otto meanwhile" in page.inner_text("[data-testid=toast]")
    assert stored(page)["keep"] == 1
    assert stored(page)["remove"] == 1
    marked = page.locator("[data-testid=tile]").first
    assert "otto: keep" in (marked.get_attribute("title") or "")
    # Whoever has seen it may differ: that is a conflict for a lead, and nobody's answer is gone.
    page.keyboard.press("Home")
    page.keyboard.press("x")
    wait_until(page, STORED)
    wait_until(page, "fetch('/api/v1/projects/small/conflicts').then(a => a.json()).then(p => p.total === 1)")
    other.context.close()


def test_one_by_one_the_second_sees_what_the_first_said_and_chooses(
    chromium: Any, served: Served, lena: Watched
) -> None:
    page = lena.page
    served.add_user("otto", "--admin")
    page.goto("/p/small/review")
    page.wait_for_selector("[data-testid=question]")
    address = page.url
    other = Watched(chromium, served)
    other.sign_in("otto")
    other.page.goto(address)
    other.page.wait_for_selector("[data-testid=question]")
    other.page.keyboard.press("k")
    wait_until(other.page, DECIDED)
    page.keyboard.press("x")
    page.wait_for_selector("[data-testid=keep-mine]")
    said = page.inner_text("[data-testid=outbox]")
    assert "otto answered this while you had it open: keep" in said
    page.click("[data-testid=take-theirs]")
    wait_until(page, STORED)
    assert stored(page)["keep"] == 1
    lena.errors.clear()  # the refusal is in the console, as it should be
    other.context.close()


def test_views_are_saved_and_opened_again(lena: Watched) -> None:
    page = lena.page
    open_grid(page, "?issue_type=mislabel&sort=class")
    page.click("[data-testid=views] summary")
    page.fill("[data-testid=views] input[name=name]", "labels by class")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url.split("#")[0].endswith("/grid?issue_type=mislabel&sort=class")
    page.goto("/p/small/samples")
    page.click("[data-testid=views] summary")
    page.click("text=labels by class")
    page.wait_for_url("**/samples?issue_type=mislabel&sort=class")
