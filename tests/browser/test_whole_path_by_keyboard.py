"""Someone cleans a dataset in the browser without touching the mouse."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import pytest

from tests.browser.conftest import Watched, wait_until

pytestmark = pytest.mark.browser


def test_from_sign_in_to_the_files_of_a_version(lena: Watched) -> None:
    page = lena.page
    review(page)
    find_leaks(page)
    judged = judge_pairs(page)
    files = freeze(page)
    removed = files["small_removal_list.txt"].decode().split()
    assert set(judged) <= set(removed)
    assert files["small_relabel_map.json"] != b"{}\n"


def fetched(path: str, condition: str) -> str:
    """An expression that asks the API and looks at the answer."""
    address = f"/api/v1/projects/small{path}"
    return f"fetch('{address}').then(a => a.json()).then(r => r.{condition})"


def tab_to(page: Any, selector: str, most: int = 80) -> None:
    """Press Tab until ``selector`` has the focus."""
    for _ in range(most):
        if page.evaluate("s => document.activeElement?.matches(s) ?? false", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reached {selector}")


def current(page: Any) -> str:
    return page.inner_text("#sample-name")


def press_for_next(page: Any, key: str) -> None:
    """Press a key that decides, and wait until another sample is on screen."""
    before = current(page)
    page.keyboard.press(key)
    page.wait_for_function("b => document.getElementById('sample-name').textContent !== b", arg=before)


def review(page: Any) -> None:
    page.goto("/p/small/review?issue_type=mislabel&min_confidence=0.91")
    page.wait_for_selector("[data-testid=question]")
    assert re.match(r"Is the label .+ wrong\?", page.inner_text("[data-testid=question]"))
    first = current(page)
    press_for_next(page, "y")
    assert "relabelled" in page.inner_text("[data-testid=toast]")
    page.keyboard.press("z")
    page.wait_for_function("b => document.getElementById('sample-name').textContent === b", arg=first)
    press_for_next(page, "Shift+Z")
    # A page that loads between the undo and the redo is given the same sample once more.
    wait_until(page, "!Object.keys(localStorage).some(key => key.startsWith('winnow.outbox.'))")
    page.goto("/p/small/review")
    page.wait_for_selector("[data-testid=question]")
    choose_class_by_typing(page)
    page.keyboard.press("e")
    page.keyboard.type("keys typed in a note decide nothing: kxyz")
    page.keyboard.press("Escape")
    press_for_next(page, "k")
    press_for_next(page, "x")
    press_for_next(page, "s")
    wait_until(page, fetched("", "figures.decided === 4"))


def choose_class_by_typing(page: Any) -> None:
    """Relabel by hand: L, a few letters, Enter."""
    shown = page.evaluate(
        "fetch('/api/v1/projects/small/samples/' + location.pathname.split('/').pop()).then(a => a.json())"
    )
    wanted = next(
        name for name in ("house", "tree", "fish") if name not in (shown["given_label"], shown["suggested_label"])
    )
    before = current(page)
    page.keyboard.press("l")
    page.wait_for_selector("[data-testid=class-input]:focus")
    page.keyboard.type(wanted[:4])
    page.keyboard.press("Enter")
    page.wait_for_function("b => document.getElementById('sample-name').textContent !== b", arg=before)
    assert wanted in page.inner_text("[data-testid=toast]")


def find_leaks(page: Any) -> None:
    page.goto("/p/small/leaks")
    tab_to(page, "[data-testid=leak-form] button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-testid=runs]")
    # A first run on a machine compiles the comparison of pixels, which takes longer than the search.
    wait_until(page, fetched("/leaks/runs", "items[0]?.job === null"), seconds=300)
    # The page shows the end of a run by loading itself again.
    page.wait_for_selector("[data-testid=runs] [data-testid=job-progress]", state="detached")
    page.wait_for_load_state()


def judge_pairs(page: Any) -> list[str]:
    """Confirm the first two, reject the third, change one's mind about it and confirm that too."""
    page.goto("/p/small/leaks/pairs")
    page.wait_for_selector("[data-testid=pair-list]")
    for key in ("y", "y", "n", "z", "y"):
        before = page.inner_text("#pair-name")
        page.keyboard.press(key)
        page.wait_for_function("b => document.getElementById('pair-name').textContent !== b", arg=before)
    wait_until(page, fetched("/leaks/pairs", "counts.confirmed === 3"))
    answer = page.evaluate("fetch('/api/v1/projects/small/leaks/pairs?verdict=confirmed').then(a => a.json())")
    return [pair["test"]["key"] for pair in answer["items"]]


def freeze(page: Any) -> dict[str, bytes]:
    page.goto("/p/small/finish")
    for code in page.eval_on_selector_all("input[name=accept]", "boxes => boxes.map(box => box.value)"):
        tab_to(page, f"input[name=accept][value='{code}']")
        page.keyboard.press("Space")
    tab_to(page, "[data-testid=freeze-form] button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/p/small/versions/1")
    wait_until(page, fetched("/versions", "items[0]?.state === 'done'"))
    page.wait_for_selector("[data-testid=files]")
    page.wait_for_load_state()
    tab_to(page, "a[href$='.zip']")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
