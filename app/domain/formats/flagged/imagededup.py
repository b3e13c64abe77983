"""imagededup's JSON: images and their duplicates, with Hamming distance, cosine similarity or no score."""

from __future__ import annotations

from pathlib import PurePosixPath

from app.domain.errors import InvalidFile
from app.domain.formats.flagged.bundle import Bundle, Member
from app.domain.formats.flagged.contract import Format, Rows, best, chosen
from app.domain.formats.flagged.json_items import JsonItem
from app.domain.formats.flagged.pairs import PairBook
from app.domain.formats.flagged.row_maker import RowMaker
from app.domain.formats.flagged.rows import FlaggedRow, RejectedRow
from app.domain.formats.flagged.tables import shown
from app.domain.samples import IMAGE_SUFFIXES

BITS = 64
"""Length of imagededup's hashes; the distance of two is at most this."""


def _certainty(member: Member) -> int:
    if member.kind != "json" or not member.first_items:
        return 0
    if None in member.keys:
        return 75 if all(_is_image(name) for name in member.first_of(None)) else 0
    named = [key for key in member.keys if _is_image(key)]
    return 75 if len(named) == len(member.keys) and all(_fits(item) for item in member.first_items) else 0


def _is_image(name: object) -> bool:
    return isinstance(name, str) and PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


def _fits(item: JsonItem) -> bool:
    # The first items come out of their lists one by one; an empty list comes as none.
    entry = item.value[0] if isinstance(item.value, list) and item.value else item.value
    return isinstance(entry, (str, list)) if item.number else entry == []


def _read(bundle: Bundle, make: RowMaker) -> Rows:
    members = chosen(bundle, _certainty)
    for member in members:
        if member.kind != "json":
            raise InvalidFile(f"{member.name} is not JSON; imagededup writes JSON.")
    return _rows(members, make)


def _rows(members: list[Member], make: RowMaker) -> Rows:
    for member in members:
        make.where = f"{member.name}: " if len(members) > 1 else ""
        hashed = _is_hashed(member)
        book = PairBook("hamming", _of_hamming) if hashed else PairBook("cosine")
        for item in member.items():
            if item.key is None:
                yield _removable(item, make)
            elif isinstance(item.value, list):
                yield from _add(item, book, make)
            else:
                yield make.reject(item.line, "bad_item", "The duplicates are not a list.", shown(item.value))
        yield from book.rows(make)
    make.where = ""


def _is_hashed(member: Member) -> bool:
    """Hamming distances are whole numbers; cosine similarities are written with a decimal point."""
    for item in member.items():
        for entry in item.value if isinstance(item.value, list) else []:
            if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], float):
                return False
    return True


def _of_hamming(distance: float) -> float:
    return 1.0 - distance / BITS


def _removable(item: JsonItem, make: RowMaker) -> FlaggedRow | RejectedRow:
    if not isinstance(item.value, str):
        return make.reject(item.line, "bad_item", f"Item {item.number:,} is no file name.", shown(item.value))
    return make.make(item.number, "duplicate", raw=item.value, path=item.value, reason="imagededup would remove it")


def _add(item: JsonItem, book: PairBook, make: RowMaker) -> Rows:
    for entry in item.value:
        other, score = (entry[0], entry[1]) if isinstance(entry, list) and len(entry) == 2 else (entry, None)
        if not isinstance(other, str) or isinstance(score, (str, bool, list, dict)):
            reason = f"{item.key}: an entry is neither a name nor a name with a number."
            yield make.reject(item.line, "bad_item", reason, shown(entry))
        elif score is not None and not 0 <= score <= (BITS if book.score_name == "hamming" else 1.001):
            reason = f"{item.key}: the {book.score_name} score {shown(score)[:50]} is outside its range."
            yield make.reject(item.line, "bad_confidence", reason, shown(entry))
        else:
            book.add(item.line, item.key or "", other, None if score is None else float(score))


FORMAT = Format(
    "imagededup",
    "imagededup",
    "imagededup's cosine similarity was taken as it stands; a Hamming distance as 1 minus its share of 64 bits.",
    lambda bundle: best(bundle, _certainty),
    _read,
)
