"""Comments on samples, and who is named in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, aliased

from app.db.models.accounts import User
from app.db.models.projects import Sample
from app.db.models.team import Comment, Mention
from app.domain.errors import NotFound


def find_by_event(session: Session, client_event_id: str) -> Comment | None:
    return session.scalar(select(Comment).where(Comment.client_event_id == client_event_id))


def get_comment(session: Session, project_id: int, comment_id: int) -> Comment:
    comment = session.get(Comment, comment_id)
    if comment is None or comment.project_id != project_id:
        raise NotFound(f"This project has no comment {comment_id}.")
    return comment


def of_samples(session: Session, ids: Sequence[int]) -> dict[int, list[tuple[Comment, str, str]]]:
    """Comments with their author's user name and full name, oldest first, by sample."""
    found: dict[int, list[tuple[Comment, str, str]]] = {id_: [] for id_ in ids}
    for start in range(0, len(ids), 500):
        query = (
            select(Comment, User.username, User.display_name)
            .join(User, User.id == Comment.author_id)
            .where(Comment.sample_id.in_(ids[start : start + 500]))
            .order_by(Comment.id)
        )
        for comment, name, shown in session.execute(query):
            found[comment.sample_id].append((comment, name or "", shown))
    return found


def add_mentions(session: Session, comment: Comment, user_ids: Sequence[int]) -> None:
    session.add_all(Mention(comment_id=comment.id, user_id=id_, project_id=comment.project_id) for id_ in user_ids)


def count_unread(session: Session, project_id: int, user_id: int) -> int:
    query = (
        select(func.count())
        .select_from(Mention)
        .join(Comment, Comment.id == Mention.comment_id)
        .where(Mention.user_id == user_id, Mention.project_id == project_id, Mention.read_at.is_(None))
        .where(Comment.withdrawn_at.is_(None))
    )
    return session.scalar(query) or 0


def list_mentions(session: Session, project_id: int, user_id: int, limit: int) -> list[Any]:
    """(mention, comment, sample, author's name), unread ones first, then the newest."""
    author = aliased(User)
    query = (
        select(Mention, Comment, Sample, author.username)
        .join(Comment, Comment.id == Mention.comment_id)
        .join(Sample, Sample.id == Comment.sample_id)
        .join(author, author.id == Comment.author_id)
        .where(Mention.user_id == user_id, Mention.project_id == project_id, Comment.withdrawn_at.is_(None))
        .order_by(Mention.read_at.is_not(None), Comment.id.desc())
        .limit(limit)
    )
    return list(session.execute(query))


def mark_read(session: Session, project_id: int, user_id: int, now: datetime, sample_id: int | None = None) -> None:
    """Note that somebody read where they are named: on one sample, or everywhere in the project."""
    query = update(Mention).where(
        Mention.user_id == user_id, Mention.project_id == project_id, Mention.read_at.is_(None)
    )
    if sample_id is not None:
        query = query.where(Mention.comment_id.in_(select(Comment.id).where(Comment.sample_id == sample_id)))
    session.execute(query.values(read_at=now).execution_options(synchronize_session=False))
