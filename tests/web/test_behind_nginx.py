"""Behind nginx, as ``deploy/nginx.conf`` has it: HTTPS alone, guarded cookies, right addresses, large uploads."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from app.cli.serve import make_server
from app.main import create_app
from app.settings import Settings
from tests.fixtures.people import PASSWORD
from tests.fixtures.served import free_port
from tests.fixtures.world import RecordingDoorbell

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
OPENSSL = shutil.which("openssl")
HOST = "winnow.example.org"
FORGED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "X-Real-IP": "6.6.6.6",
}

pytestmark = pytest.mark.skipif(
    NGINX is None or OPENSSL is None, reason="there is no nginx, or no openssl to make a certificate for it"
)


@dataclass(frozen=True)
class Site:
    """Ports of this machine, and a certificate that only the tests trust."""

    folder: Path
    plain: int
    secure: int
    direct: int

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "fullchain.pem"))

    def browser(self, **headers: str) -> httpx.Client:
        """A browser at the site, which comes from nginx's own machine."""
        return httpx.Client(
            base_url=f"https://{HOST}:{self.secure}", verify=self.trusting(), headers=headers,
            transport=httpx.HTTPTransport(verify=self.trusting(), local_address="127.0.0.1"),
        )  # fmt: skip


def _configure(folder: Path, site: Site) -> Path:
    """The shipped file with ports and paths of the test, in an nginx that writes nothing elsewhere."""
    text = (Path(__file__).parents[2] / "deploy/nginx.conf").read_text()
    changes = {
        "listen 80;": f"listen 127.0.0.1:{site.plain};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{site.secure} ssl http2;",
        "server 127.0.0.1:8000;": f"server 127.0.0.1:{site.direct};",
        "/etc/ssl/winnow/": f"{folder}/",
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    places = "\n".join(
        f"    {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    whole = folder / "whole.conf"
    whole.write_text(
        f"{user}daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log {folder}/errors;\n"
        f"events {{}}\nhttp {{\n    access_log off;\n{places}\n{text}\n}}\n"
    )
    return whole


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("nginx")
    site = Site(folder, free_port(), free_port(), free_port())
    subprocess.run(
        [OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
         "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    data = folder / "data"
    data.mkdir()
    shutil.copy(sqlite_template, data / "winnow.db")
    settings = Settings(
        _env_file=None, data_dir=data, database_url=None, host="0.0.0.0", port=site.direct, processes=1,
        secure_cookies=True, allowed_hosts=[HOST],
    )  # fmt: skip
    app = create_app(settings, doorbell=RecordingDoorbell())
    server = make_server(app, settings)
    server.install_signal_handlers = lambda: None  # type: ignore[method-assign] - it runs beside the tests
    serving = threading.Thread(target=server.run, daemon=True)
    serving.start()
    nginx = subprocess.Popen([NGINX, "-c", _configure(folder, site), "-p", folder], stderr=subprocess.DEVNULL)
    _wait_for(lambda: server.started and _listens(site.secure), nginx)
    yield site
    nginx.terminate()
    nginx.wait(10)
    server.should_exit = True
    serving.join(10)
    app.state.wiring.pictures.close()


def _wait_for(ready: Callable[[], bool], nginx: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 20
    while not ready():
        assert nginx.poll() is None, "nginx refused its configuration"
        assert time.monotonic() < end, "nginx or Winnow did not start"
        time.sleep(0.02)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(autouse=True)
def _the_name_is_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *more, **named: real("127.0.0.1" if host == HOST else host, *more, **named)
    )


def sign_in(browser: httpx.Client, name: str = "root", password: str = PASSWORD, **headers: str) -> httpx.Response:
    origin = {"Origin": f"https://{HOST}:{browser.base_url.port}"}  # browsers before Sec-Fetch-Site send this alone
    return browser.post("/sign-in", data={"username": name, "password": password}, headers=origin | headers)


def test_pages_lead_to_https_and_programs_are_refused(site: Site) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{site.plain}") as plain:
        page = plain.get("/p/pets?x=1", headers={"Host": "evil.example"})
        assert (page.status_code, page.headers["Location"]) == (301, f"https://{HOST}/p/pets?x=1")
        refused = [plain.get("/api/v1/me"), plain.get("/metrics"), plain.post("/sign-in"), plain.get("/img/1/thumb")]
    assert [(answer.status_code, answer.headers.get("Location")) for answer in refused] == [(403, None)] * 4


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the versions that are tried for being old
def test_only_tls_1_2_and_1_3_are_spoken(site: Site) -> None:
    spoken = {}
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = site.trusting()
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
        try:
            with (
                socket.create_connection(("127.0.0.1", site.secure)) as wire,
                context.wrap_socket(wire, server_hostname=HOST) as guarded,
            ):
                spoken[version.name] = guarded.version()
        except (ssl.SSLError, ConnectionResetError):
            spoken[version.name] = None
    assert spoken == {"TLSv1": None, "TLSv1_1": None, "TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}


def test_somebody_signs_in_with_a_guarded_cookie_and_makes_links_that_work(site: Site) -> None:
    with site.browser() as browser:
        entered = sign_in(browser)
        assert entered.status_code == 303, entered.text
        cookie = entered.headers["Set-Cookie"]
        assert cookie.startswith("__Host-winnow_session=")
        assert "Secure" in cookie
        assert entered.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert browser.get("/api/v1/me").json()["username"] == "root"
        assert browser.get("/static/css/app.css").status_code == 200


def test_nobody_chooses_their_own_address_by_a_header(site: Site) -> None:
    with site.browser(**FORGED) as browser:
        assert sign_in(browser).status_code == 303
        made = browser.post(
            "/users/invitations", data={"days": "1", "is_admin": "true"}, headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert f"https://{HOST}:{site.secure}/invitation/" in made.text
        last = browser.get("/audit.csv?action=sign_in").text
    assert "127.0.0.1" in last
    assert "6.6.6.6" not in last


def test_a_header_from_elsewhere_than_the_proxy_is_not_believed(site: Site) -> None:
    """The port is open to others as well, here to 127.0.0.2: who comes past the proxy is who they are."""
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    given = {**FORGED, "X-Forwarded-Proto": "https", "Host": HOST}
    with httpx.Client(base_url=f"http://127.0.0.1:{site.direct}", transport=transport, headers=given) as stranger:
        for _ in range(2):
            assert stranger.post("/sign-in", data={"username": "carol", "password": "wrong"}).status_code == 401
        assert stranger.post("/sign-in", data={"username": "mallory", "password": PASSWORD}).status_code == 303
        assert stranger.get("/healthz").status_code == 200
    with site.browser() as browser:
        sign_in(browser)
        told = browser.get("/audit.csv?action=sign_in").text
    assert "127.0.0.2" in told
    assert "6.6.6.6" not in told


def test_another_host_is_refused(site: Site) -> None:
    with site.browser() as browser:
        assert browser.get("/sign-in", headers={"Host": "evil.example"}).status_code == 400


def test_uploads_may_be_large_and_nothing_else(site: Site) -> None:
    def send(path: str, size: int) -> SimpleNamespace:
        wire = http.client.HTTPSConnection("127.0.0.1", site.secure, context=_for_any_name(site), timeout=10)
        wire.putrequest("POST", path, skip_host=True)
        wire.putheader("Host", HOST)
        wire.putheader("Content-Length", str(size))
        wire.putheader("Content-Type", "application/octet-stream")
        wire.endheaders()
        answer = wire.getresponse()
        found = SimpleNamespace(status=answer.status, by_winnow="X-Request-Id" in answer.headers)
        wire.close()
        return found

    large, huge = 500 << 20, (1 << 30) + 1
    imports = "/api/v1/projects/pets/imports?file_name=x.csv&source=x"
    assert vars(send(imports, large)) == {"status": 401, "by_winnow": True}, "asked who it is before the file came"
    assert vars(send(imports, huge)) == {"status": 413, "by_winnow": False}
    assert vars(send("/api/v1/projects", large)) == {"status": 413, "by_winnow": False}


def _for_any_name(site: Site) -> ssl.SSLContext:
    context = site.trusting()
    context.check_hostname = False  # it is asked by its address
    return context
