"""``winnow serve``: database, web server, and where there is no Redis also the worker, as one command."""

from __future__ import annotations

import argparse
import errno
import signal
import socket
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from app.adapters.folder_lock import hold_folder
from app.adapters.log_lines import log_to
from app.cli.embedded_worker import EmbeddedWorker
from app.cli.environment import Subparsers, open_database, settings_from
from app.domain.errors import InvalidInput
from app.main import create_app
from app.services.users import ensure_first_admin
from app.settings import Settings


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("serve", help="start web server and worker", description=__doc__)
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (default 8000)")
    parser.add_argument("--data-dir", "--data_dir", type=Path, help="where everything is kept (default ./data)")
    parser.add_argument("--no-worker", action="store_true", help="start no worker beside the web server")
    parser.add_argument("--demo", action="store_true", help="set up the demo project when there is no project yet")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    settings = settings_from(args)
    _check_port(settings)
    with hold_folder(settings.folder(".")):
        database = open_database(settings)
        if args.demo:
            from app.cli.demo_project import set_up_demo

            set_up_demo(settings, database)
        with database.writing() as session:
            link = ensure_first_admin(session)
        database.dispose()
        return _serve(settings, link, with_worker=settings.is_embedded and not args.no_worker)


def _serve(settings: Settings, link: str | None, *, with_worker: bool) -> int:
    worker = EmbeddedWorker(settings) if with_worker else None
    log_to("web", settings.log_format)
    app = create_app(settings)
    # Each request hops between the loop and a thread: at the usual 5 ms it waits that long for every hop.
    sys.setswitchinterval(0.0005)
    server = make_server(app, settings)
    # Uvicorn raises the signal again once it has shut down: as an exit it lets the worker be ended, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        if worker:
            worker.start()
        _say(settings, link)
        server.run()
    except KeyboardInterrupt:
        pass  # Ctrl-C is how the server is ended
    finally:
        if worker:
            worker.stop()
    print("Winnow has stopped.", file=sys.stderr)
    return 0


def make_server(app: FastAPI, settings: Settings) -> uvicorn.Server:
    """The web server. It believes ``X-Forwarded-For`` and ``-Proto`` of the addresses in FORWARDED_ALLOW_IPS alone."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=10,
    )
    return uvicorn.Server(config)


def _say(settings: Settings, link: str | None) -> None:
    shown = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - only compared
    address = f"http://{shown}:{settings.port}"
    text = f"Winnow runs at {address}"
    if link:
        text += f" — first admin: open {address}/welcome/{link} (works once)"
    print(f"\n  {text}\n", flush=True)


def _check_port(settings: Settings) -> None:
    """Say plainly that the port is taken, before anything is started."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise InvalidInput(
                    f"Port {settings.port} on {settings.host} is taken. Stop what uses it, or choose another: --port N."
                ) from None
            raise InvalidInput(f"Can't listen on {settings.host}:{settings.port}: {error.strerror}.") from None
