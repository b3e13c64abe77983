"""One person's way to the server: plain HTTP on connections that are opened anew when they break."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from typing import Any

LOST = (OSError, http.client.HTTPException)
"""What a request raises whose answer never came: whether it was kept is unknown."""


class Connection:
    """A connection that is kept open, signed in by a session cookie."""

    def __init__(self, port: int, cookie: str = "") -> None:
        self._port, self.cookie = port, cookie
        self._http: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        """Send a request without waiting for its answer."""
        if self._http is None:
            self._http = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Cookie": self.cookie, "Origin": f"http://127.0.0.1:{self._port}", "Sec-Fetch-Site": "same-origin"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        try:
            self._http.request(method, path, data, headers)
        except LOST:
            self.drop()
            raise

    def receive(self) -> tuple[int, Any]:
        """(status, body) of the request that was sent."""
        if self._http is None:
            raise ConnectionError("nothing was sent")
        try:
            answer = self._http.getresponse()
            text = answer.read()
        except LOST:
            self.drop()
            raise
        return answer.status, json.loads(text) if text[:1] in (b"{", b"[") else text

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        self.send(method, path, body)
        return self.receive()

    def drop(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None


def sign_in(port: int, name: str, password: str) -> str:
    """The cookie of a new session; it outlives the server's process."""
    form = urllib.parse.urlencode({"username": name, "password": password, "next": "/"})
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Origin": f"http://127.0.0.1:{port}",
        "Sec-Fetch-Site": "same-origin",
    }
    http_ = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    http_.request("POST", "/sign-in", form, headers)
    answer = http_.getresponse()
    answer.read()
    assert answer.status == 303, f"{name} could not sign in: {answer.status}"
    cookie = (answer.getheader("Set-Cookie") or "").split(";")[0]
    http_.close()
    return cookie
