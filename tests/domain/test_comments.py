"""Comments, and the people named in them."""

from __future__ import annotations

import pytest

from app.domain.comments import MAX_COMMENT, check_comment, named_in
from app.domain.errors import InvalidInput

MEMBERS = {"alice", "bob", "j.doe"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@alice look", ["alice"]),
        ("ask @Bob, then @alice and @bob again.", ["bob", "alice"]),
        ("@j.doe. Is it?", ["j.doe"]),
        ("(@bob)", ["bob"]),
        ("write to me@bob", []),
        ("@bobby", []),
        ("@nobody @", []),
        ("\u202e@alice\u202c", ["alice"]),
        ("👍 @bob", ["bob"]),
    ],
)
def test_members_are_named_by_an_at(text: str, names: list[str]) -> None:
    assert named_in(text, MEMBERS) == names


def test_a_comment_is_kept_as_it_is() -> None:
    text = "<b>bold?</b>\nשלום \u202eabc\u202c 👩‍🔬\tend"
    assert check_comment(f"  {text}\r\n") == text


@pytest.mark.parametrize("text", ["", "  \n ", "x" * (MAX_COMMENT + 1), "a\x00b", "bell\x07"])
def test_what_is_no_comment_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_comment(text)
