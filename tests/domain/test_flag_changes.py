"""The digest of an import's changes tells everything apart that people would have seen in its preview."""

from __future__ import annotations

import dataclasses

import pytest

from app.domain.flag_changes import Changes, CheckedRow, KnownFlag
from app.domain.formats.flagged.rows import RejectedRow

ROW = CheckedRow(1, "c0", "mislabel", "mislabel", 0.5, "dog", "looks so", "g", 50.0, "score", 2)
OTHER = ROW._replace(sample_id=2, line=3)
OLD = KnownFlag(*OTHER[:10], id=7)
REJECT = RejectedRow(4, "unknown_image", "no image", "x.png")
DIGEST = Changes([ROW], [(OLD, OTHER)], [ROW]).digest([REJECT])


def test_equal_changes_have_one_digest():
    assert Changes([ROW._replace()], [(OLD, OTHER._replace())], [ROW]).digest([dataclasses.replace(REJECT)]) == DIGEST


@pytest.mark.parametrize("name", CheckedRow._fields)
def test_every_value_of_a_new_flag_counts(name):
    changed = ROW._replace(**{name: "another" if isinstance(getattr(ROW, name), str) else 99})
    assert Changes([changed], [(OLD, OTHER)], [ROW]).digest([REJECT]) != DIGEST
    assert Changes([ROW], [(OLD, OTHER._replace(**{name: getattr(changed, name)}))], [ROW]).digest([REJECT]) != DIGEST


@pytest.mark.parametrize(
    ("changes", "rejects"),
    [
        (Changes([], [(OLD, OTHER)], [ROW]), [REJECT]),
        (Changes([ROW], [(OLD._replace(id=8), OTHER)], [ROW]), [REJECT]),
        (Changes([ROW], [], [ROW]), [REJECT]),
        (Changes([ROW], [(OLD, OTHER)], []), [REJECT]),
        (Changes([ROW], [(OLD, OTHER)], [ROW._replace(sample_id=3)]), [REJECT]),
        (Changes([ROW], [(OLD, OTHER)], [ROW]), []),
        (Changes([ROW], [(OLD, OTHER)], [ROW]), [dataclasses.replace(REJECT, code="bad_confidence")]),
        (Changes([ROW, ROW], [(OLD, OTHER)], []), [REJECT]),
    ],
)
def test_what_happens_to_a_row_counts(changes, rejects):
    assert changes.digest(rejects) != DIGEST
