"""The finish page: reviews and leaks merged as they stand, the checks, and what a version would change."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.adapters.datasets.image_bytes import missing_places
from app.db.models.projects import Project
from app.db.repositories import bulk as bulk_repository
from app.db.repositories import groups as groups_repository
from app.db.repositories import leaks as leaks_repository
from app.db.repositories import merging as repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import sources as sources_repository
from app.db.session import Session
from app.domain.checks import Check, SizeChange, run_checks, sizes_by_class, sizes_by_split
from app.domain.consensus import How, Resolution, State
from app.domain.merge import ConfirmedLeak, MergedSample, Policies, SampleCase, is_leak, leaving, merge, suggestion_of
from app.domain.overlap import reviews_needed
from app.domain.samples import Flag
from app.domain.taxonomy import Decision
from app.services.projects import Access, policies_of


@dataclass(frozen=True)
class Merged:
    """Everything that a version is made of, from one reading of the database."""

    policies: Policies
    samples: list[MergedSample]
    sample_ids: Mapping[str, int]
    flags: Mapping[str, tuple[Flag, ...]]
    class_sizes: Mapping[tuple[str, str], int]
    classes: Mapping[str, int]
    checks: list[Check]
    needed: Mapping[str, int]
    """Reviews that a sample needs, where they are more than the policy's usual number."""

    @property
    def removed(self) -> list[MergedSample]:
        return [m for m in self.samples if m.decision is Decision.REMOVE]

    @property
    def relabelled(self) -> list[MergedSample]:
        return [m for m in self.samples if m.decision is Decision.RELABEL]

    @property
    def by_split(self) -> list[SizeChange]:
        return sizes_by_split(self.samples, self.class_sizes)

    def by_class(self, split: str | None = None) -> list[SizeChange]:
        return sizes_by_class(self.samples, self.class_sizes, split)


def merge_project(session: Session, project: Project, *, settled_only: bool = False) -> Merged:
    """Merge the project as it stands, and run the checks.

    With ``settled_only`` open samples are counted but not listed, and no flags are read: a page that is looked at
    often need not wait for 200,000 of them. Where flags' suggestions count, all are read.
    """
    policies = policies_of(project)
    settled_only = settled_only and policies.suggestion_threshold is None
    pairs = leaks_repository.all_pairs(session, project.id)
    confirmed = [_as_leak(row) for row in pairs if _crosses(row)]
    leaks = _leaks_by_key(pairs, policies)
    cases, needed = _cases(session, project.id, leaks, policies, settled_only=settled_only)
    merged = merge(case for case, _ in cases)
    sizes = projects_repository.class_sizes(session, project.id)
    classes = projects_repository.class_index(session, project.id)
    checks = run_checks(
        merged,
        policies=policies,
        classes=classes,
        class_sizes=sizes,
        groups=groups_repository.keys_by_group(session, project.id),
        open_leaks=sorted({row.test.key for row in pairs if row.pair.verdict == "open"}),
        more_undecided=repository.count_open(session, project.id, _ids_of(leaks)) if settled_only else 0,
        bulk_under_way=bulk_repository.count_under_way(session, project.id),
        confirmed_leaks=confirmed,
        missing=_missing_files(session, project.id, merged),
        repeated_ids=_has_repeated_ids(session, project.id, sizes),
    )
    ids = {case.key: sample_id for case, sample_id in cases}
    flags = {case.key: case.flags for case, _ in cases}
    return Merged(policies, merged, ids, flags, sizes, classes, checks, needed)


def read_cases(session: Session, access: Access) -> list[SampleCase]:
    """Everything that the rules are given, as it stands."""
    policies = policies_of(access.project)
    leaks = _leaks_by_key(leaks_repository.all_pairs(session, access.id), policies)
    cases, _ = _cases(session, access.id, leaks, policies, settled_only=False)
    return [case for case, _ in cases]


