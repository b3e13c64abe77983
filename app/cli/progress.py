"""Progress of a long command: a moving bar on a terminal, a plain line now and then in a log."""

from __future__ import annotations

import sys
import time
from typing import Any

from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 10.0


class ProgressReporter:
    """Call it with the step's name, images done and images in all. Writes to standard error."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._bar: tqdm[Any] | None = None
        self._step = ""
        self._started = self._last_line = 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        if step != self._step:
            self._begin(step, total)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
        else:
            self._print_line(done, total)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _begin(self, step: str, total: int) -> None:
        self.close()
        self._step = step
        self._started = self._last_line = time.monotonic()
        if self._is_terminal:
            self._bar = tqdm(total=total, desc=step, unit="img", file=sys.stderr)

    def _print_line(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done < total and now - self._last_line < _SECONDS_BETWEEN_LINES:
            return
        self._last_line = now
        rate = done / max(now - self._started, 1e-9)
        # The first call starts the clock, so a step of one call has no rate worth telling.
        told_rate = f", {rate:,.0f} images/s" if now - self._started > 1 else ""
        print(f"{self._step}: {done:,} of {total:,} images{told_rate}", file=sys.stderr, flush=True)
