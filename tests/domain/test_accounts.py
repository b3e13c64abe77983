"""Roles, user names, passwords and the addresses of projects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.accounts import MAX_PASSWORD_BYTES, Role, check_password, check_username, may, slugify
from app.domain.errors import InvalidInput

DOWNWARD = [Role.ADMIN, Role.LEAD, Role.REVIEWER, Role.VIEWER]


@pytest.mark.parametrize("role", DOWNWARD)
@pytest.mark.parametrize("needed", DOWNWARD)
def test_each_role_may_all_that_the_ones_below_it_may(role: Role, needed: Role) -> None:
    assert may(role, needed) == (DOWNWARD.index(role) <= DOWNWARD.index(needed))


@pytest.mark.parametrize(
    ("typed", "name"), [("alice", "alice"), (" Bob.B-2_c ", "bob.b-2_c"), ("0a", "0a"), ("a" * 63, "a" * 63)]
)
def test_user_names_are_taken_in_lower_case(typed: str, name: str) -> None:
    assert check_username(typed) == name


@pytest.mark.parametrize("typed", ["", "a", "a" * 64, ".a", "-a", "a b", "a\nb", "zoë", "a/b", "a@b", "<b>"])
def test_other_user_names_are_refused(typed: str) -> None:
    with pytest.raises(InvalidInput, match="2 to 63 letters"):
        check_username(typed)


@pytest.mark.parametrize("password", ["correct horse", "x7" * 5 + "ab", "пароль-пароль", "ab1 " * 256])
def test_good_passwords_pass(password: str) -> None:
    check_password(password, "alice")


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("", "at least 10"),
        ("123456789", "at least 10"),
        ("1234567890", "would be guessed"),
        ("Password123", "would be guessed"),
        ("aaaaaaaaaaaaaaa", "would be guessed"),
        ("ababababcabab", "would be guessed"),
        ("Alice.Smith", "would be guessed"),
        ("Smith2026!", "would be guessed"),
        ("alice.smith12", "would be guessed"),
        ("Winnow2026!", "would be guessed"),
        ("winnowadmin!1", "would be guessed"),
        ("ImageNet1234", "would be guessed"),
        ("ab1 " * 256 + "x", "at most 1024 bytes"),
        ("äöüß" * 129, "at most 1024 bytes"),
    ],
)
def test_weak_or_endless_passwords_are_refused(password: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        check_password(password, "alice.smith")


def test_the_longest_password_is_counted_in_bytes() -> None:
    assert len(("äöüß" * 128).encode()) == MAX_PASSWORD_BYTES
    check_password("äöüß" * 128)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("ImageNet 1K", "imagenet-1k"),
        ("  COCO (2017) / val  ", "coco-2017-val"),
        ("größe 3", "gr-e-3"),
        ("a" * 59 + " b", "a" * 59),
        ("x" * 99, "x" * 60),
    ],
)
def test_addresses_of_projects(name: str, slug: str) -> None:
    assert slugify(name) == slug


@pytest.mark.parametrize("name", ["", "  ", "../..", "猫", "--"])
def test_a_name_of_which_nothing_is_left_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="at least one letter"):
        slugify(name)


@given(st.text())
def test_an_address_is_its_own_address(name: str) -> None:
    try:
        slug = slugify(name)
    except InvalidInput:
        return
    assert slugify(slug) == slug
    assert 1 <= len(slug) <= 60
