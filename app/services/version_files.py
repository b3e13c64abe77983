"""Handing out a version's files, each checked against the digest that was noted when it was written."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from app.adapters.files import sha256_of
from app.db.models.versions import Version, VersionFile
from app.db.repositories import versions as repository
from app.db.session import Session
from app.domain.errors import InvalidFile, NotReady
from app.services.freeze_version import VersionView, view_version
from app.services.projects import Access

_EPOCH = (1980, 1, 1, 0, 0, 0)


def get_version(session: Session, access: Access, number: int) -> VersionView:
    return view_version(session, access, repository.get_version(session, access.id, number))


def find_file(session: Session, access: Access, number: int, name: str, folder: Path) -> Path:
    """The path of one file that is whole.

    Raises:
        NotFound: no such version or file.
        InvalidFile: the file on disk is not the one that was written.
    """
    version = repository.get_version(session, access.id, number)
    return _checked(access, version, repository.get_file(session, version.id, name), folder)


def _checked(access: Access, version: Version, file: VersionFile, folder: Path) -> Path:
    path = folder / access.project.slug / f"v{version.number}" / file.name
    if not path.is_file() or sha256_of(path) != file.sha256:
        raise InvalidFile(
            f"{file.name} of version {version.number} is missing or was changed on the disk. "
            f"Run 'winnow export --rewrite' to write it again from the database."
        )
    return path


def write_zip(session: Session, access: Access, number: int, folder: Path, target: BinaryIO) -> None:
    """Write all files of a version and its ``MANIFEST.json`` as one zip; the same bytes every time.

    Raises:
        NotReady: the files are still being written.
    """
    version = repository.get_version(session, access.id, number)
    files = repository.list_files(session, version.id)
    if not files:
        raise NotReady(f"The files of version {number} are still being written.")
    listed = [{"name": f.name, "sha256": f.sha256, "bytes": f.bytes, "rows": f.rows} for f in files]
    manifest = {"dataset": access.project.slug, "version": number, "digest": version.digest, "files": listed}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            data = _checked(access, version, file, folder).read_bytes()
            archive.writestr(_entry(file.name), data)
        archive.writestr(_entry("MANIFEST.json"), json.dumps(manifest, indent=1) + "\n")


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    return entry


def make_zip(session: Session, access: Access, number: int, folder: Path) -> Iterator[bytes]:
    buffer = io.BytesIO()
    write_zip(session, access, number, folder, buffer)
    buffer.seek(0)
    return iter(lambda: buffer.read(1 << 16), b"")
