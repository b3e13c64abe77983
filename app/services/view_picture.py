"""Which file a sample's picture is made from, for those who may see it."""

from __future__ import annotations

from app.db.repositories import projects as repository
from app.db.session import Session
from app.domain.errors import NotFound
from app.services.projects import access_project
from app.services.sign_in import Actor


def find_picture(session: Session, actor: Actor, sample_id: int) -> tuple[str, str]:
    """(dataset root, key) of a sample.

    Raises:
        NotFound: there is no such sample in a project that the person may enter.
    """
    found = repository.find_file(session, sample_id)
    missing = NotFound(f"There is no sample {sample_id}.")
    if found is None:
        raise missing
    slug, root, key = found
    try:
        access_project(session, actor, slug)
    except NotFound:
        raise missing from None
    return root, key
