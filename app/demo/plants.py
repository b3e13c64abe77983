"""Trees, conifers and bushes, large as a subject or small as scenery."""

from __future__ import annotations

import math
import random

from app.demo.backdrop import Sky, cast_shadow
from app.demo.canvas import Canvas, Paint, Point, curve
from app.demo.colour import RGB, brighten, mix

BARK: RGB = (104, 78, 60)
GREENS: tuple[RGB, ...] = ((74, 122, 56), (96, 138, 60), (52, 104, 66), (118, 150, 72))
AUTUMN: tuple[RGB, ...] = ((206, 92, 36), (222, 150, 46), (176, 52, 40), (228, 178, 70))
BLOSSOM: tuple[RGB, ...] = ((236, 168, 190), (246, 206, 216), (250, 238, 240), (222, 130, 168))


def draw_trunk(canvas: Canvas, sky: Sky, foot: Point, height: float, width: float, lean: float) -> list[Point]:
    """A trunk that forks; returns where the boughs end."""
    x, y = foot
    top = (x + lean, y - height)
    left = curve((x - width, y), (x - width * 0.3, y - height * 0.3), (top[0] - width * 0.28, top[1]))
    right = curve((top[0] + width * 0.28, top[1]), (x + width * 0.3, y - height * 0.3), (x + width, y))
    dark, light = sky.light.dim(BARK), sky.light.lit(brighten(BARK, 1.15))
    stops = (light, dark) if sky.light_from(x / canvas.width) > 0 else (dark, light)
    ends = []
    for _ in range(5):
        end = (
            top[0] + canvas.rng.uniform(-1, 1) * height * 0.55,
            top[1] - canvas.rng.uniform(0.15, 0.6) * height,
        )
        start = (x + lean * 0.8, y - height * canvas.rng.uniform(0.65, 0.98))
        canvas.line(curve(start, (start[0], (start[1] + end[1]) / 2), end, 6), mix(dark, light, 0.3), width * 0.3)
        ends.append(end)
    canvas.fill(left + right, Paint(stops, angle=0, texture=0.25, grain=3, stretch=0.2))
    return ends


def draw_crown(canvas: Canvas, sky: Sky, centre: Point, a: float, b: float, colours: tuple[RGB, ...]) -> None:
    """Foliage: clumps of leaves, dark inside and below, bright where the sun falls."""
    rng = canvas.rng
    side = -sky.light_from(centre[0] / canvas.width)
    clumps = [_clump_place(rng, centre, a, b) for _ in range(20 if a > 45 else 10)]
    clumps += [
        (centre[0] + a * 0.72 * math.cos(i * 0.698), centre[1] + b * 0.72 * math.sin(i * 0.698)) for i in range(9)
    ]
    clumps.sort(key=lambda place: side * place[0] * -0.4 - place[1])
    base = colours[0]
    _draw_clump(canvas, sky, centre, min(a, b) * 0.7, brighten(base, 0.8), centre, b)
    for place in clumps:
        _draw_clump(canvas, sky, place, min(a, b) * rng.uniform(0.26, 0.42), rng.choice(colours), centre, b)
    for _ in range(90):
        spot = _clump_place(rng, centre, a * 1.1, b * 1.1)
        tone = brighten(mix(base, rng.choice(colours), 0.6), rng.uniform(0.7, 1.2))
        canvas.disc(spot, max(0.6, min(a, b) * rng.uniform(0.012, 0.028)), sky.light.lit(tone))


def _clump_place(rng: random.Random, centre: Point, a: float, b: float) -> Point:
    angle, reach = rng.uniform(0, math.tau), math.sqrt(rng.random())
    return centre[0] + a * 0.8 * reach * math.cos(angle), centre[1] + b * 0.8 * reach * math.sin(angle)


