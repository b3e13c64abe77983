"""Projects, members, classes and samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from app.db.many_rows import add_rows, read_rows
from app.db.models.accounts import User
from app.db.models.projects import Member, Project, ProjectClass, Sample, Source
from app.domain.errors import NotFound
from app.domain.samples import SampleRef
from app.domain.sources import SourceKind

POLICIES_LOCK = 0x77696E6E
"""Marks our advisory locks on policies."""


def find_project(session: Session, slug: str) -> Project | None:
    return session.scalar(select(Project).where(Project.slug == slug))


def get_project_by_id(session: Session, project_id: int) -> Project:
    project = session.get(Project, project_id)
    if project is None:
        raise NotFound(f"There is no project with the number {project_id}.")
    return project


def hold_policies(session: Session, project: Project, *, to_change: bool = False) -> None:
    """Let the project's policies stay as they are until this transaction ends, and read them as they are now.

    ``to_change`` waits until nobody works by the old ones; it comes before every other lock. PostgreSQL alone needs
    this: SQLite has one writer. It is no lock on the project's row, because handing out samples and imports hold that
    one, and decisions should not wait for them.
    """
    if session.get_bind().dialect.name == "postgresql":
        lock = func.pg_advisory_xact_lock if to_change else func.pg_advisory_xact_lock_shared
        session.execute(select(lock(POLICIES_LOCK, project.id)))
        session.refresh(project, ["policies"])


def slug_of(session: Session, project_id: int | None) -> str | None:
    return session.scalar(select(Project.slug).where(Project.id == project_id)) if project_id else None


def list_projects(session: Session, user_id: int | None = None) -> list[tuple[Project, str | None]]:
    """All projects, or those of one user with the role."""
    if user_id is None:
        return [(project, None) for project in session.scalars(select(Project).order_by(Project.name))]
    query = (
        select(Project, Member.role)
        .join(Member, Member.project_id == Project.id)
        .where(Member.user_id == user_id)
        .order_by(Project.name)
    )
    return [(project, role) for project, role in session.execute(query)]


def count_projects(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Project)) or 0


def role_of(session: Session, project_id: int, user_id: int) -> str | None:
    return session.scalar(select(Member.role).where(Member.project_id == project_id, Member.user_id == user_id))


def list_members(session: Session, project_id: int) -> list[tuple[User, str]]:
    query = (
        select(User, Member.role)
        .join(Member, Member.user_id == User.id)
        .where(Member.project_id == project_id)
        .order_by(User.username)
    )
    return [(user, role) for user, role in session.execute(query)]


def set_member(session: Session, project_id: int, user_id: int, role: str | None) -> None:
    member = session.get(Member, (project_id, user_id))
    if role is None:
        if member is not None:
            session.delete(member)
    elif member is None:
        session.add(Member(project_id=project_id, user_id=user_id, role=role))
    else:
        member.role = role


def class_index(session: Session, project_id: int) -> dict[str, int]:
    """Class names with their index in the dataset's own coding, in that order."""
    query = (
        select(ProjectClass.name, ProjectClass.index)
        .where(ProjectClass.project_id == project_id)
        .order_by(ProjectClass.index)
    )
    return dict(session.execute(query).all())


class ClassNames:
    """The class names of a project, looked up one by one: most answers name none, and there may be a thousand."""

    def __init__(self, session: Session, project_id: int) -> None:
        self._session, self._project_id = session, project_id

    def __contains__(self, name: object) -> bool:
        query = select(ProjectClass.id).where(ProjectClass.project_id == self._project_id, ProjectClass.name == name)
        return self._session.scalar(query) is not None


def add_classes(
    session: Session, project_id: int, names: Iterable[str], indices: Mapping[str, int] | None = None
) -> int:
    """Add the classes that are new; return how many. They come after the existing ones, where ``indices`` gives them no
    number of their own that is free."""
    known = class_index(session, project_id)
    new = [name for name in dict.fromkeys(names) if name not in known]
    taken = set(known.values())
    for name in new:
        wanted = (indices or {}).get(name)
        index = wanted if wanted is not None and wanted not in taken else max(taken, default=-1) + 1
        taken.add(index)
        session.add(ProjectClass(project_id=project_id, name=name, index=index))
    return len(new)


def class_titles(session: Session, project_id: int) -> dict[str, str]:
    """Names to read, of the classes that have one."""
    query = select(ProjectClass.name, ProjectClass.title).where(
        ProjectClass.project_id == project_id, ProjectClass.title.is_not(None)
    )
    return {name: title for name, title in session.execute(query) if title}


def set_titles(session: Session, project_id: int, titles: Mapping[str, str]) -> int:
    """Give classes names to read; return how many changed. Names of no class are passed over."""
    if not titles:
        return 0
    rows = session.scalars(select(ProjectClass).where(ProjectClass.project_id == project_id))
    changed = [row for row in rows if row.name in titles and row.title != (titles[row.name] or None)]
    for row in changed:
        row.title = titles[row.name] or None
    return len(changed)


