"""Handing out a version's files, each checked against the digest that was noted when it was written."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from app.adapters.files import sha256_of
from app.db.models.versions import Version, VersionFile
from app.db.repositories import versions as repository
from app.db.session import Session
from app.deliverables.release_manifest import NAME as MANIFEST
from app.deliverables.release_manifest import read_manifest
from app.domain.errors import InvalidFile, NotReady
from app.services.projects import Access

_EPOCH = (1980, 1, 1, 0, 0, 0)


def find_file(session: Session, access: Access, number: int, name: str, folder: Path) -> Path:
    """The path of one file that is whole.

    Raises:
        NotFound: no such version or file.
        InvalidFile: the file on disk is not the one that was written.
    """
    version = repository.get_version(session, access.id, number)
    return _checked(access, version, repository.get_file(session, version.id, name), folder)


def find_manifest(session: Session, access: Access, number: int, folder: Path) -> Path:
    """The path of the ``MANIFEST.json`` that vouches for a version's files."""
    version = repository.get_version(session, access.id, number)
    files = repository.list_files(session, version.id)
    return _checked_manifest(version, files, folder / access.project.slug / f"v{number}")


def _checked(access: Access, version: Version, file: VersionFile, folder: Path) -> Path:
    path = folder / access.project.slug / f"v{version.number}" / file.name
    if not path.is_file() or sha256_of(path) != file.sha256:
        raise InvalidFile(
            f"{file.name} of version {version.number} is missing or was changed on the disk. "
            f"Run 'winnow export --rewrite' to write it again from the database."
        )
    return path


def write_zip(session: Session, access: Access, number: int, folder: Path, target: BinaryIO) -> None:
    """Write all files of a version and its ``MANIFEST.json`` as one zip; the same bytes every time."""
    for part in make_zip(session, access, number, folder):
        target.write(part)


def make_zip(session: Session, access: Access, number: int, folder: Path) -> Iterator[bytes]:
    """The zip in parts, while it is made: every file was checked before the first part.

    Raises:
        NotReady: the files are still being written.
        InvalidFile: a file on disk is not the one that was written.
    """
    version = repository.get_version(session, access.id, number)
    files = repository.list_files(session, version.id)
    if not files:
        raise NotReady(f"The files of version {number} are still being written.")
    paths = [_checked(access, version, file, folder) for file in files]
    return _zipped([*paths, _checked_manifest(version, files, paths[0].parent)])


def _checked_manifest(version: Version, files: Sequence[VersionFile], folder: Path) -> Path:
    """The manifest's path, if it names these files."""
    try:
        manifest = read_manifest(folder)
        listed = {file["name"]: file["sha256"] for file in manifest["files"]}
        same = manifest["digest"] == version.digest and listed == {file.name: file.sha256 for file in files}
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise InvalidFile(
            f"The manifest of version {version.number} is missing or names other files than were written. "
            f"Run 'winnow export --rewrite' to write them again from the database."
        )
    return folder / MANIFEST


class _Outbox(io.RawIOBase):
    """Collects what the archive writes. It can't seek, so that a zip is the same bytes on a disk and on a wire."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def take(self) -> Iterator[bytes]:
        parts, self.parts = self.parts, []
        yield from parts


def _zipped(paths: Sequence[Path]) -> Iterator[bytes]:
    outbox = _Outbox()
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            with path.open("rb") as source, archive.open(_entry(path), "w") as entry:
                while part := source.read(1 << 20):
                    entry.write(part)
                    yield from outbox.take()
    yield from outbox.take()


def _entry(path: Path) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path.name, _EPOCH)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    entry.file_size = path.stat().st_size
    return entry
