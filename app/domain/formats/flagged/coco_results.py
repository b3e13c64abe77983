"""COCO results beside their annotations: an image whose surest prediction it is not annotated with may be mislabelled.

Results name images and classes by number, so the annotation file has to come along, in one zip.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from app.domain.errors import InvalidFile
from app.domain.formats.flagged.bundle import Bundle, Member
from app.domain.formats.flagged.contract import Format, Rows, best
from app.domain.formats.flagged.row_maker import BadScore, RowMaker, read_number
from app.domain.formats.flagged.tables import shown

_RESULT = {"image_id", "category_id", "score"}


def _is_results(member: Member) -> bool:
    found = member.first_of(None)
    return bool(found) and all(isinstance(item, dict) and item.keys() >= _RESULT for item in found)


def _is_annotations(member: Member) -> bool:
    return member.kind == "json" and "images" in member.keys


def _certainty(member: Member) -> int:
    if member.kind != "json":
        return 0
    return 90 if _is_results(member) else 40 if member.keys & {"annotations", "categories"} else 0


@dataclass
class _Annotations:
    """What the annotation file says: names of images and classes, and which classes an image has."""

    files: dict[int, str] = field(default_factory=dict)
    classes: dict[int, str] = field(default_factory=dict)
    given: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))


def _read(bundle: Bundle, make: RowMaker) -> Rows:
    results, annotations = bundle.find(_is_results), bundle.find(_is_annotations)
    if not results:
        raise InvalidFile(
            "It holds annotations and no results: COCO results are a list of objects with image_id, category_id and "
            "score. Pack both files into one zip."
        )
    if not annotations:
        raise InvalidFile(
            f"{results[0].name} names images and classes by number. Pack it into one zip with the annotation file "
            "(instances_*.json), which has their names."
        )
    return _rows(results, annotations, make)


def _rows(results: list[Member], annotations: list[Member], make: RowMaker) -> Rows:
    known = _Annotations()
    for member in annotations:
        _learn(member, known)
    surest: dict[int, tuple[float, int, int, str]] = {}
    for member in results:
        for item in member.items():
            try:
                image, category, score = _result(item.value)
            except BadScore as error:
                yield make.reject(item.line, "bad_item", f"Item {item.number:,}: {error}", shown(item.value))
                continue
            if image not in surest or score > surest[image][0]:
                surest[image] = (score, category, item.number, shown(item.value))
    for image, (score, category, number, raw) in surest.items():
        if image not in known.files or category not in known.classes:
            what = f"image {image}" if image not in known.files else f"class {category}"
            yield make.reject(number, "unknown_index", f"The annotation file has no {what}.", raw)
        elif category not in known.given[image]:
            given = known.given[image]
            yield make.make(
                number, "mislabel", raw=raw, image_id=image, path=known.files[image], score=score, score_name="score",
                label=known.classes.get(min(given)) if len(given) == 1 else None, suggested=known.classes[category],
                reason=f"predicted {known.classes[category]}, which it is not annotated with",
            )  # fmt: skip


def _result(value: Any) -> tuple[int, int, float]:
    if not isinstance(value, dict):
        raise BadScore("It is not an object.")
    image, category, score = value.get("image_id"), value.get("category_id"), read_number(value.get("score"))
    if not isinstance(image, int) or not isinstance(category, int) or score is None:
        raise BadScore("image_id and category_id are not whole numbers, or there is no score.")
    return image, category, score


def _learn(member: Member, known: _Annotations) -> None:
    for item in member.items("images", "annotations", "categories"):
        value = item.value
        if not item.number or not isinstance(value, dict):
            continue
        id_, name = value.get("id"), value.get("file_name" if item.key == "images" else "name")
        if item.key == "annotations":
            image, category = value.get("image_id"), value.get("category_id")
            if isinstance(image, int) and isinstance(category, int):
                known.given[image].add(category)
        elif isinstance(id_, int) and isinstance(name, str):
            (known.files if item.key == "images" else known.classes)[id_] = name


FORMAT = Format(
    "coco-results",
    "COCO results",
    "The score of an image's surest prediction was taken as it stands, where the image is not annotated with that "
    "class.",
    lambda bundle: best(bundle, _certainty),
    _read,
)
