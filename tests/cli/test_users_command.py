"""``winnow users``: links and e-mails from the machine that runs the server."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from app.cli.main import main
from app.db.models.accounts import OneTimeLink, User


@pytest.mark.parametrize("name", ["reset", "link"])
def test_a_reset_prints_a_link_and_keeps_its_hash_alone(settings, database, capsys, name):
    assert main(["users", name, "alice", "--data-dir", str(settings.data_dir)]) == 0
    token = re.search(r"/welcome/([\w-]+)", capsys.readouterr().out).group(1)
    with database.reading() as session:
        link = session.scalars(select(OneTimeLink)).one()
    assert link.purpose == "reset"
    assert token not in (link.token_hash, "")


def test_an_email_is_set_and_taken_away_and_is_one_persons(settings, database, capsys):
    where = ["--data-dir", str(settings.data_dir)]
    assert main(["users", "email", "alice", "Alice@Example.org", *where]) == 0
    with database.reading() as session:
        assert session.scalars(select(User.email).where(User.username == "alice")).one() == "alice@example.org"
    assert main(["users", "email", "bob", "alice@example.org", *where]) != 0
    assert "alice" in capsys.readouterr().err
    assert main(["users", "email", "alice", "", *where]) == 0
    assert main(["users", "email", "bob", "alice@example.org", *where]) == 0


def test_an_unknown_name_is_told(settings, capsys):
    assert main(["users", "reset", "nobody", "--data-dir", str(settings.data_dir)]) != 0
    assert "winnow users list" in capsys.readouterr().err
