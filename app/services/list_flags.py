"""Flags as rows for scripts, a page at a time or as CSV; and the tagged manifest as it stands, without a version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TextIO

from app.db.models.imports import FlagRow
from app.db.models.projects import Sample
from app.db.models.reviews import SampleState
from app.db.repositories import flags as flags_repository
from app.db.repositories import listing as repository
from app.db.repositories import merging as merging_repository
from app.db.session import Session
from app.deliverables.manifests import tagged_rows
from app.domain.formats.csv_lines import exact_writer
from app.domain.formats.manifest_csv import write_rows
from app.services.finish import merge_project
from app.services.list_samples import SampleFilter, SampleOrder, make_cursor, read_place
from app.services.merged_outcomes import outcome_of, told_by_sample
from app.services.projects import Access

MOST = 1_000
"""Samples on one page."""


@dataclass(frozen=True)
class FlagLine:
    """One flag with what counts for its sample now. The names are those of the manifest's columns."""

    image_id: str
    image_path: str
    sample_id: int
    split: str
    original_label: str
    vl_flag_type: str
    issue_type: str
    vl_confidence: float | None
    suggested_label: str | None
    reason: str | None
    duplicate_group_id: str | None
    source: str
    detector_image_id: str
    state: str
    user_tags: str
    user_action: str | None
    new_label: str | None


FLAG_COLUMNS = tuple(field.name for field in fields(FlagLine))


@dataclass(frozen=True)
class FlagPage:
    rows: list[FlagLine]
    next_cursor: str | None


def list_flags(
    session: Session, access: Access, wanted: SampleFilter, *, cursor: str | None, limit: int = MOST
) -> FlagPage:
    """All flags of the next ``limit`` samples that the filter takes in, in order of their paths.

    Raises:
        InvalidInput: a cursor that no page gave.
    """
    place = read_place(cursor, SampleOrder.PATH)
    after = place.values if place else None
    found = repository.list_samples(session, access.id, wanted, SampleOrder.PATH, limit=limit + 1, after=after)
    shown = found[:limit]
    flags = flags_repository.flags_of_samples(session, [sample.id for sample, _ in shown])
    rows = [line for sample, state in shown for line in _lines(sample, state, flags[sample.id])]
    more = len(found) > limit
    return FlagPage(rows, make_cursor(SampleOrder.PATH, shown[-1], backwards=False) if more else None)


def _lines(sample: Sample, state: SampleState, flags: Sequence[FlagRow]) -> Iterator[FlagLine]:
    for flag in flags:
        yield FlagLine(
            sample.key, sample.key, sample.id, sample.split, sample.given_label, flag.raw_issue_type, flag.issue_type,
            flag.confidence, flag.suggested_label, flag.reason, flag.group, flag.source, flag.image_id, state.state,
            ",".join(state.tags), state.decision, state.new_label,
        )  # fmt: skip


def write_flags(stream: TextIO, session: Session, access: Access, wanted: SampleFilter) -> int:
    """Write every flag that the filter takes in as CSV; return their number."""
    writer, cells, cursor, count = exact_writer(stream), attrgetter(*FLAG_COLUMNS), None, 0
    writer.writerow(FLAG_COLUMNS)
    while True:
        page = list_flags(session, access, wanted, cursor=cursor)
        writer.writerows(cells(row) for row in page.rows)
        count, cursor = count + len(page.rows), page.next_cursor
        session.expunge_all()  # 200,000 flags need not be held at once
        if cursor is None:
            return count


def write_manifest(stream: TextIO, session: Session, access: Access) -> int:
    """Write the tagged manifest that a version frozen now would have; return the number of its rows."""
    merged = merge_project(session, access.project)
    told = told_by_sample(merging_repository.list_submitted(session, access.id))
    return write_rows(
        stream, (row for sample in merged.samples for row in tagged_rows(outcome_of(sample, merged, told)))
    )
