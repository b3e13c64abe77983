"""The express lane for what reviewers ask every second, in front of the ordinary routes.

It knows three requests by their addresses. What it can't answer by itself, for whatever reason, goes on to the
ordinary route as if nothing had been: that one validates, refuses and explains (docs/decisions/0026-express-lane.md).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from inspect import signature
from urllib.parse import parse_qsl

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request, cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.errors import Busy, OutOfSpace, WinnowError
from app.services import express_queue, express_review
from app.services.express import Caller, NotPlain
from app.services.list_samples import read_order
from app.services.review_queue import QueueAnswer
from app.services.submit_review import Submitted
from app.web.api.samples import read_ids, sample_filter
from app.web.api.schemas import ReviewBody
from app.web.dependencies import Wiring, cookie_name
from app.web.errors import handle_winnow_error

MAX_BODY = 64 << 10
"""Largest body in bytes that is read here; larger ones go to the ordinary route unread."""

_QUEUE = re.compile(r"/api/v1/projects/([a-z0-9-]{1,64})/queue", re.ASCII)
_REVIEWS = re.compile(r"/api/v1/projects/([a-z0-9-]{1,64})/samples/([1-9][0-9]{0,17})/reviews", re.ASCII)
_FILTERS = frozenset(signature(sample_filter).parameters)
_PLAIN = _FILTERS | {"count", "exclude", "counts", "sort"}

_as_queue = TypeAdapter(QueueAnswer)
_as_submitted = TypeAdapter(Submitted)


class ExpressLane:
    """ASGI middleware: answers what is plain, and passes everything else on."""

    def __init__(self, app: ASGIApp, *, wiring: Wiring) -> None:
        self._app, self._wiring = app, wiring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = self._handler(scope)
        if handler is None:
            await self._app(scope, receive, send)
            return
        read: list[Message] = []
        try:
            body = await handler(receive, read)
        except (Busy, OutOfSpace) as error:
            await handle_winnow_error(Request(scope), error)(scope, receive, send)
        except (NotPlain, WinnowError, ValidationError):
            await self._app(scope, _again(read, receive), send)
        else:
            await _answer(send, body)

    def _handler(self, scope: Scope) -> Callable[[Receive, list[Message]], Awaitable[bytes]] | None:
        """What answers this request; None for the ordinary route."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/v1/projects/"):
            return None
        if scope["method"] == "GET" and (found := _QUEUE.fullmatch(scope["path"])):
            slug = found[1]
            return lambda receive, read: self._next(scope, slug)
        if scope["method"] == "POST" and (found := _REVIEWS.fullmatch(scope["path"])):
            slug, sample_id = found[1], int(found[2])
            return lambda receive, read: self._submit(scope, slug, sample_id, receive, read)
        return None

    async def _next(self, scope: Scope, slug: str) -> bytes:
        asked = _read_query(scope["query_string"])
        texts = {name: value for name, value in asked.items() if name in _FILTERS}
        found = await express_queue.give_next(
            self._wiring.database,
            self._caller(scope),
            slug,
            sample_filter(**texts),
            count=_read_count(asked.get("count", "6")),
            exclude=read_ids(asked.get("exclude", "")),
            lease=timedelta(minutes=self._wiring.settings.lease_minutes),
            order=read_order(asked.get("sort")),
        )
        return _as_queue.dump_json(found)

    async def _submit(self, scope: Scope, slug: str, sample_id: int, receive: Receive, read: list[Message]) -> bytes:
        headers = _headers(scope)
        if headers.get(b"content-type", b"").split(b";")[0].strip().lower() != b"application/json":
            raise NotPlain
        given = ReviewBody.model_validate_json(await _read_body(headers, receive, read))
        found = await express_review.submit(
            self._wiring.database, self._caller(scope), slug, sample_id, given.as_input(),
            client_event_id=given.client_event_id, base_version=given.base_version, lead_time_ms=given.lead_time_ms,
        )  # fmt: skip
        return _as_submitted.dump_json(found)

    def _caller(self, scope: Scope) -> Caller:
        headers, settings = _headers(scope), self._wiring.settings
        header = headers.get(b"authorization", b"").decode("latin-1")
        token = header[7:].strip() if header.lower().startswith("bearer ") else None
        cookie = cookie_parser(headers.get(b"cookie", b"").decode("latin-1")).get(cookie_name(settings))
        return Caller(token, cookie, settings.session_idle, settings.session_absolute)


def _headers(scope: Scope) -> dict[bytes, bytes]:
    """Headers by name; one that comes twice is nothing plain."""
    found = dict(scope["headers"])
    if len(found) != len(scope["headers"]):
        raise NotPlain
    return found


def _read_query(query: bytes) -> dict[str, str]:
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    asked = dict(pairs)
    if len(asked) != len(pairs) or not _PLAIN.issuperset(asked) or any(len(v) > 300 for k, v in pairs if k in _FILTERS):
        raise NotPlain
    if asked.get("counts") != "false" or not re.fullmatch("[0-9]{0,9}", asked.get("draw", "")):
        raise NotPlain
    if len(asked.get("exclude", "")) > 2000:
        raise NotPlain
    return asked


def _read_count(text: str) -> int:
    if not re.fullmatch(r"[1-9]|[1-4][0-9]|50", text, re.ASCII):
        raise NotPlain
    return int(text)


async def _read_body(headers: dict[bytes, bytes], receive: Receive, read: list[Message]) -> bytes:
    length = headers.get(b"content-length", b"")
    if not length.isdigit() or int(length) > MAX_BODY:
        raise NotPlain
    while True:
        message = await receive()
        read.append(message)
        if message["type"] != "http.request":
            raise NotPlain
        if not message.get("more_body", False):
            return b"".join(part.get("body", b"") for part in read)


def _again(read: list[Message], receive: Receive) -> Receive:
    """A request's messages from the first on, those that were read here included."""
    waiting = iter(read)

    async def receiving() -> Message:
        for message in waiting:
            return message
        return await receive()

    return receiving


async def _answer(send: Send, body: bytes) -> None:
    headers: list[tuple[bytes, bytes]] = [
        (b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")
    ]  # fmt: skip
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
