"""Whose answers on a sample somebody may see, and when: the one place that keeps reviewing blind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.db.models.reviews import ReviewRow
from app.db.repositories import check_samples as checks_repository
from app.db.session import Session
from app.services.projects import Access, policies_of


@dataclass(frozen=True)
class SampleView:
    """What one person may see of a sample's answers. ``others`` None means that they show once one's own is in.

    ``is_secret`` means that the sample must look as if nobody had answered on it, because it is a check sample.
    """

    mine: ReviewRow | None
    others: list[tuple[ReviewRow, str]] | None
    is_secret: bool

    @property
    def has_answered(self) -> bool:
        return self.mine is not None and self.mine.status == "submitted"

    @property
    def shows_others(self) -> bool:
        return self.others is not None and not self.is_secret


def sample_views(
    session: Session, access: Access, ids: Sequence[int], reviews: Mapping[int, list[tuple[ReviewRow, str]]]
) -> dict[int, SampleView]:
    """What the person may see of each of these samples; leads see all."""
    checks = set() if access.is_lead else checks_repository.check_ids(session, ids)
    return {id_: view_of(access, reviews[id_], id_ in checks) for id_ in ids}


def view_of(access: Access, reviews: list[tuple[ReviewRow, str]], is_check_sample: bool) -> SampleView:
    """What the person may see of a sample with these reviews."""
    me = access.actor.user_id
    mine = next((row for row, _ in reviews if row.reviewer_id == me and not row.is_adjudication), None)
    has_answered = mine is not None and mine.status == "submitted"
    # Whoever saw the known answer after giving theirs could take it back and give that one.
    is_secret = is_check_sample and (not has_answered or (mine is not None and mine.is_check))
    if policies_of(access.project).blind and not access.is_lead and not has_answered:
        return SampleView(mine, None, is_secret)
    others = [] if is_secret else [(row, name) for row, name in reviews if row is not mine]
    return SampleView(mine, others, is_secret)
