"""On every request: which host, from where, how large; on every answer: the headers that protect it."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.errors import error_body, handle_unexpected

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
_BODY_TYPES = (
    "application/json",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
)


MAX_BODY = 16 << 20
"""Largest body in bytes of a request that is no import."""


def _too_large_text(limit: int) -> str:
    return f"The request is larger than {limit:,} bytes."


def _counted(receive: Receive, limit: int) -> Receive:
    size = 0

    async def counting() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise HTTPException(413, _too_large_text(limit))
        return message

    return counting


class SecurityMiddleware:
    """Refuses what a foreign site made the browser send, and adds the headers to every answer.

    A request that changes something and carries a cookie must come from our own pages: ``Sec-Fetch-Site`` says so,
    or where a browser sends none, ``Origin`` names our host. A request by API token carries no cookie.
    """

    def __init__(self, app: ASGIApp, *, secure: bool, max_body: int) -> None:
        self._app, self._secure, self._max_body = app, secure, max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sender = self._with_headers(send, scope["path"])
        limit = self._max_body if _takes_uploads(scope["path"]) else min(MAX_BODY, self._max_body)
        refusal = self._refusal(scope, limit)
        if refusal is not None:
            await refusal(scope, receive, sender)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await sender(message)

        try:
            await self._app(scope, _counted(receive, limit), watched)
        except Exception as error:
            # Starlette's own handler stands outside of all middleware: its answer would lack the headers.
            if begun:
                raise
            await handle_unexpected(Request(scope), error)(scope, receive, sender)

    def _refusal(self, scope: Scope, limit: int) -> JSONResponse | None:
        headers = Headers(scope=scope)
        if scope["method"] in SAFE_METHODS:
            return None
        if not _is_own(headers):
            text = "This request came from another site and was refused."
            return JSONResponse(error_body("cross_site", text), 403)
        kind = headers.get("content-type", "").split(";")[0].strip().lower()
        if kind and kind not in _BODY_TYPES:
            return JSONResponse(error_body("unsupported_media_type", f"{kind!r} is not accepted."), 415)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > limit:
            return JSONResponse(error_body("too_large", _too_large_text(limit)), 413)
        return None

    def _with_headers(self, send: Send, path: str) -> Send:
        async def sender(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self._secure:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                if path.startswith("/static/"):
                    # Modules import each other without a version in the address: always ask, mostly for a 304.
                    headers["Cache-Control"] = "no-cache"
                elif not path.startswith("/img/"):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        return sender


def _takes_uploads(path: str) -> bool:
    """Only the API's routes for files, which ask who it is before they read the body."""
    return path.startswith("/api/v1/") and path.endswith(("/imports", "/manifests"))


def _is_own(headers: Headers) -> bool:
    if "cookie" not in headers and headers.get("authorization", "").lower().startswith("bearer "):
        return True
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        # A browser sends one of the two; without a cookie there is nobody whose rights could be misused.
        return "cookie" not in headers
    return origin.split("://", 1)[-1] == headers.get("host")


def allowed_hosts(hosts: Iterable[str]) -> list[str]:
    return [*hosts, "127.0.0.1", "localhost", "testserver"] if hosts else ["*"]
