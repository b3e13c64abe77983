"""How far a picture's measure is beyond fastdup's threshold, as a severity: 0.5 at the threshold, 1 at the extreme."""

from __future__ import annotations

from collections.abc import Callable

BLUR, DARK, BRIGHT = 150.0, 4.0, 253.0
"""fastdup's own thresholds: variance of the Laplacian, and mean grey value (two of them)."""


def blur_severity(blur: float) -> float:
    return _beyond((BLUR - blur) / BLUR)


def dark_severity(mean: float) -> float:
    return _beyond((DARK - mean) / DARK)


def bright_severity(mean: float) -> float:
    return _beyond((mean - BRIGHT) / (255.0 - BRIGHT))


def _beyond(share: float) -> float:
    return min(1.0, max(0.0, 0.5 + share / 2))


SEVERITIES: dict[str, Callable[[float], float]] = {
    "blur": blur_severity,
    "dark": dark_severity,
    "bright": bright_severity,
}
