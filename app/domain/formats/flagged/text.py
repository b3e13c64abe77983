"""Bytes of an upload as text, or a clear word why they are none."""

from __future__ import annotations

from app.domain.errors import InvalidFile

_OTHER_KINDS = (
    (b"\x1f\x8b", "a gzip file; unpack it first"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"%PDF", "a PDF"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"SQLite format 3", "a database"),
)


def is_pickle(data: bytes) -> bool:
    """Whether this begins as Python pickles of protocol 2 and later do."""
    return len(data) > 1 and data[0] == 0x80 and 2 <= data[1] <= 5


def refuse_other_kinds(data: bytes, name: str) -> None:
    """Raise ``InvalidFile`` for content that can be no export, whatever it is called."""
    if is_pickle(data):
        raise InvalidFile(
            f"{name} is a Python pickle. Loading one can run any program, so Winnow never does. Save the table as CSV "
            "(frame.to_csv) or the sets as JSON, and import that."
        )
    for start, kind in _OTHER_KINDS:
        if data.startswith(start):
            raise InvalidFile(f"{name} is {kind}, not a CSV, JSON, Parquet or zip file of flagged samples.")


def decode_text(data: bytes, name: str) -> str:
    """UTF-8 text, a byte order mark left out.

    Raises:
        InvalidFile: it is no UTF-8, empty, or holds NUL bytes; the message has the line.
    """
    refuse_other_kinds(data, name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidFile(
            f"{name} is not UTF-8 text (line {line:,}, byte {error.start:,}). Save it as UTF-8 and try again."
        ) from None
    if not text.strip():
        raise InvalidFile(f"{name} is empty. Export it again, and choose that file.")
    if (nul := text.find("\x00")) >= 0:
        line = text.count("\n", 0, nul) + 1
        raise InvalidFile(f"{name} holds a NUL byte (line {line:,}); it is UTF-16 or damaged. Save it as UTF-8.")
    return text
