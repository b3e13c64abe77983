"""What was done to one picture to make it the other: a name for each verified pair."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from app.domain.leaks import Transform
from workers.engines.descriptors import FORMS
from workers.engines.fingerprint_table import FingerprintTable
from workers.engines.verification import Verified

MIN_TILT_DEGREES = 3.0
MIN_CUT = 0.04
"""Share of a side that has to be missing before a picture is called cropped: rounding and resampling cut less."""

MIN_COLOUR_DIFFERENCE = 9.0
"""Mean difference of the chroma of matching places, in levels of 256; JPEG at quality 30 changes less than 5."""

MIN_COLOUR, MIN_COLOUR_CHANGED = 4.0, 0.5
"""A pale picture's colours are gone with less: how far they are from grey on average, and the share that differs."""

MIN_CONTRAST_RATIO, MIN_BRIGHTNESS_DIFFERENCE = 1.2, 16.0


def name_transforms(query: FingerprintTable, reference: FingerprintTable, verified: Verified) -> list[Transform]:
    """The most telling change of each pair: digests first, then turned, mirrored, cropped, recoloured, resized."""
    return [_name(query, reference, verified, i) for i in range(len(verified))]


def _name(query: FingerprintTable, reference: FingerprintTable, verified: Verified, i: int) -> Transform:
    q, r = int(verified.query[i]), int(verified.reference[i])
    if (query.file_md5s[q] == reference.file_md5s[r]).all() and query.file_md5s[q].any():
        return Transform.IDENTICAL_FILE
    if (query.pixel_md5s[q] == reference.pixel_md5s[r]).all() and query.pixel_md5s[q].any():
        return Transform.IDENTICAL_PIXELS
    form, place = int(verified.form[i]), verified.maps[i]
    if form % 4 or _tilt(place) >= MIN_TILT_DEGREES:
        return Transform.ROTATED
    if form >= FORMS // 2:
        return Transform.MIRRORED
    if _cut(place) >= MIN_CUT:
        return Transform.CROPPED
    if _is_recoloured(query, reference, q, r):
        return Transform.RECOLOURED
    is_same_size = query.widths[q] == reference.widths[r] and query.heights[q] == reference.heights[r]
    return Transform.RE_ENCODED if is_same_size else Transform.RESIZED


def _tilt(place: NDArray[np.float64]) -> float:
    """Degrees of rotation in an affine map."""
    return abs(math.degrees(math.atan2(float(place[3] - place[1]), float(place[0] + place[4]))))


def _cut(place: NDArray[np.float64]) -> float:
    """The largest share of a side by which one picture reaches beyond the other."""
    beyond = [
        abs(edge)
        for centre, half in ((place[2], abs(place[0])), (place[5], abs(place[4])))
        for edge in (centre - half + 1, centre + half - 1)
    ]
    return float(max(beyond)) / 2


def _is_recoloured(query: FingerprintTable, reference: FingerprintTable, q: int, r: int) -> bool:
    """Only asked of pictures that cover each other: places then match one to one."""
    left_colours, right_colours = query.chromas[q].astype(float), reference.chromas[r].astype(float)
    colours = np.abs(left_colours - right_colours).mean()
    strongest = max(np.abs(left_colours - 128).mean(), np.abs(right_colours - 128).mean())
    is_bleached = strongest >= MIN_COLOUR and colours >= MIN_COLOUR_CHANGED * strongest
    left, right = query.thumbnails[q].astype(float), reference.thumbnails[r].astype(float)
    spread = sorted([left.std() + 1, right.std() + 1])
    is_relit = abs(left.mean() - right.mean()) >= MIN_BRIGHTNESS_DIFFERENCE
    return bool(
        is_bleached or colours >= MIN_COLOUR_DIFFERENCE or is_relit or spread[1] / spread[0] >= MIN_CONTRAST_RATIO
    )
