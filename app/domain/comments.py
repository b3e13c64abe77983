"""Comments on a sample, and the people named in them."""

from __future__ import annotations

import re
from collections.abc import Collection

from app.domain.errors import InvalidInput

MAX_COMMENT = 4_000
"""Longest comment, in characters."""

_NAME = re.compile(r"(?<![\w@.-])@([A-Za-z0-9][A-Za-z0-9._-]{1,62})")


def check_comment(text: str) -> str:
    """Return the comment without blanks around it.

    Raises:
        InvalidInput: it is empty, too long, or holds characters that no text has.
    """
    clean = text.replace("\r\n", "\n").strip()
    if not clean:
        raise InvalidInput("The comment is empty.")
    if len(clean) > MAX_COMMENT:
        raise InvalidInput(f"The comment has {len(clean):,} characters; {MAX_COMMENT:,} are allowed.")
    if any(ord(char) < 32 and char not in "\n\t" for char in clean):
        raise InvalidInput("The comment holds a control character.")
    return clean


def named_in(text: str, members: Collection[str]) -> list[str]:
    """Members whom the text names by ``@name``, in order. A full stop after a name belongs to the sentence."""
    found: dict[str, None] = {}
    for name in _NAME.findall(text):
        lower = name.lower()
        while lower not in members and lower and lower[-1] in "._-":
            lower = lower[:-1]
        if lower in members:
            found[lower] = None
    return list(found)
