"""Reading a source of any kind. Each kind loads only when one of it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from app.adapters.datasets.contract import Reading
from app.domain.sources import SourceKind, SourceSpec

_READERS = {
    SourceKind.FOLDER: ("folder", "read_folder"),
    SourceKind.FLAT: ("flat_folder", "read_flat_folder"),
    SourceKind.MANIFEST: ("manifest", "read_manifest"),
    SourceKind.HUGGING_FACE: ("hugging_face", "read_hugging_face"),
    SourceKind.TAR: ("tar_shards", "read_tar_shards"),
    SourceKind.COCO: ("coco_objects", "read_coco"),
}

Reader = Callable[[SourceSpec, Mapping[str, int]], Reading]


def read_source(spec: SourceSpec, classes: Mapping[str, int]) -> Reading:
    """Begin to read a source. ``classes`` are the project's so far, for labels that are numbers.

    Raises:
        InvalidFile: it can't be read; mostly raised when its first sample is asked for.
    """
    module, function = _READERS[spec.kind]
    reader: Reader = getattr(import_module(f"app.adapters.datasets.{module}"), function)
    return reader(spec, classes)
