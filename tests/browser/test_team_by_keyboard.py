"""A comment that names somebody, and a conflict that a lead settles, without touching the mouse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Watched, wait_until
from tests.browser.test_whole_path_by_keyboard import current, fetched, press_for_next
from tests.fixtures.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.no_jobs]

SAID = "@bob <b>is this</b> \u202eright\u202c? 👀"


@pytest.fixture
def alice(chromium: Any, served: Served) -> Iterator[Watched]:
    for name in ("alice", "bob"):
        served.add_user(name, "--project", "small")
    watched = Watched(chromium, served)
    watched.sign_in("alice")
    yield watched
    watched.context.close()
    assert watched.errors == []


def test_a_comment_that_names_somebody_reaches_them(alice: Watched, chromium: Any, served: Served) -> None:
    page = alice.page
    page.goto("/p/small/review")
    page.wait_for_selector("[data-testid=question]")
    key, address = current(page), page.url
    page.keyboard.press("r")
    page.wait_for_selector("#comment:focus")
    page.keyboard.type("@bo")
    page.keyboard.press("Tab")
    page.keyboard.type(SAID.removeprefix("@bob "))
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("[data-testid=comment-list] .comment-text")
    assert page.inner_text("[data-testid=comment-list] .comment-text") == SAID
    assert current(page) == key, "no letter of it was taken for a decision"
    page.keyboard.press("Escape")
    press_for_next(page, "u")
    wait_until(page, fetched("", "figures.conflicts === 1"))

    bobs = Watched(chromium, served)
    bobs.sign_in("bob")
    page = bobs.page
    page.goto("/p/small/mentions")
    assert page.inner_text(".rail .badge").startswith("1")
    assert "Shows once you have answered" in page.inner_text("[data-testid=mentions]")
    page.focus("[data-testid=mentions] a")
    page.keyboard.press("Enter")
    page.wait_for_selector("#comment:focus")
    assert page.url == address.split("#")[0]
    assert "once your answer is in" in page.inner_text("[data-testid=comment-list]")
    page.keyboard.press("Escape")
    press_for_next(page, "k")
    wait_until(page, "!Object.keys(localStorage).some(key => key.startsWith('winnow.outbox.'))")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("[data-testid=comment-list] .comment-text")
    assert page.inner_text("[data-testid=comment-list] .comment-text") == SAID
    assert page.evaluate("document.querySelector('.comment-text b')") is None
    wait_until(page, fetched("/mentions", "unread === 0"))
    bobs.context.close()
    assert bobs.errors == []


def test_a_lead_settles_conflicts_by_keys_and_takes_one_back(alice: Watched, chromium: Any, served: Served) -> None:
    page = alice.page
    page.goto("/p/small/review")
    page.wait_for_selector("[data-testid=question]")
    for _ in range(3):
        press_for_next(page, "u")
    wait_until(page, fetched("", "figures.conflicts === 3"))

    lenas = Watched(chromium, served)
    lenas.sign_in()
    page = lenas.page
    page.goto("/p/small/conflicts")
    page.wait_for_selector(".conflict.is-current")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("x")
    wait_until(page, fetched("", "figures.conflicts === 2"))
    assert page.evaluate("[...document.querySelectorAll('.conflict')].map(c => c.matches('.is-settled'))") == [
        False, True, False,
    ]  # fmt: skip
    assert page.evaluate("document.activeElement === document.querySelectorAll('.conflict')[2]")
    page.keyboard.press("z")
    wait_until(page, fetched("", "figures.conflicts === 3"))
    page.keyboard.press("k")
    wait_until(page, fetched("", "figures.conflicts === 2"))
    page.keyboard.press("?")
    assert "sample before" in page.inner_text("[data-testid=key-help]")
    lenas.context.close()
    assert lenas.errors == []


def test_positions_of_reviewers_have_keys(alice: Watched, chromium: Any, served: Served) -> None:
    page = alice.page
    page.goto("/p/small/review")
    page.wait_for_selector("[data-testid=question]")
    address = page.url
    press_for_next(page, "k")
    wait_until(page, fetched("", "figures.decided === 1"))
    lenas = Watched(chromium, served)
    lenas.sign_in()
    page = lenas.page
    page.goto(address)
    page.wait_for_selector("[data-testid=question]")
    press_for_next(page, "x")
    wait_until(page, fetched("", "figures.conflicts === 1"))
    page.goto("/p/small/conflicts")
    wait_until(page, "document.querySelector('[data-key=\"1\"]').textContent.includes('alice')")
    page.keyboard.press("1")
    wait_until(page, fetched("", "figures.conflicts === 0"))
    page.goto("/p/small/agreement")
    assert "1 of 1" in page.inner_text("[data-testid=reviewers]")
    assert page.inner_text("[data-testid=confusion]")
    lenas.context.close()
    assert lenas.errors == []
