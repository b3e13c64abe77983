"""Duplicate groups as a page shows them: members side by side, which one should stay, and labels that differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from app.adapters.picture_measures import Measures, measure
from app.adapters.thumbnails import Pictures
from app.db.models.projects import Sample
from app.db.models.reviews import ReviewRow, SampleState
from app.db.repositories import groups as repository
from app.db.repositories import reviews as reviews_repository
from app.db.repositories.sources import Places
from app.db.session import Database, Session
from app.domain.duplicate_groups import Member, propose_keeper
from app.domain.merge import LeakSide
from app.services.picture_urls import image_url, thumb_url
from app.services.projects import Access, access_project, policies_of
from app.services.sign_in import Actor

DUPLICATE = "duplicate"
LEAK = "leak"

MOST_SHOWN = 60
"""Members of one group on the page; a larger one is decided in the grid, filtered by the group."""


@dataclass(frozen=True)
class MemberView:
    """One image of a group. ``width`` and ``height`` are in pixels, 0 where the file could not be read.

    ``is_leaving`` is whether a leak that was confirmed outside of the group takes it out, ``is_settled`` whether a lead
    settled it; both are told of groups of leaks.
    """

    id: int
    key: str
    split: str
    given_label: str
    width: int
    height: int
    bytes: int
    sharpness: float
    state: str
    decision: str | None
    new_label: str | None
    mine: str | None
    version: int
    image_url: str
    thumb_url: str
    is_leaving: bool = False
    is_settled: bool = False


@dataclass(frozen=True)
class TieView:
    """A leak pair that holds a group: two of its members, and what a verdict on it would do.

    ``leaves`` are the members that the project's rule takes out once the pair is confirmed.
    """

    id: int
    version: int
    verdict: str
    train: int
    test: int
    score: float | None
    described: str | None
    leaves: list[int]


@dataclass(frozen=True)
class GroupView:
    """``keeper`` is the id of the member that stays if nobody says otherwise; None where a rule takes all of a leak.

    ``size`` counts those not shown, too. A group of leaks is named by the smallest id of its ``pairs``.
    """

    name: str
    size: int
    labels: list[str]
    splits: list[str]
    keeper: int | None
    members: list[MemberView]
    kind: str = DUPLICATE
    pairs: list[TieView] = field(default_factory=list)


@dataclass(frozen=True)
class GroupPage:
    """``total`` and ``differing`` (groups whose members carry different labels) are None where nobody asked, or where
    there are too many pairs to count groups of."""

    groups: list[GroupView]
    total: int | None
    differing: int | None
    next_cursor: str | None


def list_groups(
    database: Database,
    pictures: Pictures,
    actor: Actor,
    slug: str,
    *,
    after: str = "",
    limit: int = 20,
    open_only: bool = True,
    differing_only: bool = False,
    count: bool = False,
    names: Sequence[str] = (),
) -> GroupPage:
    """A page of groups, or the groups of these ``names``.

    Raises:
        NotFound: there is no such project, or the person is no member.
    """
    with database.reading() as session:
        access = access_project(session, actor, slug)
        places = Places(session, access.id)
        wanted = list(names) or repository.group_names(
            session, access.id, after=after, limit=limit + 1, open_only=open_only, differing_only=differing_only
        )
        shown = wanted[:limit]
        members = repository.members_of(session, access.id, shown)
        ids = [sample.id for of in members.values() for sample, _ in of[:MOST_SHOWN]]
        mine = reviews_repository.own_reviews(session, ids, actor.user_id)
        total = repository.count_groups(session, access.id, open_only=open_only) if count else None
        differing = repository.count_differing(session, access.id, open_only=open_only) if count else None
    # Measuring decodes pictures: the database is let go before.
    groups = [_group(access, pictures, places, name, members[name], mine) for name in shown if members[name]]
    return GroupPage(groups, total, differing, shown[-1] if len(wanted) > limit else None)


def _group(
    access: Access,
    pictures: Pictures,
    places: Places,
    name: str,
    members: Sequence[tuple[Sample, SampleState | None]],
    mine: Mapping[int, ReviewRow],
) -> GroupView:
    shown = members[:MOST_SHOWN]
    measured = {sample.id: measure(pictures, places(sample)) for sample, _ in shown}
    return GroupView(
        name, len(members), sorted({sample.given_label for sample, _ in members}),
        sorted({sample.split for sample, _ in members}), _keeper(access, shown, measured),
        [view_member(sample, state, measured[sample.id], mine.get(sample.id)) for sample, state in shown],
    )  # fmt: skip


def _keeper(
    access: Access, members: Sequence[tuple[Sample, SampleState | None]], measured: Mapping[int, Measures]
) -> int:
    """The proposal, among members that nobody removed. Between splits, the side that leaks are removed from goes."""
    standing = [sample for sample, state in members if state is None or state.decision != "remove"]
    candidates = standing or [sample for sample, _ in members]
    keeps_train = policies_of(access.project).leak_side is not LeakSide.TRAIN
    splits = {sample.split for sample in candidates}
    return best_of(candidates, measured, lambda sample: len(splits) == 1 or (sample.split == "train") == keeps_train)


def best_of(
    samples: Sequence[Sample], measured: Mapping[int, Measures], stays: Callable[[Sample], bool] = lambda sample: True
) -> int:
    """The id of the one that should stay of these, before all of those that ``stays`` says so of."""
    return propose_keeper(
        [
            Member(
                sample.id, sample.key, measured[sample.id].width * measured[sample.id].height,
                measured[sample.id].sharpness, stays(sample),
            )
            for sample in samples
        ]
    )  # fmt: skip


def view_member(
    sample: Sample,
    state: SampleState | None,
    measures: Measures,
    mine: ReviewRow | None,
    *,
    is_leaving: bool = False,
    is_settled: bool = False,
) -> MemberView:
    return MemberView(
        sample.id, sample.key, sample.split, sample.given_label, measures.width, measures.height, measures.bytes,
        measures.sharpness, state.state if state else "open", state.decision if state else None,
        state.new_label if state else None, mine.decision if mine and mine.status == "submitted" else None,
        state.version if state else 0, image_url(sample.id), thumb_url(sample.id), is_leaving, is_settled,
    )  # fmt: skip


def find_group(session: Session, access: Access, name: str) -> dict[int, Sample]:
    """The samples of a group by id; none where there is no such group."""
    return {sample.id: sample for sample, _ in repository.members_of(session, access.id, [name])[name]}
