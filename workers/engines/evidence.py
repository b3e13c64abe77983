"""Evidence: what two pictures brought into line have in common, in numbers.

Two shots of one subject agree in the large and differ in the small; smooth pictures (sky, sea, white ground) agree
in the large whatever they show. So agreement is measured at several sizes of detail, all over the picture rather
than on average, and beside it how much there was to agree on and how far the one had to be bent to fit.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from workers.engines.alignment import AffineMap, sample
from workers.engines.jit import compiled
from workers.engines.pyramids import Plane, band_of, blur

EVIDENCE = (
    "band",
    "fine",
    "plain",
    "overlap",
    "local_mean",
    "local_weighted",
    "local_agreeing",
    "local_textured",
    "local_worst_tenth",
    "local_worst_quarter",
    "wide_mean",
    "wide_weighted",
    "wide_agreeing",
    "wide_textured",
    "wide_worst_tenth",
    "wide_worst_quarter",
    "edges_shared",
    "edges_all",
    "edge_balance",
    "shear",
    "zoom",
    "shift",
    "stretch",
    "contrast_seen",
    "contrast_template",
    "detail_seen",
    "detail_template",
    "coarse",
)
"""Names of the numbers, in their order: correlations of the three versions of the pictures; the share of the
template that was seen; correlations in small and in wide windows (mean, weighted by contrast, share of textured
ones above 0.6, share that is textured, 10th and 25th percentile); agreement of edge directions, weighted by the
weaker and the stronger edge, and the ratio of the two; sizes of shear, zoom, shift and unequal stretch; standard
deviations of both, of a range of 1; and, taken before the finer ones, the correlation at 16 x 16 pixels."""

SMALL_RADIUS, WIDE_RADIUS = 2, 4

FINE = 1.5
PLAIN = 0.5
"""Blur, in pixels, that the finest detail is what is left after."""

_NOISE_VARIANCE = 1e-4
_TEXTURED = 0.03
_CONTRAST_CAP = 0.1
_EDGE_CAP = 0.05
_AGREEING = 0.6


@compiled
def measure(picture: Plane, template: Plane, place: AffineMap) -> NDArray[np.float64]:
    """The numbers of ``EVIDENCE`` but the last, for a picture seen through ``place`` and a ``(32, 32)`` template,
    both plain.

    Detail is separated after looking through the map, so that a frame around the picture, which the template has
    not got, plays no part.
    """
    out = np.zeros(27)
    side = template.shape[0]
    seen, inside = np.empty((side, side), np.float32), np.empty((side, side), np.float32)
    sample(picture, place, seen, inside)
    blurred_s, blurred_t = blur(seen, FINE), blur(template, FINE)
    out[0] = correlation(band_of(seen), band_of(template), inside)
    out[1] = correlation(seen - blurred_s, template - blurred_t, inside)
    out[2] = correlation(seen, template, inside)
    out[3] = inside.sum() / (side * side)
    out[23], out[24] = np.std(seen), np.std(template)
    out[25], out[26] = np.std(seen - blurred_s), np.std(template - blurred_t)
    seen, template = blur(seen, PLAIN), blur(template, PLAIN)
    _local(seen, template, inside, SMALL_RADIUS, out[4:10])
    _local(seen, template, inside, WIDE_RADIUS, out[10:16])
    _edges(seen, template, inside, out[16:19])
    zoom_x, zoom_y = math.log(max(abs(place[0]), 0.05)), math.log(max(abs(place[4]), 0.05))
    out[19] = abs(place[1]) + abs(place[3])
    out[20] = abs(zoom_x) + abs(zoom_y)
    out[21] = abs(place[2]) + abs(place[5])
    out[22] = abs(zoom_x - zoom_y)
    return out


@compiled
def correlation(seen: Plane, template: Plane, inside: Plane) -> float:
    """Normalised cross-correlation over the pixels inside; 0 where there are hardly any."""
    count, sum_s, sum_t = 0.0, 0.0, 0.0
    side = seen.shape[0]
    for i in range(side):
        for j in range(side):
            if inside[i, j] > 0:
                count += 1
                sum_s += seen[i, j]
                sum_t += template[i, j]
    if count < 10:
        return 0.0
    mean_s, mean_t = sum_s / count, sum_t / count
    ss, tt, st = 0.0, 0.0, 0.0
    for i in range(side):
        for j in range(side):
            if inside[i, j] > 0:
                a, b = seen[i, j] - mean_s, template[i, j] - mean_t
                ss += a * a
                tt += b * b
                st += a * b
    return st / (math.sqrt(ss * tt) + 1e-6 * count)


@compiled
def _local(seen: Plane, template: Plane, inside: Plane, radius: int, out: NDArray[np.float64]) -> None:
    """Correlations in windows around every other pixel."""
    side = seen.shape[0]
    total, windows, weighted, weights, agreeing, textured = 0.0, 0.0, 0.0, 0.0, 0.0, 0
    values = np.empty(side * side)
    for i in range(0, side, 2):
        for j in range(0, side, 2):
            if inside[i, j] == 0:
                continue
            value, contrast = _window(seen, template, inside, i, j, radius)
            if contrast < 0:
                continue
            total += value
            windows += 1
            weighted += value * contrast
            weights += contrast
            if contrast > _TEXTURED:
                values[textured] = value
                textured += 1
                if value > _AGREEING:
                    agreeing += 1
    out[0] = total / max(windows, 1.0)
    out[1] = weighted / (weights + 1e-2)
    out[2] = agreeing / (textured + 1)
    out[3] = textured / (side * side / 4)
    out[4] = out[5] = out[0]
    if textured > 4:
        ordered = np.sort(values[:textured])
        out[4], out[5] = ordered[textured // 10], ordered[textured // 4]


@compiled
def _window(seen: Plane, template: Plane, inside: Plane, i: int, j: int, radius: int) -> tuple[float, float]:
    """Correlation in one window and the stronger contrast there, capped; ``(0, -1)`` where hardly any of it is
    inside."""
    side = seen.shape[0]
    count, a, b, aa, bb, ab = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for v in range(max(0, i - radius), min(side, i + radius + 1)):
        for u in range(max(0, j - radius), min(side, j + radius + 1)):
            if inside[v, u] > 0:
                x, y = seen[v, u], template[v, u]
                count += 1
                a += x
                b += y
                aa += x * x
                bb += y * y
                ab += x * y
    if count < radius * radius:
        return 0.0, -1.0
    a /= count
    b /= count
    variance_a, variance_b = max(aa / count - a * a, 0.0), max(bb / count - b * b, 0.0)
    noise = _NOISE_VARIANCE
    value = (ab / count - a * b) / math.sqrt((variance_a + noise) * (variance_b + noise))
    return value, min(math.sqrt(max(variance_a, variance_b)), _CONTRAST_CAP)


@compiled
def _edges(seen: Plane, template: Plane, inside: Plane, out: NDArray[np.float64]) -> None:
    """Agreement of the directions of edges."""
    side = seen.shape[0]
    shared, weak, anywhere, strong = 0.0, 0.0, 0.0, 0.0
    for i in range(1, side - 1):
        for j in range(1, side - 1):
            if inside[i - 1, j] + inside[i + 1, j] + inside[i, j - 1] + inside[i, j + 1] < 4:
                continue
            sx, sy = (seen[i, j + 1] - seen[i, j - 1]) / 2, (seen[i + 1, j] - seen[i - 1, j]) / 2
            tx, ty = (template[i, j + 1] - template[i, j - 1]) / 2, (template[i + 1, j] - template[i - 1, j]) / 2
            length_s, length_t = math.sqrt(sx * sx + sy * sy), math.sqrt(tx * tx + ty * ty)
            cosine = (sx * tx + sy * ty) / (length_s * length_t + 1e-6)
            low = min(min(length_s, length_t), _EDGE_CAP)
            high = min(max(length_s, length_t), _EDGE_CAP)
            shared += cosine * low
            weak += low
            anywhere += cosine * high
            strong += high
    out[0] = shared / (weak + 0.2)
    out[1] = anywhere / (strong + 0.2)
    out[2] = weak / (strong + 1e-3)
