"""What a check of the pixels makes of a run's candidates: accepted, rejected, or another shot of the scene."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from app.domain.leaks import LeakCandidate, LeakType, MatchMethod, Transform

Checked = Mapping[tuple[str, str], tuple[float, Transform]]
"""Score and transform of each pair that was checked, by its train and its test image."""

_TYPES = {
    Transform.IDENTICAL_FILE: LeakType.IDENTICAL_FILE,
    Transform.IDENTICAL_PIXELS: LeakType.IDENTICAL_PIXELS,
}


def apply_check(
    found: Iterable[LeakCandidate], checked: Checked, *, min_score: float, include_rejected: bool
) -> list[LeakCandidate]:
    """The candidates of the other methods with their scores, and one of the method ``verified`` for each pair
    that was accepted.

    A pair below ``min_score`` is rejected: left out, or kept as such with ``include_rejected``. A semantic one stays
    as ``same_scene``, which is all that it ever claimed.
    """
    judged = [_judged(candidate, checked, min_score) for candidate in found]
    judged += [_verified(pair, score, name, min_score) for pair, (score, name) in checked.items() if score > 0]
    return [c for c in judged if include_rejected or c.leak_type is not LeakType.REJECTED]


def _judged(candidate: LeakCandidate, checked: Checked, min_score: float) -> LeakCandidate:
    pair = (candidate.train_image, candidate.test_image)
    if pair not in checked:
        return candidate
    score, name = checked[pair]
    if score >= min_score:
        return replace(candidate, score=score, transform=name)
    if candidate.method is MatchMethod.SEMANTIC:
        return replace(candidate, score=score, transform=Transform.SAME_SCENE)
    return replace(candidate, score=score, leak_type=LeakType.REJECTED)


def _verified(pair: tuple[str, str], score: float, name: Transform, min_score: float) -> LeakCandidate:
    if score < min_score:
        return LeakCandidate(*pair, MatchMethod.VERIFIED, score, LeakType.REJECTED, score=score)
    leak_type = _TYPES.get(name, LeakType.NEAR_DUPLICATE)
    return LeakCandidate(*pair, MatchMethod.VERIFIED, score, leak_type, score=score, transform=name)
