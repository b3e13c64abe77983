"""Rows and pictures for measurements: a project of any size, of which only a few samples have a file."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from app.db.models.accounts import User
from app.db.models.projects import Project, Source
from app.db.repositories import accounts, projects, reviews
from app.db.session import Database, Session
from app.domain.accounts import Role
from app.domain.merge import Policies
from app.domain.sources import SourceKind
from app.services import api_tokens
from app.services import import_flags as importing
from app.services.ports import Unhurried
from app.services.projects import access_project, policies_as_json
from app.services.sign_in import Actor
from app.settings import Settings

SIZE = (400, 300)


def add_source(session: Session, slug: str, root: Path) -> Source:
    """Make a project with this folder as its source."""
    project = Project(slug=slug, name=slug, policies=policies_as_json(Policies()))
    session.add(project)
    session.flush()  # its source refers to it
    source = Source(project_id=project.id, kind=SourceKind.FOLDER.value, root=str(root), options={})
    session.add(source)
    session.flush()  # its samples refer to it
    return source


def draw_pictures(root: Path, count: int) -> Path:
    """Draw ``count`` noisy JPEG files of 400 x 300 pixels, as ``train/class<n>/<n>.jpg``; return the root."""
    noise = np.random.default_rng(0)
    for n in range(count):
        path = root / "train" / f"class{n % 100}" / f"{n:07d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = noise.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC).save(path, quality=85)
    return root


def flags_csv(keys: Sequence[str]) -> bytes:
    """One mislabel flag a sample, in the guide's columns."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("image_id", "image_path", "label", "issue_type", "confidence", "suggested_label", "reason"))
    for n, key in enumerate(keys):
        sure = f"{1 - n / (2 * len(keys)):.6f}"
        writer.writerow(
            (n, key, key.split("/")[1], "mislabel", sure, f"class{(n + 1) % 100}", "predicted another class")
        )
    return text.getvalue().encode()


def import_flags(database: Database, settings: Settings, slug: str, keys: Sequence[str]) -> float:
    """Import one mislabel flag a sample from a CSV, as a worker does it; return how many seconds that took."""
    folder = settings.folder("uploads")
    with database.writing() as session:
        access = access_project(session, _owner(session), slug)
        row = importing.start_import(
            session, _NoBell(), access, folder=folder, file_name="bench.csv", data=flags_csv(keys)
        )
        import_id = row.id
    begun = time.perf_counter()
    importing.run_import(database, import_id, folder, Unhurried())
    return time.perf_counter() - begun


class _NoBell:
    def ring(self, queue: str) -> None:
        return


def _owner(session: Session) -> Actor:
    user = next(user for user in accounts.list_users(session) if user.is_admin)
    return Actor(user.id, user.username or "owner", user.display_name, True)


def add_reviewers(database: Database, slug: str, count: int) -> list[str]:
    """Add reviewers to a project; return a token for each."""
    tokens = []
    with database.writing() as session:
        project_id = access_project(session, _owner(session), slug).id
        for n in range(count):
            user = User(username=f"reviewer{n}", display_name=f"Reviewer {n}")
            session.add(user)
            session.flush()  # the membership refers to it
            projects.set_member(session, project_id, user.id, Role.REVIEWER.value)
            actor = Actor(user.id, f"reviewer{n}", user.display_name, False)
            tokens.append(api_tokens.make_token(session, actor, name="bench", scope="review", days=1))
    return tokens


def count_reviews(database: Database) -> int:
    """Answers of all reviewers that the database has."""
    with database.reading() as session:
        return reviews.count_submitted(session)