def add_samples(session: Session, source: Source, samples: Sequence[SampleRef]) -> None:
    shared = {"project_id": source.project_id, "source_id": source.id}
    names = ("split", "key", "given_label", "image_id", "locator")
    images = [(s.split, s.key, s.given_label, s.image_id, s.locator) for s in samples if s.box is None]
    add_rows(session, Sample, names, images, shared)
    objects = [
        (s.split, s.key, s.given_label, s.image_id, s.locator, list(s.box)) for s in samples if s.box is not None
    ]
    add_rows(session, Sample, (*names, "box"), objects, shared)


def sample_ids_by_key(session: Session, project_id: int, keys: Sequence[str] | None = None) -> dict[str, int]:
    """Sample ids by key: of these keys, or of the whole project."""
    query = select(Sample.key, Sample.id).where(Sample.project_id == project_id)
    if keys is None:
        return {row.key: row.id for row in session.execute(query)}
    found: dict[str, int] = {}
    for start in range(0, len(keys), 500):
        chunk = session.execute(query.where(Sample.key.in_(keys[start : start + 500])))
        found.update((row.key, row.id) for row in chunk)
    return found


def labels_by_key(session: Session, project_id: int, keys: Sequence[str] | None = None) -> dict[str, tuple[int, str]]:
    """Sample id and given label by key: of these keys, or of the whole project."""
    query = select(Sample.key, Sample.id, Sample.given_label)
    if keys is None:
        # Row after row, because their ids lie close together: SQLite would go from an index to each row by itself.
        ends = select(func.min(Sample.id), func.max(Sample.id)).where(Sample.project_id == project_id)
        first, last = session.execute(ends).one()
        query = query.where(Sample.id.between(first, last), Sample.project_id + 0 == project_id)
        return {key: (id_, label) for key, id_, label in read_rows(session, query)}
    query = query.where(Sample.project_id == project_id)
    found: dict[str, tuple[int, str]] = {}
    for start in range(0, len(keys), 500):
        chunk = session.execute(query.where(Sample.key.in_(keys[start : start + 500])))
        found.update((key, (id_, label)) for key, id_, label in chunk)
    return found


def set_given_labels(session: Session, labels: Mapping[int, str]) -> None:
    """Give samples another label, by sample id."""
    if labels:
        session.execute(update(Sample), [{"id": id_, "given_label": label} for id_, label in labels.items()])


def get_sample(session: Session, project_id: int, sample_id: int) -> Sample:
    sample = session.get(Sample, sample_id)
    if sample is None or sample.project_id != project_id:
        raise NotFound(f"This project has no sample {sample_id}.")
    return sample


def samples_by_id(session: Session, ids: Sequence[int]) -> dict[int, Sample]:
    found: dict[int, Sample] = {}
    for start in range(0, len(ids), 500):
        query = select(Sample).where(Sample.id.in_(ids[start : start + 500]))
        found.update({sample.id: sample for sample in session.scalars(query)})
    return found


def class_sizes(session: Session, project_id: int) -> dict[tuple[str, str], int]:
    """Number of samples per (split, given label)."""
    query = (
        select(Sample.split, Sample.given_label, func.count())
        .where(Sample.project_id == project_id)
        .group_by(Sample.split, Sample.given_label)
    )
    return {(split, label): count for split, label, count in session.execute(query)}


def splits(sizes: Mapping[tuple[str, str], int]) -> list[str]:
    """Names of the splits, train first, then by name."""
    return sorted({split for split, _ in sizes}, key=lambda name: (name != "train", name))


def examples(session: Session, project_id: int, label: str, *, without: int, count: int = 3) -> list[int]:
    """Ids of a few samples of a class, train first, that nobody flagged where there are such."""
    from app.db.models.reviews import SampleState

    flagged = select(SampleState.sample_id).where(SampleState.sample_id == Sample.id).exists()
    of_class = select(Sample.id).where(
        Sample.project_id == project_id, Sample.given_label == label, Sample.id != without
    )
    clean = list(session.scalars(of_class.where(~flagged).order_by(Sample.split.desc(), Sample.id).limit(count)))
    if clean:
        return clean
    return list(session.scalars(of_class.order_by(Sample.id).limit(count)))


def has_objects(session: Session, project_id: int) -> bool:
    """Whether samples may be objects in images."""
    coco = (Source.project_id == project_id) & (Source.kind == SourceKind.COCO.value)
    return bool(session.scalar(select(exists().where(coco))))


def shard_bounds(session: Session, project_id: int, split: str, size: int) -> list[tuple[int, int, int]]:
    """Cut a split into (first id, last id, count) of at most ``size`` samples.

    A folder is listed split by split, so mostly its ids follow each other and need no counting: to number a million
    samples takes longer than whoever starts a run should wait.
    """
    chosen = [Sample.project_id == project_id, Sample.split == split]
    if has_objects(session, project_id):
        chosen.append(Sample.box.is_(None))
    first, last, count = session.execute(
        select(func.min(Sample.id), func.max(Sample.id), func.count()).where(*chosen)
    ).one()
    if count and last - first + 1 == count:
        starts = range(first, last + 1, size)
        return [(start, min(start + size - 1, last), min(size, last + 1 - start)) for start in starts]
    number = func.row_number().over(order_by=Sample.id)
    numbered = select(Sample.id, ((number - 1) // size).label("part")).where(*chosen).subquery()
    query = select(func.min(numbered.c.id), func.max(numbered.c.id), func.count())
    return [tuple(row) for row in session.execute(query.group_by(numbered.c.part).order_by(numbered.c.part))]
