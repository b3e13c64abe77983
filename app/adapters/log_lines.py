"""Lines of the log: when, how bad, which process, which request or job, and what; as text or as JSON, one line each.

Whatever a request brings is written so that it can neither begin a line of its own nor steer a terminal (CWE-117).
"""

from __future__ import annotations

import json
import logging
import sys
import time
from contextvars import ContextVar
from typing import TextIO

REQUEST: ContextVar[str] = ContextVar("request", default="")
"""The number of the request that is being answered, as its answer's ``X-Request-Id`` has it."""

JOB: ContextVar[str] = ContextVar("job", default="")
"""The number of the job that is being worked on."""

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {0x2028: "\\u2028", 0x2029: "\\u2029"}


class _Line(logging.Formatter):
    """Common to both forms: UTC in ISO 8601 with milliseconds."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        return f"{whole}.{int(record.msecs):03}Z"


class TextLine(_Line):
    """``2026-11-22T09:30:00.123Z web WARNING [4f0c9d21a7b3e586] what happened``, and a traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        about = REQUEST.get() or (f"job {job}" if (job := JOB.get()) else "")
        place = f" [{about}]" if about else ""
        said = record.getMessage().translate(_CONTROL)
        line = f"{self.formatTime(record)} {self._process:<6} {record.levelname}{place} {said}"
        if not record.exc_info:
            return line
        # Indented: an error's text may hold what a request brought.
        traceback = self.formatException(record.exc_info).splitlines()
        return "\n    ".join([line, *(part.translate(_CONTROL) for part in traceback)])


class JsonLine(_Line):
    """An object a line; ``request``, ``job`` and ``error`` only where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": self.formatTime(record), "level": record.levelname, "process": self._process,
            "logger": record.name, "request": REQUEST.get(), "job": JOB.get(), "message": record.getMessage(),
            "error": self.formatException(record.exc_info) if record.exc_info else "",
        }  # fmt: skip
        return json.dumps({name: value for name, value in said.items() if value})


def log_to(process: str, form: str, stream: TextIO | None = None) -> None:
    """Write the log of this process to ``stream``, standard error by default. ``form`` is "text" or "json"."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLine(process) if form == "json" else TextLine(process))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
