"""Comments on a sample, and the members who are named in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.db.base import utc_now
from app.db.models.projects import Sample
from app.db.models.team import Comment
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import comments as repository
from app.db.repositories import projects as projects_repository
from app.db.repositories import reviews as reviews_repository
from app.db.session import Session
from app.domain.accounts import Role, may
from app.domain.comments import check_comment, named_in
from app.domain.errors import InvalidInput, NotAllowed
from app.services.others_answers import SampleView, sample_views
from app.services.picture_urls import thumb_url
from app.services.projects import Access

SHOWN = 200
"""So many mentions are listed; older ones stand on their samples."""


@dataclass(frozen=True)
class CommentView:
    """One comment. ``text`` is None where it was withdrawn. ``names_me`` says that the reader is named in it."""

    id: int
    author: str
    display_name: str
    text: str | None
    at: datetime
    is_mine: bool
    names_me: bool


@dataclass(frozen=True)
class MentionView:
    """One comment that names the reader; ``text`` is None until they have answered on its sample."""

    comment_id: int
    sample_id: int
    key: str
    given_label: str
    author: str
    text: str | None
    at: datetime
    is_unread: bool
    thumb_url: str


def comments_of_samples(
    session: Session, access: Access, ids: Sequence[int], views: Mapping[int, SampleView]
) -> dict[int, list[CommentView] | None]:
    """The comments on each sample; None where they show once one's own answer is in."""
    rows = repository.of_samples(session, ids)
    return {id_: _shown(access, rows[id_], views[id_]) for id_ in ids}


def _shown(access: Access, rows: list[tuple[Comment, str, str]], view: SampleView) -> list[CommentView] | None:
    if view.others is None and not view.is_secret and any(c.author_id != access.actor.user_id for c, _, _ in rows):
        return None
    seen = [row for row in rows if view.shows_others or row[0].author_id == access.actor.user_id]
    return [_view(access, comment, name, shown) for comment, name, shown in seen]


def _view(access: Access, comment: Comment, name: str, shown: str) -> CommentView:
    is_mine = comment.author_id == access.actor.user_id
    text = comment.text if comment.withdrawn_at is None else None
    names_me = text is not None and bool(named_in(text, {access.actor.username}))
    return CommentView(comment.id, name, shown, text, comment.created_at, is_mine, names_me)


def list_comments(session: Session, access: Access, sample_id: int) -> list[CommentView] | None:
    """One sample's comments; None where the reader has to answer first."""
    projects_repository.get_sample(session, access.id, sample_id)
    views = sample_views(session, access, [sample_id], reviews_repository.reviews_of_samples(session, [sample_id]))
    return comments_of_samples(session, access, [sample_id], views)[sample_id]


def add_comment(session: Session, access: Access, sample_id: int, text: str, *, client_event_id: str) -> Comment:
    """Keep a comment, and note who is named in it. The same ``client_event_id`` again changes nothing.

    Raises:
        InvalidInput: the text is empty or too long, or the id was used for another comment.
    """
    _require_reviewer(access)
    projects_repository.get_sample(session, access.id, sample_id)
    known = repository.find_by_event(session, client_event_id)
    if known is not None:
        if (known.sample_id, known.author_id) != (sample_id, access.actor.user_id):
            raise InvalidInput("This client_event_id was used for another comment. Make a fresh one for each.")
        return known
    comment = Comment(
        project_id=access.id, sample_id=sample_id, author_id=access.actor.user_id, client_event_id=client_event_id,
        text=check_comment(text),
    )  # fmt: skip
    session.add(comment)
    session.flush()  # the mentions refer to it
    members = member_ids(session, access)
    named = [members[name] for name in named_in(comment.text, members) if name != access.actor.username]
    repository.add_mentions(session, comment, named)
    return comment


def member_ids(session: Session, access: Access) -> dict[str, int]:
    """Who can be named, by user name: members who may look at samples, and admins of the server."""
    members = [
        user for user, role in projects_repository.list_members(session, access.id) if may(Role(role), Role.REVIEWER)
    ]
    people = [*members, *accounts_repository.list_admins(session)]
    return {user.username: user.id for user in people if user.username and user.is_active}


def withdraw(session: Session, access: Access, comment_id: int) -> None:
    """Take back one's own comment: its place stays, its text is not shown any more.

    Raises:
        NotAllowed: it is somebody else's.
    """
    comment = repository.get_comment(session, access.id, comment_id)
    if comment.author_id != access.actor.user_id:
        raise NotAllowed("Only who wrote a comment can take it back.")
    if comment.withdrawn_at is None:
        comment.withdrawn_at = utc_now()


def _require_reviewer(access: Access) -> None:
    if not may(access.role, Role.REVIEWER):
        raise NotAllowed("Viewers can look at the outcome; commenting needs the role reviewer.")


def list_mentions(session: Session, access: Access) -> list[MentionView]:
    """Where the reader is named. A text shows once the reader may see what others said on its sample."""
    rows = repository.list_mentions(session, access.id, access.actor.user_id, SHOWN)
    ids = sorted({comment.sample_id for _, comment, _, _ in rows})
    views = sample_views(session, access, ids, reviews_repository.reviews_of_samples(session, ids))
    return [
        _mention(comment, sample, name or "", mention.read_at is None, views[sample.id].shows_others)
        for mention, comment, sample, name in rows
    ]


def _mention(comment: Comment, sample: Sample, author: str, is_unread: bool, is_shown: bool) -> MentionView:
    return MentionView(
        comment.id, sample.id, sample.key, sample.given_label, author, comment.text if is_shown else None,
        comment.created_at, is_unread, thumb_url(sample.id),
    )  # fmt: skip


def mark_read(session: Session, access: Access, sample_id: int | None = None) -> None:
    """The reader saw the comments on this sample, or (None) says to have seen all."""
    repository.mark_read(session, access.id, access.actor.user_id, utc_now(), sample_id)


def count_unread(session: Session, access: Access) -> int:
    return repository.count_unread(session, access.id, access.actor.user_id)
