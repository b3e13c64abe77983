"""What a score and a transform mean, in the words of pages and of the REST answers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.domain.leaks import MIN_SCORE, Transform

TRANSFORM_WORDS: Mapping[Transform, str] = MappingProxyType(
    {
        Transform.IDENTICAL_FILE: "identical file",
        Transform.IDENTICAL_PIXELS: "identical pixels",
        Transform.RE_ENCODED: "re-encoded",
        Transform.RESIZED: "resized",
        Transform.MIRRORED: "mirrored",
        Transform.ROTATED: "rotated",
        Transform.CROPPED: "cropped",
        Transform.RECOLOURED: "recoloured",
        Transform.SAME_SCENE: "same scene",
    }
)

_SURETIES = (
    (0.9, "almost surely the same shot"),
    (0.6, "probably the same shot"),
    (MIN_SCORE, "possibly the same shot"),
)


def describe_score(score: float, transform: Transform | None) -> str:
    """Such as "0.97, mirrored: almost surely the same shot"."""
    # Rounded down: a score just below 1 must not read as certain.
    shown = f"{int(score * 100) / 100:.2f}"
    start = f"{shown}, {TRANSFORM_WORDS[transform]}" if transform else shown
    if transform is Transform.SAME_SCENE:
        return f"{start}: another shot of one scene, it seems"
    surety = next((words for least, words in _SURETIES if score >= least), "hardly the same shot")
    return f"{start}: {surety}"