def _draw_clump(canvas: Canvas, sky: Sky, place: Point, radius: float, colour: RGB, centre: Point, b: float) -> None:
    rng, side = canvas.rng, sky.light_from(centre[0] / canvas.width)
    height = (centre[1] - place[1]) / max(b, 1)
    bright, dark = (
        sky.light.lit(brighten(colour, 1.12 + 0.22 * height)),
        sky.light.dim(brighten(colour, 0.55)),
    )
    middle = mix(dark, bright, 0.55 + 0.15 * height)
    shape = []
    for i in range(24):
        reach = radius * rng.uniform(0.72, 1.12)
        shape.append((place[0] + reach * math.cos(i * 0.2618), place[1] + reach * 0.9 * math.sin(i * 0.2618)))
    glint = (0.5 - side * 0.16, 0.26)
    if radius < 7:
        canvas.polygon(shape, middle)
    else:
        canvas.fill(shape, Paint((bright, middle, dark, dark), texture=0.34, grain=5, centre=glint))
    for _ in range(8 if radius < 7 else 22):
        angle, reach = rng.uniform(0, math.tau), radius * rng.uniform(0.75, 1.16)
        x, y = place[0] + reach * math.cos(angle), place[1] + reach * 0.9 * math.sin(angle)
        lift = 0.5 - 0.35 * math.sin(angle) - 0.2 * side * math.cos(angle) + rng.uniform(-0.15, 0.15)
        canvas.disc((x, y), max(0.7, radius * rng.uniform(0.04, 0.09)), mix(dark, bright, max(0.0, min(1.0, lift))))


def draw_tree(canvas: Canvas, sky: Sky, foot: Point, height: float, colours: tuple[RGB, ...] = GREENS) -> None:
    """A broad-leaved tree with its shadow."""
    rng = canvas.rng
    a, b = height * rng.uniform(0.3, 0.46), height * rng.uniform(0.27, 0.36)
    cast_shadow(canvas, sky, foot, a * 1.3, height * 0.5, 0.5)
    lean = rng.uniform(-0.06, 0.06) * height
    draw_trunk(canvas, sky, foot, height * 0.45, height * 0.045, lean)
    draw_crown(canvas, sky, (foot[0] + lean, foot[1] - height * 0.96 + b), a, b, colours)


def draw_conifer(canvas: Canvas, sky: Sky, foot: Point, height: float, colour: RGB, snow: float = 0.0) -> None:
    """A spruce: tiers of drooping branches, lit from one side."""
    x, y = foot
    rng, side = canvas.rng, sky.light_from(foot[0] / canvas.width)
    canvas.line([(x, y), (x, y - height * 0.3)], sky.light.dim(BARK), height * 0.04)
    tiers = 15 if height > 60 else 6
    teeth = 13 if height > 60 else 8
    dark, bright = sky.light.dim(brighten(colour, 0.6)), sky.light.lit(brighten(colour, 1.2))
    for tier in range(tiers):
        share = tier / tiers
        half = height * 0.25 * (1 - share) ** 0.85 + height * 0.02
        bottom, top = y - height * (0.1 + 0.82 * share), y - height * (0.1 + 0.82 * share) - height * 0.24
        edge = []
        for i in range(teeth + 1):
            across = 2 * i / teeth - 1
            droop = height * (0.03 * abs(across) + rng.uniform(-0.016, 0.016) * (1 + i % 2))
            edge.append((x + half * across * rng.uniform(0.9, 1.08), bottom + droop))
        canvas.polygon([(x, top), *edge], dark)
        lit = [p for p in edge if (p[0] - x) * side <= half * rng.uniform(-0.25, 0.45)]
        canvas.polygon([(x, top), *lit], mix(dark, bright, 0.35 + 0.5 * rng.random()))
        if snow:
            canvas.polygon(
                [
                    (x, top),
                    (x - half * 0.6, bottom - height * 0.07),
                    (x, bottom - height * 0.12),
                    (x + half * 0.55, bottom - height * 0.08),
                ],
                mix(bright, sky.light.lit((244, 248, 255)), snow),
            )


def draw_bush(canvas: Canvas, sky: Sky, centre: Point, size: float, colours: tuple[RGB, ...] = GREENS) -> None:
    for _ in range(5):
        place = (
            centre[0] + canvas.rng.uniform(-0.7, 0.7) * size,
            centre[1] - canvas.rng.uniform(0, 0.35) * size,
        )
        _draw_clump(canvas, sky, place, size * 0.5, canvas.rng.choice(colours), centre, size)
