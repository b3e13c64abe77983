"""A project of a running server, reached by its REST interface with an API token."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from app.domain import errors

TIMEOUT = 120.0
"""Seconds to wait for an answer."""

_TRIES, _PAUSE = 4, 1.0
_BY_CODE = {
    kind.code: kind
    for kind in (errors.NotFound, errors.NotAllowed, errors.NotSignedIn, errors.Conflict, errors.InvalidInput,
                 errors.InvalidFile, errors.NotReady, errors.Busy)
}  # fmt: skip


class _NoRedirect(HTTPRedirectHandler):
    """A token must not follow to wherever a server sends it."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        return None


class RestProject:
    """Speaks to ``/api/v1/projects/<project>``. What a server refuses is raised as the error that it was there."""

    def __init__(self, address: str, project: str, token: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise errors.InvalidInput(f"{address!r} is no address of a server, such as http://127.0.0.1:8000.")
        self._base = f"{address.rstrip('/')}/api/v1/projects/{quote(project, safe='')}"
        self._host, self._token = parts.netloc, token
        self._opener: OpenerDirector = build_opener(_NoRedirect())

    def flags(self, filters: Mapping[str, Any]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        query = {name: value for name, value in filters.items() if value is not None}
        while True:
            page = json.loads(self._ask("GET", f"/flags?{urlencode(query)}"))
            rows += page["rows"]
            if page["next_cursor"] is None:
                return rows
            query["cursor"] = page["next_cursor"]

    def tag(self, body: Mapping[str, Any]) -> int:
        # Safe to send again after a broken connection: the batch has an id.
        done = json.loads(self._ask("POST", "/reviews/batch", json.dumps(body).encode()))
        return int(done["submitted"]) + int(done["repeated"])

    def manifest(self) -> bytes:
        return self._ask("GET", "/manifest.csv")

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        for left in reversed(range(_TRIES)):
            try:
                return self._ask_once(method, path, body)
            except (errors.Busy, _Unreachable):
                if not left:
                    raise
                time.sleep(_PAUSE)
        raise AssertionError("the last try returns or raises")

    def _ask_once(self, method: str, path: str, body: bytes | None) -> bytes:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json, text/csv"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = Request(self._base + path, body, headers, method=method)  # noqa: S310 - checked in __init__
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                return bytes(answer.read())
        except HTTPError as error:
            with error:
                raise self._as_error(error.code, error.read(), error.headers.get("Location", "elsewhere")) from None
        except (URLError, HTTPException, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise _Unreachable(f"The server at {self._host} could not be reached: {reason}.") from None

    def _as_error(self, status: int, data: bytes, place: str) -> errors.WinnowError:
        if 300 <= status < 400:
            return errors.InvalidInput(f"The server at {self._host} redirects to {place}; give that address instead.")
        try:
            told = json.loads(data)["error"]
            kind = _BY_CODE.get(told["code"], errors.InvalidInput if status == 422 else errors.WinnowError)
            return kind(told["message"], **told["details"])
        except (ValueError, KeyError, TypeError):
            return errors.WinnowError(f"The server at {self._host} answered {status}; is it Winnow?")


class _Unreachable(errors.WinnowError):
    code = "unreachable"
