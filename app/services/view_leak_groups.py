"""Groups of leaks as the groups page shows them: what a run found to be one shot, and which images a verdict takes out.

The groups are those of ``leak_groups``, and who leaves follows from the merge's own rule: here is no second one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.adapters.picture_measures import measure
from app.adapters.thumbnails import Pictures
from app.db.models.projects import Sample
from app.db.models.reviews import ReviewRow, SampleState
from app.db.repositories import leak_statistics as statistics
from app.db.repositories import leaks as repository
from app.db.repositories import reviews as reviews_repository
from app.db.repositories.leaks import PairRow
from app.db.repositories.sources import Places
from app.db.session import Database, Session
from app.domain.errors import InvalidInput
from app.domain.leak_words import describe_score
from app.domain.leaks import Transform, Verdict
from app.services.leak_groups import NumberedGroup, all_groups, groups_around
from app.services.leak_rule import LeakRule
from app.services.projects import Access, access_project
from app.services.sign_in import Actor
from app.services.view_groups import LEAK, MOST_SHOWN, GroupPage, GroupView, TieView, best_of, view_member

STEP = 50
"""Pairs that are looked at together on the way to the next groups."""

MOST_PAIRS = 1_000
"""Pairs that are looked at for one page; where they are in no group, the page is short and the next goes on."""

MOST_COUNTED = 20_000
"""Pairs of a project whose groups are counted."""


@dataclass(frozen=True)
class _Place:
    """Next to which pair a page starts."""

    verdict: str
    after: tuple[float, int] | None

    @property
    def cursor(self) -> str:
        return f"{self.verdict}:{self.after[0]!r}:{self.after[1]}" if self.after else f"{self.verdict}::"


def _read(cursor: str) -> _Place:
    if not cursor:
        return _Place(Verdict.OPEN.value, None)
    verdict, similarity, id_ = (*cursor.split(":"), "", "")[:3]
    try:
        return _Place(Verdict(verdict).value, (float(similarity), int(id_)) if similarity else None)
    except ValueError:
        raise InvalidInput(f"{cursor[:60]!r} is no cursor of this list. Start again without one.") from None


def list_leak_groups(
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
    """A page of groups, those with the surest open pair first, or the groups of these ``names``.

    Raises:
        NotFound: there is no such project, or the person is no member.
        InvalidInput: a cursor of another list.
    """
    with database.reading() as session:
        access = access_project(session, actor, slug)
        if names:
            shown, cursor = _named(session, access, names), None
        else:
            shown, cursor = _page(session, access, _read(after), limit, open_only, differing_only)
        total, differing = _count(session, access, open_only=open_only) if count else (None, None)
        groups = _Facts.of(session, access, shown)
    # Measuring decodes pictures: the database is let go before.
    return GroupPage([groups.view(pictures, group) for group in shown], total, differing, cursor)


def _page(
    session: Session, access: Access, place: _Place, limit: int, open_only: bool, differing_only: bool
) -> tuple[list[NumberedGroup], str | None]:
    """Groups from a place on, and the cursor of those after them."""
    found: list[NumberedGroup] = []
    for looked, (at, group) in enumerate(_walk(session, access, place, open_only, differing_only), 1):
        if group is not None and len(found) == limit:
            return found, place.cursor
        place = at
        if group is not None:
            found.append(group)
        if looked >= MOST_PAIRS:
            return found, place.cursor
    return found, None


def _walk(
    session: Session, access: Access, place: _Place, open_only: bool, differing_only: bool
) -> Iterator[tuple[_Place, NumberedGroup | None]]:
    """Each pair's place, with its group where it is the first pair of it in this order."""
    verdicts = [Verdict.OPEN.value] if open_only else [Verdict.OPEN.value, Verdict.CONFIRMED.value]
    known: dict[int, NumberedGroup] = {}
    reached: set[int] = set()
    for verdict in verdicts[verdicts.index(place.verdict) :] if place.verdict in verdicts else ():
        after = place.after if verdict == place.verdict else None
        while rows := statistics.ranked_links(
            session, access.id, verdict, after=after, limit=STEP, labels_apart=differing_only
        ):
            for row in rows:
                if row.train_id not in reached:
                    around = groups_around(session, access.id, (row.train_id, row.test_id))
                    reached |= around.reached
                    known |= {link.pair_id: group for group in around.groups for link in group.rows}
                group = known.get(row.pair_id)
                after = (row.similarity, row.pair_id)
                is_first = group is not None and _first(group, differing_only) == row.pair_id
                yield _Place(verdict, after), group if is_first else None