def _has_repeated_ids(session: Session, project_id: int, sizes: Mapping[tuple[str, str], int]) -> bool:
    by_split: Counter[str] = Counter()
    for (split, _), count in sizes.items():
        by_split[split] += count
    return len(by_split) > 1 and sources_repository.has_repeated_ids(session, project_id, by_split)


def _missing_files(session: Session, project_id: int, merged: Sequence[MergedSample]) -> list[str]:
    """Samples that the lists will name and whose file is gone. A kept one needs no line, so nobody would miss it."""
    named = [m.key for m in merged if m.decision in (Decision.REMOVE, Decision.RELABEL)]
    return missing_places(sources_repository.places_of_keys(session, project_id, named).values())


def _leaks_by_key(
    pairs: list[leaks_repository.PairRow], policies: Policies
) -> dict[str, list[tuple[int, ConfirmedLeak]]]:
    found: dict[str, list[tuple[int, ConfirmedLeak]]] = defaultdict(list)
    for row in pairs:
        if not _crosses(row):
            continue
        leak = _as_leak(row)
        sides = {row.train.key: row.train.id, row.test.key: row.test.id}
        for key in leaving(leak, policies.leak_side):
            found[key].append((sides[key], leak))
    return found


def _crosses(row: leaks_repository.PairRow) -> bool:
    """Whether a pair is a confirmed leak."""
    return row.pair.verdict == "confirmed" and is_leak(row.train.split, row.test.split)


def _as_leak(row: leaks_repository.PairRow) -> ConfirmedLeak:
    return ConfirmedLeak(row.train.key, row.test.key, row.decided_by or "")


def _cases(
    session: Session,
    project_id: int,
    leaks: Mapping[str, list[tuple[int, ConfirmedLeak]]],
    policies: Policies,
    *,
    settled_only: bool,
) -> tuple[list[tuple[SampleCase, int]], dict[str, int]]:
    """(case, sample id) of all that was flagged, reviewed or leaks; and who needs more reviews than usual."""
    flags: dict[int, list[Flag]] = defaultdict(list)
    if not settled_only:
        for sample_id, flag in repository.flags_of_project(session, project_id):
            flags[sample_id].append(flag)
    cases = []
    needed: dict[str, int] = {}
    usual, _ = reviews_needed(policies)
    seen: set[str] = set()
    for row in repository.states_of_project(session, project_id, settled_only=settled_only):
        seen.add(row.key)
        own = tuple(leak for _, leak in leaks.get(row.key, ()))
        found = tuple(flags.get(row.id, ()))
        suggestion = None if row.submitted else suggestion_of(found, row.given_label, policies.suggestion_threshold)
        case = SampleCase(row.key, row.split, row.given_label, found, _resolution(row), own, suggestion)
        cases.append((case, row.id))
        if row.needed != usual:
            needed[row.key] = row.needed
    missing = [found[0][0] for key, found in leaks.items() if key not in seen]
    for sample_id, leaking in projects_repository.samples_by_id(session, missing).items():
        own = tuple(leak for _, leak in leaks[leaking.key])
        cases.append((SampleCase(leaking.key, leaking.split, leaking.given_label, (), _OPEN, own), sample_id))
    return cases, needed


_OPEN = Resolution(State.OPEN)


_STATES = {state.value: state for state in State}
_DECISIONS: dict[str | None, Decision | None] = {None: None, **{decision.value: decision for decision in Decision}}
_HOWS: dict[str | None, How | None] = {None: None, **{how.value: how for how in How}}


def _resolution(row: Any) -> Resolution:
    # Looked up in tables: an enumeration's own call takes most of the time at 200,000 rows.
    return Resolution(
        _STATES[row.state], _DECISIONS[row.decision], row.new_label, repository.names_of(row.tags), _HOWS[row.how],
        repository.names_of(row.by),
        row.reason,
    )  # fmt: skip


def _ids_of(leaks: Mapping[str, list[tuple[int, ConfirmedLeak]]]) -> list[int]:
    return [found[0][0] for found in leaks.values()]
