"""Rate and time left of a running job."""

from __future__ import annotations

import pytest

from app.domain.jobs import estimate


@pytest.mark.parametrize(
    ("done", "total", "seconds", "rate", "left"),
    [
        (50, 150, 10.0, 5.0, 20.0),
        (150, 150, 30.0, 5.0, 0.0),
        (0, 150, 10.0, None, None),
        (50, 150, 0.5, None, None),
        (50, 150, 0.0, None, None),
        (0, 0, 10.0, None, None),
        (160, 150, 10.0, 16.0, 0.0),
    ],
)
def test_rate_and_time_left(done: int, total: int, seconds: float, rate: float | None, left: float | None) -> None:
    progress = estimate("hashing", done, total, seconds, 3)
    assert (progress.rate, progress.seconds_left) == (rate, left)
    assert (progress.stage, progress.done, progress.total, progress.problems) == ("hashing", done, total, 3)
