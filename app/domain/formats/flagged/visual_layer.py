"""Visual Layer's own export: ``metadata.json``, its Parquet, a zip of either, and the enriched sets' Parquet.

One image carries up to eight ``duplicates`` issues, one a threshold, each with a group of its own. They become one
flag: the confidence of the tightest threshold that still holds, the group of the loosest, which has all the others in
it. Issues may lie on objects; they flag the object's image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from app.domain.errors import InvalidFile
from app.domain.formats.flagged.bundle import Bundle, Member
from app.domain.formats.flagged.contract import Format, Rows, best, chosen
from app.domain.formats.flagged.json_items import JsonItems
from app.domain.formats.flagged.row_maker import BadScore, RowMaker, read_number
from app.domain.formats.flagged.rows import FlaggedRow, RejectedRow, find_issue
from app.domain.formats.flagged.tables import TableRow, shown
from app.domain.samples import IssueType

_ISSUE_COLUMNS = ("metadata_items", "image_issues", "issues")
_PATHS = ("file_path", "image_uri", "image_path", "path", "image_filename", "filename", "file_name")
_IDS = ("media_id", "image_id", "id")


def _certainty(member: Member) -> int:
    if member.kind == "json":
        return 95 if "media_items" in member.keys else 0
    if member.kind == "parquet" and member.columns & {*_ISSUE_COLUMNS}:
        return 90
    return 0


def _recognise(bundle: Bundle) -> int:
    return best(bundle, _certainty)


def _read(bundle: Bundle, make: RowMaker) -> Rows:
    members = chosen(bundle, _certainty)
    for member in members:
        if member.kind == "json" and "media_items" not in member.keys:
            raise InvalidFile(f"{member.name} has no list 'media_items'; a Visual Layer metadata.json has one.")
        if member.kind not in ("json", "parquet"):
            raise InvalidFile(f"{member.name} is neither JSON nor Parquet; Visual Layer writes metadata.json.")
    return _rows(members, make)


def _rows(members: list[Member], make: RowMaker) -> Rows:
    for member in members:
        if member.kind == "json":
            yield from _json_rows(member, make)
        else:
            for row in member.table.rows():
                make.where = f"Row {row.line:,}: "
                yield from [row] if isinstance(row, RejectedRow) else _item_rows(row.line, row.values, row, make)
    make.where = ""


def _json_rows(member: Member, make: RowMaker) -> Rows:
    seen, expected = 0, None
    for item in member.items("media_items"):
        if item.key == "info" and isinstance(item.value, dict):
            expected = item.value.get("total_media_items")
        if item.key != "media_items" or not item.number:
            continue
        seen += 1
        make.where = f"Item {item.number:,}: "
        if isinstance(item.value, dict):
            yield from _item_rows(item.line, item.value, None, make)
        else:
            yield make.reject(item.line, "bad_item", "It is not an object.", shown(item.value))
    if isinstance(expected, int) and expected != seen:
        make.note(f"The export says that it has {expected:,} items; it has {seen:,}")


def _item_rows(line: int, item: dict[str, Any], row: TableRow | None, make: RowMaker) -> Rows:
    """The flags of one image."""

    def raw() -> str:
        return shown({key: item[key] for key in list(item)[:12] if key not in _ISSUE_COLUMNS})

    image: dict[str, Any] = {"path": _first(item, _PATHS), "image_id": _first(item, _IDS), "label": _given_label(item)}
    duplicates: dict[str, list[dict[str, Any]]] = {}
    for issue, place in _issues(item, make):
        if not isinstance(issue, dict):
            yield make.reject(line, "bad_item", "An issue is not an object.", raw)
        elif find_issue(str(issue.get("issue_type"))[:200]) is IssueType.DUPLICATE:
            duplicates.setdefault(place, []).append(issue)
        else:
            suggested, reason = _suggestion(issue, place)
            yield make.make(
                line, issue.get("issue_type"), raw=raw, score=issue.get("confidence"), suggested=suggested,
                reason=reason, group=issue.get("duplicate_group_id"), **image,
            )  # fmt: skip
    for place, issues in duplicates.items():
        yield _duplicate(line, issues, place, image, raw, make)


def _first(item: dict[str, Any], names: tuple[str, ...]) -> object:
    return next((item[name] for name in names if isinstance(item.get(name), (str, int)) and item[name] != ""), "")


def _given_label(item: dict[str, Any]) -> object:
    """The label that came with the image: the platform adds its own and a model's, which are others."""
    if isinstance(item.get("image_label"), str) or isinstance(item.get("label"), str):
        return item.get("image_label") or item.get("label")
    labels = {
        str(properties.get("category_name"))
        for kind, properties in _metadata(item)
        if kind == "image_label" and properties.get("source") == "User"
    }
    return labels.pop() if len(labels) == 1 else None


