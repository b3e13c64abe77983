"""Hugging Face datasets on disk: what ``save_to_disk`` wrote, or Parquet shards with the images' bytes inside.

Read with pyarrow alone. An image's id is its row in its split, as ``dataset[row]`` counts, so lists fit ``datasets``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from app.adapters.datasets.contract import Listed, Reading, SkippedFile, class_names, make_sample, read_text, split_of
from app.adapters.datasets.shard_files import Shard, find_shards
from app.adapters.datasets.table_images import DAMAGED
from app.domain.errors import InvalidFile
from app.domain.formats.class_names import ClassNames
from app.domain.samples import PassedOver, SampleRef
from app.domain.sources import SourceSpec, table_rows

_NUMBERED = re.compile(r"(?P<split>.+?)-\d{5}-of-\d{5}")
_LABELS = ("label", "labels", "fine_label", "class", "class_label", "target", "category")
_BATCH = 65_536


@dataclass(frozen=True)
class _Columns:
    image: str
    label: str | None
    classes: ClassNames


def read_hugging_face(spec: SourceSpec, known: Mapping[str, int]) -> Reading:
    """Every row of every split, in the order of the shards.

    Raises:
        InvalidFile: there are no shards, one is damaged, or no column holds images.
    """
    shards = find_shards(spec.root, (".parquet", ".arrow"))
    by_split: dict[str, list[Shard]] = {}
    for shard in _in_order(spec.root, shards):
        by_split.setdefault(_split_of(spec, shard.path), []).append(shard)
    columns = _columns(spec, shards[0], known)
    listed = (sample for split, files in by_split.items() for sample in _samples(spec, split, files, columns))
    stamp = "".join(f"{shard.path}:{shard.size}\n" for shard in shards)
    return Reading(listed, columns.classes.names, titles=columns.classes.titles, stamp=stamp)


def _in_order(root: Path, shards: list[Shard]) -> list[Shard]:
    """Shards as their dataset counts them: in the order of ``state.json`` where there is one, else by path."""
    places: dict[str, int] = {}
    for folder in sorted({str(PurePosixPath(shard.path).parent) for shard in shards}):
        state = root / folder / "state.json"
        if state.is_file():
            for number, file in enumerate(_json(state).get("_data_files", [])):
                places[str(PurePosixPath(folder) / str(file.get("filename")))] = number
    unlisted = [shard for shard in shards if places and shard.path not in places]
    kept = [shard for shard in shards if shard not in unlisted]
    folders = {shard: str(PurePosixPath(shard.path).parent) for shard in kept}
    return sorted(kept, key=lambda shard: (folders[shard], places.get(shard.path, 0), shard.path))


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise InvalidFile(f"{path} is not JSON: {error}.") from None
    return value if isinstance(value, dict) else {}


def _split_of(spec: SourceSpec, path: str) -> str:
    folder, name = PurePosixPath(path).parent, PurePosixPath(path).name
    if (spec.root / "dataset_dict.json").is_file():
        return folder.parts[0] if folder.parts else "train"
    if split := spec.text("split"):
        return split
    state = spec.root / folder / "state.json"
    if state.is_file() and (told := _json(state).get("_split")):
        return str(told)
    if (found := _NUMBERED.match(name)) and found["split"] != "data":
        return str(found["split"]).split("/")[-1]
    return split_of(name) or split_of(str(folder)) or "train"


def _columns(spec: SourceSpec, shard: Shard, known: Mapping[str, int]) -> _Columns:
    schema = _schema(spec.root, shard.path)
    features = _features(spec.root, shard.path, schema)
    image = spec.text("image_column") or _find_image(schema, features)
    if image is None or image not in schema.names or not _holds_images(schema.field(image).type):
        raise InvalidFile(
            f"{shard.path} has no column of images ({', '.join(schema.names[:20])}). Where it has paths, add it as a "
            "table of paths."
        )
    label = spec.text("label_column") or _find_label(schema, features)
    if label is not None and label not in schema.names:
        raise InvalidFile(f"{shard.path} has no column {label!r}. It has {', '.join(schema.names[:20])}.")
    return _Columns(image, label, _classes(spec, features.get(label or "", {}), known))


def _schema(root: Path, path: str) -> pa.Schema:
    try:
        if path.endswith(".parquet"):
            return pq.read_schema(root / path)
        with (root / path).open("rb") as stream:
            return pa.ipc.open_stream(stream).schema
    except (pa.ArrowException, OSError) as error:
        raise InvalidFile(f"{path} can't be read: {str(error)[:200]}.") from None


def _features(root: Path, path: str, schema: pa.Schema) -> dict[str, Any]:
    """What ``datasets`` noted of the columns: in the file, or in ``dataset_info.json`` beside it."""
    told = (schema.metadata or {}).get(b"huggingface")
    try:
        found = json.loads(told).get("info", {}).get("features") if told else None
    except (ValueError, AttributeError):
        found = None
    if not found:
        info = root / PurePosixPath(path).parent / "dataset_info.json"
        found = _json(info).get("features") if info.is_file() else None
    return found if isinstance(found, dict) else {}


def _find_image(schema: pa.Schema, features: Mapping[str, Any]) -> str | None:
    told = [name for name, feature in features.items() if isinstance(feature, dict) and feature.get("_type") == "Image"]
    return next((name for name in [*told, *schema.names] if name in schema.names
                 and _holds_images(schema.field(name).type)), None)  # fmt: skip


def _holds_images(type_: pa.DataType) -> bool:
    if pa.types.is_struct(type_):
        names = {type_.field(n).name for n in range(type_.num_fields)}
        return "bytes" in names
    return bool(pa.types.is_binary(type_) or pa.types.is_large_binary(type_))


def _find_label(schema: pa.Schema, features: Mapping[str, Any]) -> str | None:
    told = [n for n, feature in features.items() if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"]
    return next((name for name in [*told, *_LABELS] if name in schema.names), None)


def _classes(spec: SourceSpec, feature: Any, known: Mapping[str, int]) -> ClassNames:
    names = feature.get("names") if isinstance(feature, dict) else None
    if names and not spec.text("classes"):
        return ClassNames([str(name) for name in names])
    return class_names(spec, known)


def _samples(spec: SourceSpec, split: str, shards: list[Shard], columns: _Columns) -> Iterator[Listed]:
    number = 0
    names = dict(enumerate(columns.classes.names))
    for shard in shards:
        begin = table_rows(shard.path, columns.image)
        for row, raw in enumerate(_labels(spec.root, shard.path, columns.label)):
            id_ = str(number)
            number += 1
            label = _label(columns.classes, names, raw)
            if label is None:
                yield SkippedFile(f"{split}/{id_}", PassedOver.NO_LABEL)
            else:
                yield make_sample(SampleRef(split, f"{split}/{id_}", label, id_, f"{begin}{row}]"))


def _label(classes: ClassNames, names: Mapping[int, str], raw: Any) -> str | None:
    if raw is None:
        return ""
    if isinstance(raw, int) and raw in names:
        return names[raw]
    if isinstance(raw, list | dict | bytes):
        return None
    try:
        return classes.label(raw)
    except LookupError:
        return None


def _labels(root: Path, path: str, column: str | None) -> Iterator[Any]:
    """The labels of a shard row by row; None for each where there is no column of labels."""
    try:
        if path.endswith(".parquet"):
            file = pq.ParquetFile(root / path)
            if column is not None and column not in file.schema_arrow.names:
                raise InvalidFile(f"{path} has no column {column!r}, unlike the shards before it.")
            if column is None:
                yield from (None for _ in range(file.metadata.num_rows))
                return
            for batch in file.iter_batches(batch_size=_BATCH, columns=[column], use_threads=False):
                yield from batch.column(0).to_pylist()
            return
        with pa.memory_map(str(root / path)) as mapped:
            for batch in pa.ipc.open_stream(mapped):
                batch.validate(full=True)  # damaged offsets lead anywhere in memory
                yield from [None] * batch.num_rows if column is None else batch.column(column).to_pylist()
    except DAMAGED as error:
        raise InvalidFile(f"{path} can't be read: {str(error)[:200]}.") from None
