"""The samples that a bulk decision could settle, and those that its answer does not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from app.db.repositories import bulk as repository
from app.db.repositories import projects as projects_repository
from app.db.repositories.sample_filter import SampleFilter
from app.db.session import Database
from app.domain.bulk import Answer, LeftOut, label_problem
from app.domain.taxonomy import Decision

_WINDOW = 20_000
"""Ids looked at in one query: with a rollback journal nobody's decision is committed while it reads."""

_NAMED = 20
"""So many unknown classes are named; the others are only counted."""

Wanted = tuple[int, str | None]
"""(sample id, the label that it would get)."""


@dataclass
class Stratum:
    """What the answer fits, by id, and how many samples it does not fit, by reason and by unknown class."""

    samples: list[Wanted] = field(default_factory=list)
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)

    def left_out_json(self) -> dict[str, object]:
        named = dict(self.unknown.most_common(_NAMED))
        return {**{reason.value: count for reason, count in sorted(self.left_out.items())}, "classes": named}


def read_stratum(
    database: Database, project_id: int, wanted: SampleFilter, answer: Answer, *, over_bulk: bool
) -> Stratum:
    """Read a whole stratum, in short transactions."""
    stratum = Stratum()
    for _ in read_parts(database, project_id, wanted, answer, over_bulk=over_bulk, into=stratum):
        pass
    return stratum


def read_parts(
    database: Database, project_id: int, wanted: SampleFilter, answer: Answer, *, over_bulk: bool, into: Stratum
) -> Iterator[Sequence[Wanted]]:
    """Read a stratum part by part, each of them added to ``into``."""
    relabels = answer.decision is Decision.RELABEL
    with database.reading() as session:
        classes = set(projects_repository.class_index(session, project_id))
        windows = repository.windows(session, project_id, _WINDOW)
    for window in windows:
        with database.reading() as session:
            rows = repository.read_stratum(session, project_id, wanted, window, over_bulk=over_bulk, labels=relabels)
        part: list[Wanted] = []
        for sample_id, suggested, given in rows:
            problem = label_problem(suggested, given, classes) if relabels else None
            if problem is None:
                part.append((sample_id, suggested))
                continue
            into.left_out[problem] += 1
            if problem is LeftOut.UNKNOWN_CLASS:
                into.unknown[str(suggested)] += 1
        into.samples += part
        yield part
