"""Opening an upload of flagged samples, whatever it is, with what reading it needs."""

from __future__ import annotations

from app.adapters.parquet_tables import read_parquet
from app.domain.errors import InvalidFile
from app.domain.formats.flagged.bundle import open_bundle
from app.domain.formats.flagged.column_mapping import ColumnMapping
from app.domain.formats.flagged.mapped import open_mapped, open_table
from app.domain.formats.flagged.recognise import Export, is_known, open_export
from app.domain.formats.flagged.tables import Table, TableRow


def open_flagged(
    data: bytes, name: str, *, format: str = "", percent: bool = False, mapping: ColumnMapping | None = None
) -> Export:
    """Read an upload by its mapping, or as ``format``, or as what it is recognised as.

    Raises:
        InvalidFile: it is no export that Winnow knows, or broken.
        InvalidInput: there is no such format, or the mapping does not fit.
    """
    if mapping is not None:
        return open_mapped(data, name, mapping, read_parquet)
    return open_export(data, name=name, format=format, percent=percent, parquet=read_parquet)


def open_any_table(data: bytes, name: str) -> Table:
    """Open an upload as a table, whatever its columns are.

    Raises:
        InvalidFile: it holds no table, or several, or is broken.
    """
    return open_table(data, name, read_parquet)


def is_unknown_table(data: bytes, name: str) -> bool:
    """Whether this is no export that Winnow knows, but a table with rows whose columns people can map."""
    try:
        if is_known(open_bundle(data, name, read_parquet)):
            return False
        return any(isinstance(row, TableRow) for row in open_any_table(data, name).rows())
    except InvalidFile:
        return False
