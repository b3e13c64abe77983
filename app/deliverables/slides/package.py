"""A presentation's file, made the same byte for byte: what libraries put into it of today is taken out again."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime

_EPOCH = (1980, 1, 1, 0, 0, 0)
_FIRST = "[Content_Types].xml"


def settle_zip(data: bytes, made_at: datetime) -> bytes:
    """Write an Office file anew with sorted entries and fixed dates; so too the workbooks behind its charts."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sorted(given.namelist(), key=lambda name: (name != _FIRST, name)):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            made.writestr(entry, _settled(name, given.read(name), made_at))
    return out.getvalue()


def _settled(name: str, data: bytes, made_at: datetime) -> bytes:
    if name.endswith(".xlsx"):
        return settle_zip(data, made_at)
    if name.endswith("docProps/core.xml"):
        then = made_at.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        return re.sub(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*", rb"\g<1>" + then, data)
    return data
