"""The gallery of a version: its flagged samples with what became of each, as a page that works offline."""

from __future__ import annotations

from io import TextIOWrapper
from typing import BinaryIO

from app.deliverables.content import Outcome, VersionContent
from app.deliverables.deliverable import Pictures
from app.deliverables.figures import outcome_of
from app.domain.formats.gallery_samples import GalleryOutcome, GallerySample, by_surety
from app.domain.formats.review_gallery import write_gallery
from app.domain.samples import Flag, IssueType

SIDE = 192
"""Pixels; 2,000 photos of this size make a page of some 20 MB."""


def write_version_gallery(stream: BinaryIO, content: VersionContent, pictures: Pictures) -> int:
    """Write the page; returns how many samples it shows. It says itself where there are more."""

    def thumbnail(key: str) -> bytes | str:
        return pictures.jpeg(key, SIDE) or "The file is gone, or is no image that can be read."

    wrapper = TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="")
    samples = [_sample(outcome) for outcome in content.outcomes]
    about = f"version {content.number}"
    count = write_gallery(wrapper, samples, thumbnail, dataset=content.dataset, about=about)
    wrapper.flush()
    wrapper.detach()
    return count.shown


def _sample(outcome: Outcome) -> GallerySample:
    flags = by_surety(_flag(raw) for raw in outcome["flags"])
    told = GalleryOutcome(
        outcome_of(outcome), outcome["new_label"], outcome["explanation"], tuple(outcome["conflicts"])
    )
    return GallerySample("", outcome["key"], outcome["given_label"], flags, told)


def _flag(raw: dict[str, object]) -> Flag:
    return Flag(**{**raw, "issue_type": IssueType(str(raw["issue_type"]))})  # type: ignore[arg-type]
