"""A project in a data folder of this machine, with or without a server at work on it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from app.cli.environment import open_database
from app.cli.local_actor import ensure_owner, owner_access
from app.db.session import Session
from app.domain.errors import InvalidInput
from app.domain.reviews import ReviewInput, ReviewStatus
from app.domain.taxonomy import Decision
from app.services.batch_review import submit_batch
from app.services.list_flags import list_flags, write_manifest
from app.services.list_samples import SampleFilter
from app.services.projects import Access
from app.settings import Settings


class LocalProject:
    """Works on the database itself, as the person who runs the server."""

    def __init__(self, data_dir: Path, project: str) -> None:
        if not data_dir.is_dir():
            raise InvalidInput(f"{data_dir} is no folder; name the data folder of an installation.")
        self._database, self._project = open_database(Settings(data_dir=data_dir)), project
        ensure_owner(self._database)
        with self._database.reading() as session:
            self._access(session)  # says at once that there is no such project

    def _access(self, session: Session) -> Access:
        return owner_access(session, self._project)

    def flags(self, filters: Mapping[str, Any]) -> list[dict[str, Any]]:
        known = {field.name for field in fields(SampleFilter)}
        if unknown := sorted(filters.keys() - known):
            raise InvalidInput(f"There is no filter {', '.join(unknown)}. The filters are: {', '.join(sorted(known))}.")
        wanted, rows, cursor = SampleFilter(**filters), [], None
        with self._database.reading() as session:
            access = self._access(session)
            while True:
                page = list_flags(session, access, wanted, cursor=cursor)
                rows += [asdict(row) for row in page.rows]
                cursor = page.next_cursor
                if cursor is None:
                    return rows

    def tag(self, body: Mapping[str, Any]) -> int:
        decision = Decision(body["decision"]) if body["decision"] else None
        given = ReviewInput(
            ReviewStatus.SUBMITTED, manual=True, decision=decision, new_label=body["new_label"],
            tags=tuple(body["tags"]), note=body["note"],
        )  # fmt: skip
        with self._database.writing() as session:
            done = submit_batch(
                session, self._access(session), body["ids"], given, batch_id=body["batch_id"],
                use_suggestion=body["relabel_to"] == "suggestion", reviewer=body["reviewer"],
                replace_answers=body["replace_answers"],
            )  # fmt: skip
        return done.submitted + done.repeated

    def manifest(self) -> bytes:
        text = io.StringIO(newline="")
        with self._database.reading() as session:
            write_manifest(text, session, self._access(session))
        return text.getvalue().encode()
