"""Projects: who may enter them, making one from a folder tree, members, policies and classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.db.models.projects import Project
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import projects as repository
from app.db.repositories import queue as queue_repository
from app.db.repositories.overlap import set_needed
from app.db.session import Session
from app.domain.accounts import Role, may, slugify
from app.domain.check_samples import MAX_SHARE
from app.domain.consensus import Rule
from app.domain.errors import InvalidInput, NotAllowed, NotFound
from app.domain.formats.relabel_map import LabelCoding
from app.domain.merge import LeakSide, Policies
from app.domain.overlap import MAX_NEEDED
from app.services import audit
from app.services.make_source import make_source
from app.services.ports import Doorbell
from app.services.scan_dataset import start_scan
from app.services.sign_in import Actor


@dataclass(frozen=True)
class Access:
    """A project that the person may enter, with the role they have there."""

    project: Project
    role: Role
    actor: Actor

    @property
    def id(self) -> int:
        return self.project.id

    @property
    def is_lead(self) -> bool:
        return may(self.role, Role.LEAD)

    @property
    def can_review(self) -> bool:
        return may(self.role, Role.REVIEWER)


def access_project(session: Session, actor: Actor, slug: str, needed: Role = Role.VIEWER) -> Access:
    """The one way into a project. An admin of the server is admin of every project; a token may be for one alone.

    Raises:
        NotFound: there is no such project, or the person is no member.
        NotAllowed: the person's role is not enough.
    """
    project = repository.find_project(session, slug)
    role = Role.ADMIN if actor.is_admin else None
    if project is not None and actor.only_project not in (None, project.id):
        project = None  # to a token for another project it does not exist
    if project is not None and role is None:
        held = repository.role_of(session, project.id, actor.user_id)
        role = Role(held) if held else None
    if project is None or role is None:
        raise NotFound(f"There is no project {slug!r}, or you are not a member of it.")
    if not may(role, needed):
        raise NotAllowed(f"This needs the role {needed.value}; yours in {project.name} is {role.value}.")
    return Access(project, role, actor)


def create_project(
    session: Session,
    doorbell: Doorbell,
    actor: Actor | None,
    *,
    name: str,
    root: str,
    roots: list[Path],
    label_coding: str = "name",
    kind: str = "",
    options: Mapping[str, Any] | None = None,
) -> Project:
    """Make a project with its first source and start the job that lists its images.

    Raises:
        InvalidInput: the name is taken, or the source is not one that may be read.
    """
    if actor is not None and not actor.runs_server:
        raise NotAllowed("Only an admin of this server may make a project.")
    slug = slugify(name)
    if repository.find_project(session, slug) is not None:
        raise InvalidInput(f"There is a project {slug!r} already. Choose another name.")
    if label_coding not in list(LabelCoding):
        raise InvalidInput("Labels are written as 'name' or as 'index'.")
    project = Project(
        slug=slug, name=name.strip()[:200], label_coding=label_coding,
        policies=policies_as_json(Policies()), created_by=actor.user_id if actor else None,
    )  # fmt: skip
    session.add(project)
    session.flush()  # the source, the job and the membership need the project's id
    source = make_source(session, project.id, root, roots, kind, options or {})
    if actor is not None:
        repository.set_member(session, project.id, actor.user_id, Role.ADMIN.value)
    start_scan(session, doorbell, project, project.created_by)
    audit.record(session, "project_created", user_id=project.created_by, project_id=project.id, root=source.root)
    return project


def policies_of(project: Project) -> Policies:
    return policies_from_json(project.policies)


def policies_from_json(raw: Mapping[str, Any]) -> Policies:
    """What ``policies_as_json`` wrote, also before there were all of today's policies."""
    rule, side = Rule(raw.get("rule", "unanimous")), LeakSide(raw.get("leak_side", "test"))
    return Policies(**{**raw, "rule": rule, "leak_side": side})


def policies_as_json(policies: Policies) -> dict[str, Any]:
    return {**asdict(policies), "rule": policies.rule.value, "leak_side": policies.leak_side.value}


def set_policies(session: Session, access: Access, policies: Policies) -> None:
    """Change how reviews and leaks are merged; versions already frozen keep theirs."""
    from app.services.resolve_again import resolve_project  # it builds on this module

    _check_policies(policies)
    repository.hold_policies(session, access.project, to_change=True)
    queue_repository.take_turn(session, access.id)
    access.project.policies = policies_as_json(policies)
    session.flush()  # the samples' share is read from the database
    set_needed(session, access.id)
    resolve_project(session, access.id, policies)
    audit.record(session, "policies_set", user_id=access.actor.user_id, project_id=access.id, **access.project.policies)


def _check_policies(policies: Policies) -> None:
    if not 1 <= policies.min_submitted <= MAX_NEEDED:
        raise InvalidInput(f"Between 1 and {MAX_NEEDED} reviews can be asked for per sample.")
    if not 0.0 < policies.max_class_share <= 1.0 or not 0.0 <= policies.mislabel_threshold <= 1.0:
        raise InvalidInput("Shares and thresholds lie between 0 and 1.")
    if not 0.0 <= policies.overlap_share <= 1.0:
        raise InvalidInput("The share of samples with two reviews lies between 0 and 1.")
    if policies.suggestion_threshold is not None and not 0.0 <= policies.suggestion_threshold <= 1.0:
        raise InvalidInput("The confidence from which suggestions count unseen lies between 0 and 1.")
    if not 0.0 <= policies.check_share <= MAX_SHARE:
        raise InvalidInput(f"The share of check samples lies between 0 and {MAX_SHARE}.")


def set_member(session: Session, access: Access, user_id: int, role: Role | None) -> None:
    """Give a user a role in the project, or (None) take it away."""
    user = accounts_repository.get_user(session, user_id)
    repository.set_member(session, access.id, user.id, role.value if role else None)
    said = role.value if role else "none"
    audit.record(session, "member_set", user_id=access.actor.user_id, project_id=access.id, member=user.id, role=said)


@dataclass(frozen=True)
class ClassView:
    """A class, its number in the dataset's own coding, and its name to read."""

    name: str
    index: int
    title: str | None


def list_classes(session: Session, access: Access) -> list[ClassView]:
    titles = repository.class_titles(session, access.id)
    classes = repository.class_index(session, access.id)
    return [ClassView(name, index, titles.get(name)) for name, index in classes.items()]


def set_titles(session: Session, access: Access, titles: Mapping[str, str]) -> int:
    """Give classes names to read; return how many changed. Labels and lists keep the classes' own names.

    Raises:
        InvalidInput: one is of no class, or can't be shown.
    """
    known = repository.class_index(session, access.id)
    unknown = [name for name in titles if name not in known]
    if unknown:
        raise InvalidInput(
            f"{len(unknown):,} are no classes of this project, such as {unknown[0]!r}. Nothing was changed."
        )
    if any(not title.isprintable() or len(title) > 300 for title in titles.values()):
        raise InvalidInput("A name to read is one line of at most 300 characters.")
    audit.record(session, "class_titles_set", user_id=access.actor.user_id, project_id=access.id, classes=len(titles))
    return repository.set_titles(session, access.id, titles)


def add_classes(session: Session, access: Access, names: list[str]) -> int:
    """Add classes that labels may name; return how many are new."""
    clean = [name.strip() for name in names if name.strip()]
    if any(len(name) > 300 or "\n" in name for name in clean):
        raise InvalidInput("A class name is one line of at most 300 characters.")
    audit.record(session, "classes_added", user_id=access.actor.user_id, project_id=access.id, names=clean)
    return repository.add_classes(session, access.id, clean)
