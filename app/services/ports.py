"""What services need from outside, as protocols that adapters satisfy by their shape."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Doorbell(Protocol):
    """Tells workers that there is work in the jobs table. Losing a ring loses nothing."""

    def ring(self, queue: str) -> None: ...


class ShardContext(Protocol):
    """What a shard's work may use while it runs."""

    def report(self, done: int, problems: int = 0) -> None: ...

    def should_stop(self) -> bool: ...

    def result_path(self, name: str) -> Path: ...


class Unhurried:
    """A shard's context without a worker behind it: for what is done at once, in whoever asks."""

    def report(self, done: int, problems: int = 0) -> None:
        return

    def should_stop(self) -> bool:
        return False

    def result_path(self, name: str) -> Path:
        raise NotImplementedError("what is done at once has no result file")
