"""The steps of verification in numpy and scipy, as one would write them first: what ours is measured beside.

Each hypothesis is refined at 16 x 16 pixels, the best of a pair at 32 x 32, by Gauss-Newton with contrast and
brightness free; what comes out are the two correlations.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workers.engines.candidates import Candidates, is_new_pair

Plane = NDArray[np.float64]

_BAND = (0.7, 3.0)
_COARSE_STEPS, _BAND_STEPS, _FRAMES = 8, 5, 2
_HOPELESS, _DEEP = 0.75, 0.5
_SHEAR_PENALTY, _ZOOM_PENALTY = 0.3, 0.02
_LEAST_OVERLAP, _LARGEST_STEP, _SMALLEST_STEP, _LEAST_GAIN = 0.2, 0.15, 0.003, 0.2


def verify_plainly(
    query: NDArray[np.uint8], reference: NDArray[np.uint8], candidates: Candidates
) -> NDArray[np.float64]:
    """Coarse and fine correlation of each pair, ``(n, 2)``; the fine one is 0 where the coarse one is hopeless."""
    starts = np.append(np.flatnonzero(is_new_pair(candidates)), len(candidates))
    return np.array([_verify_pair(query, reference, candidates, range(a, b)) for a, b in pairwise(starts)])


def _verify_pair(
    query: NDArray[np.uint8], reference: NDArray[np.uint8], candidates: Candidates, rows: range
) -> tuple[float, float]:
    best = (-2.0, np.eye(2, 3), np.empty(0), np.empty(0))
    for row in rows:
        turned = _in_form(query[candidates.query[row]], int(candidates.form[row])) / 255
        other = reference[candidates.reference[row]] / 255
        picture, template = (turned, other) if candidates.in_query[row] else (other, turned)
        place = candidates.maps[row].reshape(2, 3)
        for _ in range(_FRAMES):
            seen, _ = _look(_halved(picture), place, 32)
            place = _composed(place, _refine(_band(_halved(seen)), _band(_halved(_halved(template))), _COARSE_STEPS))
        seen, inside = _look(_halved(picture), place, 32)
        fit = _correlation(_band(_halved(seen)), _band(_halved(_halved(template))), _halved(inside) > 0)
        if fit > best[0]:
            best = fit, place, picture, template
    fit, place, picture, template = best
    if fit < _HOPELESS:
        return fit, 0.0
    whole = picture if abs(place[0, 0] * place[1, 1]) < _DEEP else _halved(picture)
    wanted = _band(_halved(template))
    for _ in range(_FRAMES):
        seen, _ = _look(whole, place, 32)
        place = _composed(place, _refine(_band(seen), wanted, _BAND_STEPS))
    seen, inside = _look(whole, place, 32)
    return fit, _correlation(_band(seen), wanted, inside > 0)


def _refine(picture: Plane, template: Plane, steps: int) -> Plane:
    side = len(template)
    place = np.eye(2, 3)
    slopes_y, slopes_x = (np.asarray(slopes) for slopes in np.gradient(picture, 2 / side))
    y, x = _grid(side)
    for _ in range(steps):
        seen, inside = _look(picture, place, side)
        keep = inside > 0
        if keep.mean() < _LEAST_OVERLAP:
            break
        own, other = template[keep] - template[keep].mean(), seen[keep] - seen[keep].mean()
        gain = max(float(own @ other / (other @ other + 1e-6 * len(own))), _LEAST_GAIN)
        gx, gy = (_look(gain * slopes, place, side)[0][keep] for slopes in (slopes_x, slopes_y))
        difference = gain * other - own
        difference /= 1 + 0.5 * np.minimum(np.abs(difference), 4)
        rows = np.stack([gx * x[keep], gx * y[keep], gx, gy * x[keep], gy * y[keep], gy])
        hessian, gradient = np.cov(rows, bias=True), -rows @ difference / len(own)
        hessian += np.eye(6) * (1e-3 * np.trace(hessian) / 6 + 1e-6)
        penalty = np.array([_ZOOM_PENALTY, _SHEAR_PENALTY, 0, _SHEAR_PENALTY, _ZOOM_PENALTY, 0])
        hessian += np.diag(penalty)
        gradient -= penalty * (place - np.eye(2, 3)).ravel()
        step = np.clip(np.linalg.solve(hessian, gradient), -_LARGEST_STEP, _LARGEST_STEP)
        place = place + step.reshape(2, 3)
        if np.abs(step).max() < _SMALLEST_STEP:
            break
    return place


def _look(picture: Plane, place: Plane, side: int) -> tuple[Plane, Plane]:
    """The picture through the map, and 1 where there is something to see."""
    y, x = _grid(side)
    px = place[0, 0] * x + place[0, 1] * y + place[0, 2]
    py = place[1, 0] * x + place[1, 1] * y + place[1, 2]
    pixels = [(py + 1) * len(picture) / 2 - 0.5, (px + 1) * len(picture) / 2 - 0.5]
    seen: Plane = ndimage.map_coordinates(picture, pixels, order=1, mode="nearest")
    return seen, ((np.abs(px) <= 1) & (np.abs(py) <= 1)).astype(float)


def _grid(side: int) -> tuple[Plane, Plane]:
    places = (2 * np.arange(side) + 1) / side - 1
    y, x = np.meshgrid(places, places, indexing="ij")
    return y, x


def _composed(outer: Plane, inner: Plane) -> Plane:
    whole: Plane = (np.vstack([outer, [0, 0, 1]]) @ np.vstack([inner, [0, 0, 1]]))[:2]
    return whole


def _band(plane: Plane) -> Plane:
    fine, rough = (ndimage.gaussian_filter(plane, sigma, mode="nearest", truncate=3.0) for sigma in _BAND)
    band: Plane = (fine - rough) / ((fine - rough).std() + 0.004)
    return band


def _halved(plane: Plane) -> Plane:
    half: Plane = plane.reshape(len(plane) // 2, 2, -1, 2).mean(axis=(1, 3))
    return half


def _correlation(one: Plane, other: Plane, inside: NDArray[np.bool_]) -> float:
    if inside.sum() < 10:
        return 0.0
    a, b = one[inside] - one[inside].mean(), other[inside] - other[inside].mean()
    return float(a @ b / (np.sqrt((a @ a) * (b @ b)) + 1e-6 * len(a)))


def _in_form(picture: NDArray[np.uint8], form: int) -> NDArray[np.uint8]:
    return np.rot90(picture[:, ::-1] if form >= 4 else picture, form % 4)
