"""Flags on images that are poor as pictures: one small detector each, over the measures of the whole dataset.

Thresholds are of two kinds at once (``robust_threshold``): an image is flagged where it is bad by any standard and
unusual among the others. Images of a dark dataset are not dark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.domain.detectors import Claim, Distribution
from app.domain.samples import IssueType
from workers.engines.decoding import ImageProblem, ImageStatus
from workers.engines.image_measures import COLUMN, Measures
from workers.engines.robust_threshold import Scores, Threshold, describe_distribution, find_threshold


@dataclass(frozen=True, slots=True)
class QualityDetector:
    """``score`` turns measures (n, columns) into one number an image, higher being worse.

    ``limit`` is where it is bad in any dataset, ``floor`` the least spread that counts, ``unit`` what makes it clearly
    worse; ``tell`` puts an image's numbers into words.
    """

    issue: str
    version: int
    score: Callable[[Measures], Scores]
    score_name: str
    limit: float
    floor: float
    unit: float
    tell: Callable[[Measures], str]


def _of(measures: Measures, name: str) -> Scores:
    return np.asarray(measures[..., COLUMN[name]], np.float64)


def _blur(measures: Measures) -> Scores:
    """How far fine detail falls behind coarse detail (as a natural logarithm of energies), more where there is hardly
    any: a strong blur takes the coarse detail away as well."""
    fine, coarse = _of(measures, "fine") + 0.5, _of(measures, "coarse") + 0.5
    lost = np.maximum(0.0, np.log(_FAINT / fine))
    # A flat picture has nothing that could be blurred.
    return np.asarray(np.log(coarse / fine) + np.where(coarse > 1.0, 0.75 * lost, 0.0))


_FAINT = 30.0
"""Energy of the Laplacian at full size, in grey levels squared, that sharp photos exceed."""


def _darkness(measures: Measures) -> Scores:
    return np.asarray(1 - _of(measures, "p99"))


def _overexposure(measures: Measures) -> Scores:
    """White areas, a bright whole, and shadows that are not dark: too long an exposure makes the first, a veil the
    last."""
    return np.asarray(_of(measures, "white") + _of(measures, "mean") + _of(measures, "p5"))


def _emptiness(measures: Measures) -> Scores:
    return np.asarray(1 - _of(measures, "entropy") / 8)


def _log_side(measures: Measures) -> Scores:
    return np.asarray(0.5 * np.log2(np.maximum(_of(measures, "width") * _of(measures, "height"), 1)))


def _oddness_of_size(measures: Measures) -> Scores:
    sides = _log_side(measures)
    return np.asarray(np.abs(sides - np.median(sides))) if len(sides) else sides


def _elongation(measures: Measures) -> Scores:
    width, height = np.maximum(_of(measures, "width"), 1), np.maximum(_of(measures, "height"), 1)
    return np.asarray(np.abs(np.log2(width / height)))


def _tell_blur(row: Measures) -> str:
    return (
        f"sharpness {_of(row, 'fine'):.1f} at full size and {_of(row, 'coarse'):.1f} at a quarter of it "
        "(energy of the Laplacian)"
    )


def _tell_dark(row: Measures) -> str:
    whole, mean = _of(row, "p99"), _of(row, "mean")
    return f"99 % of its pixels are darker than {whole:.0%} of full brightness; the mean is {mean:.0%}"


def _tell_bright(row: Measures) -> str:
    return f"{_of(row, 'white'):.0%} of its pixels are white, the mean brightness is {_of(row, 'mean'):.0%}"


def _tell_empty(row: Measures) -> str:
    return f"its grey levels hold {_of(row, 'entropy'):.1f} of 8 bits (entropy)"


def _tell_size(row: Measures) -> str:
    return f"{_of(row, 'width'):.0f} x {_of(row, 'height'):.0f} pixels, unlike the other images of the dataset"


def _tell_aspect(row: Measures) -> str:
    times = 2 ** _elongation(row)
    return f"{_of(row, 'width'):.0f} x {_of(row, 'height'):.0f} pixels: one side is {times:.1f} times the other"


DETECTORS = (
    QualityDetector("blurry", 1, _blur, "blur score", 3.0, 0.1, 1.0, _tell_blur),
    QualityDetector("dark", 1, _darkness, "1 - brightness of the 99th percentile", 0.66, 0.02, 0.15, _tell_dark),
    QualityDetector("overexposed", 1, _overexposure, "exposure score", 1.45, 0.05, 0.4, _tell_bright),
    QualityDetector("low_information", 1, _emptiness, "1 - entropy / 8", 0.625, 0.02, 0.15, _tell_empty),
    QualityDetector("odd_size", 1, _oddness_of_size, "doublings from the median side", 2.0, 0.1, 1.0, _tell_size),
    QualityDetector("odd_aspect_ratio", 1, _elongation, "doublings from a square", 1.5, 0.1, 1.0, _tell_aspect),
)

_COLOUR_ABOVE = 0.02
"""An image in colour has at least this share of coloured pixels."""

_GREY_BELOW, _SPOTS_BELOW = 1.0, 0.002
"""A grey image's channels are less than one level apart on average, which leaves room for rounding in JPEG files, and
hardly a pixel has a colour. A pale picture of a grey sky is further apart: it is in colour."""

_MOSTLY = 0.9
"""Grey images are odd in a dataset of which so many are in colour."""

_GREYSCALE_VERSION, _GREYSCALE_SEVERITY = 2, 0.6


def find_poor_images(
    keys: Sequence[str],
    measures: Measures,
    *,
    limits: Mapping[str, float] | None = None,
    thresholds: Mapping[str, float] | None = None,
) -> tuple[list[Claim], list[Distribution]]:
    """Claims on the images whose ``measures`` (n, columns) these are, and each detector's scores over all of them.

    ``limits`` replaces limits by issue, ``thresholds`` whole thresholds: they were set by hand.
    """
    claims: list[Claim] = []
    shown: list[Distribution] = []
    for detector in DETECTORS:
        scores = detector.score(measures)
        limit = (limits or {}).get(detector.issue, detector.limit)
        threshold = find_threshold(scores, limit, floor=detector.floor, by_hand=(thresholds or {}).get(detector.issue))
        rows = np.flatnonzero(scores > threshold.value)
        severities = threshold.severity(scores, detector.unit)
        for row in rows.tolist():
            told = detector.tell(measures[row])
            reason = f"{told} ({detector.score_name} {scores[row]:.2f}, above {_rule(threshold)})"
            claims.append(Claim(keys[row], IssueType.QUALITY, detector.issue, round(float(severities[row]), 3), reason))
        shown.append(
            describe_distribution(
                detector.issue, detector.score_name, detector.version, scores, threshold.value, len(rows)
            )
        )
    claims += _grey_among_colour(keys, measures)
    return claims, shown


def _rule(threshold: Threshold) -> str:
    if threshold.by_hand:
        return f"{threshold.value:.2f}, which was set by hand"
    if threshold.is_usual:
        return f"{threshold.value:.2f}, which is usual in this dataset"
    return f"{threshold.value:.2f}; half of the dataset is below {threshold.median:.2f}"


def _grey_among_colour(keys: Sequence[str], measures: Measures) -> list[Claim]:
    shares = _of(measures, "colour")
    coloured = float((shares > _COLOUR_ABOVE).mean()) if len(shares) else 0.0
    if coloured < _MOSTLY:
        return []
    grey = (_of(measures, "chroma") < _GREY_BELOW) & (shares < _SPOTS_BELOW)
    reason = f"it has no colour, while {coloured:.1%} of the images are in colour"
    return [
        Claim(keys[row], IssueType.QUALITY, "grayscale", _GREYSCALE_SEVERITY, reason)
        for row in np.flatnonzero(grey).tolist()
    ]


_WORDS = {
    ImageStatus.EMPTY: "the file has no bytes",
    ImageStatus.NOT_AN_IMAGE: "the file is no image",
    ImageStatus.UNSUPPORTED_FORMAT: "its format is not read here",
    ImageStatus.TRUNCATED: "the file ends too early",
    ImageStatus.TOO_LARGE: "it is too large to be decoded",
    ImageStatus.UNREADABLE: "it can't be read",
    ImageStatus.DECODER_CRASHED: "it made its decoder crash",
}


def find_unreadable(problems: Sequence[ImageProblem]) -> list[Claim]:
    """Claims on the images that could not be decoded. One whose file is missing is left to the project's listing."""
    claims = []
    for problem in problems:
        if told := _WORDS.get(problem.status):
            reason = f"{told} ({problem.status.value}): {problem.message}"
            claims.append(Claim(problem.key, IssueType.QUALITY, "corrupt", 1.0, reason))
    return claims
