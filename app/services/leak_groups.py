"""Groups of leak pairs that hold together: beside the pairs on the page, and whole as a table of one run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from app.db.models.leaks import LeakRun
from app.db.repositories import leak_statistics
from app.db.repositories import leaks as repository
from app.db.repositories import projects as projects_repository
from app.db.repositories.leak_statistics import LinkRow
from app.db.session import Session
from app.domain.leak_groups import Group, Link, find_groups
from app.services.leak_runs import params_of
from app.services.projects import Access

GROUP_COLUMNS = ("group", "image", "split", "label", "links")
BETWEEN_LINKS = " | "

MOST_FOLLOWED = 1000
"""Samples that are followed link by link; usually there are a few beside each pair."""


@dataclass(frozen=True)
class GroupView:
    """The group that a pair belongs to. ``number`` is the smallest id of its pairs, ``size`` its images."""

    number: int
    size: int


def groups_of_pairs(
    session: Session, project_id: int, pairs: Sequence[repository.PairRow], run_id: int | None = None
) -> dict[int, GroupView]:
    """The group of each of these pairs that holds one, by pair; of one run's pairs, or of all."""
    rows = _reachable(session, project_id, {id_ for row in pairs for id_ in (row.train.id, row.test.id)}, run_id)
    return {
        pair_id: GroupView(number, len(group.members))
        for number, group, pair_ids in _numbered(session, project_id, rows, run_id)
        for pair_id in pair_ids
    }


def run_groups(session: Session, access: Access, run_id: int) -> list[tuple[object, ...]]:
    """One row an image of ``GROUP_COLUMNS``, the largest groups first; ``links`` are the images of the group that it
    is paired with."""
    run = repository.get_run(session, access.id, run_id)
    rows = leak_statistics.links(session, access.id, run.id)
    groups = _numbered(session, access.id, rows, run.id)
    ids = sorted({id_ for _, group, _ in groups for id_ in group.members})
    samples = projects_repository.samples_by_id(session, ids)
    table: list[tuple[object, ...]] = []
    for number, group, _ in sorted(groups, key=lambda found: (-len(found[1].members), found[0])):
        linked: dict[int, list[str]] = {id_: [] for id_ in group.members}
        for link in group.links:
            linked[link.first].append(samples[link.second].key)
            linked[link.second].append(samples[link.first].key)
        for sample in sorted((samples[id_] for id_ in group.members), key=lambda sample: sample.key):
            others = BETWEEN_LINKS.join(sorted(linked[sample.id]))
            table.append((number, sample.key, sample.split, sample.given_label, others))
    return table


@dataclass(frozen=True)
class NumberedGroup:
    """A group under the smallest id of its pairs. ``rows`` are all links between its members."""

    number: int
    members: tuple[int, ...]
    rows: tuple[LinkRow, ...]


@dataclass(frozen=True)
class Around:
    """What is found around some samples. ``reached`` are all samples that links lead to; there are no groups where
    these are too many to follow (``MOST_FOLLOWED``)."""

    groups: list[NumberedGroup]
    reached: set[int]


def groups_around(session: Session, project_id: int, sample_ids: Iterable[int]) -> Around:
    """The groups of all runs' pairs that these samples are in, and those beside them that decide on these."""
    rows, reached = _follow(session, project_id, sample_ids, None)
    return Around(_as_numbered(session, project_id, rows), reached)


def all_groups(session: Session, project_id: int) -> list[NumberedGroup]:
    """Every group of all runs' pairs."""
    return _as_numbered(session, project_id, leak_statistics.links(session, project_id))


def _as_numbered(session: Session, project_id: int, rows: Sequence[LinkRow]) -> list[NumberedGroup]:
    by_id = {row.pair_id: row for row in rows}
    return [
        NumberedGroup(number, group.members, tuple(by_id[id_] for id_ in pair_ids))
        for number, group, pair_ids in _numbered(session, project_id, rows, None)
    ]


def _reachable(session: Session, project_id: int, start: Iterable[int], run_id: int | None) -> list[LinkRow]:
    """All links that decide on the groups of these samples: those that lead to them over any number of others."""
    return _follow(session, project_id, start, run_id)[0]


def _follow(
    session: Session, project_id: int, start: Iterable[int], run_id: int | None
) -> tuple[list[LinkRow], set[int]]:
    """Links over any number of samples, and the samples that were reached.

    No links where that goes on and on: a page must not wait for it, and the table of groups tells it all the same.
    """
    known, ahead = set(start), set(start)
    found: dict[int, LinkRow] = {}
    while ahead:
        rows = leak_statistics.links(session, project_id, run_id, sorted(ahead))
        found |= {row.pair_id: row for row in rows}
        ahead = {id_ for row in rows for id_ in (row.train_id, row.test_id)} - known
        known |= ahead
        if len(known) > MOST_FOLLOWED:
            return [], known
    return list(found.values()), known


def _numbered(
    session: Session, project_id: int, rows: Sequence[LinkRow], run_id: int | None
) -> list[tuple[int, Group, list[int]]]:
    """(number, group, ids of its pairs)"""
    pair_of = {Link(row.train_id, row.test_id, 0).ends: row.pair_id for row in rows}
    links = [Link(row.train_id, row.test_id, row.score) for row in rows]
    found = []
    for group in find_groups(links, _comparison(session, project_id, rows, run_id)):
        pair_ids = [pair_of[link.ends] for link in group.links]
        found.append((min(pair_ids), group, pair_ids))
    return found


def _comparison(
    session: Session, project_id: int, rows: Sequence[LinkRow], run_id: int | None
) -> Callable[[int, int], bool]:
    """Whether the runs compared two samples: those of two splits, or of one, as their scopes were."""
    runs = [run for run in repository.list_runs(session, project_id) if run_id in (None, run.id) and run.finished_at]
    searched = {_searched(run) for run in runs}
    splits = {row.train_id: row.train_split for row in rows} | {row.test_id: row.test_split for row in rows}
    return lambda first, second: frozenset((splits[first], splits[second])) in searched


def _searched(run: LeakRun) -> frozenset[str]:
    params = params_of(run)
    return frozenset((params.train_split,) if params.scope == "within" else (params.train_split, params.test_split))
