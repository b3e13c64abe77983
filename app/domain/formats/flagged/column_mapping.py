"""A mapping: which column of somebody's table is which of ours, what is the same for all rows, how scores are read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.domain.errors import InvalidInput
from app.domain.formats.flagged.rows import MAX_LENGTHS

FIELDS = ("image_path", "image_id", "issue_type", "confidence", "label", "suggested_label", "reason", "group")
"""Our columns, in the order in which people fill them in."""

SAME_FOR_ALL = ("issue_type", "confidence", "label", "suggested_label", "reason", "group")
"""Fields that may be a constant; an image is never one."""

_LONGEST = 2000


class ScoreDirection(StrEnum):
    """Which end of a score means a problem."""

    HIGHER = "higher-is-worse"
    LOWER = "lower-is-worse"


@dataclass(frozen=True)
class ColumnMapping:
    """``columns`` has the file's column (in lower case) by our field, ``constants`` a text by our field."""

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    direction: ScoreDirection = ScoreDirection.HIGHER
    percent: bool = False

    @property
    def scores(self) -> str:
        """How scores became 0..1, as a sentence."""
        if "confidence" not in self.columns:
            given = self.constants.get("confidence")
            return f"Every flag got the confidence {given}." if given else "No confidence was given."
        scale = "percent divided by 100" if self.percent else "as it stands"
        reading = "lower is worse: 1 minus it" if self.direction is ScoreDirection.LOWER else "higher is worse"
        return f"Confidence was read from the column {self.columns['confidence']!r}, {scale}; {reading}."


def make_mapping(
    columns: Mapping[str, str], constants: Mapping[str, str], *, direction: str = "", percent: bool = False
) -> ColumnMapping:
    """A mapping that makes sense; empty columns and constants count as not given.

    Raises:
        InvalidInput: it does not say which image or which issue, or says something twice.
    """
    given = {name: column.strip().lower() for name, column in columns.items() if column.strip()}
    fixed = {name: text.strip() for name, text in constants.items() if text.strip()}
    for name in (*given, *fixed):
        if name not in FIELDS:
            raise InvalidInput(f"There is no field {name[:50]!r} to map. The fields are: {', '.join(FIELDS)}.")
    for name, text in fixed.items():
        if name not in SAME_FOR_ALL:
            raise InvalidInput(f"{name} can't be the same for all rows: choose the column that names the image.")
        if name in given:
            raise InvalidInput(f"{name} is mapped to a column and is a constant as well. Choose one of them.")
        if len(text) > MAX_LENGTHS.get(name, _LONGEST) or not text.isprintable():
            raise InvalidInput(f"The constant for {name} is too long, or holds a control character.")
    if "image_path" not in given and "image_id" not in given:
        raise InvalidInput("Say which column names the image: map image_path (or image_id).")
    if "issue_type" not in given and "issue_type" not in fixed:
        raise InvalidInput("Say what is wrong with the images: map issue_type to a column, or give it as a constant.")
    _check_constant_score(fixed.get("confidence"))
    return ColumnMapping(given, fixed, _direction(direction), percent)


def _check_constant_score(text: str | None) -> None:
    try:
        fits = text is None or 0.0 <= float(text) <= 1.0
    except ValueError:
        fits = False
    if not fits:
        raise InvalidInput(f"The constant for confidence is a number from 0 to 1, not {str(text)[:50]!r}.")


def _direction(name: str) -> ScoreDirection:
    try:
        return ScoreDirection(name.replace("_", "-")) if name else ScoreDirection.HIGHER
    except ValueError:
        raise InvalidInput(f"A score's direction is one of: {', '.join(ScoreDirection)}; not {name[:50]!r}.") from None


def check_columns(mapping: ColumnMapping, columns: Collection[str], what: str) -> None:
    """Raise ``InvalidInput`` where the file lacks columns that the mapping names; the message has them all."""
    missing = [f"{column!r} (for {name})" for name, column in mapping.columns.items() if column not in columns]
    if missing:
        raise InvalidInput(
            f"{what} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}. "
            f"It has: {', '.join(columns)[:500]}."
        )


def as_json(mapping: ColumnMapping) -> dict[str, Any]:
    return {
        "columns": dict(mapping.columns), "constants": dict(mapping.constants),
        "direction": mapping.direction.value, "percent": mapping.percent,
    }  # fmt: skip


def from_json(stored: Mapping[str, Any]) -> ColumnMapping:
    return make_mapping(
        stored["columns"], stored["constants"], direction=stored["direction"], percent=stored["percent"]
    )
