"""Which file a sample's picture is made from, for those who may see it."""

from __future__ import annotations

from app.db.repositories import sources as repository
from app.db.session import Session
from app.domain.errors import NotFound
from app.domain.sources import ImagePlace
from app.services.projects import access_project
from app.services.sign_in import Actor


def find_picture(session: Session, actor: Actor, sample_id: int) -> ImagePlace:
    """Where a sample's image lies.

    Raises:
        NotFound: there is no such sample in a project that the person may enter.
    """
    found = repository.find_place(session, sample_id)
    missing = NotFound(f"There is no sample {sample_id}.")
    if found is None:
        raise missing
    slug, place = found
    try:
        access_project(session, actor, slug)
    except NotFound:
        raise missing from None
    return place
