"""The express lane for what reviewers ask every second, in front of the ordinary routes.

It knows four requests by their addresses. What it can't answer by itself, for whatever reason, goes on to the
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
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.errors import Busy, OutOfSpace, WinnowError
from app.services import express_look, express_queue, express_review
from app.services.express import Caller, NotPlain
from app.services.list_samples import MOST, PAGE, SampleFilter, SamplePage, read_order
from app.services.review_queue import QueueAnswer
from app.services.submit_review import Submitted
from app.web.api.samples import read_ids, sample_filter
from app.web.api.schemas import ReviewBody
from app.web.dependencies import Wiring, cookie_name
from app.web.errors import handle_winnow_error
from app.web.images import answer_picture

MAX_BODY = 64 << 10
"""Largest body in bytes that is read here; larger ones go to the ordinary route unread."""

_QUEUE = re.compile(r"/api/v1/projects/([a-z0-9-]{1,64})/queue", re.ASCII)
_SAMPLES = re.compile(r"/api/v1/projects/([a-z0-9-]{1,64})/samples", re.ASCII)
_REVIEWS = re.compile(r"/api/v1/projects/([a-z0-9-]{1,64})/samples/([1-9][0-9]{0,17})/reviews", re.ASCII)
_THUMB = re.compile(r"/img/([1-9][0-9]{0,17})/thumb", re.ASCII)
_FILTERS = frozenset(signature(sample_filter).parameters)
_LONGEST = {"exclude": 2000, "cursor": 4000}

Handler = Callable[[Receive, list[Message]], Awaitable[Response]]

_as_queue = TypeAdapter(QueueAnswer)
_as_page = TypeAdapter(SamplePage)
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
            answer = await handler(receive, read)
        except (Busy, OutOfSpace) as error:
            await handle_winnow_error(Request(scope), error)(scope, receive, send)
        except (NotPlain, WinnowError, ValidationError):
            await self._app(scope, _again(read, receive), send)
        else:
            await _answer(answer, scope, receive, send)

    def _handler(self, scope: Scope) -> Handler | None:
        """What answers this request; None for the ordinary route."""
        if scope["type"] != "http":
            return None
        path, method = scope["path"], scope["method"]
        if method == "GET" and (found := _QUEUE.fullmatch(path)):
            slug = found[1]
            return lambda receive, read: self._next(scope, slug)
        if method == "GET" and (found := _THUMB.fullmatch(path)):
            number = int(found[1])
            return lambda receive, read: self._thumb(scope, number)
        if method == "GET" and (found := _SAMPLES.fullmatch(path)):
            slug = found[1]
            return lambda receive, read: self._list(scope, slug)
        if method == "POST" and (found := _REVIEWS.fullmatch(path)):
            slug, number = found[1], int(found[2])
            return lambda receive, read: self._submit(scope, slug, number, receive, read)
        return None

    async def _next(self, scope: Scope, slug: str) -> Response:
        asked = _read_query(scope["query_string"], "counts", {"count", "exclude"})
        found = await express_queue.give_next(
            self._wiring.database,
            self._caller(scope),
            slug,
            _read_filter(asked),
            count=_read_number(asked.get("count", "6"), 50),
            exclude=read_ids(asked.get("exclude", "")),
            lease=timedelta(minutes=self._wiring.settings.lease_minutes),
            order=read_order(asked.get("sort")),
        )
        return _json(_as_queue.dump_json(found))

    async def _list(self, scope: Scope, slug: str) -> Response:
        asked = _read_query(scope["query_string"], "count", {"cursor", "limit"})
        found = await express_look.list_samples(
            self._wiring.database,
            self._caller(scope),
            slug,
            _read_filter(asked),
            order=read_order(asked.get("sort")),
            cursor=asked.get("cursor"),
            limit=_read_number(asked.get("limit", str(PAGE)), MOST),
        )
        return _json(_as_page.dump_json(found))

    async def _thumb(self, scope: Scope, sample_id: int) -> Response:
        wiring = self._wiring
        picture = await express_look.find_thumb(wiring.database, wiring.pictures, self._caller(scope), sample_id)
        return answer_picture(Request(scope), picture, sample_id)

    async def _submit(self, scope: Scope, slug: str, sample_id: int, receive: Receive, read: list[Message]) -> Response:
        headers = _headers(scope)
        if headers.get(b"content-type", b"").split(b";")[0].strip().lower() != b"application/json":
            raise NotPlain
        given = ReviewBody.model_validate_json(await _read_body(headers, receive, read))
        found = await express_review.submit(
            self._wiring.database, self._caller(scope), slug, sample_id, given.as_input(),
            client_event_id=given.client_event_id, base_version=given.base_version, lead_time_ms=given.lead_time_ms,
        )  # fmt: skip
        return _json(_as_submitted.dump_json(found))

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


def _read_query(query: bytes, counting: str, others: set[str]) -> dict[str, str]:
    """Parameters by name. Counting scans the view, so ``counting`` has to be switched off."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    asked = dict(pairs)
    known = _FILTERS | {"sort", counting} | others
    if len(asked) != len(pairs) or not known.issuperset(asked) or asked.get(counting) != "false":
        raise NotPlain
    if any(len(value) > _LONGEST.get(name, 300) for name, value in pairs):
        raise NotPlain
    return asked


def _read_filter(asked: dict[str, str]) -> SampleFilter:
    if not all(re.fullmatch("[0-9]{0,9}", asked.get(name, ""), re.ASCII) for name in ("draw", "pick")):
        raise NotPlain
    return sample_filter(**{name: value for name, value in asked.items() if name in _FILTERS})


def _read_number(text: str, most: int) -> int:
    if not re.fullmatch("[1-9][0-9]{0,3}", text, re.ASCII) or int(text) > most:
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


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


async def _answer(answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
    await answer(scope, receive, send)
