"""The file that a backup is: a zip whose ``MANIFEST.json`` names every other member with size and SHA-256.

The manifest is written last, so a backup that was cut off has none; every digest is checked before anything is used.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from app.adapters.files import replaced_atomically
from app.domain.errors import InvalidFile

FORMAT = "winnow-backup-1"
MANIFEST = "MANIFEST.json"
_CHUNK = 1 << 20
_FOLDERS = ("database", "versions", "uploads", "results")
_NAME = re.compile(r"[^/\\\0]+(?:/[^/\\\0]+)+")


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the archive; ``name`` is its path inside."""

    name: str
    bytes: int
    sha256: str


class BackupWriter:
    """Adds files to a backup that is being written, and notes their digests."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.members: list[Member] = []

    def add(self, name: str, chunks: Iterable[bytes]) -> Member:
        """Write the chunks as one member."""
        digest, size = hashlib.sha256(), 0
        with self._archive.open(_entry(name), "w", force_zip64=True) as target:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                target.write(chunk)
        self.members.append(Member(name, size, digest.hexdigest()))
        return self.members[-1]

    def finish(self, told: dict[str, Any]) -> None:
        manifest = {"format": FORMAT, **told, "files": [asdict(member) for member in self.members]}
        self._archive.writestr(_entry(MANIFEST), json.dumps(manifest, indent=1))


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
    return entry


def chunks_of(stream: BinaryIO) -> Iterator[bytes]:
    """The content of an open file, a part at a time."""
    return iter(lambda: stream.read(_CHUNK), b"")


@contextmanager
def new_backup(path: Path) -> Iterator[BackupWriter]:
    """A backup that appears at ``path``, for its owner's eyes only, when the block ends well."""
    with replaced_atomically(path) as stream:
        os.fchmod(stream.fileno(), 0o600)  # it holds hashes of passwords, and all that people wrote
        with zipfile.ZipFile(stream, "w", compresslevel=1) as archive:
            yield BackupWriter(archive)


class BackupReader:
    """A backup whose manifest was read; ``check`` says whether the rest is as it was written."""

    def __init__(self, archive: zipfile.ZipFile, told: dict[str, Any]) -> None:
        self._archive, self.told = archive, told
        self.members = [Member(**file) for file in told["files"]]

    def check(self) -> None:
        """Read everything once.

        Raises:
            InvalidFile: a member is missing, was added, or is not what was written; names the first such one.
        """
        there = set(self._archive.namelist()) - {MANIFEST}
        named = {member.name for member in self.members}
        if there != named:
            odd = sorted(there ^ named)[0]
            raise InvalidFile(f"The backup is not whole: {odd} is not both in it and in its {MANIFEST}.")
        for member in self.members:
            if not _NAME.fullmatch(member.name) or ".." in member.name.split("/"):
                raise InvalidFile(f"The backup names a file outside of its folders: {member.name!r}.")
            if member.name.split("/")[0] not in _FOLDERS:
                raise InvalidFile(f"The backup holds {member.name!r}, which is no part of one.")
            for _ in self.read(member):
                pass

    def read(self, member: Member) -> Iterator[bytes]:
        """The content of a member, a part at a time.

        Raises:
            InvalidFile: after the last part, where what was read is not what was written.
        """
        digest = hashlib.sha256()
        try:
            with self._archive.open(member.name) as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError) as error:
            raise InvalidFile(f"The backup is damaged at {member.name}: {error}. Use another one.") from error
        if digest.hexdigest() != member.sha256:
            raise InvalidFile(f"The backup is damaged: {member.name} is not what was written. Use another one.")

    def unpack(self, member: Member, target: Path) -> None:
        """Write a member to ``target`` and flush it to the disk."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as stream:
            for chunk in self.read(member):
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())

    def below(self, folder: str) -> list[Member]:
        return [member for member in self.members if member.name.startswith(f"{folder}/")]


@contextmanager
def open_backup(path: Path) -> Iterator[BackupReader]:
    """Open a backup and read its manifest.

    Raises:
        InvalidFile: it is none, or only a part of one.
    """
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise InvalidFile(f"There is no file {path}.") from None
    except (zipfile.BadZipFile, OSError) as error:
        raise InvalidFile(f"{path} is no whole backup: {error}. A backup that was cut off can't be used.") from None
    with archive:
        yield BackupReader(archive, _read_manifest(archive, path))


def _read_manifest(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(archive.read(MANIFEST))
        known = told["format"] == FORMAT and all(set(f) == {"name", "bytes", "sha256"} for f in told["files"])
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile):
        known = False
    if not known:
        raise InvalidFile(f"{path} is no backup that this release of Winnow knows: its {MANIFEST} is not {FORMAT}.")
    return told
