"""Groups of pictures that are the same one, and labels that differ inside such a group."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from app.domain.detectors import Claim
from app.domain.duplicate_groups import Tie, find_stars
from app.domain.leaks import LeakCandidate, LeakType
from app.domain.samples import NO_LABEL, IssueType

VERSION = 1

_CONFLICT = 0.95
"""How sure it is that a label is wrong where the very same picture has two."""

_NEAR_CONFLICT = 0.8
"""The same of a copy, times its score: another shot of another thing may have slipped in."""

_NAMED = 5


def find_copies(pairs: Iterable[LeakCandidate], labels: Mapping[str, str]) -> list[Claim]:
    """Claims on all images but one of each group, and on labels that differ between copies.

    ``pairs`` were accepted, each with its score as similarity; ``labels`` are the given ones by key. Identical pixels
    make a group; other copies are grouped around the one that has most of them (``find_stars``).
    """
    by_images: dict[tuple[str, str], LeakCandidate] = {}
    for pair in pairs:
        images = (min(pair.train_image, pair.test_image), max(pair.train_image, pair.test_image))
        if images not in by_images or by_images[images].similarity < pair.similarity:
            by_images[images] = pair
    exact = _same_pixels(by_images.values())
    first_of = {key: members[0] for members in exact for key in members}
    scores: dict[tuple[str, str], float] = {}
    for (a, b), pair in by_images.items():
        first, second = sorted((first_of.get(a, a), first_of.get(b, b)))
        if first != second:
            scores[first, second] = max(pair.similarity, scores.get((first, second), 0.0))
    names = sorted({key for images in scores for key in images})
    number = {name: n for n, name in enumerate(names)}
    stars = find_stars(Tie(number[a], number[b], score) for (a, b), score in scores.items())
    claims = []
    for members in exact:
        claims += _claims(members, 1.0, "exact_duplicate", "has the same pixels as")
        claims += _conflicts(members, labels, _CONFLICT, "the very same picture")
    for hub, *others in ([names[n] for n in star] for star in stars):
        for other in others:
            score = scores[min(hub, other), max(hub, other)]
            claims += _claims([hub, other], score, "near_duplicate", f"the same picture (score {score:.2f}) as")
            claims += _conflicts([hub, other], labels, _NEAR_CONFLICT * score, f"a copy (score {score:.2f})")
    return claims


def _same_pixels(pairs: Iterable[LeakCandidate]) -> list[list[str]]:
    """Images of equal pixels, by key; being equal is passed on from one to the next."""
    equal = (LeakType.IDENTICAL_FILE, LeakType.IDENTICAL_PIXELS)
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    for pair in pairs:
        if pair.leak_type in equal:
            low, high = sorted((root(pair.train_image), root(pair.test_image)))
            parent[high] = low
    groups: dict[str, list[str]] = defaultdict(list)
    for key in sorted(parent):
        groups[root(key)].append(key)
    return list(groups.values())


def _claims(members: Sequence[str], score: float, issue: str, words: str) -> list[Claim]:
    """All but the first are copies of it."""
    kept, *copies = members
    return [
        Claim(key, IssueType.DUPLICATE, issue, round(score, 3), f"{words} {kept}", group=f"winnow:{kept}"[:200])
        for key in copies
    ]


def _conflicts(members: Sequence[str], labels: Mapping[str, str], sure: float, what: str) -> list[Claim]:
    """Where copies have several labels, those outside the majority are doubted; without one, all are."""
    given = {key: labels.get(key, NO_LABEL) for key in members}
    counts = Counter(label for label in given.values() if label != NO_LABEL)
    if len(counts) < 2:
        return []
    (label, most), (_, second) = counts.most_common(2)
    majority = label if most > second else None
    claims = []
    for key in members:
        if given[key] in (NO_LABEL, majority):
            continue
        others = [f"{other} ({given[other]})" for other in members if given[other] not in (NO_LABEL, given[key])]
        reason = f"labelled {given[key]!r}, but {what} has another label: {', '.join(others[:_NAMED])}"
        claims.append(Claim(key, IssueType.MISLABEL, "label_conflict", round(sure, 3), reason, majority))
    return claims
