"""The web application, put together: nothing runs at import."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

from app import __version__
from app.adapters.celery_app import make_celery
from app.adapters.celery_doorbell import CeleryDoorbell
from app.adapters.oidc_provider import OidcProvider
from app.adapters.thumbnails import Pictures
from app.db.session import Database
from app.services.keep_measured import Keeper
from app.services.look_at_finish import keep_finish_looks
from app.services.measure_agreement import measure
from app.services.measure_progress import measure_progress
from app.services.ports import Doorbell
from app.settings import Settings
from app.web import health, images, metrics
from app.web.api import router as api_router
from app.web.dependencies import Wiring
from app.web.errors import add_error_handlers
from app.web.express import ExpressLane
from app.web.pages import router as pages_router
from app.web.render import STATIC
from app.web.request_meter import RequestCounts, RequestMeter
from app.web.security import SecurityMiddleware, allowed_hosts

THREADS = 200
"""Requests that are worked on at once; most of them wait for the database."""

DESCRIPTION = """Clean an image dataset together: samples, flags, reviews, leaks, versions and their deliverables.

Sign in with a personal token from your account page: `Authorization: Bearer wnw_...`."""


def _provider(settings: Settings) -> OidcProvider | None:
    """The OpenID Connect provider of the settings; it is asked nothing before somebody signs in."""
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    secret = settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else None
    return OidcProvider(
        settings.oidc_issuer, settings.oidc_client_id, secret, name=settings.oidc_name, scopes=settings.oidc_scopes
    )  # fmt: skip


def create_app(settings: Settings | None = None, *, doorbell: Doorbell | None = None) -> FastAPI:
    """Make the application. ``doorbell`` replaces Celery's in tests."""
    settings = settings or Settings()
    database = Database(settings.resolved_database_url)
    pictures = Pictures(settings.folder("pictures"), processes=settings.processes, max_pixels=settings.max_pixels)
    bell = doorbell or CeleryDoorbell(make_celery(settings))
    wiring = Wiring(
        settings, database, bell, pictures, Keeper(measure), Keeper(measure_progress), keep_finish_looks(),
        RequestCounts(), _provider(settings),
    )  # fmt: skip

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # A writer that waits for its turn holds a thread; whoever has the turn must still find one for its next step.
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        yield
        pictures.close()
        database.dispose()

    app = FastAPI(
        title="Winnow", version=__version__, description=DESCRIPTION, lifespan=lifespan,
        docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json",
    )  # fmt: skip
    app.state.wiring = wiring
    app.add_middleware(ExpressLane, wiring=wiring)  # innermost: what the others refuse does not reach it
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts(settings.allowed_hosts))
    app.add_middleware(SecurityMiddleware, secure=settings.secure_cookies, max_body=settings.max_upload)
    app.add_middleware(RequestMeter, counts=wiring.requests)
    add_error_handlers(app)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.include_router(api_router)
    app.include_router(images.router)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(pages_router)
    return app
