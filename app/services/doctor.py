"""Looking over an installation: what is well, what is doubtful, what is broken, and what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from app import __version__
from app.adapters.broker_check import BrokerUnreachable, read_broker
from app.db.migrate import newest_revision
from app.db.session import WAL_IS_SOUND, Database
from app.db.state import DatabaseState, Unreachable, open_to_look, project_roots, read_state
from app.domain.errors import WinnowError
from app.services.doctor_machine import Finding, check_folders, check_roots, check_runtime, problem, warning, well
from app.settings import Settings

__all__ = ["Finding", "examine", "is_well"]

_CLOCK_DOUBTFUL, _CLOCK_WRONG = 2.0, 60.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_well(findings: list[Finding]) -> bool:
    return not any(finding.level == "problem" for finding in findings)


def examine(settings: Settings, *, with_runtime: bool = True) -> Iterator[Finding]:
    """Look at everything, one thing after the other; changes nothing but a test file that is deleted again.

    ``with_runtime`` also loads torch in a process of its own, which takes seconds.
    """
    yield well("winnow", f"Winnow {__version__} with Python {sys.version.split()[0]}")
    yield from check_folders(settings)
    yield from _check_database(settings)
    yield from _check_broker(settings)
    yield from _check_address(settings)
    if with_runtime:
        yield from check_runtime(settings)


@dataclass(frozen=True)
class _Open:
    database: Database
    state: DatabaseState


def _check_database(settings: Settings) -> Iterator[Finding]:
    if settings.database_url is None and not (settings.data_dir / "winnow.db").exists():
        yield warning("database", "there is none yet", "Start `winnow serve`: it makes one.")
        return
    try:
        database = open_to_look(settings.resolved_database_url)
    except Unreachable as error:
        yield problem(
            "database", error.message, "Correct WINNOW_DATABASE_URL: postgresql+psycopg://user:password@host/name"
        )
        return
    try:
        found = _Open(database, read_state(database))
        yield from _check_kind(found)
        yield from _check_migrations(found)
        yield _check_clock(found.state)
        yield from _check_projects(settings, found)
    except Unreachable as error:
        todo = "Is it started, and is its address in WINNOW_DATABASE_URL right?"
        if database.is_sqlite:
            todo = "Is the file damaged, or owned by somebody else? `winnow restore` puts a backup back."
        yield problem("database", error.message, todo)
    except WinnowError as error:
        yield problem("database", error.message, "Look again when it is idle.")
    finally:
        database.dispose()


def _check_kind(found: _Open) -> Iterator[Finding]:
    if not found.database.is_sqlite:
        yield well("database", f"PostgreSQL {found.state.version} answers")
        return
    text = f"SQLite {found.state.version} with the journal {found.state.journal}"
    if WAL_IS_SOUND:
        yield well("database", text)
    else:
        todo = "Install the package pysqlite3: with SQLite 3.51.3 or newer, readers and writers need not wait."
        yield warning("database", f"{text}, because of a fault in the write-ahead log of this release", todo)


def _check_migrations(found: _Open) -> Iterator[Finding]:
    at, newest = found.state.revision, newest_revision()
    if at == newest:
        yield well("migrations", f"at the newest, {at}")
    elif at is None:
        yield warning("migrations", "the database has no tables yet", "Start `winnow serve`, or run `winnow migrate`.")
    else:
        todo = "Make a backup, then run `winnow migrate` or start `winnow serve` of this release."
        yield problem("migrations", f"the database is at {at}, this release needs {newest}", todo)


def _check_clock(state: DatabaseState) -> Finding:
    off = abs(state.clock_ahead)
    text = f"this machine and the database differ by {off:.1f} s"
    if off < _CLOCK_DOUBTFUL:
        return well("clock", text)
    todo = "Let both follow a time server (chrony, systemd-timesyncd): sessions and shown times depend on it."
    return (problem if off > _CLOCK_WRONG else warning)("clock", text, todo)


def _check_projects(settings: Settings, found: _Open) -> Iterator[Finding]:
    if found.state.revision != newest_revision():
        return  # its tables are another release's
    with found.database.reading() as session:
        roots = project_roots(session)
    yield from check_roots(settings, roots)


def _check_broker(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url is None:
        yield well("broker", "a folder: the worker is part of `winnow serve`")
        return
    try:
        state = read_broker(settings.redis_url)
    except BrokerUnreachable as error:
        yield problem("broker", error.message, "Is Redis started, and is WINNOW_REDIS_URL right, with its password?")
        return
    text = f"Redis {state.version} answers"
    if state.appends and state.keeps:
        yield well("broker", text)
    else:
        lacking = "appendonly yes" if not state.appends else "maxmemory-policy noeviction"
        yield warning(
            "broker", f"{text}, without `{lacking}`", f"Set `{lacking}`, or work starts late after a restart."
        )


def _check_address(settings: Settings) -> Iterator[Finding]:
    if settings.host in _LOOPBACK and not settings.allowed_hosts:
        yield well("address", f"listens on {settings.host}, for this machine alone")
    elif not settings.secure_cookies:
        todo = "Put a proxy that speaks HTTPS before it and set WINNOW_SECURE_COOKIES=true."
        yield warning("address", "others reach it, and cookies are sent without HTTPS, too", todo)
    elif not settings.allowed_hosts:
        todo = "Set WINNOW_ALLOWED_HOSTS to the names under which it is reached."
        yield warning("address", "any host name is answered", todo)
    else:
        yield well("address", f"reached as {', '.join(settings.allowed_hosts)}, cookies over HTTPS only")