def _metadata(item: dict[str, Any]) -> Iterator[tuple[object, dict[str, Any]]]:
    entries = item.get("metadata_items")
    if isinstance(entries, str) and entries.startswith("["):
        entries = [found.value for found in JsonItems(entries, "metadata_items", frozenset())]
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("properties"), dict):
            yield entry.get("type"), entry["properties"]


def _issues(item: dict[str, Any], make: RowMaker) -> Iterator[tuple[Any, str]]:
    """Each issue, and the object it lies on, "" for the image itself."""
    for name in ("image_issues", "issues"):
        entries = item.get(name)
        if isinstance(entries, str) and entries.startswith("["):
            entries = [found.value for found in JsonItems(entries, name)]
        for entry in entries if isinstance(entries, list) else []:
            yield entry, ""
    for kind, properties in _metadata(item):
        if kind == "issue":
            yield properties, ""
        elif kind == "object_label":
            place = f"object {properties.get('category_name')} at {properties.get('bbox')}"
            yield from ((inner, place) for sort, inner in _metadata(properties) if sort == "issue")
        elif kind == "user_tag":
            make.note("Visual Layer's user tags are no flags and were left out")


def _suggestion(issue: dict[str, Any], place: str) -> tuple[object, str]:
    told = issue.get("issues_description") or issue.get("description")
    if find_issue(str(issue.get("issue_type"))[:200]) is IssueType.MISLABEL:
        return told, place
    return None, ", ".join(str(part) for part in (place, told) if part)


def _duplicate(
    line: int, issues: list[dict[str, Any]], place: str, image: dict[str, Any], raw: Callable[[], str], make: RowMaker
) -> FlaggedRow | RejectedRow:
    try:
        tight = max(issues, key=_threshold)
        loose = min(issues, key=_threshold)
    except BadScore as error:
        return make.reject(line, "bad_threshold", str(error), raw)
    if len(issues) > 1:
        make.note("Duplicates are listed once a threshold; each image got one flag, of the tightest that holds")
    threshold, score = tight.get("duplicate_threshold"), tight.get("confidence")
    told = f"duplicate up to threshold {threshold}" if threshold is not None else issues[0].get("description")
    if not place:
        group = loose.get("duplicate_group_id")
        return make.make(line, tight.get("issue_type"), raw=raw, score=score, reason=told, group=group, **image)
    # Two images that show the same object are not the same image: no group, and no question which of them to drop.
    make.note("Duplicates of objects were kept as 'other': they say nothing of the whole image")
    reason = f"{place}: {told}" if told else place
    return make.make(line, tight.get("issue_type"), raw=raw, score=score, reason=reason, issue=IssueType.OTHER, **image)


def _threshold(issue: dict[str, Any]) -> float:
    return read_number(issue.get("duplicate_threshold"), "duplicate_threshold") or 0.0


FORMAT = Format(
    "visual-layer",
    "Visual Layer",
    "Visual Layer's confidence was taken as it stands: higher is surer.",
    _recognise,
    _read,
)
