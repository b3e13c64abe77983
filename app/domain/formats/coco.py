"""Cleaned COCO: images and annotations removed, annotations relabelled, and the file still consistent.

In lists of a COCO dataset an id alone (``139``) is an image's, ``annotation/908`` is an annotation's. Removing an image
removes its annotations, also those that are relabelled. Labels belong to annotations: a relabel map names annotations
only, and gives the name of a category or its id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.errors import InvalidFile, InvalidInput

ANNOTATION = "annotation/"

_PARTS = ("images", "annotations", "categories")


@dataclass(frozen=True)
class CocoLists:
    """What to do to a COCO file. Ids are text, as they stand in lists."""

    removed_images: Collection[str]
    removed_annotations: Collection[str]
    relabelled: Mapping[str, str | int]


def split_ids(removed: Iterable[str], relabelled: Mapping[str, str | int]) -> CocoLists:
    """Tell ids of images from those of annotations.

    Raises:
        InvalidInput: the relabel map names images, which have no label of their own.
    """
    _refuse("The relabel map names images; it must name annotations as annotation/<id>",
            [id_ for id_ in relabelled if not id_.startswith(ANNOTATION)])  # fmt: skip
    ids = list(removed)
    return CocoLists(
        [id_ for id_ in ids if not id_.startswith(ANNOTATION)],
        [id_.removeprefix(ANNOTATION) for id_ in ids if id_.startswith(ANNOTATION)],
        {id_.removeprefix(ANNOTATION): label for id_, label in relabelled.items()},
    )


def clean_coco(coco: Mapping[str, Any], lists: CocoLists) -> dict[str, Any]:
    """A cleaned copy; nothing of ``coco`` is changed, and what is neither image nor annotation stays as it is.

    Raises:
        InvalidFile: ``coco`` is none, or its parts do not fit each other: ids twice, annotations of no image.
        InvalidInput: the lists name what the file does not have, or remove and relabel one annotation.
    """
    check_coco(coco)
    images, annotations = _by_id(coco["images"]), _by_id(coco["annotations"])
    category_ids = _category_ids(coco, lists.relabelled)
    _refuse("The removal list names images that the file does not have", _missing(lists.removed_images, images))
    _refuse("The removal list names annotations that the file does not have",
            _missing(lists.removed_annotations, annotations))  # fmt: skip
    _refuse("The relabel map names annotations that the file does not have", _missing(lists.relabelled, annotations))
    gone_images = set(lists.removed_images)
    gone = set(lists.removed_annotations) | {x for x, a in annotations.items() if str(a["image_id"]) in gone_images}
    _refuse("Annotations are removed and relabelled", sorted(set(lists.removed_annotations) & lists.relabelled.keys()))
    return {
        **coco,
        "images": [image for id_, image in images.items() if id_ not in gone_images],
        "annotations": [
            {**annotation, "category_id": category_ids[id_]} if id_ in category_ids else annotation
            for id_, annotation in annotations.items()
            if id_ not in gone
        ],
    }


def refuse_missing(part: str, ids: Iterable[str], known: Collection[str]) -> None:
    """Refuse lists that name what a file does not have.

    Raises:
        InvalidFile: says which.
    """
    _refuse_file(f"The lists name {part} that the file does not have", [id_ for id_ in ids if id_ not in known])


def check_coco(coco: Mapping[str, Any]) -> None:
    """Refuse what is no COCO file of objects, or one whose parts do not fit each other.

    Raises:
        InvalidFile: says which.
    """
    for part in _PARTS:
        entries = coco.get(part) if isinstance(coco, Mapping) else None
        if not isinstance(entries, list) or not all(isinstance(x, dict) and _is_id(x.get("id")) for x in entries):
            raise InvalidFile(f"This is no COCO file of objects: it has no list of {part} with an id each.")
        _refuse_file(f"Several {part} have the same id", _repeated(str(x["id"]) for x in entries))
    images, categories = ({x["id"] for x in coco[part]} for part in ("images", "categories"))
    annotations = coco["annotations"]
    orphans = [str(x["id"]) for x in annotations if not _is_one_of(images, x.get("image_id"))]
    _refuse_file("Annotations are of images that the file does not have", orphans)
    strange = [str(x["id"]) for x in annotations if not _is_one_of(categories, x.get("category_id"))]
    _refuse_file("Annotations have categories that the file does not have", strange)


def _is_id(value: object) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _is_one_of(ids: Collection[Any], value: object) -> bool:
    return _is_id(value) and value in ids


def _by_id(entries: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {str(entry["id"]): entry for entry in entries}


def _category_ids(coco: Mapping[str, Any], relabelled: Mapping[str, str | int]) -> dict[str, Any]:
    """The category of each relabelled annotation: a number is a category's id, text its name."""
    names = Counter(category.get("name") for category in coco["categories"])
    by_label: dict[object, Any] = {c["id"]: c["id"] for c in coco["categories"] if isinstance(c["id"], int)}
    by_label |= {c.get("name"): c["id"] for c in coco["categories"] if names[c.get("name")] == 1}
    unknown = [f"{id_}: {label!r}" for id_, label in relabelled.items() if label not in by_label]
    _refuse("The relabel map has labels that are no category, or the name of several", unknown)
    return {id_: by_label[label] for id_, label in relabelled.items()}


def _missing(ids: Iterable[str], known: Mapping[str, object]) -> list[str]:
    return [id_ for id_ in ids if id_ not in known]


def _repeated(ids: Iterable[str]) -> list[str]:
    return [id_ for id_, count in Counter(ids).items() if count > 1]


def _shown(what: str, ids: list[str]) -> str:
    more = f" and {len(ids) - 5:,} more" if len(ids) > 5 else ""
    return f"{what} ({len(ids):,}): {', '.join(ids[:5])}{more}."


def _refuse(what: str, ids: list[str]) -> None:
    if ids:
        raise InvalidInput(_shown(what, ids))


def _refuse_file(what: str, ids: list[str]) -> None:
    if ids:
        raise InvalidFile(_shown(what, ids))
