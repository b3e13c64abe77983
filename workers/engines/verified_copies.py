"""Which of the pictures that look alike are copies: their pixels are compared (``verified_search``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.domain.leaks import LeakCandidate, MatchMethod, Transform
from workers.engines.children import StopCheck
from workers.engines.fingerprint_table import FingerprintTable
from workers.engines.verified_search import add_scores, merge_candidates, rows_of_pairs, verify_pairs


def check_copies(
    query: FingerprintTable,
    reference: FingerprintTable,
    pairs: Sequence[LeakCandidate],
    *,
    min_score: float,
    threads: int = 1,
    should_stop: StopCheck | None = None,
) -> list[LeakCandidate]:
    """The pairs whose score is ``min_score`` at least, with that score as similarity."""
    if not pairs:
        return []
    candidates = merge_candidates([], rows_of_pairs(query, reference, pairs))
    verified = verify_pairs(query, reference, candidates, threads=threads, should_stop=should_stop)
    checked: dict[tuple[str, str], tuple[float, Transform]] = {}
    add_scores(checked, query, reference, verified, False)
    found = []
    for pair in pairs:
        score, transform = checked.get((pair.train_image, pair.test_image), (0.0, None))
        if score >= min_score:
            scored = replace(pair, method=MatchMethod.VERIFIED, similarity=score, score=score, transform=transform)
            found.append(scored)
    return found
