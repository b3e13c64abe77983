"""How long to wait after wrong tries: first not at all, then longer with each, never for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class TryLimit:
    """``free`` wrong tries within ``window`` cost nothing; each further one doubles the wait, up to ``longest``."""

    free: int
    window: timedelta
    first: timedelta
    longest: timedelta

    def wait(self, tries: Sequence[datetime], now: datetime) -> timedelta:
        """How long from now on to wait before the next try.

        Tries that are refused do not count, so waiting is never made longer by asking again.

        Args:
            tries: times of wrong tries, in any order.
        """
        recent = sorted(at for at in tries if at > now - self.window)
        if len(recent) < self.free:
            return timedelta(0)
        doublings = min(len(recent) - self.free, 30)
        pause: timedelta = min(self.first * 2**doublings, self.longest)
        # A try of the future was made before the clock was set back, and makes nobody wait the longer for it.
        return max(min(recent[-1] + pause - now, pause), timedelta(0))


PAIR = TryLimit(5, timedelta(hours=24), timedelta(seconds=30), timedelta(minutes=15))
"""One account from one address."""

ACCOUNT = TryLimit(50, timedelta(hours=1), timedelta(seconds=1), timedelta(minutes=1))
"""One account from all addresses together; where its owner signed in from before, it does not apply."""

ADDRESS = TryLimit(30, timedelta(hours=1), timedelta(seconds=2), timedelta(minutes=5))
"""All accounts from one address: guessing a common password for many names."""

LINKS = TryLimit(20, timedelta(hours=1), timedelta(seconds=5), timedelta(minutes=5))
"""Links that do not work, from one address."""

TOKENS = TryLimit(30, timedelta(minutes=10), timedelta(seconds=5), timedelta(minutes=1))
"""API tokens that are none, from one address."""

KEPT = timedelta(days=1)
"""Older tries are forgotten; no window is longer."""
