"""Many flags decided as one by keyboard: choose, draw, look, apply, take back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Watched, wait_until
from tests.browser.test_whole_path_by_keyboard import fetched, press_for_next, tab_to

pytestmark = pytest.mark.browser


def test_from_the_ranking_over_a_proof_to_taking_it_back(lena: Watched) -> None:
    page = lena.page
    page.goto("/p/small/bulk")
    page.wait_for_selector("[data-testid=strata]")
    draw(page)
    drawn = look_at_the_drawn(page)
    apply(page, drawn)
    take_back(page)


def draw(page: Any) -> None:
    """Every flag there is, to be kept."""
    page.keyboard.press("n")
    page.wait_for_url("**/bulk/new**")
    page.wait_for_load_state()  # before its scripts have run, a page knows no keys
    assert "keep" in page.inner_text("#chosen")
    tab_to(page, "[data-testid=draw-form] input[name=width]")
    for _ in range(2):  # the widest interval: the fewest looks
        page.keyboard.press("ArrowDown")
    page.keyboard.press("d")
    page.wait_for_selector("[data-testid=proof]")
    page.wait_for_load_state()
    assert page.is_disabled("[data-testid=apply]")
    assert "Nobody has looked" in page.inner_text("[data-testid=proof-text]")


def look_at_the_drawn(page: Any) -> int:
    """Keep all of them but the last, while another tab shows the proof."""
    drawn = page.locator("[data-testid=looks] > li").count()
    assert drawn >= 10
    proof = page.context.new_page()
    proof.goto(page.url)
    page.bring_to_front()
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-testid=question]")
    assert "bulk decision 1" in page.inner_text(".active-filters")
    for _ in range(drawn - 1):
        press_for_next(page, "k")
    page.keyboard.press("x")
    page.wait_for_selector("[data-testid=to-proof]")
    wait_until(proof, "document.querySelector('[data-testid=open]').textContent === '0'")
    assert proof.inner_text("[data-testid=agreeing]") == str(drawn - 1)
    assert not proof.is_disabled("[data-testid=apply]")
    assert proof.locator(".is-look-differs").count() == 1
    proof.close()
    page.keyboard.press("Enter")
    page.wait_for_url("**/bulk/1")
    page.wait_for_load_state()
    assert f"{drawn - 1} of {drawn} drawn samples got this answer" in page.inner_text("[data-testid=proof-text]")
    return drawn


def apply(page: Any, drawn: int) -> None:
    page.keyboard.press("a")
    wait_until(page, fetched("/bulk/1", "bulk.state === 'applied'"))
    wait_until(page, fetched("", "figures.open === 0"))
    page.wait_for_selector("[data-testid=proof][data-state=applied]")  # the page loads itself again
    assert "that nobody had answered" in page.inner_text("[data-testid=settled]")
    settled = page.evaluate("fetch('/api/v1/projects/small/bulk/1').then(a => a.json()).then(r => r.bulk.settled)")
    figures = page.evaluate("fetch('/api/v1/projects/small').then(a => a.json()).then(r => r.figures)")
    assert figures["decided"] == settled + drawn


def take_back(page: Any) -> None:
    tab_to(page, "#reason")
    page.keyboard.type("too sure of it")
    page.keyboard.press("Enter")
    wait_until(page, fetched("/bulk/1", "bulk.state === 'revoked'"))
    wait_until(page, fetched("", "figures.open > 0"))
    page.wait_for_selector("[data-testid=proof][data-state=revoked]")
    page.wait_for_load_state()
    page.goto("/p/small/bulk")
    assert "too sure of it" in page.inner_text("[data-testid=bulk-decisions]")
