"""Which column of a table is which of ours: guessed from the columns' names and from what stands in them.

A guess is a proposal with its reason. What changes numbers (percent, a score that is better when higher) is offered.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from app.domain.formats.flagged.column_mapping import FIELDS
from app.domain.formats.flagged.rows import find_issue
from app.domain.formats.guide_csv import COLUMNS

_WORDS = {
    "image_path": "path file filename filepath image img uri url key location",
    "image_id": "id uid uuid idx index image_id",
    "issue_type": "issue flag type problem kind defect category error",
    "confidence": "confidence score prob probability severity certainty likelihood quality margin",
    "label": "label class target truth given original actual current old category",
    "suggested_label": "suggested suggestion predicted prediction pred proposed new correct corrected better",
    "reason": "reason comment note notes message description explanation why remark details",
    "group": "group cluster component duplicates set",
}
_HINTS = {name: frozenset(words.split()) for name, words in _WORDS.items()}
_LOWER_IS_WORSE = frozenset(["quality", "self_confidence", "margin", "cleanliness", "good", "goodness", "typicality"])

_ENOUGH = 40
"""Points below which nothing is proposed. A name that is ours has 100, a word in it 45, fitting values up to 60."""


@dataclass(frozen=True)
class Column:
    """A column by its name in lower case, with the first values in it."""

    name: str
    values: Sequence[Any]

    @property
    def filled(self) -> list[str]:
        texts = (
            "" if value is None or isinstance(value, (dict, list)) else str(value).strip() for value in self.values
        )
        return [text for text in texts if text]


@dataclass(frozen=True)
class Surroundings:
    """What the project knows: its classes, and the given label of the image that a path means (None: no image)."""

    classes: Collection[str] = frozenset()
    label_of: Callable[[str], str | None] = lambda path: None


@dataclass(frozen=True)
class Guess:
    """Columns by our field, each with a few words why; ``percent`` and ``lower_is_worse`` say why that is offered."""

    columns: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    percent: str = ""
    lower_is_worse: str = ""


@dataclass(frozen=True, order=True)
class _Bid:
    """A column for a field. Bids sort by their points, then by names: the order of the columns is nothing to it."""

    points: int
    field: str
    column: str
    why: str


def guess_columns(columns: Sequence[Column], around: Surroundings) -> Guess:
    """Propose a column for each field for which one is likely; no column is proposed twice."""
    paths = {column.name: _share(column, lambda text: around.label_of(text) is not None) for column in columns}
    labels = _given_labels(columns, paths, around)
    bids = [bid for column in columns for name in FIELDS if (bid := _bid(name, column, paths, labels, around))]
    chosen: dict[str, _Bid] = {}
    taken: set[str] = set()
    for bid in sorted(bids, key=lambda bid: (-bid.points, FIELDS.index(bid.field), bid.column)):
        if bid.field not in chosen and bid.column not in taken:
            chosen[bid.field] = bid
            taken.add(bid.column)
    found = {name: chosen[name] for name in FIELDS if name in chosen}
    score = next(
        (column for column in columns if column.name == getattr(found.get("confidence"), "column", None)), None
    )
    return Guess(
        {name: bid.column for name, bid in found.items()}, {name: bid.why for name, bid in found.items()},
        _percent(score), _lower(score),
    )  # fmt: skip


def _bid(
    name: str, column: Column, paths: Mapping[str, float], labels: Sequence[str | None], around: Surroundings
) -> _Bid | None:
    points, why = _by_name(name, column.name)
    fit, what = _by_values(name, column, paths, labels, around)
    if fit < 0:
        return None
    points += round(60 * fit)
    if fit and what:
        why = f"its values: {what}"
    return _Bid(points, name, column.name, why) if points >= _ENOUGH else None


def _by_name(name: str, column: str) -> tuple[int, str]:
    if column == name or column in COLUMNS[name]:
        return 100, "its name"
    words = _words(column)
    if column in _HINTS[name]:
        return 50, "its name"
    return (45, "a word in its name") if words & _HINTS[name] else (0, "")


def _by_values(
    name: str, column: Column, paths: Mapping[str, float], labels: Sequence[str | None], around: Surroundings
) -> tuple[float, str]:
    """How well values fit, 0..1, and what they are; -1 where they rule the field out."""
    filled = column.filled
    if not filled:
        return -1.0, ""
    if name == "image_path":
        share = paths[column.name]
        return share, f"{round(100 * share)} % are paths of images in this project"
    if name == "image_id":
        return (-1.0, "") if len(set(filled)) < len(filled) / 2 else (0.0, "")
    if name == "issue_type":
        share = _share(column, lambda text: find_issue(text) is not None)
        return (share, "kinds of issue") if share or len(set(filled)) <= max(1, len(filled) // 2) else (-1.0, "")
    if name == "confidence":
        return _score_share(filled)
    if name in ("label", "suggested_label"):
        return _label_share(name, column, labels, around)
    if name == "reason":
        return _share(column, lambda text: text.count(" ") >= 2) / 2, "sentences"
    return 0.0, ""


def _score_share(filled: list[str]) -> tuple[float, str]:
    numbers = [number for text in filled if (number := _number(text)) is not None]
    if len(numbers) < 0.9 * len(filled):
        return -1.0, ""
    inside = sum(0.0 <= number <= 1.0 for number in numbers) / len(filled)
    if inside >= 0.9 and any(number != int(number) for number in numbers):
        return inside, "numbers from 0 to 1"
    inside = sum(0.0 <= number <= 100.0 for number in numbers) / len(filled)
    if inside < 0.9:
        return -1.0, ""
    counts_up = all(later - number == 1 for number, later in pairwise(numbers))  # numbers of rows
    return (0.0, "") if counts_up or max(numbers) <= 1 else (0.7 * inside, "numbers from 0 to 100")


def _label_share(
    name: str, column: Column, labels: Sequence[str | None], around: Surroundings
) -> tuple[float, str]:  # fmt: skip
    share = _share(column, lambda text: text in around.classes)
    pairs = [(str(value).strip(), label) for value, label in zip(column.values, labels, strict=False) if label]
    agreeing = sum(text == label for text, label in pairs) / len(pairs) if pairs else 0.0
    if name == "label":
        return (max(share / 2, agreeing), "the label that the image has" if agreeing > share / 2 else "classes")
    return (share * (1 - agreeing), "other classes of this project")


def _given_labels(columns: Sequence[Column], paths: Mapping[str, float], around: Surroundings) -> list[str | None]:
    """The label of each row's image, by the column that names images best."""
    best = max(columns, key=lambda column: (paths[column.name], column.name), default=None)
    if best is None or not paths[best.name]:
        return []
    return [around.label_of(str(value).strip()) if value is not None else None for value in best.values]


def _percent(score: Column | None) -> str:
    numbers = [number for text in score.filled if (number := _number(text)) is not None] if score else []
    if not score or not numbers or max(numbers) <= 1.0 or max(numbers) > 100.0 or min(numbers) < 0.0:
        return ""
    return f"The values of {score.name!r} go up to {max(numbers):g}: they look like percent."


def _lower(score: Column | None) -> str:
    if not score or not (score.name in _LOWER_IS_WORSE or _words(score.name) & _LOWER_IS_WORSE):
        return ""
    return f"By its name, {score.name!r} may be high for good images: then lower is worse."


def _words(name: str) -> set[str]:
    return set(re.split(r"[\W_]+", name))


def _share(column: Column, test: Callable[[str], bool]) -> float:
    filled = column.filled
    return sum(map(test, filled)) / len(filled) if filled else 0.0


def _number(text: str) -> float | None:
    try:
        number = float(text.removesuffix("%").strip().replace(",", ".").replace("_", "?"))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
