"""FiftyOne: ``samples.json`` of a FiftyOneDataset, ``labels.json`` of a classification dataset, and its CSV.

FiftyOne has no field for issues. What counts: tags that name one (splits are tags, too, and are none), and a field
``mistakenness`` above 0.5, which means that the model disagrees with the label.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from app.domain.errors import InvalidFile
from app.domain.formats.flagged.bundle import Bundle, Member
from app.domain.formats.flagged.contract import Format, Rows, best
from app.domain.formats.flagged.row_maker import BadScore, RowMaker, read_number
from app.domain.formats.flagged.rows import RejectedRow, find_issue
from app.domain.formats.flagged.tables import shown

MISTAKEN_ABOVE = 0.5
_TRUTHS = ("ground_truth", "label", "gt_label")
_GUESSES = ("predictions", "prediction", "predicted", "predicted_label")


def _certainty(member: Member) -> int:
    if member.kind != "json":
        columns = member.columns
        return 80 if "filepath" in columns and columns & {"tags", "mistakenness"} else 0
    if any(isinstance(item, dict) and "filepath" in item for item in member.first_of("samples")):
        return 95
    if member.keys >= {"classes", "labels"}:
        return 85
    in_folder = "samples" in member.name.lower().split("/")[:-1]
    return 70 if in_folder and "filepath" in member.keys else 0


def _read(bundle: Bundle, make: RowMaker) -> Rows:
    members = bundle.find(lambda member: _certainty(member) > 0)
    if not members:
        raise InvalidFile(
            "It is no export of FiftyOne: samples.json has a list 'samples' with 'filepath', labels.json has 'classes' "
            "and 'labels', the CSV has 'filepath' and 'tags' or 'mistakenness'. metadata.json alone names no images."
        )
    return _rows(members, make)


def _rows(members: list[Member], make: RowMaker) -> Rows:
    for member in members:
        make.where = f"{member.name}: " if len(members) > 1 else ""
        if member.kind != "json":
            yield from _table_rows(member, make)
        elif "classes" in member.keys:
            yield from _label_rows(member, make)
        else:
            yield from _json_rows(member, make)
    make.where = ""


def _json_rows(member: Member, make: RowMaker) -> Rows:
    if "samples" not in member.keys:  # one of many files, each a sample
        sample = {str(item.key): item.value for item in member.items()}
        yield from _sample_rows(1, sample, partial(shown, sample), make)
        return
    before = make.where
    for item in member.items("samples"):
        if item.key != "samples" or not item.number:
            continue
        make.where = f"{before}Item {item.number:,}: "
        if isinstance(item.value, dict):
            yield from _sample_rows(item.line, item.value, partial(shown, item.value), make)
        else:
            yield make.reject(item.line, "bad_item", "It is not an object.", shown(item.value))


def _table_rows(member: Member, make: RowMaker) -> Rows:
    for row in member.table.rows():
        if isinstance(row, RejectedRow):
            yield make.placed(row)
        else:
            yield from _sample_rows(row.line, row.values, row.raw, make)


def _sample_rows(line: int, sample: dict[str, Any], raw: str | Callable[[], str], make: RowMaker) -> Rows:
    path, label = sample.get("filepath"), _label(sample, _TRUTHS)
    for tag in _tags(sample.get("tags")):
        if find_issue(tag[:200]) is None:
            make.note(f"The tag {tag[:50]!r} names no issue and made no flags")
        else:
            yield make.make(line, tag, raw=raw, path=path, label=label, reason=f"tagged {tag} in FiftyOne")
    try:
        mistakenness = read_number(sample.get("mistakenness"), "mistakenness")
    except BadScore as error:
        yield make.reject(line, "bad_confidence", str(error), raw)
        return
    if mistakenness is not None and mistakenness > MISTAKEN_ABOVE:
        guess = _label(sample, _GUESSES)
        yield make.make(
            line, "mistakenness", raw=raw, path=path, label=label, score=mistakenness, score_name="mistakenness",
            suggested=guess if guess != label else None,
        )  # fmt: skip


def _tags(value: object) -> list[str]:
    tags = value.split(",") if isinstance(value, str) else value
    if not isinstance(tags, list):
        return []
    return [tag.strip() for tag in tags[:1000] if isinstance(tag, str) and tag.strip()]


def _label(sample: dict[str, Any], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = sample.get(name)
        value = value.get("label") if isinstance(value, dict) else value
        if isinstance(value, str) and value:
            return value
    return None


def _label_rows(member: Member, make: RowMaker) -> Rows:
    """Labels that are words for issues flag their image; labels that are classes say nothing of what is wrong."""
    parts = {str(item.key): item for item in member.items()}
    classes, labels = parts["classes"].value, parts["labels"].value
    if not isinstance(classes, list) or not isinstance(labels, dict):
        raise InvalidFile(f"{member.name}: 'classes' is not a list, or 'labels' is not an object.")
    if not any(isinstance(name, str) and find_issue(name[:200]) for name in classes):
        raise InvalidFile(
            f"{member.name} holds labels ({shown(classes)[:100]}), no flags: none of its classes names an issue. "
            "Export the field that does, or tag the samples and export samples.json."
        )
    for number, (image, value) in enumerate(labels.items(), 1):
        place = value.get("label") if isinstance(value, dict) else value
        if isinstance(place, int) and 0 <= place < len(classes):
            place = classes[place]
        if not isinstance(place, str):
            yield make.reject(number, "bad_label", f"Label {shown(place)[:100]} is none of the classes.", image)
        elif find_issue(place[:200]) is None:
            make.note(f"The label {place[:50]!r} names no issue and made no flags")
        else:
            yield make.make(number, place, raw=image, path=image,
                            score=value.get("confidence") if isinstance(value, dict) else None)  # fmt: skip


FORMAT = Format(
    "fiftyone",
    "FiftyOne",
    "FiftyOne's mistakenness was taken as it stands where it is above 0.5, that is, where the model disagrees; tags "
    "carry no score.",
    lambda bundle: best(bundle, _certainty),
    _read,
)
