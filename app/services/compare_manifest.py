"""An edited manifest against a project: what each row would change, worked out afresh each time that it is asked."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.db.models.reviews import ReviewRow, SampleState
from app.db.repositories import flags as flags_repository
from app.db.repositories import merging as merging_repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import reviews as reviews_repository
from app.db.session import Session
from app.domain.decision_tree import standard_tree
from app.domain.errors import InvalidFile, InvalidInput
from app.domain.formats.edited_manifest import BrokenRow, EditedRow, read_edited_manifest
from app.domain.manifest_differences import Difference, Given, Kind, Said, Standing, compare_rows, refuse
from app.domain.merge import MergedSample
from app.domain.reviews import settle
from app.domain.taxonomy import Decision, Taxonomy
from app.services.find_samples import find_samples
from app.services.finish import merge_project
from app.services.merged_outcomes import Told, told_by_sample
from app.services.projects import Access, policies_of

MAX_ROWS = 500_000
"""Rows of one file; more than any manifest of a million images had."""


@dataclass(frozen=True)
class Comparison:
    """Every row of a file in its order, and the sample and version that each answer is for, by line."""

    differences: list[Difference]
    samples: Mapping[int, tuple[int, int | None]]

    @cached_property
    def counts(self) -> dict[str, int]:
        found = Counter(difference.kind.value for difference in self.differences)
        return {kind.value: found[kind.value] for kind in Kind}

    @cached_property
    def digest(self) -> str:
        """Changes with anything that would be applied otherwise than it was shown."""
        told = [(d.line, d.kind.value, d.before, d.after, self.samples.get(d.line)) for d in self.differences]
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

    def of(self, *kinds: Kind) -> list[Difference]:
        return [difference for difference in self.differences if difference.kind in kinds]


def compare_manifest(session: Session, access: Access, reviewer_id: int, data: bytes) -> Comparison:
    """Compare a file with the project as it stands, its rows being ``reviewer_id``'s answers.

    Raises:
        InvalidFile: it is no tagged manifest at all, or too long.
    """
    rows: list[EditedRow] = []
    differences: list[Difference] = []
    for row in read_edited_manifest(data):
        if isinstance(row, EditedRow):
            rows.append(row)
        else:
            differences.append(_broken(row))
        if len(rows) > MAX_ROWS:
            raise InvalidFile(f"The file has more than {MAX_ROWS:,} rows. Leave out those that were not edited.")
    found = find_samples(session, access, (name for row in rows for name in row.names))
    by_sample: dict[int, list[EditedRow]] = defaultdict(list)
    for row in rows:
        sample_id = next((found.ids[name] for name in row.names if name in found.ids), None)
        if sample_id is not None:
            by_sample[sample_id].append(row)
        else:
            differences.append(_broken(BrokenRow(row.line, row.image, found.problems[row.image])))
    standing = _Standing(session, access, reviewer_id, list(by_sample))
    samples: dict[int, tuple[int, int | None]] = {}
    for sample_id, own in by_sample.items():
        for difference in compare_rows(own, standing.of(sample_id), standing.taxonomy):
            checked = standing.check(sample_id, difference)
            differences.append(checked)
            if checked.given is not None:
                samples[checked.line] = (sample_id, standing.version_of(sample_id))
    differences.sort(key=lambda difference: difference.line)
    return Comparison(differences, samples)


def _broken(row: BrokenRow) -> Difference:
    return Difference(row.line, row.image, Kind.REFUSED, "", "", row.reason)


class _Standing:
    """What the project says of the samples of a file, read once for all rows."""

    def __init__(self, session: Session, access: Access, reviewer_id: int, ids: Sequence[int]) -> None:
        self._session, self._access, self._reviewer_id, self._ids = session, access, reviewer_id, ids
        merged = merge_project(session, access.project)
        self._merged = {merged.sample_ids[sample.key]: sample for sample in merged.samples}
        self._classes = merged.classes
        self._told = told_by_sample(merging_repository.list_submitted(session, access.id))
        self._states = reviews_repository.states_of_samples(session, ids)
        self._reviews = reviews_repository.reviews_of_samples(session, ids)
        self._tree, self.taxonomy = standard_tree(policies_of(access.project).mislabel_threshold), Taxonomy()

    @cached_property
    def _given_labels(self) -> dict[int, str]:
        samples = projects_repository.samples_by_id(self._session, self._ids)
        return {id_: sample.given_label for id_, sample in samples.items()}

    def of(self, sample_id: int) -> Standing:
        note = " | ".join(self._told.get(sample_id, Told()).notes)
        says = [one for one in (self._merged.get(sample_id), self._states.get(sample_id)) if one is not None]
        given = [(row, _given(row, name)) for row, name in self._reviews[sample_id] if row.status == "submitted"]
        own = [one for row, one in given if row.reviewer_id == self._reviewer_id and not row.is_adjudication]
        others = tuple(one for _, one in given if one not in own)
        return Standing(tuple(_said(one, note) for one in says), own[0] if own else None, others)

    def check(self, sample_id: int, difference: Difference) -> Difference:
        """The difference, refused where the answer does not fit its sample."""
        if difference.given is None:
            return difference
        label = difference.given.new_label
        unusual = label is not None and label not in self._classes
        rows = flags_repository.flags_of_samples(self._session, [sample_id])[sample_id] if unusual else []
        try:
            settle(
                difference.given, flags=[flags_repository.as_flag(row) for row in rows],
                given_label=self._given_labels[sample_id], classes=self._classes, tree=self._tree,
                taxonomy=self.taxonomy,
            )  # fmt: skip
        except InvalidInput as error:
            return refuse(difference, error.message)
        return difference

    def version_of(self, sample_id: int) -> int | None:
        state = self._states.get(sample_id)
        return state.version if state else None


def _said(one: MergedSample | SampleState, note: str) -> Said:
    return Said(Decision(one.decision) if one.decision else None, one.new_label, tuple(one.tags), note)


def _given(row: ReviewRow, name: str) -> Given:
    said = Said(Decision(row.decision) if row.decision else None, row.new_label, tuple(row.tags), row.note)
    return Given(name, row.updated_at, said)


COLUMNS = ("line", "image", "what", "in_project", "in_file", "why")


def as_table(differences: Iterable[Difference]) -> list[tuple[str, ...]]:
    """Rows for ``COLUMNS``."""
    return [(str(d.line), d.image, d.kind.value, d.before, d.after, d.reason) for d in differences]
