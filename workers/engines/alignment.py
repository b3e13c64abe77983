"""Bringing two pictures into line, by the pixels.

From a rough guess, the affine map is refined under which one picture, its contrast and brightness free, looks most
like the other: Gauss-Newton on the squared difference, large differences (a caption, a frame) counted less. Copies
are stretched and shifted, hardly ever sheared: a penalty keeps the map near that unless the pixels insist
(Evangelidis & Psarakis 2008 describe the family of methods; the penalty is ours).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.engines.jit import compiled
from workers.engines.pyramids import Plane

AffineMap = NDArray[np.float64]
"""Six numbers ``a, b, c, d, e, f``: the point ``(x, y)`` of the template, both from -1 to 1, is found at
``(a x + b y + c, d x + e y + f)`` in the other picture."""

SHEAR_PENALTY = 0.3
ZOOM_PENALTY = 0.02

_LEAST_OVERLAP = 0.2
_LARGEST_STEP = 0.15
_SMALLEST_STEP = 0.003
_LEAST_GAIN = 0.2


@compiled
def sample(picture: Plane, place: AffineMap, out: Plane, inside: Plane) -> None:
    """Fill ``out`` with ``picture`` seen through the map, and ``inside`` with 1 where there was something to
    see."""
    side, size = out.shape[0], picture.shape[0]
    half = size / 2.0
    for v in range(side):
        y = (2 * v + 1) / side - 1
        for u in range(side):
            x = (2 * u + 1) / side - 1
            px = place[0] * x + place[1] * y + place[2]
            py = place[3] * x + place[4] * y + place[5]
            inside[v, u] = 1.0 if abs(px) <= 1.0 and abs(py) <= 1.0 else 0.0
            fx = min(max((px + 1) * half - 0.5, 0.0), size - 1.001)
            fy = min(max((py + 1) * half - 0.5, 0.0), size - 1.001)
            x0, y0 = int(fx), int(fy)
            ax, ay = fx - x0, fy - y0
            top = (1 - ax) * picture[y0, x0] + ax * picture[y0, x0 + 1]
            bottom = (1 - ax) * picture[y0 + 1, x0] + ax * picture[y0 + 1, x0 + 1]
            out[v, u] = (1 - ay) * top + ay * bottom


@compiled
def refine(picture: Plane, template: Plane, place: AffineMap, steps: int) -> None:
    """Improve ``place`` in at most ``steps`` steps; it is left as it was where the two hardly overlap."""
    side = template.shape[0]
    seen = np.empty((5, side * side), np.float32)
    slopes = np.empty((2, side * side), np.float32)
    hessian, gradient = np.empty((6, 6)), np.empty(6)
    for _ in range(steps):
        count = _look(picture, template, place, seen, slopes)
        if count < side * side * _LEAST_OVERLAP:
            return
        _normal_equations(seen, slopes, count, hessian, gradient)
        _add_penalties(place, hessian, gradient)
        step = np.linalg.solve(hessian, gradient)
        largest = 0.0
        for i in range(6):
            change = min(max(step[i], -_LARGEST_STEP), _LARGEST_STEP)
            place[i] += change
            largest = max(largest, abs(change))
        if largest < _SMALLEST_STEP:
            return


@compiled
def composed(outer: AffineMap, inner: AffineMap) -> AffineMap:
    """The map that first applies ``inner``, then ``outer``."""
    a, b, c, d, e, f = outer
    g, h, i, j, k, m = inner
    return np.array([a * g + b * j, a * h + b * k, a * i + b * m + c, d * g + e * j, d * h + e * k, d * i + e * m + f])


@compiled
def _look(picture: Plane, template: Plane, place: AffineMap, seen: Plane, slopes: Plane) -> int:
    """For each template pixel that lies inside the picture: x, y, the template, the picture there and its
    slopes."""
    side, size = template.shape[0], picture.shape[0]
    half = size / 2.0
    count = 0
    for v in range(side):
        y = (2 * v + 1) / side - 1
        for u in range(side):
            x = (2 * u + 1) / side - 1
            px = place[0] * x + place[1] * y + place[2]
            py = place[3] * x + place[4] * y + place[5]
            if abs(px) > 1.0 or abs(py) > 1.0:
                continue
            fx = min(max((px + 1) * half - 0.5, 0.0), size - 1.001)
            fy = min(max((py + 1) * half - 0.5, 0.0), size - 1.001)
            x0, y0 = int(fx), int(fy)
            ax, ay = fx - x0, fy - y0
            a, b = picture[y0, x0], picture[y0, x0 + 1]
            c, d = picture[y0 + 1, x0], picture[y0 + 1, x0 + 1]
            seen[0, count], seen[1, count], seen[2, count] = x, y, template[v, u]
            seen[3, count] = (1 - ay) * ((1 - ax) * a + ax * b) + ay * ((1 - ax) * c + ax * d)
            slopes[0, count] = ((1 - ay) * (b - a) + ay * (d - c)) * half
            slopes[1, count] = ((1 - ax) * (c - a) + ax * (d - b)) * half
            count += 1
    return count


@compiled
def _normal_equations(
    seen: Plane, slopes: Plane, count: int, hessian: NDArray[np.float64], gradient: NDArray[np.float64]
) -> None:
    """Hessian and gradient of the mean squared difference, with gain and offset fitted to the pixels seen."""
    mean_template, mean_seen = seen[2, :count].mean(), seen[3, :count].mean()
    covariance, variance = 0.0, 1e-6 * count
    for k in range(count):
        deviation = seen[3, k] - mean_seen
        variance += deviation * deviation
        covariance += deviation * (seen[2, k] - mean_template)
    gain = max(covariance / variance, _LEAST_GAIN)
    # Rows of steepest descent, and of them the products: loops over pixels that the compiler makes vectors of.
    rows = np.empty((6, count), np.float32)
    differences = np.empty(count, np.float32)
    for k in range(count):
        difference = gain * (seen[3, k] - mean_seen) - (seen[2, k] - mean_template)
        # A caption or a frame differs a lot in few places and must not drag the whole picture with it.
        differences[k] = difference / (1.0 + 0.5 * min(abs(difference), 4.0))
        gx, gy = gain * slopes[0, k], gain * slopes[1, k]
        rows[0, k], rows[1, k], rows[2, k] = gx * seen[0, k], gx * seen[1, k], gx
        rows[3, k], rows[4, k], rows[5, k] = gy * seen[0, k], gy * seen[1, k], gy
    means = np.empty(6)
    for i in range(6):
        means[i] = rows[i].mean()
        gradient[i] = -_product(rows[i], differences) / count
    for i in range(6):
        for j in range(i + 1):
            hessian[i, j] = _product(rows[i], rows[j]) / count - means[i] * means[j]
            hessian[j, i] = hessian[i, j]


@compiled
def _product(left: Plane, right: Plane) -> float:
    total = np.float32(0.0)
    for k in range(len(left)):
        total += left[k] * right[k]
    return float(total)


@compiled
def _add_penalties(place: AffineMap, hessian: NDArray[np.float64], gradient: NDArray[np.float64]) -> None:
    trace = 0.0
    for i in range(6):
        trace += hessian[i, i]
    for i in range(6):
        hessian[i, i] += 1e-3 * trace / 6 + 1e-6
    for i in (1, 3):
        hessian[i, i] += SHEAR_PENALTY
        gradient[i] -= SHEAR_PENALTY * place[i]
    for i in (0, 4):
        hessian[i, i] += ZOOM_PENALTY
        gradient[i] -= ZOOM_PENALTY * (place[i] - 1.0)
