"""Groups of duplicates among flagged images: which images a flag ties together, and which one of a group should stay.

An export names a group, or it says of one image that another is like it ("similar to train/deer/0107.jpg"). Pairs of
the second kind become stars: a hub, and the images that are each tied to the hub itself. Following pairs from image to
image, the usual way, chains hundreds of images into one heap that nobody can decide on.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.domain.samples import IssueType

_NAMED = re.compile(r"[^\s,;'\"()]+\.(?:jpe?g|png|webp|bmp|gif|tiff?)\b", re.IGNORECASE)

NAMES_OTHERS = (IssueType.DUPLICATE, IssueType.LEAK)
"""Issue types whose reason may name other images."""


def named_images(reason: str | None) -> list[str]:
    """Paths of images in a flag's reason."""
    return [name.replace("\\", "/") for name in _NAMED.findall(reason or "")]


@dataclass(frozen=True, slots=True)
class Tie:
    """Two images that a flag says are alike, by their ids; ``confidence`` in 0..1."""

    first: int
    second: int
    confidence: float


def find_stars(ties: Iterable[Tie]) -> list[tuple[int, ...]]:
    """Groups of ids, each with its hub first and the others by id; no image is in two of them.

    The hub with the most ties comes first, then the surer, then the smaller id; the order of the ties is nothing to it.
    """
    surest: dict[int, dict[int, float]] = defaultdict(dict)
    for tie in ties:
        if tie.first != tie.second:
            for one, other in ((tie.first, tie.second), (tie.second, tie.first)):
                surest[one][other] = max(tie.confidence, surest[one].get(other, 0.0))
    free = set(surest)
    stars = []
    for hub in sorted(surest, key=lambda id_: (-len(surest[id_]), -sum(surest[id_].values()), id_)):
        members = sorted(other for other in surest[hub] if other in free)
        if hub in free and members:
            stars.append((hub, *members))
            free -= {hub, *members}
    return stars


@dataclass(frozen=True, slots=True)
class Member:
    """What speaks for keeping an image: its pixels, its sharpness, and whether its split keeps leaked images.

    ``pixels`` is width times height, 0 where the file could not be read; ``sharpness`` compares images of one picture.
    """

    sample_id: int
    key: str
    pixels: int
    sharpness: float
    stays_by_policy: bool = True


def propose_keeper(members: Sequence[Member]) -> int:
    """The image that should stay: of the split that keeps leaks, then the largest, the sharpest, the first by path.

    Sizes within 2 % of each other count as equal, and so do sharpnesses within 10 %: they are noise of encoding.
    """
    if not members:
        raise ValueError("a group without members has no keeper")
    left = [member for member in members if member.stays_by_policy] or list(members)
    most = max(member.pixels for member in left)
    left = [member for member in left if member.pixels >= most * 0.98]
    sharpest = max(member.sharpness for member in left)
    left = [member for member in left if member.sharpness >= sharpest * 0.9]
    return min(left, key=lambda member: member.key).sample_id
