"""The gallery: one safe page, the right samples in the right order, and a word where there is no picture."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from app.domain.formats.guide_csv import FlaggedRow
from app.domain.formats.review_gallery import GalleryCount, choose_samples, gather_samples, write_review_gallery
from app.domain.formats.review_gallery_page import SCRIPT, script_digest
from app.domain.samples import Flag, IssueType

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
JPEG = b"\xff\xd8\xff\xe0 photo"


def png(width: int) -> bytes:
    return PNG + width.to_bytes(4) + width.to_bytes(4)


def row(
    path: str,
    issue: IssueType = IssueType.OUTLIER,
    confidence: float | None = 0.5,
    *,
    label: str = "cat",
    suggested: str | None = None,
    reason: str | None = None,
    image_id: str = "",
    raw: str = "",
) -> FlaggedRow:
    return FlaggedRow(2, image_id, path, label, Flag(issue, raw or issue.value, confidence, suggested, reason))


class Page(HTMLParser):
    """The page as a browser takes it: its elements and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def paths(self) -> list[str]:
        return re.findall(r'class="path"><bdi>(.*?)</bdi>', self.html)


def made(
    *rows: FlaggedRow,
    thumbnail: Callable[[str], bytes | str] = lambda name: JPEG,
    dataset: str = "pets",
    limit: int = 2000,
) -> tuple[Page, GalleryCount]:
    stream = io.StringIO()
    count = write_review_gallery(stream, rows, thumbnail, dataset=dataset, limit=limit)
    return Page(stream.getvalue()), count


def test_a_card_shows_picture_labels_confidence_reason_and_path() -> None:
    flagged = row("a.jpg", IssueType.MISLABEL, 0.934, suggested="dog", reason="looks like it", image_id="7")
    page, count = made(flagged)
    assert count == GalleryCount(1, 1, 0)
    for text in ("cat", "dog", "→", "mislabel", "0.93", "looks like it", "a.jpg", "id 7", "1 flag on 1 sample."):
        assert text in page.text
    assert page.all("progress") == [{"max": "1", "value": "0.9340", "aria-label": "confidence"}]
    assert str(page.all("img")[0]["src"]).startswith("data:image/jpeg;base64,")


def test_nothing_is_loaded_from_anywhere() -> None:
    page, _ = made(row("a.jpg"))
    assert not re.search(r"https?:|//[a-z]|@import|url\(", page.html)
    assert not page.all("link")
    assert {source for image in page.all("img") if not (source := str(image["src"])).startswith("data:")} == set()