def _first(group: NumberedGroup, differing_only: bool) -> int:
    """The pair of a group that a walk meets first."""
    rows = [row for row in group.rows if row.has_labels_apart or not differing_only]
    return min(rows, key=lambda row: (row.verdict != Verdict.OPEN.value, -row.similarity, row.pair_id)).pair_id


def _named(session: Session, access: Access, names: Sequence[str]) -> list[NumberedGroup]:
    numbers = [int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 19]
    pairs = repository.find_pairs(session, access.id, numbers)
    found = []
    for number in numbers:
        if number in pairs:
            ends = (pairs[number].pair.train_sample_id, pairs[number].pair.test_sample_id)
            around = groups_around(session, access.id, ends).groups
            found += [group for group in around if any(row.pair_id == number for row in group.rows)]
    return found


def _count(session: Session, access: Access, *, open_only: bool) -> tuple[int | None, int | None]:
    if statistics.count_links(session, access.id) > MOST_COUNTED:
        return None, None
    groups = all_groups(session, access.id)
    if open_only:
        groups = [group for group in groups if any(row.verdict == Verdict.OPEN.value for row in group.rows)]
    return len(groups), sum(any(row.has_labels_apart for row in group.rows) for group in groups)


@dataclass(frozen=True)
class _Facts:
    """What the shown groups are told by, gathered for all of them at once."""

    places: Places
    rule: LeakRule
    pairs: Mapping[int, PairRow]
    samples: Mapping[int, Sample]
    states: Mapping[int, SampleState]
    mine: Mapping[int, ReviewRow]

    @classmethod
    def of(cls, session: Session, access: Access, groups: Sequence[NumberedGroup]) -> _Facts:
        pairs = repository.find_pairs(session, access.id, [row.pair_id for group in groups for row in group.rows])
        samples = {sample.id: sample for row in pairs.values() for sample in (row.train, row.test)}
        ids = sorted(samples)
        states = reviews_repository.states_of_samples(session, ids)
        mine = reviews_repository.own_reviews(session, ids, access.actor.user_id)
        return cls(Places(session, access.id), LeakRule.of(session, access, ids), pairs, samples, states, mine)

    def view(self, pictures: Pictures, group: NumberedGroup) -> GroupView:
        members = sorted((self.samples[id_] for id_ in group.members), key=lambda sample: sample.key)
        shown = members[:MOST_SHOWN]
        visible = {sample.id for sample in shown}
        pairs = [self.pairs[row.pair_id] for row in group.rows]
        outside = self.rule.leaving_by_others(pairs)
        ties = [self._tie(row) for row in pairs if {row.train.id, row.test.id} <= visible]
        measured = {sample.id: measure(pictures, self.places(sample)) for sample in shown}
        gone = outside | {id_ for tie in ties for id_ in tie.leaves}
        stay = [sample for sample in shown if sample.id not in gone and not self._is_removed(sample.id)]
        return GroupView(
            str(group.number), len(members), sorted({sample.given_label for sample in members}),
            sorted({sample.split for sample in members}), best_of(stay, measured) if stay else None,
            [
                view_member(
                    sample, self.states.get(sample.id), measured[sample.id], self.mine.get(sample.id),
                    is_leaving=sample.id in outside, is_settled=sample.id in self.rule.adjudicated,
                )
                for sample in shown
            ],
            LEAK, ties,
        )  # fmt: skip

    def _is_removed(self, sample_id: int) -> bool:
        return sample_id in self.states and self.states[sample_id].decision == "remove"

    def _tie(self, row: PairRow) -> TieView:
        pair = row.pair
        transform = Transform(pair.transform) if pair.transform else None
        return TieView(
            pair.id, pair.version, pair.verdict, row.train.id, row.test.id, pair.score,
            None if pair.score is None else describe_score(pair.score, transform), sorted(self.rule.leaving(row)),
        )  # fmt: skip
