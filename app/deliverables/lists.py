"""Removal lists and relabel maps, of one split or of all together."""

from __future__ import annotations

from typing import TextIO

from app.deliverables.content import VersionContent
from app.domain.formats.relabel_map import LabelCoding, encode_label, write_relabel_map
from app.domain.formats.removal_list import write_removal_list
from app.domain.taxonomy import Decision


def write_removals(split: str | None, stream: TextIO, content: VersionContent) -> int:
    return write_removal_list(stream, [content.list_id(o) for o in content.chosen(Decision.REMOVE, split)])


def write_relabels(split: str | None, stream: TextIO, content: VersionContent) -> int:
    classes = content.classes
    coding = LabelCoding(content.snapshot["label_coding"])
    labels = {
        content.list_id(outcome): encode_label(outcome["new_label"], coding, classes)
        for outcome in content.chosen(Decision.RELABEL, split)
    }
    return write_relabel_map(stream, labels)
