"""Checks what a format's module found in one row, and makes the flagged or the rejected row of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from app.domain.formats.flagged.rows import CONTROL, MAX_LENGTHS, RAW, FlaggedRow, RejectedRow, find_issue
from app.domain.samples import Flag, IssueType

SHOWN_TYPES = 20
"""So many unknown issue types are named in warnings; a column that was mistaken for theirs has thousands."""

_SHORT = min(MAX_LENGTHS.values())
"""No field can be too long where all together are no longer than this."""

_SLACK = 1e-3
"""Sums of rounded numbers end a little outside 0 to 1 (fastdup writes 1.000001)."""


def higher_is_worse(score: float) -> float:
    return score


def lower_is_worse(score: float) -> float:
    return 1.0 - score


class BadScore(ValueError):
    """A score that is no number, or outside its range; the message says which."""


def read_number(value: object, what: str = "score") -> float | None:
    """A finite number out of a cell; None where the cell is empty."""
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise BadScore(f"The {what} {str(value)[:100]!r} is not a number.")
    try:
        number = float(value.replace("_", "?")) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        raise BadScore(f"The {what} {str(value)[:100]!r} is not a number.") from None
    if not math.isfinite(number):
        raise BadScore(f"The {what} is {number}, not a number from 0 to 1.")
    return number


def read_truth(value: object) -> bool | None:
    """Yes or no out of a cell; None where it says neither."""
    return _TRUTH.get(str(value).strip().lower())


_TRUTH = {"true": True, "1": True, "1.0": True, "yes": True, "false": False, "0": False, "0.0": False, "no": False,
          "": False, "none": False, "nan": False}  # fmt: skip


class RowMaker:
    """One import's rows in the making. Keeps count of what is worth knowing afterwards.

    ``where`` stands before each reason: the file in an archive, the item in JSON.
    """

    def __init__(self, *, percent: bool = False) -> None:
        self.percent, self.percent_used = percent, False
        self.where = ""
        self._unknown: Counter[str] = Counter()
        self._notes: dict[str, None] = {}

    def note(self, text: str) -> None:
        """Keep a sentence for whoever imported; the same one only once."""
        self._notes[storable(text)] = None

    @property
    def notes(self) -> list[str]:
        told = list(self._notes)
        kept = self._unknown.most_common()
        told += [f"Unknown issue type {name!r} was kept as 'other' ({n:,} rows)" for name, n in kept[:SHOWN_TYPES]]
        if more := kept[SHOWN_TYPES:]:
            rows = sum(count for _, count in more)
            told.append(f"{len(more):,} more unknown issue types were kept as 'other' ({rows:,} rows)")
        return told

    def reject(self, line: int, code: str, reason: str, raw: str | Callable[[], str]) -> RejectedRow:
        """Set a row aside. ``raw`` is the row as text, or makes it, as few rows ever need it."""
        text = raw if isinstance(raw, str) else raw()
        return RejectedRow(line, code, storable(self.where + reason), storable(text[:RAW]))

    def placed(self, rejected: RejectedRow) -> RejectedRow:
        """A row that the table itself rejected, with the file it stands in."""
        return RejectedRow(rejected.line, rejected.code, self.where + rejected.reason, rejected.raw)

    def make(
        self,
        line: int,
        issue_type: object,
        *,
        raw: str | Callable[[], str],
        path: object = "",
        image_id: object = "",
        label: object = None,
        score: object = None,
        score_name: str = "confidence",
        severity: Callable[[float], float] = higher_is_worse,
        suggested: object = None,
        reason: object = None,
        group: object = None,
        others: Sequence[str] = (),
        issue: IssueType | None = None,
    ) -> FlaggedRow | RejectedRow:
        """Check one claim. ``severity`` turns the raw score into 0..1, higher being worse; no score gives none."""
        texts = {
            "image_id": _text(image_id), "image_path": _text(path), "issue_type": _text(issue_type),
            "suggested_label": _text(suggested), "group": _text(group),
        }  # fmt: skip
        problem = _text_problem(texts)
        if problem:
            return self.reject(line, *problem, raw)
        try:
            number = read_number(score, score_name)
            confidence = self._severity(number, severity, score_name)
        except BadScore as error:
            return self.reject(line, "bad_confidence", str(error), raw)
        word = texts["issue_type"]
        kind = issue or find_issue(word)
        if kind is None:
            self._unknown[word] += 1
            kind = IssueType.OTHER
        flag = Flag(
            kind, word, confidence, texts["suggested_label"] or None, _reason(reason), texts["group"] or None,
            number, score_name if number is not None else None,
        )  # fmt: skip
        given = _text(label) or None
        return FlaggedRow(line, texts["image_id"], texts["image_path"], given, flag, tuple(map(storable, others)))

    def _severity(self, number: float | None, severity: Callable[[float], float], name: str) -> float | None:
        if number is None:
            return None
        if self.percent and name == "confidence":
            self.percent_used = True
            number /= 100
        value = severity(number)
        if not -_SLACK <= value <= 1 + _SLACK:
            hint = ""
            if name == "confidence" and not self.percent and 1 < number <= 100:
                hint = " If the file gives percent, import it again with 'confidence in percent' ticked."
            raise BadScore(f"The {name} {number:g} is outside {'0 to 100 %' if self.percent else '0 to 1'}.{hint}")
        return min(1.0, max(0.0, value))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if value is None or isinstance(value, (dict, list, tuple)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # pandas writes row numbers as 7.0 where a column has gaps
    try:
        return str(value).strip()
    except ValueError:  # a whole number with thousands of digits
        return ""


def _reason(value: object) -> str | None:
    text = _text(value)
    return storable(CONTROL.sub(" ", text)[:RAW]) or None


def _text_problem(texts: dict[str, str]) -> tuple[str, str] | None:
    whole = "".join(texts.values())
    if CONTROL.search(whole) or len(whole) > _SHORT or not whole.isascii():
        for name, text in texts.items():
            if problem := _problem_of(name, text):
                return problem
    if not texts["image_path"] and not texts["image_id"]:
        return "no_image", "The row names no image: its path is empty."
    if not texts["issue_type"]:
        return "no_issue_type", "The row has no issue type."
    return None


def _problem_of(name: str, text: str) -> tuple[str, str] | None:
    if CONTROL.search(text):
        return "control_character", f"{name} holds a control character."
    if len(text) > MAX_LENGTHS[name]:
        return "too_long", f"{name} is longer than {MAX_LENGTHS[name]:,} characters."
    if not _writable(text):
        return "bad_text", f"{name} holds half a character that no file can hold."
    return None


def storable(text: str) -> str:
    """Text without what JSON can spell and a database can't keep: NUL, and half a surrogate pair."""
    whole = text if _writable(text) else text.encode("utf-8", "backslashreplace").decode()
    return whole.replace("\x00", "\\x00")


def _writable(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in text)
