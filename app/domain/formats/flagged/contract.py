"""What a format is: how sure it is of an upload, and what rows it makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.domain.formats.flagged.bundle import Bundle, Member
from app.domain.formats.flagged.row_maker import RowMaker
from app.domain.formats.flagged.rows import FlaggedRow, RejectedRow
from app.domain.formats.guide_columns import FlaggedColumns

Rows = Iterator[FlaggedRow | RejectedRow]


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of export.

    ``recognise`` gives 0 (certainly not) to 100 from the content, file names only where content can't tell. ``read``
    checks what can be known at once, then returns the rows; both may raise ``InvalidFile``. ``scores`` is a sentence
    for people: how scores became 0..1. ``read_columns`` is a quicker way to the same rows, and gives None for
    an upload that it can't take; ``read`` is asked then.
    """

    name: str
    title: str
    scores: str
    recognise: Callable[[Bundle], int]
    read: Callable[[Bundle, RowMaker], Rows]
    read_columns: Callable[[Bundle, RowMaker], FlaggedColumns | None] | None = None


def best(bundle: Bundle, certainty: Callable[[Member], int]) -> int:
    """How sure the surest member makes a format."""
    return max(map(certainty, bundle.members), default=0)


def chosen(bundle: Bundle, certainty: Callable[[Member], int]) -> list[Member]:
    """The members that a format reads: those it is sure of; all of a single upload, as its format may be forced."""
    found = [member for member in bundle.members if certainty(member) > 0]
    return found or bundle.members[:1]
