"""Who may do what: roles in a project, and the rules for names and passwords."""

from __future__ import annotations

import re
from enum import StrEnum

from app.domain.errors import InvalidInput


class Role(StrEnum):
    """A member's role in one project; each may all that the ones below it may."""

    ADMIN = "admin"
    LEAD = "lead"
    REVIEWER = "reviewer"
    VIEWER = "viewer"


_RANK = {Role.VIEWER: 0, Role.REVIEWER: 1, Role.LEAD: 2, Role.ADMIN: 3}


class Scope(StrEnum):
    """How much of what its owner may do an API token may; each covers the ones above it.

    ``READ`` looks; ``REVIEW`` also answers, comments and takes samples from the queue; ``MANAGE`` does all that the
    API offers its owner.
    """

    READ = "read"
    REVIEW = "review"
    MANAGE = "manage"


_REACH = {Scope.READ: 0, Scope.REVIEW: 1, Scope.MANAGE: 2}

MIN_PASSWORD = 10
"""Shortest password, in characters."""

MAX_PASSWORD_BYTES = 1024
"""Longest password, in UTF-8 bytes: hashing more only helps who wants to keep the server busy."""

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")
_EMAIL = re.compile(r"[^@\s<>\"',;:\\]+@[a-z0-9-]+(\.[a-z0-9-]+)*")
_ODD = re.compile(r"[^a-z0-9._-]+")
_SLUG = re.compile(r"[^a-z0-9]+")
_TOO_COMMON = frozenset({"1234567890", "qwertyuiop", "0123456789", "iloveyou12", "letmein123"})

CONTEXT_WORDS = ("winnow", "password", "passwort", "review", "dataset", "imagenet", "admin", "qwerty")
"""Words that whoever guesses a password here begins with; so is the user name."""

_LEFT = 6
"""Characters that a password needs besides such words."""


def may(role: Role, needed: Role) -> bool:
    return _RANK[role] >= _RANK[needed]


def covers(scope: Scope, needed: Scope) -> bool:
    return _REACH[scope] >= _REACH[needed]


def check_email(email: str) -> str | None:
    """Return the address in lower case, or None for an empty one.

    Raises:
        InvalidInput: it does not look like one.
    """
    address = email.strip().lower()
    if address and not (len(address) <= 320 and _EMAIL.fullmatch(address)):
        raise InvalidInput(f"{email.strip()[:80]!r} is no e-mail address. Write it like robin@example.org.")
    return address or None


def username_from(*wishes: str) -> str:
    """A user name made of the first wish of which enough is left, such as an e-mail address."""
    for wish in wishes:
        name = _ODD.sub("-", wish.split("@")[0].lower()).strip("-._")[:40]
        if _USERNAME.fullmatch(name):
            return name
    return "user"


def check_username(username: str) -> str:
    """Return the name in lower case.

    Raises:
        InvalidInput: it is not 2 to 63 letters, digits, dots, dashes or underscores.
    """
    name = username.strip().lower()
    if not _USERNAME.fullmatch(name):
        raise InvalidInput("A user name has 2 to 63 letters (a-z), digits, dots, dashes or underscores.")
    return name


def check_password(password: str, username: str = "") -> None:
    """Refuse what is too short, too long or easily guessed.

    Raises:
        InvalidInput: it says which.
    """
    if len(password) < MIN_PASSWORD:
        raise InvalidInput(f"A password has at least {MIN_PASSWORD} characters.")
    if len(password.encode()) > MAX_PASSWORD_BYTES:
        raise InvalidInput(f"A password has at most {MAX_PASSWORD_BYTES} bytes.")
    if password.lower() in _TOO_COMMON or len(set(password)) < 4 or _is_of_context(password.lower(), username):
        raise InvalidInput("This password is among the first that would be guessed. Choose another.")


def _is_of_context(password: str, username: str) -> bool:
    """Whether it holds a word of the context and little besides."""
    rest = password
    for word in (*username.split("@"), *re.split(r"[._-]", username), *CONTEXT_WORDS):
        if len(word) > 3:
            rest = rest.replace(word, "")
    return rest != password and len(rest) < _LEFT


def check_repeated(password: str, again: str) -> None:
    if password != again:
        raise InvalidInput("The two passwords differ.")


def slugify(name: str) -> str:
    """The address of a project: ``ImageNet 1K`` becomes ``imagenet-1k``.

    Raises:
        InvalidInput: nothing is left of the name.
    """
    slug = _SLUG.sub("-", name.lower()).strip("-")[:60].strip("-")
    if not slug:
        raise InvalidInput("A project's name needs at least one letter (a-z) or digit.")
    return slug
