"""The report's page and the deck: bounded at any size, nothing outside its slide, nothing empty."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from pptx import Presentation

from app.deliverables.deliverable import NoPictures
from app.deliverables.gallery import write_version_gallery
from app.deliverables.report.page import write_report
from app.deliverables.slides.deck import write_slides
from app.deliverables.slides.sheet import Box, Look, fitting_size, lines_of
from app.domain.formats import review_gallery
from app.domain.taxonomy import Decision
from tests.fixtures.frozen import DrawnPictures, bare, frozen

LONG = "an-exceedingly-long-name-that-somebody-chose-in-a-hurry-and-nobody-dared-to-change-" * 2
VERSIONS = {
    "usual": lambda: frozen(60),
    "long names": lambda: frozen(60, classes=40, dataset=LONG, label=LONG, reviewers=(LONG, "bob")),
    "no leaks, one reviewer": lambda: frozen(20, leaks=0, reviewers=("alice",)),
    "nothing": bare,
}


def report(content, pictures=None) -> str:
    stream = io.BytesIO()
    write_report(stream, content, pictures or NoPictures())
    return stream.getvalue().decode()


def deck(content, pictures=None):
    stream = io.BytesIO()
    write_slides(stream, content, pictures or NoPictures())
    return stream.getvalue(), Presentation(stream)


def test_the_report_tells_every_part():
    html = report(frozen(120), DrawnPictures())
    for part in ("flow", "issues", "size", "relabels", "leaks", "examples", "people", "rules", "method", "terms"):
        assert f'<section id="{part}">' in html
    for title in ("Removed", "Relabelled", "Low quality", "Kept although flagged", "Leaks, side by side"):
        assert f"<h3>{title}</h3>" in html
    assert html.count('<svg class="plot"') == 9
    assert html.count("<details>") >= 7
    assert "ab" * 32 in html  # the digest


def test_ids_in_the_report_are_unique_and_plots_are_told_in_words():
    html = report(frozen())
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', html))
    assert used <= set(ids)
    assert all(len(label) > 30 for label in re.findall(r'role="img" aria-label="([^"]+)"', html))
    assert "#0101" not in html, "a stand-in colour was left"


def test_many_classes_and_conflicts_make_no_endless_report():
    small, large = report(frozen(300, classes=5)), report(frozen(4000, classes=1200))
    assert len(large) < 4 * len(small) + 400_000
    assert "the 1,000 classes that change most" in large
    assert "The 20 that change most" in large


@pytest.mark.parametrize("name", VERSIONS)
def test_nothing_lies_outside_its_slide_and_no_slide_is_empty(name):
    _, presentation = deck(VERSIONS[name]())
    assert len(presentation.slides) == 11
    for slide in presentation.slides:
        assert slide.shapes.title.text_frame.text.strip()
        assert slide.notes_slide.notes_text_frame.text.strip()
        told = [
            s for s in slide.shapes if s.has_chart or s.has_table or (s.has_text_frame and s.text_frame.text.strip())
        ]
        assert len(told) >= 4  # title, footer, page number, and at least one thing between
        for shape in slide.shapes:
            assert shape.left >= 0
            assert shape.top >= 0
            assert shape.left + shape.width <= presentation.slide_width
            assert shape.top + shape.height <= presentation.slide_height


def test_charts_are_native_and_their_workbooks_hold_the_figures():
    _, presentation = deck(frozen(60))
    charts = [shape.chart for slide in presentation.slides for shape in slide.shapes if shape.has_chart]
    assert len(charts) == 8
    issues = next(chart for chart in charts if "mislabel" in list(chart.plots[0].categories))
    assert sum(sum(series.values) for series in issues.plots[0].series) == 63  # 60 flags, 3 from the leak search


def test_the_deck_says_nothing_of_today():
    data, presentation = deck(frozen(60))
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        names = package.namelist()
        assert {entry.date_time for entry in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        for book in [name for name in names if name.endswith(".xlsx")]:
            with zipfile.ZipFile(io.BytesIO(package.read(book))) as workbook:
                assert b"2026-03-04T05:06:07Z" in workbook.read("docProps/core.xml")
    assert presentation.core_properties.created.isoformat().startswith("2026-03-04T05:06:07")


def test_text_is_set_smaller_until_it_fits():
    box = Box(0, 0, 3, 0.5)
    assert fitting_size(["short"], box, Look(20)) == 20
    size = fitting_size(["a sentence of some length that needs more than one line"], box, Look(20, least=6))
    assert size < 20
    assert (
        lines_of("a sentence of some length that needs more than one line", box, size) * size * 1.2 / 72 <= box.height
    )
    assert lines_of("日本語" * 20, box, 12) > lines_of("abc" * 20, box, 12)


def gallery(content, pictures) -> tuple[str, int]:
    stream = io.BytesIO()
    count = write_version_gallery(stream, content, pictures)
    return stream.getvalue().decode(), count


def test_the_gallery_shows_what_became_of_each_sample():
    content = frozen(60, leaks=4)
    html, count = gallery(content, DrawnPictures())
    assert count == 62
    assert "60 flags on 60 samples. 2 more samples from the leak search." in html
    assert html.count('data-decision-is="remove"') == len(content.chosen(Decision.REMOVE, None))
    for text in ("relabelled", "alice: keep; bob: remove", "same picture as train/leak/0.jpg", 'id="class"'):
        assert text in html


def test_the_gallery_takes_two_thousand_and_says_which():
    pictures = DrawnPictures()
    pictures.jpeg = lambda key, side: pictures.asked.append(key)  # type: ignore[assignment,method-assign]
    html, count = gallery(frozen(2400), pictures)
    assert count == len(pictures.asked) == 2000
    assert "This page shows 2,000 of them: in turn the surest of each issue type and decision." in html


def test_the_gallery_stays_below_its_size(monkeypatch):
    monkeypatch.setattr(review_gallery, "MAX_PICTURE_BYTES", 100_000)
    html, _ = gallery(frozen(60), DrawnPictures())
    assert "The page would be too large with it." in html
    assert len(html) < 100_000 * 1.4 + 200_000
