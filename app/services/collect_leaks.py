"""The end of a leak run: its findings become pairs that people judge. Doing it twice changes nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.db.base import utc_now
from app.db.models.leaks import LeakPair, LeakRun
from app.db.repositories import leaks as repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import sources as sources_repository
from app.db.repositories.sources import KeyPlaces
from app.db.session import Database, Session
from app.domain.errors import NotFound
from app.domain.leaks import LeakCandidate, LeakType
from app.domain.sources import ImagePlace
from app.services.leak_runs import ShardFile
from app.services.run_shard import ClaimedShard, stage_results

Finding = LeakCandidate


@dataclass(frozen=True, slots=True)
class ImageTrouble:
    """An image that could not be read, with the name of its problem."""

    key: str
    code: str
    message: str


def images_of_shard(database: Database, claimed: ClaimedShard) -> list[ImagePlace]:
    """Where the images lie that a shard reads."""
    params = claimed.params
    with database.reading() as session:
        project = projects_repository.get_project_by_id(session, claimed.project_id or 0)
        return sources_repository.image_places(session, project.id, params["split"], params["first"], params["last"])


def places_of_shard(database: Database, claimed: ClaimedShard) -> KeyPlaces:
    """Where all images of the shard's project lie, by key."""
    with database.reading() as session:
        return KeyPlaces(session, claimed.project_id or 0)


def shard_results(database: Database, job_id: int, stage: int) -> list[ShardFile]:
    """Result files of a finished stage, below the results folder."""
    with database.reading() as session:
        found = stage_results(session, job_id, stage)
        return [ShardFile(path, s.params.get("role", ""), s.params.get("part", 0)) for s, path in found]


def collect_leaks(
    database: Database,
    job_id: int,
    findings: Sequence[Finding],
    troubles: Sequence[ImageTrouble],
    digests: Mapping[str, str],
) -> None:
    """Keep a run's pairs, matches and unreadable images in one transaction."""
    with database.writing() as session:
        run = repository.find_run_of_job(session, job_id)
        if run is None:
            raise NotFound(f"Job {job_id} belongs to no leak run.")
        if run.finished_at is not None:
            return  # a worker that died after its commit had done it all
        pairs = _keep_pairs(session, run, findings)
        repository.add_matches(session, [_match(run, pairs, finding) for finding in findings])
        unreadable = {trouble.key: trouble for trouble in troubles}
        repository.add_problems(
            session,
            [{"run_id": run.id, "key": t.key, "code": t.code, "message": t.message} for t in unreadable.values()],
        )
        run.counts = _counts(findings, list(unreadable.values()), len(digests))
        run.dataset_fingerprint = _fingerprint(digests)
        run.finished_at = utc_now()


def _keep_pairs(session: Session, run: LeakRun, findings: Sequence[Finding]) -> dict[tuple[str, str], int]:
    labels = projects_repository.labels_by_key(session, run.project_id)
    known = repository.pairs_by_samples(session, run.project_id)
    found: dict[tuple[str, str], _Known] = {}
    for finding in findings:
        where = (finding.train_image, finding.test_image)
        told = _Known.of(finding)
        found[where] = found[where].joined(told) if where in found else told
    new = []
    for (train, test), told in found.items():
        pair = known.get((labels[train][0], labels[test][0]))
        if pair is None:
            new.append(_pair_values(run, labels[train], labels[test], told))
            continue
        both = _Known(LeakType(pair.leak_type), pair.similarity, pair.score, pair.transform).joined(told)
        pair.leak_type, pair.similarity = both.leak_type.value, both.similarity
        pair.score, pair.transform = both.score, both.transform
    repository.add_pairs(session, new)
    return _ids(session, run, labels, list(found))


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a pair, by one finding or by all that were made, in this run and in earlier ones."""

    leak_type: LeakType
    similarity: float
    score: float | None
    transform: str | None

    @classmethod
    def of(cls, finding: Finding) -> _Known:
        transform = finding.transform.value if finding.transform else None
        rank = finding.similarity if finding.score is None else finding.score
        return cls(finding.leak_type, rank, finding.score, transform)

    def joined(self, other: _Known) -> _Known:
        """Both together: the type that says most, the larger score with what it found, and as similarity that
        score, or else the larger similarity.

        An accepted finding outdoes a rejected one, so that a pair which any run accepted can be judged.
        """
        leak_type = min(self.leak_type, other.leak_type, key=list(LeakType).index)
        scored = [(known.score, known.transform or "") for known in (self, other) if known.score is not None]
        if not scored:
            return _Known(leak_type, max(self.similarity, other.similarity), None, None)
        score, transform = max(scored)
        return _Known(leak_type, score, score, transform or None)


def _pair_values(run: LeakRun, train: tuple[int, str], test: tuple[int, str], told: _Known) -> dict[str, Any]:
    return {
        "project_id": run.project_id, "train_sample_id": train[0], "test_sample_id": test[0],
        "similarity": told.similarity, "score": told.score, "transform": told.transform,
        "leak_type": told.leak_type.value, "label_conflict": train[1] != test[1], "verdict": "open", "version": 0,
    }  # fmt: skip


def _ids(
    session: Session, run: LeakRun, labels: Mapping[str, tuple[int, str]], found: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    stored: dict[tuple[int, int], LeakPair] = repository.pairs_by_samples(session, run.project_id)
    return {(train, test): stored[labels[train][0], labels[test][0]].id for train, test in found}


def _match(run: LeakRun, pairs: Mapping[tuple[str, str], int], finding: Finding) -> dict[str, Any]:
    return {
        "run_id": run.id, "pair_id": pairs[finding.train_image, finding.test_image],
        "method": finding.method.value, "similarity": finding.similarity, "leak_type": finding.leak_type.value,
        "hamming_distance": finding.hamming_distance, "score": finding.score,
        "transform": finding.transform.value if finding.transform else None,
    }  # fmt: skip


def _counts(findings: Sequence[Finding], troubles: Sequence[ImageTrouble], images: int) -> dict[str, Any]:
    accepted = [finding for finding in findings if finding.leak_type is not LeakType.REJECTED]
    return {
        "images": images,
        "problems": len(troubles),
        "problem_kinds": dict(sorted(Counter(t.code for t in troubles).items())),
        "methods": dict(sorted(Counter(f.method.value for f in accepted).items())),
        "types": dict(sorted(Counter(f.leak_type.value for f in findings).items())),
        "test_images": len({f.test_image for f in accepted}),
    }


def _fingerprint(digests: Mapping[str, str]) -> str | None:
    """Digest over every image's path and content, by which a changed dataset is noticed."""
    if not digests:
        return None
    lines = "".join(f"{key}\t{digest}\n" for key, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
