"""Waits after wrong tries, e-mails, names made from them, and what browsers call themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import try_limits
from app.domain.accounts import Scope, check_email, check_username, covers, username_from
from app.domain.browsers import describe_browser
from app.domain.errors import InvalidInput
from app.domain.try_limits import TryLimit

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LIMITS = [try_limits.PAIR, try_limits.ACCOUNT, try_limits.ADDRESS, try_limits.LINKS, try_limits.TOKENS]


@pytest.mark.parametrize("limit", LIMITS)
@given(seconds=st.lists(st.integers(0, 200_000), max_size=80))
def test_no_wait_is_longer_than_the_longest_and_none_comes_before_the_free_tries(limit: TryLimit, seconds: list[int]):
    tries = [NOW - timedelta(seconds=s) for s in seconds]
    wait = limit.wait(tries, NOW)
    assert timedelta(0) <= wait <= limit.longest
    if len([at for at in tries if at > NOW - limit.window]) < limit.free:
        assert wait == timedelta(0)


def test_no_window_is_longer_than_tries_are_kept():
    assert max(limit.window for limit in LIMITS) <= try_limits.KEPT


def test_scopes_cover_those_below_them():
    assert [covers(Scope.REVIEW, needed) for needed in Scope] == [True, True, False]


@pytest.mark.parametrize(("given_", "kept"), [(" Pat@Example.org ", "pat@example.org"), ("", None), ("  ", None)])
def test_an_email_is_kept_in_lower_case(given_, kept):
    assert check_email(given_) == kept


@pytest.mark.parametrize(
    "given_", ["pat", "@x.org", "a b@x.org", "a@b@c", "a@x.org\n", "<a@x.org>", "a" * 400 + "@x.org", "a@"]
)
def test_what_is_no_email_is_refused(given_):
    if given_ == "a@x.org\n":  # the end of a line is no part of it
        assert check_email(given_) == "a@x.org"
        return
    with pytest.raises(InvalidInput):
        check_email(given_)


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_name_made_of_anything_is_a_user_name(first, second):
    assert check_username(username_from(first, second)) == username_from(first, second)


@pytest.mark.parametrize(("agent", "said"), [
    ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox 140 on Linux"),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0",
     "Edge 140 on Windows"),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18.1 Safari/605.1.15", "Safari 18 on macOS"),
    ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537 Chrome/140.0.0.0 Mobile Safari/537", "Chrome 140 on Android"),
    ("python-httpx/0.28.1", "python-httpx/0.28.1"), ("", "unknown"),
])  # fmt: skip
def test_a_browser_is_named_as_its_owner_knows_it(agent, said):
    assert describe_browser(agent) == said
