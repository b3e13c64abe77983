"""Which samples need more than one review: all by policy, and a share of them so that agreement can be measured.

The share is drawn by a number worked out from sample and project, not by chance: the same samples every time, and
those of a smaller share are among those of a larger one.
"""

from __future__ import annotations

from typing import Any

from app.domain.merge import Policies

MAX_NEEDED = 20
"""Most reviews that a sample can need."""

LOTS = 2_147_483_629
"""Lots lie below this prime."""

_SPREAD = 2_147_483_647


def lot_of(sample_id: Any, project_id: int) -> Any:
    """A sample's lot, evenly spread below ``LOTS``. Plain arithmetic, so that it works on a database's column too.

    No step leaves 64 bits: each factor is below 2**31.
    """
    spread = (sample_id * 48_271 + project_id * 69_621 + 11) % _SPREAD
    return (spread * spread + 1_013_904_223) % LOTS


def overlap_bound(policies: Policies) -> int:
    """Samples with a lot below this are in the overlap."""
    return round(policies.overlap_share * LOTS)


def reviews_needed(policies: Policies) -> tuple[int, int]:
    """(reviews that a sample needs, those that one in the overlap needs)."""
    needed = max(1, policies.min_submitted)
    return needed, max(2, needed)
