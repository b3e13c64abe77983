"""A whole leak search in one go: read, fingerprint, embed, compare.

This is what the command line runs. The background job composes the same steps shard by shard, so that it can
go on after a crash.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from app.domain.errors import InvalidInput
from app.domain.leak_verification import apply_check
from app.domain.leaks import (
    DEFAULT_MAX_DISTANCE,
    DEFAULT_MIN_SIMILARITY,
    MIN_SCORE,
    SMALLEST_CROP,
    LeakCandidate,
    MatchMethod,
    Transform,
)
from workers.engines.children import default_processes
from workers.engines.decoding import ImageProblem, ImageRef
from workers.engines.fingerprint_table import FingerprintTable
from workers.engines.fingerprints import fingerprint_images
from workers.engines.matching import find_exact, find_perceptual, find_semantic
from workers.engines.shared_pixels import fill_pixel_digests
from workers.engines.vector_file import VectorFile, read_vectors
from workers.engines.verified_search import (
    QUERY_PART,
    REFERENCE_PART,
    add_scores,
    find_candidates,
    merge_candidates,
    rows_of_pairs,
    typical_side,
    verify_pairs,
)

Progress = Callable[[str, int, int], None]
"""Told the name of the step, the number of images done and the number of all images in it."""

LARGEST_MAX_DISTANCE = 32
"""Half of the bits: two unrelated pictures differ in as many."""


@dataclass(frozen=True, slots=True)
class LeakRunResult:
    """Candidates in a fixed order, images that could not be read, and what was counted and timed (in
    seconds)."""

    candidates: list[LeakCandidate]
    problems: list[ImageProblem]
    counts: dict[str, int]
    timings: dict[str, float]


@dataclass(slots=True)
class _Run:
    """What the steps of one search share."""

    train: Sequence[ImageRef]
    test: Sequence[ImageRef]
    is_same: bool
    processes: int | None
    progress: Progress | None
    cache: Path | None = None
    problems: dict[str, ImageProblem] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.timings[step] = self.timings.get(step, 0.0) + time.perf_counter() - start

    def refs(self) -> list[ImageRef]:
        return [*self.train] if self.is_same else [*self.test, *self.train]

    def reporter(self, step: str) -> Callable[[int], None] | None:
        total, progress = len(self.refs()), self.progress
        return (lambda done: progress(step, done, total)) if progress else None

    def note(self, problems: Sequence[ImageProblem]) -> None:
        for problem in problems:
            self.problems.setdefault(problem.key, problem)


def run_leaks(
    train: Sequence[ImageRef],
    test: Sequence[ImageRef] | None,
    methods: Collection[MatchMethod],
    *,
    max_distance: int = DEFAULT_MAX_DISTANCE,
    min_similarity: float = DEFAULT_MIN_SIMILARITY,
    embeddings: EmbeddingSource | None = None,
    processes: int | None = None,
    progress: Progress | None = None,
    min_score: float = MIN_SCORE,
    include_rejected: bool = False,
    smallest_crop: float = SMALLEST_CROP,
    cache: Path | None = None,
) -> LeakRunResult:
    """Search ``test`` for images that are in ``train`` too, or with ``test=None`` for duplicates inside
    ``train``.

    ``cache`` is a folder of fingerprints from earlier runs over the same folders.
    """
    check_parameters(methods, max_distance, min_similarity)
    run = _Run(train, test if test is not None else train, test is None, processes, progress, cache)
    candidates: list[LeakCandidate] = []
    if MatchMethod.SEMANTIC in methods:
        # First, because a missing device or file of weights should be known before hours of reading.
        candidates += _search_embeddings(run, min_similarity, embeddings or EmbeddingSource())
    if set(methods) - {MatchMethod.SEMANTIC}:
        query, reference = _fingerprint_both(run)
        candidates += _search_fingerprints(run, query, reference, methods, max_distance)
        if MatchMethod.VERIFIED in methods:
            checked = _verify(run, query, reference, candidates, smallest_crop)
            candidates = apply_check(candidates, checked, min_score=min_score, include_rejected=include_rejected)
    candidates.sort(key=lambda candidate: candidate.order)
    problems = [run.problems[key] for key in sorted(run.problems)]
    return LeakRunResult(candidates, problems, _count(run, candidates), run.timings)


def check_parameters(methods: Collection[MatchMethod], max_distance: int, min_similarity: float) -> None:
    if not methods:
        raise InvalidInput(f"Name at least one method of {', '.join(MatchMethod)}.")
    if not 0 <= max_distance <= LARGEST_MAX_DISTANCE:
        raise InvalidInput(
            f"The pHash threshold must be between 0 and {LARGEST_MAX_DISTANCE} bits, not {max_distance}."
        )
    if not 0 < min_similarity <= 1:
        raise InvalidInput(f"The semantic threshold must be above 0 and at most 1, not {min_similarity}.")


def _fingerprint_both(run: _Run) -> tuple[FingerprintTable, FingerprintTable]:
    """Test and train side through one pool of processes."""
    with run.timed("fingerprints"):
        table = fingerprint_images(
            run.refs(), processes=run.processes, on_progress=run.reporter("fingerprints"), cache=run.cache
        )
        run.note(table.problems())
        sides = (table, table) if run.is_same else (table.part(0, len(run.test)), table.part(len(run.test), len(table)))
        return fill_pixel_digests(*sides, run.test, run.train, processes=run.processes)


def _search_fingerprints(
    run: _Run,
    query: FingerprintTable,
    reference: FingerprintTable,
    methods: Collection[MatchMethod],
    max_distance: int,
) -> list[LeakCandidate]:
    found: list[LeakCandidate] = []
    if MatchMethod.EXACT in methods:
        with run.timed("exact"):
            found += find_exact(query, reference, same=run.is_same)
    if MatchMethod.PERCEPTUAL in methods:
        with run.timed("perceptual"):
            found += find_perceptual(query, reference, max_distance=max_distance, same=run.is_same)
    return found


def _verify(
    run: _Run,
    query: FingerprintTable,
    reference: FingerprintTable,
    found: Sequence[LeakCandidate],
    smallest_crop: float,
) -> dict[tuple[str, str], tuple[float, Transform]]:
    """Scores of all pairs worth a look, part by part of the test side."""
    threads = run.processes or default_processes()
    side = min(typical_side(query), typical_side(reference))
    given = rows_of_pairs(query, reference, found)
    checked: dict[tuple[str, str], tuple[float, Transform]] = {}
    for start in range(0, len(query), QUERY_PART):
        part = query.part(start, min(start + QUERY_PART, len(query)))
        with run.timed("candidates"):
            parts = [
                find_candidates(
                    part,
                    reference.part(first, min(first + REFERENCE_PART, len(reference))),
                    side=side,
                    smallest_crop=smallest_crop,
                    first_reference=first,
                    threads=threads,
                )
                for first in range(0, len(reference), REFERENCE_PART)
            ]
            own = [(q - start, r) for q, r in given if start <= q < start + QUERY_PART]
            candidates = merge_candidates(parts, own)
        with run.timed("verify"):
            add_scores(
                checked, part, reference, verify_pairs(part, reference, candidates, threads=threads), run.is_same
            )
        if run.progress:
            run.progress("verify", start + len(part), len(query))
    return checked


@dataclass(frozen=True, slots=True)
class EmbeddingSource:
    """Where embeddings come from: a network, or with ``vectors`` a file (see ``vector_file.read_vectors``)."""

    model: str = "resnet50"
    weights: Path | None = None
    device: str = "auto"
    batch_size: int = 32
    vectors: Path | None = None


def _embed(run: _Run, source: EmbeddingSource, into: Path) -> tuple[list[str], VectorFile, list[ImageProblem]]:
    from workers.engines.embeddings import Embedder, embed_into_file

    if source.vectors:
        keys = [ref.key for ref in run.refs()]
        return keys, read_vectors(source.vectors, keys, into), []
    embedder = Embedder(source.weights, source.device, source.batch_size, source.model)
    return embed_into_file(into, run.refs(), embedder, processes=run.processes, on_progress=run.reporter("embeddings"))


def _search_embeddings(run: _Run, min_similarity: float, source: EmbeddingSource) -> list[LeakCandidate]:
    """Vectors lie in a temporary file meanwhile, 8 kB an image with ResNet50."""
    from workers.engines.embeddings import choose_device

    device = choose_device(source.device)
    with TemporaryDirectory(prefix="winnow-vectors-") as folder:
        with run.timed("embeddings"):
            keys, vectors, problems = _embed(run, source, Path(folder) / "vectors")
        run.note(problems)
        unread = {problem.key for problem in problems}
        # The images of the test side come first, and those that could not be read have no vector.
        split = 0 if run.is_same else sum(ref.key not in unread for ref in run.test)
        end = len(keys) if run.is_same else split
        with run.timed("semantic"):
            return list(
                find_semantic(
                    keys[:end],
                    vectors.part(0, end),
                    keys[split:],
                    vectors.part(split, len(keys)),
                    min_similarity=min_similarity,
                    same=run.is_same,
                    device=device,
                )
            )


def _count(run: _Run, candidates: list[LeakCandidate]) -> dict[str, int]:
    per_method = Counter(candidate.method for candidate in candidates)
    return {
        "train_images": len(run.train),
        "test_images": 0 if run.is_same else len(run.test),
        "problems": len(run.problems),
        "candidates": len(candidates),
        **{method.value: per_method[method] for method in MatchMethod},
        "images_affected": len({candidate.test_image for candidate in candidates}),
    }
