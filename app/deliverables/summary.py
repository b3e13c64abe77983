"""The cleaning summary of a version."""

from __future__ import annotations

from typing import TextIO

from app.deliverables.content import VersionContent
from app.domain.formats.cleaning_summary import SummaryInput, write_cleaning_summary


def write_summary(stream: TextIO, content: VersionContent) -> None:
    snapshot = content.snapshot
    given = SummaryInput(
        dataset=content.dataset,
        version=content.number,
        frozen_at=content.frozen_at,
        author=content.author,
        policies=content.policies,
        by_split=content.by_split,
        by_class=content.by_class,
        merged=content.merged,
        issues=snapshot["issues"],
        reviewed=snapshot["reviewed"],
        reviewers=snapshot["reviewers"],
        leaks=snapshot["leaks"],
        agreement=snapshot["agreement"],
        accepted=snapshot["accepted"],
        bulk=snapshot.get("bulk", ()),  # versions of before there were bulk decisions
    )
    write_cleaning_summary(stream, given)
