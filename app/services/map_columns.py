"""What people need to map a table's columns: what stands in them, a guess, and the first rows as they would become."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from app.adapters.datasets.folder import normalise_key
from app.db.models.imports import Import
from app.db.repositories import flags as repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import sources as sources_repository
from app.db.session import Session
from app.domain.flag_changes import Changes
from app.domain.formats.flagged.column_mapping import FIELDS, SAME_FOR_ALL, ColumnMapping, as_json, check_columns
from app.domain.formats.flagged.contract import Format
from app.domain.formats.flagged.guess_columns import Column, Guess, Surroundings, guess_columns
from app.domain.formats.flagged.mapped import NAME, TITLE, map_rows
from app.domain.formats.flagged.recognise import Export
from app.domain.formats.flagged.row_maker import RowMaker
from app.domain.formats.flagged.tables import Table, TableRow
from app.domain.path_matching import PathMatcher
from app.services.check_import import check_rows
from app.services.import_presets import PresetView, list_presets
from app.services.open_flagged import open_any_table
from app.services.ports import Unhurried
from app.services.projects import Access
from app.services.summarise_import import SHOWN, FirstRow, make_preview

_PEEKED = 200
"""A guess is made of so many rows."""

_EXAMPLES, _LONGEST_EXAMPLE = 3, 60


@dataclass(frozen=True)
class ColumnView:
    """A column of the file, with a few of its values."""

    name: str
    examples: list[str]


@dataclass(frozen=True)
class FieldView:
    """One of our fields. ``column`` and ``reason`` are what is proposed for it."""

    name: str
    column: str
    reason: str
    may_be_constant: bool


@dataclass(frozen=True)
class TableView:
    """A table whose columns can be mapped. ``offers`` say what the values look like; nothing of it is done unasked."""

    file_name: str
    columns: list[ColumnView]
    fields: list[FieldView]
    offers: dict[str, str]
    presets: list[PresetView]
    guess: dict[str, Any]


def view_table(session: Session, access: Access, import_id: int, folder: Path) -> TableView:
    """The table of an upload, and what is proposed for it.

    Raises:
        InvalidFile: the upload is no single table.
    """
    row = repository.get_import(session, access.id, import_id)
    return describe_table(session, access, open_upload(row, folder), row.file_name)


def open_upload(row: Import, folder: Path) -> Table:
    return open_any_table((folder / row.stored_name).read_bytes(), row.file_name)


def describe_table(session: Session, access: Access, table: Table, file_name: str) -> TableView:
    rows = [row.values for row in _first_rows(table)]
    columns = [Column(name, [values.get(name) for values in rows]) for name in table.columns]
    guess = guess_columns(columns, _surroundings(session, access))
    fields = [
        FieldView(name, guess.columns.get(name, ""), guess.reasons.get(name, ""), name in SAME_FOR_ALL)
        for name in FIELDS
    ]
    offers = {"percent": guess.percent, "lower-is-worse": guess.lower_is_worse}
    return TableView(
        file_name, [ColumnView(column.name, _examples(column)) for column in columns], fields,
        {name: text for name, text in offers.items() if text}, list_presets(session, access),
        as_json(guessed_mapping(guess)),
    )  # fmt: skip


def guessed_mapping(guess: Guess) -> ColumnMapping:
    """The guess as a mapping, whole or not; percent and direction are left for people to say."""
    return ColumnMapping(guess.columns)


def first_mapped(
    session: Session, access: Access, import_id: int, mapping: ColumnMapping, folder: Path
) -> list[FirstRow]:
    """The first rows of an upload as they would become, each with the image that it means.

    Raises:
        InvalidInput: the table lacks columns that the mapping names.
    """
    row = repository.get_import(session, access.id, import_id)
    table = open_upload(row, folder)
    check_columns(mapping, table.columns, row.file_name)
    make = RowMaker()
    format_ = Format(NAME, TITLE, mapping.scores, lambda bundle: 0, lambda bundle, make: iter(()))
    export = Export(format_, map_rows(islice(table.rows(), SHOWN), mapping, make), make, lambda: None)
    samples = sources_repository.known_names(session, access.id)
    roots = list(sources_repository.roots_of(session, access.id).values())
    checked = check_rows(export, samples, roots, Unhurried())
    return make_preview(checked, Changes(), samples).first


def _surroundings(session: Session, access: Access) -> Surroundings:
    samples = sources_repository.known_names(session, access.id)
    matcher, roots = PathMatcher(samples.keys()), sources_repository.roots_of(session, access.id).values()

    def label_of(text: str) -> str | None:
        if "." not in text and "/" not in text:
            return None  # no path; looking for its end would take time
        key = normalise_key(text, *roots) or normalise_key(text.replace("\\", "/").lstrip("/"), *roots)
        found = matcher.find(key).key if key else None
        return samples[found][1] if found else None

    return Surroundings(projects_repository.class_index(session, access.id).keys(), label_of)


def _first_rows(table: Table) -> Iterable[TableRow]:
    return (row for row in islice(table.rows(), _PEEKED) if isinstance(row, TableRow))


def _examples(column: Column) -> list[str]:
    found = list(dict.fromkeys(column.filled))[:_EXAMPLES]
    return [text if len(text) <= _LONGEST_EXAMPLE else f"{text[:_LONGEST_EXAMPLE]}…" for text in found]
