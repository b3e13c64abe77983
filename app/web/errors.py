"""The one table from errors to answers, and the one shape that errors have."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException

from app.domain import errors
from app.web.render import RETRY_AFTER, render_error

logger = logging.getLogger(__name__)

STATUS: dict[type[errors.WinnowError], int] = {
    errors.NotFound: 404,
    errors.NotAllowed: 403,
    errors.NotSignedIn: 401,
    errors.TooManyAttempts: 429,
    errors.Conflict: 409,
    errors.NotReady: 409,
    errors.InvalidInput: 400,
    errors.InvalidFile: 400,
    errors.OutOfSpace: 507,
    errors.Busy: 503,
    errors.ProviderFailed: 502,
    errors.JobCancelled: 409,
}

_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}


def error_body(code: str, message: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "details": jsonable_encoder(details or {})}}


def wants_json(request: Request) -> bool:
    path: str = request.scope["path"]
    return path.startswith(("/api/", "/img/")) or path == "/metrics"  # whose readers are programs


def answer(request: Request, status: int, code: str, message: str, details: dict[str, Any] | None = None) -> Response:
    """The same error as JSON for programs and as a page for people."""
    if wants_json(request):
        return JSONResponse(error_body(code, message, details), status)
    if status == 401 and request.method == "GET":
        path = request.scope["path"]
        query = request.scope["query_string"].decode("latin-1")
        target = quote(path + (f"?{query}" if query else ""), safe="")
        return RedirectResponse(f"/sign-in?next={target}", 303)
    return render_error(request, status, code, message)


def handle_winnow_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.WinnowError)  # noqa: S101 - registered for this class alone
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    if status == 403:
        _note_refusal(request, error)
    response = answer(request, status, error.code, error.message, error.details)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER)  # the browser's outbox goes by it
    if "retry_after" in error.details:
        response.headers["Retry-After"] = str(error.details["retry_after"])
    return response


def _note_refusal(request: Request, error: errors.WinnowError) -> None:
    """Who tried what they may not: someone who is let in and looks further than they should is seen nowhere else."""
    actor = getattr(request.state, "actor", None)
    who = f"user {actor.user_id} {actor.username!r}" if actor is not None else "somebody"
    address = request.client.host if request.client else "?"
    logger.warning("%s %s refused to %s at %s: %s", request.method, request.scope["path"], who, address, error.message)


def handle_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    code = _HTTP_CODES.get(error.status_code, "error")
    message = "There is no such page." if error.status_code == 404 else str(error.detail)
    return answer(request, error.status_code, code, message)


def handle_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class alone
    problems = [{"where": ".".join(str(part) for part in e["loc"]), "what": e["msg"]} for e in error.errors()]
    said = "; ".join(f"{p['where']}: {p['what']}" for p in problems[:5])
    return answer(request, 422, "invalid_request", f"The request is malformed. {said}", {"problems": problems})


def handle_unexpected(request: Request, error: Exception) -> Response:
    logger.exception("%s %s failed", request.method, request.scope["path"])
    text = "Something went wrong in Winnow. What you saw saved is safe; the server's log says more."
    return answer(request, 500, "internal_error", text)


def add_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(errors.WinnowError, handle_winnow_error)
    app.add_exception_handler(HTTPException, handle_http_error)
    app.add_exception_handler(RequestValidationError, handle_invalid_request)
