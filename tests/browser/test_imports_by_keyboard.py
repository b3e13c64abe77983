"""An upload by keyboard: unknown columns are mapped, kept as a preset, looked at and applied; or it is discarded."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Watched, wait_until
from tests.browser.test_pages import LOOKS, WINDOWS, axe_violations
from tests.fixtures.served import Person, Served

pytestmark = pytest.mark.browser

TABLE = "/p/small/imports"


def test_an_unknown_table_is_mapped_kept_and_applied(lena: Watched, served: Served) -> None:
    page, images = lena.page, some_images(served)
    before = flags_of(served)
    send(page, table(*images, f"{images[0][:-4]}x.jpg"))
    page.wait_for_url("**/mapping")
    assert page.input_value("#column-image_path") == "file"
    assert page.input_value("#column-confidence") == "sureness"
    assert "97" in page.inner_text("[data-testid=offer-percent]")
    assert page.is_visible("[data-testid=not-whole]"), "nobody said yet what is wrong with the images"
    found = looked_at(page)

    tab_to(page, "input[name=constant][list=issue-words]")
    page.keyboard.type("mislabel")
    tab_to(page, "input[name=percent]")
    page.keyboard.press("Space")
    page.focus("body")
    page.keyboard.press("r")
    page.wait_for_selector("table[data-testid=first-rows]")
    assert images[0] in page.inner_text("table[data-testid=first-rows]")
    assert page.is_checked("input[name=percent]")
    found += looked_at(page)
    tab_to(page, "#save-as")
    page.keyboard.type("our tool")
    tab_to(page, "[data-testid=mapping-form] button.is-primary")
    page.keyboard.press("Enter")

    page.wait_for_selector("[data-testid=preview-figures]")
    assert figures(page) | {"new": "3", "without an image": "1"} == figures(page)
    assert f"nearest that exists is '{images[0]}'" in page.inner_text("[data-testid=unmatched-rows]")
    found += looked_at(page)
    assert flags_of(served) == before, "a preview changes nothing"
    page.keyboard.press("a")
    page.wait_for_selector("[data-testid=import-figures]")
    assert flags_of(served) == before + 3
    assert found == []

    page.goto(TABLE)
    page.select_option("#import-preset", "our tool")
    send(page, table(*images).replace("97", "12"), go=False)
    page.wait_for_selector("[data-testid=preview-figures]")
    assert figures(page) | {"new": "0", "changed": "1", "unchanged": "2"} == figures(page)
    assert "0.12" in page.inner_text("[data-testid=changed-flags]")
    assert looked_at(page) == []


def test_a_preview_is_discarded_by_keyboard(lena: Watched, served: Served) -> None:
    page, images = lena.page, some_images(served)
    before = flags_of(served)
    send(page, "image_path,issue_type,confidence\n" + "".join(f"{image.upper()},blurry,0.5\n" for image in images))
    page.wait_for_selector("[data-testid=case-offer]")
    found = looked_at(page)
    tab_to(page, "[data-testid=case-offer] button")
    page.keyboard.press("Enter")
    wait_until(page, "document.querySelector('[data-testid=new-flags]') !== null")
    assert figures(page)["new"] == "3"
    tab_to(page, "form[action$='/discard'] button")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{TABLE}")
    assert "Nothing of it was applied" in page.inner_text("[data-testid=imports]")
    assert flags_of(served) == before
    assert found == []


def table(*images: str) -> str:
    return "file;sureness\n" + "".join(f"{image};{97 - 20 * n}\n" for n, image in enumerate(images))


def send(page: Any, text: str, *, go: bool = True) -> None:
    """Choose a file, which is the browser's own window, and send it by the keyboard."""
    if go:
        page.goto(TABLE)
    page.set_input_files("#import-file", {"name": "scores.csv", "mimeType": "text/csv", "buffer": text.encode()})
    page.focus("#import-source")
    page.keyboard.type("our tool")
    page.keyboard.press("Enter")


def tab_to(page: Any, selector: str) -> None:
    for _ in range(150):
        if page.evaluate("css => document.activeElement.matches(css)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached by Tab")


def looked_at(page: Any) -> list[Any]:
    """What axe finds, and whether anything hangs over the window's edge."""
    page.emulate_media(reduced_motion="reduce")
    found: list[Any] = []
    for width, scheme in WINDOWS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append((page.url, width, scheme, "too wide"))
    for width, scheme, rules in LOOKS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        found += [(page.url, width, scheme, *line) for line in axe_violations(page, rules)]
    return found


def figures(page: Any) -> dict[str, str]:
    found = page.eval_on_selector_all(
        "[data-testid=preview-figures] .figure",
        "all => all.map(one => [one.querySelector('dt').textContent, one.querySelector('dd').textContent])",
    )
    return dict(found)


def some_images(served: Served) -> list[str]:
    lena = Person(served, "lena", "small")
    found = [row["key"] for row in lena.get("/samples")["rows"][:3]]
    lena.close()
    return found


def flags_of(served: Served) -> int:
    lena = Person(served, "lena", "small")
    found = sum(one["flags_new"] for one in lena.get("/imports")["items"] if one["state"] == "done")
    lena.close()
    return found
