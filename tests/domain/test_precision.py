"""Which decisions bear a flag out."""

from __future__ import annotations

import pytest

from app.domain.precision import is_borne_out
from app.domain.samples import IssueType
from app.domain.taxonomy import Decision


@pytest.mark.parametrize("issue", list(IssueType))
def test_a_sample_that_goes_bears_out_every_flag_and_one_that_stays_none(issue: IssueType) -> None:
    assert is_borne_out(issue, Decision.REMOVE)
    assert not is_borne_out(issue, Decision.KEEP)


@pytest.mark.parametrize("issue", list(IssueType))
def test_another_label_bears_out_only_flags_that_may_speak_of_the_label(issue: IssueType) -> None:
    assert is_borne_out(issue, Decision.RELABEL) is (issue in (IssueType.MISLABEL, IssueType.OTHER))
