"""Writing a version's files from what was frozen: the same bytes whenever they are made again."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from app import __version__
from app.adapters.files import clear_leftovers, write_digested
from app.adapters.memory import many_objects
from app.adapters.thumbnails import Pictures as PictureCache
from app.db.models.versions import Version
from app.db.repositories import projects as projects_repository
from app.db.repositories import sources as sources_repository
from app.db.repositories import versions as repository
from app.db.session import Database, Session
from app.deliverables.catalogue import deliverables
from app.deliverables.content import VersionContent
from app.deliverables.deliverable import Deliverable, NoPictures, Pictures
from app.deliverables.release_manifest import NAME, WrittenFile, encode_manifest, make_manifest
from app.deliverables.verify import check_replay
from app.domain.errors import InvalidFile, JobCancelled
from app.domain.sources import ImagePlace, SourceKind
from app.services.cleaned_coco import cleaned_coco
from app.services.ports import ShardContext
from app.services.version_history import read_history
from app.services.version_pictures import VersionPictures


def write_deliverables(
    database: Database,
    version_id: int,
    folder: Path,
    *,
    cache: PictureCache | None = None,
    context: ShardContext | None = None,
) -> None:
    """Write every file of a version, read each back, replay the history, then list them.

    Files that are not listed do not count: whatever cuts this off leaves the version without files, or with those it
    had, and it can be done again.

    ``cache`` makes the pictures of report, slides and gallery. Without one the lists alone are written: neither these
    three nor the seconds that they take.

    Raises:
        OutOfSpace: the disk is full; the version stays, and its files can be written again.
        InvalidFile: a file did not read back as it was meant, is not what it was when it was first written, or the
            history does not lead to these lists.
        JobCancelled: it was asked to stop.
    """
    with many_objects():
        _write_all(database, version_id, folder, cache, context)


def _write_all(
    database: Database, version_id: int, folder: Path, cache: PictureCache | None, context: ShardContext | None
) -> None:
    with database.reading() as session:
        version = session.get_one(Version, version_id)
        project = projects_repository.get_project_by_id(session, version.project_id)
        slug, project_id = project.slug, project.id
        content = load_content(session, version)
        specs = [sources_repository.as_spec(source) for source in sources_repository.list_sources(session, project_id)]
        earlier = {file.name: file.sha256 for file in repository.list_files(session, version_id)}
    pictures = VersionPictures(cache, partial(_find_place, database, project_id)) if cache else NoPictures()
    files = [
        *deliverables(content),
        *(cleaned_coco(spec, content.dataset) for spec in specs if spec.kind is SourceKind.COCO),
    ]
    wanted = [file for file in files if cache or not file.has_pictures]
    target = folder / slug / f"v{version.number}"
    clear_leftovers(target)
    written = []
    for done, deliverable in enumerate(wanted):
        _go_on(context, done)
        file = _write(target, deliverable, content, pictures)
        if not deliverable.has_pictures:
            _check_unchanged(content, file, earlier.get(file.name))
        written.append(file)
    check_replay(target, content)
    manifest = encode_manifest(make_manifest(content, written))
    write_digested(target / NAME, lambda stream: stream.write(manifest))
    with database.writing() as session:
        repository.set_files(session, version_id, [_file_row(version_id, file) for file in written])


def _find_place(database: Database, project_id: int, key: str) -> ImagePlace | None:
    with database.reading() as session:
        return sources_repository.places_of_keys(session, project_id, [key]).get(key)


def count_deliverables(session: Session, version: Version) -> int:
    """How many files a version that is being frozen will have."""
    sources = sources_repository.list_sources(session, version.project_id)
    coco = sum(source.kind == SourceKind.COCO.value for source in sources)
    return coco + sum(1 for _ in deliverables(_content(version, [], [])))


def load_content(session: Session, version: Version) -> VersionContent:
    outcomes = [outcome for _, outcome in repository.outcomes(session, version.id)]
    return _content(version, outcomes, read_history(session, version, outcomes))


def _content(version: Version, outcomes: list[dict[str, object]], events: list[dict[str, object]]) -> VersionContent:
    return VersionContent(
        version.snapshot, outcomes, version.number, version.created_at, version.note, version.digest, events
    )


def _go_on(context: ShardContext | None, done: int) -> None:
    if context is None:
        return
    if context.should_stop():
        raise JobCancelled("Writing the files was stopped. They can be written again at any time.")
    context.report(done)


def _write(target: Path, deliverable: Deliverable, content: VersionContent, pictures: Pictures) -> WrittenFile:
    rows, digest, size = write_digested(
        target / deliverable.name, lambda stream: deliverable.write(stream, content, pictures)
    )
    return WrittenFile(deliverable.name, digest, size, rows)


def _check_unchanged(content: VersionContent, file: WrittenFile, before: str | None) -> None:
    """A version's files never change. Another release of Winnow may write them otherwise; this one may not."""
    if before in (None, file.sha256) or content.snapshot.get("winnow") != __version__:
        return
    raise InvalidFile(
        f"{file.name} of version {content.number} came out differently from when it was first written, though nothing "
        f"of a frozen version may change. Was the database edited by hand? Its digest is {content.digest}; compare "
        "with a backup before you use either."
    )


def _file_row(version_id: int, file: WrittenFile) -> dict[str, object]:
    return {
        "version_id": version_id, "name": file.name, "bytes": file.bytes, "rows": file.rows, "sha256": file.sha256,
    }  # fmt: skip
