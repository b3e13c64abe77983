"""What an edited manifest says that a project does not: row by row, before anything of it counts.

A row that says what the project says already is no review. Where answers were given after those that the row was
exported with, whoever edited it could not know them: the row waits (``LATER``) until somebody says that it counts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from app.domain.consensus import describe
from app.domain.errors import InvalidInput
from app.domain.formats.edited_manifest import EditedRow, plain
from app.domain.reviews import ReviewInput, ReviewStatus
from app.domain.taxonomy import Decision, Taxonomy


class Kind(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    CHANGED = "changed"
    LATER = "later"
    REFUSED = "refused"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer as a manifest writes it; ``note`` is that of its cell."""

    decision: Decision | None
    new_label: str | None
    tags: tuple[str, ...]
    note: str = ""

    @property
    def text(self) -> str:
        told = describe(self.decision, self.new_label)
        return f"{told} ({', '.join(self.tags)})" if self.tags else told


@dataclass(frozen=True, slots=True)
class Given:
    """A submitted answer in the project: whose, when, and what it says."""

    reviewer: str
    at: datetime
    said: Said


@dataclass(frozen=True, slots=True)
class Standing:
    """What a project says of one sample.

    ``outcomes`` are what counts: as a manifest of now would write it, before and after leaks and bulk decisions.
    ``own`` is the answer of the reviewer in whose name rows come in.
    """

    outcomes: tuple[Said, ...] = ()
    own: Given | None = None
    others: tuple[Given, ...] = ()

    @property
    def text(self) -> str:
        if self.own is not None:
            return self.own.said.text
        given = "; ".join(f"{other.reviewer}: {other.said.text}" for other in self.others)
        return given or next((said.text for said in self.outcomes if said.decision), "")


@dataclass(frozen=True, slots=True)
class Difference:
    """What becomes of one row; ``before`` is what the project says, ``after`` what the row says, both in words."""

    line: int
    image: str
    kind: Kind
    before: str
    after: str
    reason: str = ""
    given: ReviewInput | None = None


_ACTIONS: dict[str, Decision | None] = {**{decision.value: decision for decision in Decision}, "discuss": None}


def compare_rows(rows: Sequence[EditedRow], standing: Standing, taxonomy: Taxonomy) -> list[Difference]:
    """What becomes of the rows of one sample. A manifest has one a flag: where one is edited, that one counts."""
    found = [_compare(row, standing, taxonomy) for row in rows]
    edited = [one for one in found if one.given is not None]
    if len({_content(one.given) for one in edited}) < 2:
        return [one if one not in edited[1:] else _repeated(one, edited[0].line) for one in found]
    lines = ", ".join(str(one.line) for one in edited)
    reason = f"Lines {lines} give different answers on this image. Leave one."
    return [refuse(one, reason) if one in edited else one for one in found]


def refuse(difference: Difference, reason: str) -> Difference:
    return Difference(
        difference.line, difference.image, Kind.REFUSED, difference.before, difference.after, reason
    )  # fmt: skip


def _content(given: ReviewInput | None) -> object:
    return given and (given.decision, given.new_label, frozenset(given.tags), given.note)


def _repeated(difference: Difference, line: int) -> Difference:
    d = difference
    return Difference(d.line, d.image, Kind.UNCHANGED, d.before, d.after, f"says what line {line} says")


def _compare(row: EditedRow, standing: Standing, taxonomy: Taxonomy) -> Difference:
    tags = f"({', '.join(row.tags)})" if row.tags else ""
    after = " ".join(part for part in (row.action, row.new_label, tags) if part)
    if not (row.action or row.tags or row.new_label):
        note = _own_note(row.note, standing)
        if note:
            reason = "A note alone is no answer: write an action (keep, remove, relabel, discuss)."
            return Difference(row.line, row.image, Kind.REFUSED, standing.text, after, reason)
        return Difference(row.line, row.image, Kind.UNCHANGED, standing.text, after, "the row has no answer")
    try:
        said = Said(_decision(row, taxonomy), row.new_label or None, row.tags, _own_note(row.note, standing))
    except InvalidInput as error:
        return Difference(row.line, row.image, Kind.REFUSED, standing.text, after, error.message)
    if _is_known(said, standing):
        return Difference(row.line, row.image, Kind.UNCHANGED, standing.text, said.text)
    given = ReviewInput(
        ReviewStatus.SUBMITTED, manual=True, decision=said.decision, new_label=said.new_label, tags=said.tags,
        note=said.note,
    )  # fmt: skip
    kind, reason = _kind(row, standing)
    return Difference(row.line, row.image, kind, standing.text, said.text, reason, given)


def _decision(row: EditedRow, taxonomy: Taxonomy) -> Decision | None:
    if row.action and row.action not in _ACTIONS:
        raise InvalidInput(f"{row.action!r} is no action. The actions are {', '.join(_ACTIONS)}.")
    decision = _ACTIONS.get(row.action)
    taxonomy.check(row.tags, decision)
    if not row.action and not taxonomy.needs_discussion(row.tags):
        raise InvalidInput("The row has tags and no action: write one (keep, remove, relabel, discuss).")
    return decision


def _own_note(cell: str, standing: Standing) -> str:
    """What somebody added to the notes of a cell that had everybody's."""
    known = [plain(said.note) for said in standing.outcomes if said.note]
    known += [plain(given.said.note) for given in (standing.own, *standing.others) if given and given.said.note]
    for note in sorted(known, key=len, reverse=True):
        if cell == note:
            return ""
        if cell.startswith(f"{note} | "):
            return cell[len(note) + 3 :].strip()
    return cell


def _is_known(said: Said, standing: Standing) -> bool:
    decided = [said for said in standing.outcomes if said.decision]  # an open sample says nothing yet
    known: Collection[Said] = [*decided, *([standing.own.said] if standing.own else [])]
    content = (said.decision, said.new_label, frozenset(said.tags))
    is_known = any(content == (one.decision, one.new_label, frozenset(one.tags)) for one in known)
    return is_known and not said.note


def _kind(row: EditedRow, standing: Standing) -> tuple[Kind, str]:
    since = row.reviewed_at or datetime.min.replace(tzinfo=UTC)
    given = [*([standing.own] if standing.own else []), *standing.others]
    later = [one for one in given if one.at.replace(microsecond=0) > since]
    if later:
        told = "; ".join(f"{one.reviewer}: {one.said.text}, {one.at:%Y-%m-%d %H:%M} UTC" for one in later)
        shown = f"those of {row.reviewed_at:%Y-%m-%d %H:%M} UTC" if row.reviewed_at else "none"
        return Kind.LATER, f"answered after the row was exported ({told}); the row knew {shown}"
    if standing.own is not None:
        return Kind.CHANGED, ""
    return Kind.NEW, f"stands beside {standing.text}" if standing.others else ""
