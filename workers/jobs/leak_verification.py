"""The steps of a leak run that check pixels: search one part of both sides for candidates, verify one part of the
test side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.adapters.files import replaced_atomically
from app.domain.leak_verification import apply_check
from app.domain.leaks import LeakCandidate, LeakType, MatchMethod, Transform
from app.services.collect_leaks import shard_results
from app.services.leak_runs import COMPARE, READ, SEARCH, ShardFile
from app.services.run_shard import ClaimedShard
from workers.engines.candidate_files import read_candidates, write_candidates
from workers.engines.candidates import Candidates
from workers.engines.children import default_processes
from workers.engines.fingerprint_table import FingerprintTable, concat_tables, read_fingerprints
from workers.engines.verified_search import (
    GroupedCandidates,
    add_scores,
    find_candidates,
    merge_candidates,
    rows_of_pairs,
    typical_side,
    verify_pairs,
)
from workers.runner import Context, Environment

_STRIDE = 1 << 32
"""Between the row numbers of two reference parts in files of candidates."""

_PARTS_FOR_SIZE = 4
"""Parts of each side from which the usual size of the pictures is taken, the same for all shards."""


def search_candidates(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    """Candidates for one part of the test side in a few parts of the train side."""
    files = shard_results(environment.database, claimed.job_id, READ)
    query = _table(environment, [f for f in files if f.has("query", claimed.params["part"])])
    first, last = claimed.params["references"]
    chosen = [f for f in files if f.has("reference") and first <= f.part < last]
    reference, starts = _table_and_starts(environment, chosen)
    found = find_candidates(
        query,
        reference,
        side=_usual_side(environment, files),
        smallest_crop=claimed.job_params["smallest_crop"],
        threads=_threads(environment),
        should_stop=context.should_stop,
    )
    parts = np.array([f.part for f in chosen], np.int64)
    write_candidates(
        context.result_path("candidates.npz"), {name: _by_part(some, starts, parts) for name, some in found.items()}
    )
    context.report(1)


def verify_candidates(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    """Scores for one part of the test side, of its candidates and of what the other methods found."""
    folder, part = environment.settings.folder("results"), claimed.params["part"]
    files = shard_results(environment.database, claimed.job_id, READ)
    references = [f for f in files if f.has("reference")]
    query = _table(environment, [f for f in files if f.has("query", part)])
    reference, starts = _table_and_starts(environment, references)
    compared = [f for f in shard_results(environment.database, claimed.job_id, COMPARE) if f.part == part]
    found = [candidate for file in compared for candidate in read_findings(folder / file.path)]
    searched = [f for f in shard_results(environment.database, claimed.job_id, SEARCH) if f.part == part]
    start_of = {f.part: int(start) for f, start in zip(references, starts, strict=True)}
    candidates = merge_candidates(
        [_by_row(read_candidates(folder / file.path), start_of) for file in searched],
        rows_of_pairs(query, reference, found),
    )
    context.report(0)
    checked: dict[tuple[str, str], tuple[float, Transform]] = {}
    verified = verify_pairs(
        query, reference, candidates, threads=_threads(environment), should_stop=context.should_stop
    )
    add_scores(checked, query, reference, verified, claimed.job_params["scope"] == "within")
    _trust_digests(checked, found)
    judged = apply_check(found, checked, min_score=claimed.job_params["min_score"], include_rejected=True)
    write_findings(context.result_path("verified.json"), [c for c in judged if not _is_no_news(c)])
    context.report(len(query))


def _is_no_news(candidate: LeakCandidate) -> bool:
    """Most pairs that were looked at are of different pictures: that nobody had suspected them is no finding."""
    return candidate.method is MatchMethod.VERIFIED and candidate.leak_type is LeakType.REJECTED


def _trust_digests(checked: dict[tuple[str, str], tuple[float, Transform]], found: Sequence[LeakCandidate]) -> None:
    """Pictures of one shot beyond doubt, however little there is in them to compare."""
    for candidate in found:
        if candidate.method is MatchMethod.EXACT:
            checked[candidate.train_image, candidate.test_image] = (1.0, Transform(candidate.leak_type.value))


def read_findings(path: Path) -> list[LeakCandidate]:
    return [_finding(row) for row in json.loads(path.read_bytes())]


def _finding(row: dict[str, object]) -> LeakCandidate:
    candidate = LeakCandidate(**row)  # type: ignore[arg-type]
    return replace(
        candidate,
        method=MatchMethod(candidate.method),
        leak_type=LeakType(candidate.leak_type),
        transform=Transform(candidate.transform) if candidate.transform else None,
    )


def write_findings(path: Path, found: Sequence[LeakCandidate]) -> None:
    rows = [asdict(candidate) for candidate in sorted(found, key=lambda candidate: candidate.order)]
    with replaced_atomically(path) as stream:
        stream.write(json.dumps(rows).encode())


def _table(environment: Environment, files: Sequence[ShardFile]) -> FingerprintTable:
    return _table_and_starts(environment, files)[0]


def _table_and_starts(
    environment: Environment, files: Sequence[ShardFile]
) -> tuple[FingerprintTable, NDArray[np.int64]]:
    """Fingerprints of these files, thumbnails left on disk until they are looked at, and where each file's rows
    begin."""
    folder = environment.settings.folder("results")
    tables = [read_fingerprints(folder / file.path) for file in files]
    ends = np.cumsum([len(table) for table in tables], dtype=np.int64)
    return concat_tables(tables), np.concatenate([np.zeros(1, np.int64), ends[:-1]])


def _usual_side(environment: Environment, files: Sequence[ShardFile]) -> int:
    sides = ([f for f in files if f.has(role)][:_PARTS_FOR_SIZE] for role in ("query", "reference"))
    return min(typical_side(_table(environment, some)) for some in sides)


def _by_part(found: Candidates, starts: NDArray[np.int64], parts: NDArray[np.int64]) -> Candidates:
    which = np.searchsorted(starts, found.reference, "right") - 1
    return replace(found, reference=parts[which] * _STRIDE + found.reference - starts[which])


def _by_row(found: GroupedCandidates, start_of: dict[int, int]) -> GroupedCandidates:
    starts = np.array([start_of[part] for part in sorted(start_of)], np.int64)
    return {
        name: replace(some, reference=starts[some.reference // _STRIDE] + some.reference % _STRIDE)
        for name, some in found.items()
    }


def _threads(environment: Environment) -> int:
    return environment.settings.processes or default_processes()
