"""Lighthouses on cliffs and rocks above the sea."""

from __future__ import annotations

from dataclasses import dataclass

from app.demo.backdrop import Sky, paint_hills, paint_meadow, paint_sky, paint_water, ring
from app.demo.canvas import Canvas, Paint, Point
from app.demo.colour import RGB, Light, brighten, mix
from app.demo.noise import skyline

BANDS: tuple[RGB, ...] = ((196, 48, 42), (34, 52, 84), (40, 40, 44), (222, 150, 40), (60, 110, 96))
PLASTER: RGB = (244, 240, 232)


@dataclass(frozen=True, slots=True)
class Tower:
    """A tapering tower: ``foot`` is the middle of its base."""

    foot: Point
    height: float
    base: float
    top: float

    def half(self, up: float) -> float:
        return self.base + (self.top - self.base) * up

    def at(self, across: float, up: float) -> Point:
        return self.foot[0] + across * self.half(up), self.foot[1] - up * self.height

    def band(self, low: float, high: float) -> list[Point]:
        """A slice of the wall, bowed as a cylinder seen from below."""
        sag = self.base * 0.22
        upper = ring((self.foot[0], self.at(0, high)[1]), self.half(high), sag * 0.7, 180, 0, 10)
        lower = ring((self.foot[0], self.at(0, low)[1]), self.half(low), sag * 0.7, 0, 180, 10)
        return [*upper, *lower]


def draw(canvas: Canvas, light: Light) -> None:
    rng = canvas.rng
    sky = paint_sky(canvas, light, canvas.height * rng.uniform(0.52, 0.82))
    if rng.random() < 0.4:
        paint_hills(canvas, sky, (84, 96, 104), rng.randint(1, 2), canvas.height * rng.uniform(0.05, 0.14))
    paint_water(canvas, sky, rng.choice(((34, 92, 122), (44, 108, 116), (40, 74, 104))), calm=rng.uniform(0.1, 0.8))
    canvas.blur(rng.choice((0.0, 0.8, 1.5)))
    side, x = rng.choice((-1, 1)), rng.uniform(0.26, 0.74) * canvas.width
    ground = _cliff(canvas, sky, x, side)
    tall = min(ground * 0.86, canvas.height * rng.uniform(0.46, 0.72))
    base = tall * rng.uniform(0.09, 0.14)
    tower = Tower((x, ground + 4), tall * 0.8, base, base * rng.uniform(0.55, 0.75))
    if rng.random() < 0.55:
        _cottage(canvas, sky, (x + side * base * 2.6, ground + 6), tall * 0.14)
    draw_lighthouse(canvas, sky, tower)
    _foreground(canvas, sky, x, ground, side)


def _cliff(canvas: Canvas, sky: Sky, x: float, side: int) -> float:
    """Rock that the tower stands on; returns how high its top lies."""
    rng, light = canvas.rng, sky.light
    ground = min(canvas.height * 0.86, sky.horizon + canvas.height * rng.uniform(-0.1, 0.1))
    jag = skyline(rng, canvas.width, 0.55)
    reach = canvas.width * rng.uniform(0.16, 0.4)
    tops: list[Point] = []
    for column in range(0, canvas.width + 4, 4):
        away = max(0.0, -(column - x) * side - reach * 0.5) / reach
        rough = float(jag[min(column, canvas.width - 1)]) - 0.5
        tops.append((float(column), ground + (away**1.6) * canvas.height * 0.4 + rough * canvas.height * 0.05))
    rock = rng.choice(((116, 100, 88), (96, 94, 98), (140, 116, 92)))
    shape = [*tops, (canvas.width + 4.0, canvas.height + 2.0), (0.0, canvas.height + 2.0)]
    canvas.fill(
        shape,
        Paint(
            (light.lit(brighten(rock, 1.15)), light.dim(rock), light.dim(brighten(rock, 0.55))),
            texture=0.42,
            grain=2.2,
            stretch=1.6,
        ),
    )
    if rng.random() < 0.7:
        turf = [
            *tops,
            *[(p[0], p[1] + canvas.height * 0.03 + 5 * (i % 3)) for i, p in reversed(list(enumerate(tops)))],
        ]
        canvas.fill(turf, Paint((light.lit((126, 148, 80)), light.dim((92, 112, 66))), texture=0.4, grain=3))
    return ground


def draw_lighthouse(canvas: Canvas, sky: Sky, tower: Tower) -> None:
    rng, light = canvas.rng, sky.light
    colour, bands = rng.choice(BANDS), rng.choice((0, 3, 5, 7))
    _wall(canvas, sky, tower.band(0, 1), PLASTER)
    for i in range(0, bands, 2):
        _wall(canvas, sky, tower.band(i / bands, (i + 1) / bands), colour)
    for up in (0.2, 0.5, 0.78):
        x, y = tower.at(rng.uniform(-0.2, 0.2), up)
        w, h = tower.base * 0.13, tower.base * 0.24
        canvas.fill(
            [(x - w, y + h), (x + w, y + h), (x + w, y - h), (x - w, y - h)],
            Paint((light.dim((60, 66, 78)), light.dim((40, 44, 54)))),
        )
    _lantern(canvas, sky, tower, colour if bands else rng.choice(BANDS))


