"""Properties are checked without a clock, as a busy machine is no failure, and on few examples, as they run often."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("often", deadline=None, max_examples=50)
settings.load_profile("often")
