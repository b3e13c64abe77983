"""The files of a comparison that is done: one zip, checked against the digest that was noted when it was written."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from app.adapters.files import sha256_of
from app.db.models.jobs import Job
from app.db.repositories import jobs as jobs_repository
from app.db.session import Session
from app.domain.errors import InvalidFile, NotFound
from app.services.start_comparison import REPORT

RECORD, PUBLISHED = "report.json", "hugging-face.zip"

_ABOUT = {
    "report.html": "the whole report as one page that needs no network",
    RECORD: "every figure of the report, for programs",
    "slides.pptx": "slides on what follows",
    "tables.tex": "tables for a paper (LaTeX)",
    "accuracy.csv": "accuracy by condition, with and without leaks",
    "comparisons.csv": "differences with their tests",
    "by_class.csv": "accuracy by class",
    "robustness.csv": "accuracy on corrupted images",
    "calibration.csv": "calibration error and log loss",
    "curves.csv": "loss and accuracy by epoch",
    "timing.csv": "seconds and images a second by epoch",
    PUBLISHED: "a folder to publish on the Hugging Face Hub: card, lists, report",
}
"""In the order in which pages list them."""


@dataclass(frozen=True)
class FileEntry:
    name: str
    about: str
    bytes: int
    url: str


@dataclass(frozen=True, slots=True)
class Archive:
    """A comparison's zip. ``sha256`` is what it must have."""

    path: Path
    sha256: str


def find_archive(session: Session, job: Job, results: Path) -> Archive | None:
    """None until the report is written.

    Raises:
        InvalidFile: it is not on the disk.
    """
    shards = jobs_repository.list_shards(session, job.id)
    done = [shard for shard in shards if shard.stage == REPORT and shard.state == "done"]
    if not done or not done[0].result_path or not done[0].result_sha256:
        return None
    path = results / done[0].result_path
    if not path.is_file():
        raise InvalidFile(
            f"The report of comparison {job.id} is missing from the disk. Start it again with the same settings: runs "
            "that are kept are not trained anew."
        )
    return Archive(path, done[0].result_sha256)


def checked(archive: Archive) -> Path:
    """The zip's path, if it is what was written.

    Raises:
        InvalidFile: it was changed on the disk.
    """
    if sha256_of(archive.path) != archive.sha256:
        raise InvalidFile(f"{archive.path.name} was changed on the disk. Start the comparison again to have it anew.")
    return archive.path


def list_files(archive: Archive, url: str) -> list[FileEntry]:
    """The files by their bare names, which are unique."""
    sizes = {PurePosixPath(name).name: size for name, size in _members(archive)}
    known = [name for name in _ABOUT if name in sizes]
    return [FileEntry(name, _ABOUT[name], sizes[name], f"{url}/files/{name}") for name in known]


def read_file(archive: Archive, name: str) -> bytes:
    """
    Raises:
        NotFound: there is no such file.
        InvalidFile: the zip was changed on the disk.
    """
    members = {PurePosixPath(path).name: path for path, _ in _members(archive)}
    if name not in members:
        raise NotFound(f"This comparison has no file {name[:100]!r}. It has: {', '.join(sorted(members))}.")
    with zipfile.ZipFile(checked(archive)) as opened:
        return opened.read(members[name])


def read_record(archive: Archive) -> dict[str, Any]:
    """What ``report.json`` holds. Don't change it: others read the same.

    Raises:
        InvalidFile: the zip was changed on the disk.
    """
    return _read_record(archive)


@lru_cache(maxsize=32)
def _read_record(archive: Archive) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(read_file(archive, RECORD))
    return record


@lru_cache(maxsize=128)
def _members(archive: Archive) -> tuple[tuple[str, int], ...]:
    try:
        with zipfile.ZipFile(archive.path) as opened:
            return tuple((member.filename, member.file_size) for member in opened.infolist())
    except zipfile.BadZipFile as error:
        raise InvalidFile(
            f"{archive.path.name} was changed on the disk: {error}. Start the comparison again."
        ) from error
