"""Hot-air balloons over hills, valleys and clouds."""

from __future__ import annotations

import math

from app.demo.backdrop import Sky, paint_hills, paint_meadow, paint_sky, paint_water
from app.demo.canvas import Canvas, Paint, Point
from app.demo.colour import RGB, Light, brighten, mix, vary

SCHEMES: tuple[tuple[RGB, ...], ...] = (
    ((206, 52, 46), (246, 232, 206), (236, 168, 52)),
    ((44, 92, 160), (250, 244, 230), (226, 92, 60)),
    ((238, 186, 54), (206, 70, 50), (120, 44, 84)),
    ((44, 136, 128), (250, 226, 160), (32, 74, 104)),
    ((126, 70, 150), (244, 176, 92), (226, 90, 118)),
    ((232, 110, 60), (70, 60, 96), (250, 214, 150)),
    ((88, 148, 80), (248, 240, 214), (214, 74, 60)),
    ((230, 120, 160), (252, 236, 226), (96, 130, 190)),
)
GORES = 14


def draw(canvas: Canvas, light: Light) -> None:
    rng = canvas.rng
    high_up = rng.random() < 0.2
    sky = paint_sky(canvas, light, canvas.height * (1.0 if high_up else rng.uniform(0.66, 0.94)))
    if not high_up:
        _land(canvas, sky)
    canvas.blur(rng.choice((0.0, 0.8, 1.6)))
    for _ in range(rng.choice((0, 1, 2, 4))):
        spot = (rng.uniform(0.06, 0.94) * canvas.width, rng.uniform(0.15, 0.7) * canvas.height)
        draw_balloon(canvas, sky, spot, canvas.height * rng.uniform(0.03, 0.07), 0.35)
    radius = canvas.height * rng.uniform(0.16, 0.29)
    spot = (rng.uniform(0.28, 0.72) * canvas.width, rng.uniform(0.3, 0.46) * canvas.height)
    draw_balloon(canvas, sky, spot, radius, 0.0)


def _land(canvas: Canvas, sky: Sky) -> None:
    rng = canvas.rng
    paint_hills(
        canvas,
        sky,
        rng.choice(((92, 104, 84), (132, 98, 76), (80, 98, 108))),
        rng.randint(1, 4),
        canvas.height * rng.uniform(0.08, 0.28),
    )
    if rng.random() < 0.75:
        paint_meadow(canvas, sky, rng.choice(((118, 140, 72), (184, 148, 100), (150, 146, 84))), sky.horizon, 8)
    else:
        paint_water(canvas, sky, (48, 100, 120), calm=0.8)


def _profile(up: float) -> float:
    """Half-width of the envelope, in radii: round above, drawn to a mouth below."""
    if up >= 0:
        return math.sqrt(max(0.0, 1 - up * up))
    return 0.2 + 0.8 * math.pow(math.cos(min(1.0, -up / 1.25) * math.pi / 2), 0.85)


def draw_balloon(canvas: Canvas, sky: Sky, centre: Point, radius: float, distance: float) -> None:
    rng = canvas.rng
    scheme = tuple(vary(colour, rng, 14) for colour in rng.choice(SCHEMES))
    pattern, turn = rng.choice(("stripes", "bands", "spiral", "harlequin")), rng.uniform(0, 1)
    rings = 14 if radius > 30 else 8
    levels = [1 - 2.2 * i / rings for i in range(rings + 1)]
    side = sky.light_from(centre[0] / canvas.width)
    for gore in range(GORES):
        angles = [math.pi * ((gore + step + turn) / GORES) - math.pi / 2 - turn * math.pi / GORES for step in (0, 1)]
        for row in range(rings):
            colour = _pattern_colour(pattern, scheme, gore, row, rings)
            shade = _shade(sum(angles) / 2, (levels[row] + levels[row + 1]) / 2, side)
            cell = _cell(centre, radius, angles, levels[row], levels[row + 1])
            canvas.polygon(cell, _in_light(sky.light, colour, shade, distance))
    _skirt(canvas, sky, centre, radius, distance)


def _cell(centre: Point, radius: float, angles: list[float], high: float, low: float) -> list[Point]:
    spots = ((angles[0], high), (angles[1], high), (angles[1], low), (angles[0], low))
    return [
        (
            centre[0] + radius * _profile(up) * math.sin(angle),
            centre[1] - radius * (up - 0.06 * math.cos(angle) * up),
        )
        for angle, up in spots
    ]


def _shade(angle: float, up: float, side: float) -> float:
    """How much light a spot of the envelope gets: a ball lit from above and from one side."""
    flat = max(-1.0, min(1.0, up))
    across = math.sin(angle) * math.sqrt(1 - flat * flat * 0.9)
    return max(0.0, min(1.0, 0.56 - side * across * 0.42 + flat * 0.26))


def _in_light(light: Light, colour: RGB, shade: float, distance: float) -> RGB:
    tone = mix(light.dim(brighten(colour, 0.7), 0.7), light.lit(brighten(colour, 1.12)), shade)
    if shade > 0.86:
        tone = mix(tone, light.sun, (shade - 0.86) * 1.6)
    if light.darkness > 0.3:
        tone = mix(tone, (255, 190, 90), 0.4 * (1 - abs(shade - 0.5)))
    return mix(tone, light.haze, distance)


def _pattern_colour(pattern: str, scheme: tuple[RGB, ...], gore: int, row: int, rings: int) -> RGB:
    if pattern == "stripes":
        return scheme[gore % len(scheme)]
    if pattern == "bands":
        return scheme[0] if row < 3 or row > rings - 3 else scheme[1 + (row // 2) % 2]
    if pattern == "spiral":
        return scheme[(gore + row) // 2 % len(scheme)]
    return scheme[(gore + row) % 2] if 2 < row < rings - 3 else scheme[2]


def _skirt(canvas: Canvas, sky: Sky, centre: Point, radius: float, distance: float) -> None:
    light = sky.light
    x, mouth, deck = centre[0], centre[1] + radius * 1.2, centre[1] + radius * 1.52
    rope = mix(light.dim((70, 60, 54)), light.haze, distance)
    half, edge = radius * 0.12, radius * 0.19
    for share in (-1.0, -0.35, 0.35, 1.0):
        canvas.line(
            [(x + share * edge, mouth - radius * 0.04), (x + share * half, deck)],
            rope,
            max(0.6, radius * 0.012),
        )
    canvas.glow((x, mouth + radius * 0.12), radius * 0.16, (255, 200, 90), 0.8)
    wicker = mix(light.lit((156, 108, 62)), light.haze, distance)
    canvas.fill(
        [
            (x - half, deck),
            (x + half, deck),
            (x + half * 0.86, deck + radius * 0.2),
            (x - half * 0.86, deck + radius * 0.2),
        ],
        Paint((brighten(wicker, 1.1), brighten(wicker, 0.55)), angle=20, texture=0.3, grain=6),
    )
    canvas.line([(x - half * 1.05, deck), (x + half * 1.05, deck)], brighten(wicker, 0.5), max(0.8, radius * 0.03))