def test_the_policy_allows_the_pages_own_script_and_no_other() -> None:
    page, _ = made(row("a.jpg"))
    policy = next(str(m["content"]) for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert f"script-src '{script_digest()}'" in policy
    assert "default-src 'none'" in policy
    assert page.html.count("<script>") == 1
    assert f"<script>{SCRIPT}</script>" in page.html


PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</style>",
    "&lt;b>",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_whatever_an_export_holds_is_shown_as_text(payload: str) -> None:
    flagged = row(
        payload, IssueType.OTHER, label=payload, suggested=f"{payload}!", reason=payload, image_id=payload, raw=payload
    )
    plain, _ = made(row("a.jpg", IssueType.OTHER, suggested="dog", reason="why", image_id="7", raw="odd"))
    page, _ = made(flagged, dataset=payload)
    assert [name for name, _ in page.elements] == [name for name, _ in plain.elements]
    assert page.text.count(payload) >= 7
    page, _ = made(flagged, thumbnail=lambda name: f"no file {payload}")
    assert f"no file {payload}" in page.text
    assert "onerror" not in {attribute for _, attributes in page.elements for attribute in attributes}


def test_a_missing_picture_says_why_and_is_counted() -> None:
    page, count = made(row("a.jpg"), row("b.jpg"), thumbnail=lambda name: JPEG if name == "a.jpg" else "is damaged")
    assert count.without_picture == 1
    assert "is damaged" in page.text
    assert "1 picture could not be shown; the card says why." in page.text


@pytest.mark.parametrize(("width", "tiny"), [(32, True), (64, True), (65, False)])
def test_tiny_pictures_keep_hard_pixels(width: int, tiny: bool) -> None:
    page, _ = made(row("a.png"), thumbnail=lambda name: png(width))
    (image,) = page.all("img")
    assert (image.get("class") == "is-tiny") == tiny
    assert str(image["src"]).startswith("data:image/png;")


def test_rows_of_one_image_make_one_card_with_the_surest_flag_first() -> None:
    rows = [
        row("a.jpg", confidence=0.2),
        row("b.jpg"),
        row("a.jpg", IssueType.QUALITY, 0.9),
        row("a.jpg", confidence=None),
    ]
    gathered = gather_samples(rows)
    assert [(s.name, [f.confidence for f in s.flags]) for s in gathered] == [
        ("a.jpg", [0.9, 0.2, None]),
        ("b.jpg", [0.5]),
    ]
    page, count = made(*rows)
    assert count.total == 2
    assert "4 flags on 2 samples." in page.text
    assert "1 more flag" in page.text
    assert {item["data-types"] for item in page.all("li") if "data-types" in item} == {"outlier quality", "outlier"}


def test_an_image_without_a_path_goes_by_its_id() -> None:
    asked: list[str] = []
    page, _ = made(row("", image_id="7"), thumbnail=lambda name: asked.append(name) or JPEG)
    assert asked == ["7"]
    assert page.paths == ["7"]


def test_cards_come_by_issue_type_and_then_the_surest_first() -> None:
    page, _ = made(
        row("q.jpg", IssueType.QUALITY, 0.99),
        row("m1.jpg", IssueType.MISLABEL, 0.1),
        row("m3.jpg", IssueType.MISLABEL, None),
        row("m2.jpg", IssueType.MISLABEL, 0.8),
    )
    assert page.paths == ["m2.jpg", "m1.jpg", "m3.jpg", "q.jpg"]


def test_too_many_samples_are_cut_evenly_by_issue_type_and_that_is_told() -> None:
    rows = [row(f"d{n}.jpg", IssueType.DUPLICATE, 1 - n / 1000) for n in range(50)]
    rows += [row("m.jpg", IssueType.MISLABEL, 0.1), row("o.jpg", IssueType.OUTLIER, 0.2)]
    page, count = made(*rows, limit=5)
    assert page.paths == ["m.jpg", "o.jpg", "d0.jpg", "d1.jpg", "d2.jpg"]
    assert count == GalleryCount(5, 52, 0)
    assert "52 flags on 52 samples. This page shows 5 of them" in page.text


@pytest.mark.parametrize("limit", [1, 3, 51, 52, 99])
def test_the_limit_is_kept(limit: int) -> None:
    samples = gather_samples(row(f"{n}.jpg", list(IssueType)[n % 3]) for n in range(52))
    assert len(choose_samples(samples, limit)) == min(limit, 52)


def test_only_pictures_that_are_shown_are_made() -> None:
    asked: list[str] = []
    made(*[row(f"{n}.jpg") for n in range(9)], thumbnail=lambda name: asked.append(name) or "", limit=4)
    assert len(asked) == 4


def test_there_is_a_button_for_each_issue_type_that_occurs() -> None:
    page, _ = made(row("a.jpg"), row("a.jpg", IssueType.LEAK), row("b.jpg", IssueType.LEAK))
    assert [button["data-type"] for button in page.all("button")] == ["", "outlier", "leak"]
    assert "leak 2" in page.text


def test_endless_texts_are_cut() -> None:
    page, _ = made(row("a.jpg", label="x" * 9999, reason="y" * 9999))
    assert max(len(run) for run in re.findall(r"x+|y+", page.text)) <= 600
    assert "…" in page.text


@pytest.mark.parametrize(("given", "suggested"), [("cat", None), ("cat", "cat"), ("", None)])
def test_an_arrow_stands_only_before_another_label(given: str, suggested: str | None) -> None:
    page, _ = made(row("a.jpg", label=given, suggested=suggested))
    assert "→" not in page.text
    assert ("no label" in page.text) == (not given)


def test_the_same_rows_give_the_same_bytes() -> None:
    rows = [row("a.jpg"), row("b.jpg", IssueType.LEAK)]
    assert made(*rows)[0].html == made(*rows)[0].html


def test_an_export_without_rows_makes_an_empty_gallery() -> None:
    page, count = made()
    assert count == GalleryCount(0, 0, 0)
    assert "0 flags on 0 samples." in page.text
