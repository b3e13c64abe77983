"""The cleaned annotation file of a COCO source, as one more of a version's files."""

from __future__ import annotations

from io import TextIOWrapper
from typing import BinaryIO

from app.adapters.datasets.contract import read_text
from app.deliverables.content import VersionContent
from app.deliverables.deliverable import Deliverable, Pictures
from app.domain.formats.coco import ANNOTATION, CocoLists
from app.domain.formats.coco_stream import PARTS, write_cleaned_coco
from app.domain.formats.flagged.json_items import JsonItems
from app.domain.sources import SourceSpec
from app.domain.taxonomy import Decision


def cleaned_coco(spec: SourceSpec, dataset: str) -> Deliverable:
    """``<dataset>_<split>_cleaned_coco.json``, made from the source's own file as it lies there today."""
    split = spec.text("split") or "train"
    path = spec.file("annotations")

    def write(stream: BinaryIO, content: VersionContent, _pictures: Pictures) -> int | None:
        text = read_text(path)
        wrapper = TextIOWrapper(stream, encoding="utf-8", newline="")
        left = write_cleaned_coco(lambda: JsonItems(text, path.name, PARTS), _lists(content, split), wrapper)
        wrapper.flush()
        wrapper.detach()
        return left

    return Deliverable(f"{dataset}_{split}_cleaned_coco.json", write, has_pictures=True)


def _lists(content: VersionContent, split: str) -> CocoLists:
    removed = [content.list_id(outcome) for outcome in content.chosen(Decision.REMOVE, split)]
    relabelled = {content.list_id(o): o["new_label"] for o in content.chosen(Decision.RELABEL, split)}
    return CocoLists(
        [id_ for id_ in removed if not id_.startswith(ANNOTATION)],
        [id_.removeprefix(ANNOTATION) for id_ in removed if id_.startswith(ANNOTATION)],
        {id_.removeprefix(ANNOTATION): label for id_, label in relabelled.items()},
    )
