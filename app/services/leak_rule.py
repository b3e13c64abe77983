"""Which images the project's rule takes out of the dataset once leaks are confirmed, as the merge will do it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from app.db.repositories import leaks as repository
from app.db.repositories import reviews as reviews_repository
from app.db.repositories.leaks import PairRow
from app.db.session import Session
from app.domain.consensus import How
from app.domain.merge import LeakSide, is_leak, sides_that_go
from app.services.projects import Access, policies_of


@dataclass(frozen=True)
class LeakRule:
    """The project's side of leaks, for some samples. ``adjudicated`` ones are settled by a lead, who outranks it."""

    side: LeakSide
    adjudicated: Collection[int]
    confirmed: Sequence[PairRow]

    @classmethod
    def of(cls, session: Session, access: Access, sample_ids: Sequence[int]) -> LeakRule:
        states = reviews_repository.states_of_samples(session, sample_ids)
        settled = {id_ for id_, state in states.items() if state.how == How.ADJUDICATED.value}
        return cls(policies_of(access.project).leak_side, settled, repository.confirmed_pairs(session, sample_ids))

    def leaving(self, row: PairRow) -> set[int]:
        """Ids of the images that this pair takes out where it is confirmed."""
        if not is_leak(row.train.split, row.test.split):
            return set()
        return set(sides_that_go(row.train.id, row.test.id, self.side)) - set(self.adjudicated)

    def leaving_by_others(self, rows: Iterable[PairRow]) -> set[int]:
        """Ids of images that confirmed pairs other than these take out."""
        own = {row.pair.id for row in rows}
        return {id_ for row in self.confirmed if row.pair.id not in own for id_ in self.leaving(row)}
