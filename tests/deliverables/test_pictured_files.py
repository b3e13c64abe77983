"""What report, slides and gallery have in common: the same bytes again, no picture needed, text stays text."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pptx import Presentation

from app.deliverables.catalogue import deliverables
from app.deliverables.content import VersionContent
from app.deliverables.deliverable import NoPictures, Pictures
from app.deliverables.gallery import write_version_gallery
from app.deliverables.report.page import write_report
from app.deliverables.slides.deck import write_slides
from tests.fixtures.frozen import DrawnPictures, bare, frozen

ROOT = Path(__file__).parents[2]
HOSTILE = '<script>alert(1)</script> "><img src=x onerror=alert(2)> $x^2$ \x00\x1b[31m \udcff =1+1'
WRITERS = {"report": write_report, "slides": write_slides, "gallery": write_version_gallery}


def made(name: str, content: VersionContent, pictures: Pictures | None = None) -> bytes:
    stream = io.BytesIO()
    WRITERS[name](stream, content, pictures or DrawnPictures())
    return stream.getvalue()


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_version_lists_all_three():
    named = {file.name for file in deliverables(frozen()) if file.has_pictures}
    assert named == {"pets_cleaning_report.html", "pets_slides.pptx", "pets_review.html"}


_ANOTHER = """
import hashlib, io, sys
from tests.deliverables.test_pictured_files import WRITERS, made
from tests.fixtures.frozen import frozen
for name in WRITERS:
    print(hashlib.sha256(made(name, frozen(40))).hexdigest())
"""


def test_another_process_makes_the_same_bytes():
    """Another order of sets and another second: nothing of either may show."""
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", _ANOTHER], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as another:
        mine = [hashlib.sha256(made(name, frozen(40))).hexdigest() for name in WRITERS]
        assert another.communicate()[0].split() == mine


@pytest.mark.parametrize("name", WRITERS)
def test_no_picture_is_needed(name):
    seen, gone = DrawnPictures(), NoPictures()
    assert len(made(name, frozen(), seen)) > len(made(name, frozen(), gone))
    assert seen.asked
    if name != "slides":
        html = made(name, frozen(), gone).decode()
        assert "data:image" not in html
        assert "can't be read" in html or "No picture" in html


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    "content",
    [
        bare,
        lambda: frozen(0),
        lambda: frozen(9, classes=1, leaks=0, reviewers=("alice",)),
        lambda: frozen(6, reviewers=()),
    ],
    ids=["nothing", "leaks alone", "one reviewer", "nobody"],
)
def test_little_data_is_enough(name: str, content: Callable[[], VersionContent]):
    assert made(name, content())


def hostile(content: VersionContent) -> VersionContent:
    """The same version with markup, formulas and control characters wherever people or file systems name things."""

    def spoil(text: str | None) -> str | None:
        return f"{text}{HOSTILE}" if text else text

    outcomes = [
        {
            **o, "key": spoil(o["key"]), "given_label": spoil(o["given_label"]), "new_label": spoil(o["new_label"]),
            "tags": [spoil(tag) for tag in o["tags"]], "explanation": spoil(o["explanation"]),
            "conflicts": [spoil(text) for text in o["conflicts"]], "by": [spoil(name) for name in o["by"]],
            "flags": [{**f, "reason": HOSTILE, "suggested_label": HOSTILE} for f in o["flags"]],
        }
        for o in content.outcomes
    ]  # fmt: skip
    snapshot = {
        **content.snapshot, "dataset": HOSTILE, "author": HOSTILE,
        "class_sizes": [[split, spoil(name), n] for split, name, n in content.snapshot["class_sizes"]],
        "classes": [[spoil(name), i] for name, i in content.snapshot["classes"]],
        "reviewers": {spoil(name): n for name, n in content.snapshot["reviewers"].items()},
        "leak_rows": [{**row, "train_label": spoil(row["train_label"])} for row in content.snapshot["leak_rows"]],
    }  # fmt: skip
    return replace(content, snapshot=snapshot, outcomes=outcomes, note=HOSTILE)


@pytest.mark.parametrize("name", ["report", "gallery"])
def test_whatever_names_hold_is_shown_as_text(name):
    content = frozen(40, note="a note")
    plain, page = (Elements(made(name, c, NoPictures()).decode()) for c in (content, hostile(content)))
    assert sorted(set(page.tags)) == sorted(set(plain.tags))
    assert page.tags.count("script") == plain.tags.count("script")
    assert {key for key, _ in page.attributes} == {key for key, _ in plain.attributes}
    assert page.text.count("<script>alert(1)</script>") > 5


def test_hostile_names_are_text_on_slides_and_no_formula_behind_them():
    data = made("slides", hostile(frozen(40, label="=cmd", note="a note")), NoPictures())
    slides = Presentation(io.BytesIO(data)).slides
    assert "<script>alert(1)</script>" in slides[0].shapes.title.text_frame.text
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        books = [name for name in package.namelist() if name.endswith(".xlsx")]
        assert books
        for book in books:
            with zipfile.ZipFile(io.BytesIO(package.read(book))) as workbook:
                sheets = [workbook.read(name) for name in workbook.namelist() if "worksheets/sheet" in name]
                assert b"<f>" not in b"".join(sheets)


@pytest.mark.parametrize("name", ["report", "gallery"])
def test_nothing_is_loaded_from_anywhere(name):
    html = made(name, frozen()).decode()
    page = Elements(html)
    assert ("http-equiv", "Content-Security-Policy") in page.attributes
    assert "default-src 'none'" in html
    addresses = [value or "" for key, value in page.attributes if key in ("src", "href", "xlink:href", "srcset")]
    assert [a for a in addresses if not a.startswith(("data:image/jpeg;base64,", "#"))] == []
    without_names = html.replace("http://www.w3.org/2000/svg", "").replace("http://www.w3.org/1999/xlink", "")
    assert "http" not in without_names.replace("http-equiv", "")


def test_the_web_process_loads_neither_plots_nor_slides():
    code = "import sys, app.main; print([m for m in ('matplotlib', 'pptx', 'lxml') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
