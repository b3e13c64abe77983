"""A COCO source is added on its page, its objects reviewed in their boxes, its classes given names. By keyboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Watched, wait_until
from tests.browser.test_pages import axe_violations
from tests.fixtures import sources as made
from tests.fixtures.served import Served

pytestmark = pytest.mark.browser


def type_into(page: Any, label: str, text: str) -> None:
    page.get_by_label(label, exact=True).focus()
    page.keyboard.type(text)


def test_objects_are_added_reviewed_in_their_box_and_read_by_name(
    chromium: Any, served: Served, lena: Watched, tmp_path: Path
) -> None:
    root = Path(served.environment["WINNOW_DATA_ROOTS"].split(":")[0]) / "coco"
    made.coco(root)
    page = lena.page
    page.goto("/p/small/sources")
    type_into(page, "Folder or table, on the server", str(root))
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("val")
    page.get_by_text("What else may be said of it").press("Enter")
    type_into(page, "Annotations", "instances_val.json")
    type_into(page, "Images", "val")
    page.keyboard.press("Enter")
    wait_until(page, "document.querySelector('[data-testid=sources]')?.innerText.includes('5 samples')")
    assert axe_violations(page) == []

    page.get_by_text("Give classes names to read").press("Enter")
    type_into(page, "A class and its name, one a line", "cat\ttabby cat\ndog\thunting dog\n")
    page.get_by_role("button", name="Set these names").press("Enter")
    page.wait_for_selector("[data-testid=classes] >> text=hunting dog")

    flags = "image_path,issue_type,confidence,suggested_label\nval/annotation/11,mislabel,0.97,cat\n"
    (tmp_path / "flags.csv").write_text(flags)
    told = json.loads(
        served.winnow("import", "--project", "small", "--file", str(tmp_path / "flags.csv"), "--json").stdout
    )
    assert told["rows_accepted"] == 1
    page.goto("/p/small/samples?q=annotation/11")
    page.get_by_role("link", name="annotation/11").first.click()
    page.wait_for_selector("[data-testid=picture][data-state=shown]")
    assert "hunting dog" in page.inner_text("[data-testid=question]")
    box = page.wait_for_selector("[data-testid=object-box] .is-over").bounding_box()
    page.keyboard.press("v")
    near = page.query_selector("[data-testid=object-box] .is-over").bounding_box()
    assert near["width"] > 1.5 * box["width"]
    assert near["height"] < page.query_selector("[data-testid=picture]").bounding_box()["height"]
    page.keyboard.press("v")
    back = page.query_selector("[data-testid=object-box] .is-over").bounding_box()
    assert back["width"] == pytest.approx(box["width"], abs=2)
    page.keyboard.press("y")
    page.wait_for_selector("[data-testid=toast] >> text=relabel")
    assert axe_violations(page) == []
    assert lena.errors == []
