"""Reading a project's sources one after the other, as far as a listing needs it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.adapters.datasets.contract import SkippedFile
from app.adapters.datasets.read import read_source
from app.domain.errors import JobCancelled
from app.domain.samples import PassedOver, SampleRef
from app.domain.sources import SourceSpec
from app.services.ports import ShardContext


@dataclass(frozen=True)
class ReadSource:
    """What was found in one source. ``fingerprint`` is a SHA-256 over keys, labels and sizes, in their order."""

    source_id: int
    spec: SourceSpec
    samples: Sequence[SampleRef]
    skipped: Sequence[SkippedFile]
    classes: Sequence[str]
    indices: Mapping[str, int]
    titles: Mapping[str, str]
    fingerprint: str


def read_sources(
    specs: Sequence[tuple[int, SourceSpec]], classes: Mapping[str, int], context: ShardContext
) -> list[ReadSource]:
    """Read every source. A name that an earlier one has already is passed over.

    Raises:
        InvalidFile: one of them can't be read.
        JobCancelled: somebody asked to stop.
    """
    seen: set[str] = set()
    index = dict(classes)
    found = []
    for source_id, spec in specs:
        part = _read(source_id, spec, index, seen, context)
        for name in part.classes or sorted({sample.given_label for sample in part.samples}):
            index.setdefault(name, len(index))  # a later source may give labels as numbers
        found.append(part)
    return found


def _read(
    source_id: int, spec: SourceSpec, classes: Mapping[str, int], seen: set[str], context: ShardContext
) -> ReadSource:
    reading = read_source(spec, classes)
    samples: list[SampleRef] = []
    skipped: list[SkippedFile] = []
    digest = hashlib.sha256()
    for number, listed in enumerate(reading.listed, 1):
        if isinstance(listed, SampleRef) and listed.key in seen:
            listed = SkippedFile(listed.key, PassedOver.TWICE)
        if isinstance(listed, SkippedFile):
            skipped.append(listed)
        else:
            seen.add(listed.key)
            samples.append(listed)
            digest.update(f"{listed.key}\0{listed.given_label}\0{listed.bytes}\n".encode())
        if number % 5000 == 0:
            context.report(len(seen))
            if context.should_stop():
                raise JobCancelled("The listing was cancelled.")
    digest.update(reading.stamp.encode())
    return ReadSource(
        source_id, spec, samples, skipped, reading.classes, reading.indices, reading.titles, digest.hexdigest()
    )
