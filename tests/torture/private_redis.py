"""A Redis of one's own that keeps nothing on disk: each restart has forgotten every bell."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import redis

from tests.fixtures.served import free_port


class PrivateRedis:
    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder, self._port = program, folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [self._program, *options, "--dir", str(self._folder)], stdout=subprocess.DEVNULL
        )
        client = redis.Redis.from_url(self.url)
        for _ in range(300):
            try:
                if client.ping():
                    break
            except redis.RedisError:
                time.sleep(0.1)
        client.close()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def empty(self) -> None:
        client = redis.Redis.from_url(self.url)
        client.flushall()
        client.close()
