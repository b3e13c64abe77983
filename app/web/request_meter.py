"""Counts requests by route and status, and how long they took, for ``/metrics``.

All of it happens on the event loop's one thread, so there is no lock: a request costs two clock readings, two look-ups
in dictionaries and a search among eleven numbers.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from secrets import token_hex

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.adapters.log_lines import REQUEST
from app.domain.formats.prometheus_text import Family, Labels
from app.web.token_scopes import API, route_pattern

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends in seconds of the histogram's classes; one without end comes after them."""

_EXPRESS = ("/queue", "/samples", "/reviews")


class RequestCounts:
    """What the meter counted since the server started."""

    def __init__(self) -> None:
        self._statuses: dict[tuple[str, str, int], int] = {}
        self._times: dict[tuple[str, str], list[float]] = {}

    def add(self, method: str, route: str, status: int, seconds: float) -> None:
        key = (method, route, status)
        self._statuses[key] = self._statuses.get(key, 0) + 1
        times = self._times.get((method, route))
        if times is None:
            times = self._times[method, route] = [0.0] * (len(BUCKETS) + 2)
        times[bisect_left(BUCKETS, seconds)] += 1
        times[-1] += seconds

    def families(self) -> list[Family]:
        statuses = [
            ("", {"method": method, "route": route, "status": str(status)}, float(count))
            for (method, route, status), count in sorted(self._statuses.items())
        ]
        times = [
            sample
            for (method, route), counted in sorted(self._times.items())
            for sample in _histogram({"method": method, "route": route}, counted)
        ]
        return [
            Family("winnow_http_requests_total", "counter", "Requests answered, by route and status.", statuses),
            Family("winnow_http_request_duration_seconds", "histogram", "Time until an answer was sent.", times),
        ]


def _histogram(labels: Labels, counted: list[float]) -> list[tuple[str, Labels, float]]:
    samples, so_far = [], 0.0
    for end, count in zip((*map(str, BUCKETS), "+Inf"), counted[:-1], strict=True):
        so_far += count
        samples.append(("_bucket", {**labels, "le": end}, so_far))
    return [*samples, ("_sum", labels, counted[-1]), ("_count", labels, so_far)]


class RequestMeter:
    """ASGI middleware around all others, so that what they refuse counts, too.

    It also numbers requests: by ``X-Request-Id`` of an answer, its lines are found in the log. Nobody outside chooses
    the number.
    """

    def __init__(self, app: ASGIApp, *, counts: RequestCounts) -> None:
        self._app, self._counts = app, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number = token_hex(8)
        known = REQUEST.set(number)
        status = 500  # what the server makes of an exception that nobody caught

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = number
            await send(message)

        begun = time.perf_counter()
        try:
            await self._app(scope, receive, watched)
        finally:
            self._counts.add(_method(scope), _route_of(scope, status), status, time.perf_counter() - begun)
            REQUEST.reset(known)


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in ("GET", "POST", "DELETE", "HEAD", "PUT", "PATCH", "OPTIONS") else "other"


def _route_of(scope: Scope, status: int) -> str:
    """The route's pattern: never the address itself, of which there may be any number."""
    path: str = scope["path"]
    pattern = route_pattern(scope)
    if pattern is not None:
        return pattern
    if scope.get("root_path") == "/static":
        return "/static"
    if status < 400:
        return _express_route(path)
    return "unknown" if status in (404, 405) else "refused"


def _express_route(path: str) -> str:
    """What the express lane answered has met no route; it knows these addresses alone."""
    if path.startswith("/img/"):
        return "/img/{sample_id}/thumb"
    name = path[path.rindex("/") :]
    if name not in _EXPRESS:
        return "other"
    between = "/samples/{sample_id}" if name == "/reviews" else ""
    return f"{API}/projects/{{slug}}{between}{name}"
