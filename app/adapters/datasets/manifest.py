"""A table of paths and labels (CSV, TSV or Parquet) and the images that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.adapters.datasets.contract import (
    Listed,
    Reading,
    SkippedFile,
    class_names,
    make_sample,
    path_problem,
    read_text,
    size_below,
    split_of,
)
from app.adapters.datasets.folder import normalise_key
from app.domain.errors import InvalidFile
from app.domain.formats.class_names import ClassNames
from app.domain.formats.csv_lines import BrokenRecord, read_records
from app.domain.samples import PassedOver, SampleRef
from app.domain.sources import SourceSpec, whole_file

_PATHS = ("image_path", "path", "file_path", "filepath", "file_name", "filename", "image", "file")
_LABELS = ("label", "original_label", "given_label", "class", "class_name", "category", "target")
_SPLITS = ("split", "subset", "partition", "set")
_IDS = ("image_id", "id")
_BATCH = 65_536


@dataclass(frozen=True)
class _Columns:
    path: str
    label: str | None
    split: str | None
    id: str | None

    @property
    def wanted(self) -> list[str]:
        return [name for name in (self.path, self.label, self.split, self.id) if name is not None]


_Row = tuple[int, str, Any, Any, Any]
"""(line or row, path, label, split, id)."""


def read_manifest(spec: SourceSpec, known: Mapping[str, int]) -> Reading:
    """Every row whose image is there, in the order of the table.

    Raises:
        InvalidFile: the table can't be read, or has no column of paths.
    """
    table = spec.file("table")
    classes = class_names(spec, known) if spec.text("classes") else ClassNames()
    rows = _parquet_rows(spec, table) if table.suffix.lower() == ".parquet" else _text_rows(spec, table)
    return Reading(_samples(spec, rows, classes), classes.names, titles=classes.titles)


def _samples(spec: SourceSpec, rows: Iterator[_Row | SkippedFile], classes: ClassNames) -> Iterator[Listed]:
    fixed = spec.text("split")
    for row in rows:
        if isinstance(row, SkippedFile):
            yield row
            continue
        number, given, raw, told, id_ = row
        path = normalise_key(given, spec.root)
        if path is None or path_problem(path):
            yield SkippedFile(f"{number}: {given}", PassedOver.BAD_NAME)
            continue
        size = size_below(spec.root, path)
        label = _label(classes, raw)
        split = _text(told) or fixed or split_of(path.split("/")[0]) or "train"
        if size is None or label is None:
            reason = PassedOver.NO_IMAGE if size is None else PassedOver.NO_LABEL
            yield SkippedFile(path, reason)
        elif name := _text(id_):
            yield make_sample(SampleRef(split, f"{split}/{name}", label, name, whole_file(path), bytes=size))
        else:
            yield make_sample(SampleRef(split, path, label, bytes=size))


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _label(classes: ClassNames, raw: object) -> str | None:
    try:
        return classes.label(_text(raw))
    except LookupError:
        return None


def _choose(spec: SourceSpec, names: Sequence[str], table: Path) -> _Columns:
    by_name = {name.strip().lower(): name for name in reversed(names)}

    def find(option: str, usual: Sequence[str]) -> str | None:
        if told := spec.text(option):
            if told.lower() not in by_name:
                raise InvalidFile(f"{table.name} has no column {told!r}. It has {', '.join(names[:20])}.")
            return by_name[told.lower()]
        return next((by_name[name] for name in usual if name in by_name), None)

    path = find("path_column", _PATHS)
    if path is None:
        raise InvalidFile(
            f"{table.name} has no column of paths ({', '.join(names[:20])}). Name it path, or say which it is with the "
            "option path_column."
        )
    # An id is taken only where it is asked for: a column called id may number the rows.
    return _Columns(path, find("label_column", _LABELS), find("split_column", _SPLITS),
                    find("id_column", _IDS) if spec.text("id_column") else None)  # fmt: skip


def _text_rows(spec: SourceSpec, table: Path) -> Iterator[_Row | SkippedFile]:
    text = read_text(table)
    first = text.partition("\n")[0]
    records = read_records(text, max(",\t;", key=first.count))
    header = next(records, None)
    if header is None or isinstance(header, BrokenRecord):
        raise InvalidFile(f"{table.name} has no header line. It begins with the names of its columns.")
    columns = _choose(spec, header.fields, table)
    places = [None if name is None else header.fields.index(name)
              for name in (columns.path, columns.label, columns.split, columns.id)]  # fmt: skip
    width = len(header.fields)
    for record in records:
        if isinstance(record, BrokenRecord) or len(record.fields) != width:
            yield SkippedFile(f"{table.name}, line {record.line}", PassedOver.BROKEN_ROW)
            continue
        path, label, split, id_ = (None if place is None else record.fields[place] for place in places)
        yield record.line, path or "", label, split, id_


def _parquet_rows(spec: SourceSpec, table: Path) -> Iterator[_Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(table)
        columns = _choose(spec, file.schema_arrow.names, table)
        number = 0
        for batch in file.iter_batches(batch_size=_BATCH, columns=columns.wanted, use_threads=False):
            empty = [None] * batch.num_rows
            cells = [empty if name is None else batch.column(name).to_pylist()
                     for name in (columns.path, columns.label, columns.split, columns.id)]  # fmt: skip
            for path, label, split, id_ in zip(*cells, strict=True):
                number += 1
                yield number, _text(path), label, split, id_
    except (pa.ArrowException, OSError) as error:
        raise InvalidFile(f"{table.name} can't be read: {str(error)[:200]}.") from None
