"""Nobody is told "saved" of what was not (docs/decisions/0002-commit-before-answer.md)."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from app.db.migrate import migrate
from app.domain.errors import OutOfSpace
from app.main import create_app
from app.settings import Settings


class NoDoorbell:
    def ring(self, queue: str) -> None:
        return


def test_a_commit_that_fails_is_what_the_client_hears_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path, database_url=None, redis_url=None)
    migrate(settings.resolved_database_url)

    def refuse(_session: Session) -> None:
        raise OutOfSpace("The disk is full.")

    with TestClient(create_app(settings, doorbell=NoDoorbell()), follow_redirects=False) as client:
        assert client.post("/sign-out").status_code == 303
        monkeypatch.setattr(Session, "commit", refuse)
        assert client.post("/sign-out").status_code == 507
