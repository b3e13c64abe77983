"""Opening an upload of flagged samples, whatever it is, with what reading it needs."""

from __future__ import annotations

from app.adapters.parquet_tables import read_parquet
from app.domain.formats.flagged.recognise import Export, open_export


def open_flagged(data: bytes, name: str, *, format: str = "", percent: bool = False) -> Export:
    """Recognise an upload, or read it as ``format``.

    Raises:
        InvalidFile: it is no export that Winnow knows, or broken.
        InvalidInput: there is no such format.
    """
    return open_export(data, name=name, format=format, percent=percent, parquet=read_parquet)
