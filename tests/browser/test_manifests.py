"""A manifest goes out to a spreadsheet and comes back: looked at, applied, and what was answered meanwhile waits."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Watched
from tests.browser.test_pages import axe_violations
from tests.fixtures.served import Person, Served

pytestmark = pytest.mark.browser


def edit(path: Path, answers: dict[int, dict[str, str]], *extra: str) -> bytes:
    """Write answers into the rows of these numbers and save as a spreadsheet program does, with semicolons."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for number, cells in answers.items():
        rows[number].update(cells)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    for image in extra:
        writer.writerow({"image_path": image, "user_action": "keep"})
    return text.getvalue().encode("utf-8-sig")


def figures(page: Any) -> dict[str, str]:
    found = page.eval_on_selector_all(
        "[data-testid=manifest-figures] .figure",
        "all => all.map(one => [one.querySelector('dt').textContent, one.querySelector('dd').textContent])",
    )
    return dict(found)


def test_a_manifest_goes_to_a_spreadsheet_and_comes_back(
    chromium: Any, served: Served, lena: Watched, tmp_path: Path
) -> None:
    served.add_user("robin", "--project", "small", "--role", "reviewer")
    page = lena.page
    page.goto("/p/small/imports")
    page.get_by_role("link", name="Edited manifests").click()
    page.wait_for_url("**/manifests")
    with page.expect_download() as taken:
        page.click("[data-testid=take-spreadsheet]")
    original = tmp_path / "taken.csv"
    taken.value.save_as(original)
    with original.open(newline="", encoding="utf-8") as stream:
        images = [row["image_path"] for row in csv.DictReader(stream)]
    first, second = images[0], next(image for image in images if image != images[0])
    answered = Person(served, "lena", "small")
    card = next(row for row in answered.get("/samples", q=second)["rows"] if row["key"] == second)
    answered.answer(answered.get(f"/samples/{card['id']}"), manual=True, decision="remove")
    answered.close()
    data = edit(original, {0: {"user_action": "keep"}, images.index(second): {"user_action": "keep"}}, "nowhere.png")

    page.set_input_files("#manifest-file", {"name": "mine.csv", "mimeType": "text/csv", "buffer": data})
    page.select_option("#manifest-reviewer", "robin")
    page.click("text=Show what it would change")
    page.wait_for_selector("[data-testid=manifest-figures]")
    seen = figures(page)
    assert (seen["new"], seen["answered later"], seen["refused"]) == ("1", "1", "1")
    assert first in page.inner_text("[data-testid=rows-new]")
    assert "lena: remove" in page.inner_text("[data-testid=rows-later]")
    assert "nowhere.png" in page.inner_text("[data-testid=rows-refused]")
    assert axe_violations(page) == []
    with page.expect_download() as table:
        page.click("[data-testid=differences-csv]")
    assert "nowhere.png" in Path(table.value.path()).read_text()
    page.click("[data-testid=apply]")
    page.wait_for_selector("text=Applied: 1 new")
    assert figures(page)["new"] == "0"
    assert lena.errors == []
    robin = Person(served, "lena", "small")
    row = next(row for row in robin.get("/samples", reviewer="robin")["rows"])
    assert (row["key"], row["decision"], row["by"]) == (first, "keep", ["robin"])
    robin.close()