def _wall(canvas: Canvas, sky: Sky, shape: list[Point], colour: RGB) -> None:
    light = sky.light
    bright, dark = light.lit(brighten(colour, 1.04)), light.dim(colour, 0.9)
    stops = (mix(bright, dark, 0.3), bright, mix(bright, dark, 0.35), dark, brighten(dark, 0.8))
    canvas.fill(shape, Paint(stops if sky.sun[0] < 0.5 else stops[::-1], angle=0, texture=0.07, grain=2, stretch=0.4))


def _lantern(canvas: Canvas, sky: Sky, tower: Tower, colour: RGB) -> None:
    light = sky.light
    x, y = tower.at(0, 1)
    r, h = tower.top, tower.height * 0.11
    _wall(
        canvas,
        sky,
        [(x - r * 1.45, y), (x + r * 1.45, y), (x + r * 1.3, y + h * 0.3), (x - r * 1.3, y + h * 0.3)],
        (70, 72, 80),
    )
    lamp = (255, 240, 180) if light.darkness or canvas.rng.random() < 0.5 else (176, 206, 216)
    canvas.fill(
        [(x - r * 0.8, y), (x - r * 0.8, y - h), (x + r * 0.8, y - h), (x + r * 0.8, y)],
        Paint((brighten(lamp, 0.75), lamp, brighten(lamp, 0.7)), angle=0),
    )
    for post in (-0.8, -0.3, 0.3, 0.8):
        canvas.line([(x + post * r, y), (x + post * r, y - h)], light.dim((50, 52, 60)), 1.1)
    for rail in (0.45, 0.8):
        canvas.line(
            [(x - r * 1.4, y - h * rail * 0.5), (x + r * 1.4, y - h * rail * 0.5)],
            light.dim((60, 62, 70)),
            0.8,
        )
    dome = [(x - r * 1.1, y - h), *ring((x, y - h), r * 1.05, h * 0.8, 180, 360, 14), (x + r * 1.1, y - h)]
    _wall(canvas, sky, dome, colour)
    canvas.line([(x, y - h * 1.7), (x, y - h * 2.3)], light.dim((60, 60, 66)), 1.2)
    if light.darkness:
        _beam(canvas, (x, y - h * 0.5), r)


def _beam(canvas: Canvas, lamp: Point, radius: float) -> None:
    x, y = lamp
    tilt, long = canvas.rng.uniform(-0.12, 0.12), canvas.width * 1.1
    for side in (-1, 1):
        end = x + side * long
        canvas.soft(
            [(x, y - 1), (end, y + tilt * side * long - 34), (end, y + tilt * side * long + 34), (x, y + 1)],
            (255, 244, 200),
            0.3,
            4,
        )
    canvas.glow(lamp, radius * 6, (255, 244, 200), 0.95)


def _cottage(canvas: Canvas, sky: Sky, foot: Point, size: float) -> None:
    light, (x, y) = sky.light, foot
    _wall(
        canvas,
        sky,
        [(x - size, y), (x + size, y), (x + size, y - size * 0.8), (x - size, y - size * 0.8)],
        PLASTER,
    )
    roof = [
        (x - size * 1.12, y - size * 0.76),
        (x - size * 0.8, y - size * 1.4),
        (x + size * 0.8, y - size * 1.4),
        (x + size * 1.12, y - size * 0.76),
    ]
    canvas.fill(roof, Paint((light.lit((170, 82, 62)), light.dim((130, 60, 48))), texture=0.2, grain=4))
    for spot in (-0.55, 0.0, 0.55):
        left = x + spot * size - size * 0.12
        canvas.polygon(
            [
                (left, y - size * 0.55),
                (left + size * 0.24, y - size * 0.55),
                (left + size * 0.24, y - size * 0.25),
                (left, y - size * 0.25),
            ],
            (255, 214, 130) if light.darkness else light.dim((60, 70, 84)),
        )


def _foreground(canvas: Canvas, sky: Sky, x: float, ground: float, side: int) -> None:
    """Surf where the rock meets the sea, and now and then a slope of grass near the viewer."""
    rng, light = canvas.rng, sky.light
    foam = light.lit((248, 250, 252))
    for _ in range(10):
        px = x - side * canvas.width * rng.uniform(0.25, 0.6)
        py = max(sky.horizon + 8, canvas.height * rng.uniform(0.84, 0.99))
        wide = canvas.width * rng.uniform(0.02, 0.07)
        canvas.soft_oval((px - wide, py - 2, px + wide, py + 2), foam, 0.5, 2)
    if rng.random() < 0.3:
        paint_meadow(
            canvas,
            sky,
            rng.choice(((112, 140, 72), (170, 150, 96))),
            canvas.height * 0.93,
            canvas.height * 0.06,
        )
