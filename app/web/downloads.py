"""Answers that the browser saves as a file."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TextIO

from fastapi import Response
from fastapi.responses import StreamingResponse


def download(name: str, text: str, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=f"{media_type}; charset=utf-8", headers=headers)


def download_table(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A table as CSV (RFC 4180, exact)."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return download(name, stream.getvalue(), "text/csv")


def download_spooled(name: str, write: Callable[[TextIO], object], media_type: str) -> Response:
    """A file of any size, written whole before its first byte goes out: what fails on the way is an error, no stub."""
    spool = tempfile.SpooledTemporaryFile(max_size=1 << 20)  # noqa: SIM115 - the answer closes it once it is sent
    try:
        text = io.TextIOWrapper(spool, encoding="utf-8", newline="", write_through=True)
        write(text)
        text.detach()
        size = spool.tell()
        spool.seek(0)
    except BaseException:
        spool.close()
        raise

    def parts() -> Iterator[bytes]:
        with spool:
            yield from iter(lambda: spool.read(1 << 16), b"")

    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(size)}
    return StreamingResponse(parts(), media_type=f"{media_type}; charset=utf-8", headers=headers)
