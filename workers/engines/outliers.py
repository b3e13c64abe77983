"""Images that are unlike all others, or unlike the others of their class: far from their nearest neighbours among
embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.domain.detectors import Claim, Distribution
from app.domain.samples import NO_LABEL, IssueType
from workers.engines.neighbours import Vectors, find_neighbours
from workers.engines.robust_threshold import describe_distribution, find_threshold

VERSION = 2
NEIGHBOURS = 10
DEVIATIONS = 4.0
"""Robust standard deviations of the distance from which an image is an outlier."""

SMALLEST_CLASS = 10
"""Images that a class needs for one of them to stand out."""

_LEAST_SPREAD = 0.02
_NAMED = 3


def find_outliers(
    keys: Sequence[str],
    vectors: Vectors,
    labels: Sequence[str],
    *,
    neighbours: int = NEIGHBOURS,
    by_length: bool = False,
) -> tuple[list[Claim], list[Distribution], list[str]]:
    """Claims on the images of ``vectors`` (n, d), the distances' distribution, and what could not be looked at.

    Distances are cosines, or with ``by_length`` Euclidean (of ``scale``d vectors): of features of patches, a picture
    full of detail has a long vector, and all long ones point much the same way.
    ``labels`` are the given ones, empty where there is none. An image is claimed once, as what it is more surely.
    """
    notices: list[str] = []
    if len(keys) < SMALLEST_CLASS:
        return [], [], [f"Outliers need at least {SMALLEST_CLASS} images that can be read; there are {len(keys)}."]
    claims, shown = _among(keys, vectors, np.arange(len(keys)), neighbours, "the dataset", "outlier", by_length)
    found = {claim.key: claim for claim in claims}
    given = np.array(labels, dtype=object)
    classes = sorted({label for label in labels if label != NO_LABEL})
    small = []
    for label in classes if len(classes) > 1 else []:
        rows = np.flatnonzero(given == label)
        if len(rows) < SMALLEST_CLASS:
            small.append(label)
            continue
        for claim in _among(keys, vectors, rows, neighbours, f"the class {label!r}", "class_outlier", by_length)[0]:
            if claim.key not in found or found[claim.key].confidence < claim.confidence:
                found[claim.key] = claim
    if small:
        notices.append(
            f"Outliers of a class were not sought in {len(small):,} classes of fewer than {SMALLEST_CLASS} images, "
            f"such as {small[0]!r}."
        )
    return list(found.values()), [shown], notices


def _among(
    keys: Sequence[str], vectors: Vectors, rows: NDArray[np.intp], k: int, where: str, issue: str,
    by_length: bool,
) -> tuple[list[Claim], Distribution]:  # fmt: skip
    near = find_neighbours(vectors[rows], k, by_length=by_length)
    distances = near.distances.mean(axis=1).astype(np.float64)
    threshold = find_threshold(distances, 0.0, floor=_LEAST_SPREAD, deviations=DEVIATIONS)
    severities = threshold.severity(distances, 2 * threshold.spread)
    claims = []
    odd = np.flatnonzero(distances > threshold.value).tolist()
    for i in odd:
        closest = ", ".join(keys[rows[j]] for j in near.rows[i, :_NAMED].tolist())
        reason = (
            f"unlike {where}: mean distance {distances[i]:.2f} to its {near.rows.shape[1]} nearest there, above "
            f"{threshold.value:.2f} (the median is {threshold.median:.2f}); the nearest: {closest}"
        )
        claims.append(Claim(keys[rows[i]], IssueType.OUTLIER, issue, round(float(severities[i]), 3), reason))
    shown = describe_distribution(
        issue,
        "mean distance" if by_length else "mean cosine distance",
        VERSION,
        distances,
        threshold.value,
        len(odd),
        is_quality=False,
    )
    return claims, shown
