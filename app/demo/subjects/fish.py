"""Reef fish under water, in shafts of light, among weed and corals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.demo.backdrop import scatter
from app.demo.canvas import Canvas, Paint, Placer, Point, curve, moved
from app.demo.colour import RGB, Light, brighten, mix, vary
from app.demo.noise import plane_texture, texture

WATERS: tuple[tuple[RGB, ...], ...] = (
    ((176, 232, 236), (46, 148, 182), (10, 58, 104)),
    ((190, 240, 214), (52, 150, 150), (8, 60, 78)),
    ((124, 196, 240), (28, 98, 178), (8, 28, 84)),
    ((214, 236, 190), (92, 158, 130), (22, 70, 72)),
    ((92, 140, 196), (26, 58, 122), (8, 14, 48)),
)
SUITS: tuple[tuple[RGB, RGB, RGB], ...] = (
    ((246, 130, 36), (250, 246, 238), (30, 26, 30)),
    ((250, 206, 50), (34, 62, 140), (250, 250, 240)),
    ((52, 96, 206), (248, 206, 60), (18, 26, 60)),
    ((222, 64, 70), (250, 222, 196), (120, 22, 44)),
    ((196, 206, 216), (84, 104, 128), (44, 54, 70)),
    ((88, 186, 150), (244, 236, 150), (24, 84, 90)),
    ((170, 96, 190), (252, 196, 90), (72, 36, 104)),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """Proportions of a species: height for a length of 2, tail and fin sizes, and its marking."""

    height: float
    tail: float
    fin: float
    marking: str


SPECIES: tuple[Shape, ...] = (
    Shape(0.46, 0.42, 0.3, "bars"),
    Shape(0.72, 0.36, 0.62, "bars"),
    Shape(0.32, 0.46, 0.24, "stripe"),
    Shape(0.56, 0.4, 0.36, "patch"),
    Shape(0.4, 0.5, 0.3, "spots"),
)


def draw(canvas: Canvas, light: Light) -> None:
    rng = canvas.rng
    water = rng.choice(WATERS)
    _water(canvas, water)
    if rng.random() < 0.7:
        _seabed(canvas, water)
    _weed(canvas, water, rng.randint(0, 12), 0.5)
    canvas.blur(rng.choice((0.8, 1.8, 3.0)))
    suit, species = rng.choice(SUITS), rng.choice(SPECIES)
    for _ in range(rng.choice((0, 0, 2, 5, 9))):
        spot = (rng.uniform(0.02, 0.98) * canvas.width, rng.uniform(0.08, 0.85) * canvas.height)
        draw_fish(canvas, water, spot, canvas.width * rng.uniform(0.03, 0.06), suit, species, 0.45)
    length = min(canvas.width * 0.38, canvas.height * 0.5) * rng.uniform(0.62, 1.0)
    spot = (rng.uniform(0.4, 0.6) * canvas.width, rng.uniform(0.36, 0.62) * canvas.height)
    draw_fish(canvas, water, spot, length, suit, species, 0.0)
    _bubbles(canvas, water)
    _weed(canvas, water, rng.choice((0, 0, 3)), 0.0)


def _water(canvas: Canvas, water: tuple[RGB, ...]) -> None:
    rng, width, height = canvas.rng, canvas.width, canvas.height
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    source = np.float32(rng.uniform(-0.9, 0.9))
    tones = y * 0.95 + np.abs(x - source) * 0.22 + texture(rng, width, height, 0.4, 0.4) * 0.08
    canvas.lay(np.asarray(tones, np.float32), water, (0, 0, width, height))
    top = (float(source) * 0.5 + 0.5) * width
    for _ in range(rng.randint(3, 8)):
        foot, wide = top + rng.uniform(-0.9, 0.9) * width, width * rng.uniform(0.03, 0.12)
        start = top + (foot - top) * 0.12
        canvas.soft(
            [(start - 6, -20), (start + 6, -20), (foot + wide, height * 1.05), (foot - wide, height * 1.05)],
            mix(water[0], (255, 255, 255), 0.3),
            rng.uniform(0.08, 0.22),
            9,
        )


def _seabed(canvas: Canvas, water: tuple[RGB, ...]) -> None:
    rng = canvas.rng
    top = canvas.height * rng.uniform(0.72, 0.88)
    height = round(canvas.height - top) + 1
    sand = mix(rng.choice(((222, 204, 160), (190, 180, 160), (150, 140, 120))), water[1], 0.42)
    tones = 0.55 + plane_texture(rng, canvas.width, height, grain=1.4, stretch=1.4) * 0.4
    fade = np.clip(np.linspace(0, 5, height, dtype=np.float32), 0, 1)[:, None] * np.ones((1, canvas.width), np.float32)
    canvas.lay(
        np.asarray(tones, np.float32),
        (brighten(sand, 0.55), sand, brighten(sand, 1.25)),
        (0, top, canvas.width, top + height),
        fade,
    )
    for _ in range(rng.randint(2, 7)):
        x, r = rng.uniform(0, canvas.width), canvas.height * rng.uniform(0.04, 0.13)
        coral = mix(
            vary(rng.choice(((226, 108, 96), (230, 170, 90), (150, 96, 160), (110, 116, 110))), rng, 20),
            water[1],
            0.35,
        )
        canvas.oval(
            (x - r * 1.3, canvas.height * 0.97 - r, x + r * 1.3, canvas.height + r),
            Paint((brighten(coral, 1.25), coral, brighten(coral, 0.4)), texture=0.3, grain=6, centre=(0.4, 0.1)),
        )


def _weed(canvas: Canvas, water: tuple[RGB, ...], count: int, distance: float) -> None:
    rng = canvas.rng
    for _ in range(count):
        x, tall = rng.uniform(0, canvas.width), canvas.height * rng.uniform(0.15, 0.5)
        colour = mix(rng.choice(((70, 140, 80), (120, 140, 60), (150, 80, 90))), water[2], 0.2 + distance)
        sway, wide = rng.uniform(-0.3, 0.3) * tall, canvas.width * rng.uniform(0.008, 0.02)
        foot, tip = canvas.height + 4.0, canvas.height - tall
        left = curve((x - wide, foot), (x + sway, foot - tall * 0.5), (x - sway * 0.4, tip))
        right = curve((x - sway * 0.4, tip), (x + sway + wide * 2, foot - tall * 0.5), (x + wide, foot))
        canvas.fill(left + right, Paint((brighten(colour, 1.4), colour, brighten(colour, 0.6))))


def _outline(shape: Shape) -> list[Point]:
    """The body: nose at +1, tail root at -0.8."""
    back = curve((1.0, 0.02), (0.5, -shape.height * 1.75), (-0.8, -0.1), 20)
    belly = curve((-0.8, 0.1), (0.45, shape.height * 1.65), (1.0, 0.02), 20)
    return back + belly


def draw_fish(
    canvas: Canvas,
    water: tuple[RGB, ...],
    spot: Point,
    length: float,
    suit: tuple[RGB, RGB, RGB],
    shape: Shape,
    distance: float,
) -> None:
    """A fish of half-length ``length``, its body rounded by light from above."""
    rng = canvas.rng
    turn, tilt = rng.choice((-1, 1)), rng.uniform(-16, 16)
    main, second, dark = (mix(vary(colour, rng, 10), water[1], 0.12 + distance) for colour in suit)

    def at(points: list[Point]) -> list[Point]:
        return moved([(x * turn, y) for x, y in points], spot, length, tilt)

    _fins(canvas, at, shape, second if shape.marking != "bars" else main, dark)
    body = _outline(shape)
    canvas.fill(at(body), Paint((brighten(main, 1.28), main, main, brighten(main, 0.5)), texture=0.1, grain=7))
    _marking(canvas, at, shape, second, dark)
    if length > 40:
        _scales(canvas, at, shape, main)
        canvas.soft(
            at(curve((0.8, -0.1), (0.3, -shape.height * 1.1), (-0.5, -0.14))),
            (255, 255, 255),
            0.3,
            length * 0.03,
        )
        canvas.soft(at(curve((0.7, 0.16), (0.3, shape.height * 1.2), (-0.6, 0.1))), water[2], 0.4, length * 0.05)
    _face(canvas, at, length, main, dark)


def _fins(canvas: Canvas, at: Placer, shape: Shape, colour: RGB, dark: RGB) -> None:
    tail = [
        (-0.72, -0.09),
        *curve((-0.72, -0.09), (-1.0, -shape.tail * 0.5), (-1.3, -shape.tail)),
        (-1.12, 0.0),
        *curve((-1.3, shape.tail), (-1.0, shape.tail * 0.5), (-0.72, 0.09)),
    ]
    canvas.fill(at(tail), Paint((brighten(colour, 1.15), brighten(colour, 0.7)), texture=0.25, grain=6, stretch=5))
    top, low = shape.height * 0.8, shape.height * 0.74
    dorsal = [
        *curve((0.42, -top * 0.8), (0.0, -top - shape.fin * 1.1), (-0.62, -top * 0.5 - shape.fin * 0.5)),
        (-0.5, -0.1),
    ]
    anal = [
        *curve((0.0, low * 0.8), (-0.2, low + shape.fin * 0.8), (-0.66, low * 0.5 + shape.fin * 0.4)),
        (-0.5, 0.1),
    ]
    for fin in (dorsal, anal):
        canvas.fill(at(fin), Paint((brighten(colour, 1.1), brighten(colour, 0.75)), texture=0.3, grain=6, stretch=0.3))
        canvas.line(at(fin[:-1]), mix(colour, dark, 0.5), 1.2)


def _half(shape: Shape, x: float) -> float:
    """Half the body's height at ``x``."""
    t = (1.0 - x) / 1.8
    return max(0.06, 2 * t * (1 - t) * shape.height * 1.72 + 0.1 * t * t)


def _bar(shape: Shape, back: float, front: float) -> list[Point]:
    """A band around the body between two places, bowed forwards as the body is round."""
    steps = [i / 8 - 1 for i in range(17)]
    edges = [[(x + 0.09 * (1 - s * s), s * _half(shape, x) * 0.97) for s in steps] for x in (back, front)]
    return edges[0] + edges[1][::-1]


def _marking(canvas: Canvas, at: Placer, shape: Shape, second: RGB, dark: RGB) -> None:
    paint = Paint((brighten(second, 1.1), second, brighten(second, 0.55)))
    if shape.marking == "bars":
        for x, wide in ((0.52, 0.1), (0.02, 0.15), (-0.5, 0.08)):
            for grow, colour in ((0.035, Paint((dark,))), (0.0, paint)):
                canvas.fill(at(_bar(shape, x - wide - grow, x + wide + grow)), colour)
    elif shape.marking == "stripe":
        canvas.fill(
            at(
                [
                    *curve((0.9, -0.04), (0.2, -0.2), (-0.8, -0.04)),
                    *curve((-0.8, 0.05), (0.2, 0.02), (0.9, 0.03)),
                ]
            ),
            paint,
        )
    elif shape.marking == "patch":
        canvas.fill(
            at(
                [
                    *curve((0.1, -_half(shape, 0.1) * 0.97), (-0.3, 0.5), (-0.78, 0.02)),
                    (-0.78, -0.08),
                    (-0.4, -_half(shape, -0.4) * 0.97),
                ]
            ),
            paint,
        )
    else:
        for x, y in scatter(canvas.rng, 22, (-0.6, -0.7, 0.5, 0.5)):
            [spot] = at([(x, y * _half(shape, x))])
            canvas.disc(spot, canvas.rng.uniform(0.02, 0.05) * _size(at), mix(second, dark, 0.2))


def _size(at: Placer) -> float:
    (ax, ay), (bx, by) = at([(0.0, 0.0), (1.0, 0.0)])
    return math.hypot(bx - ax, by - ay)


def _scales(canvas: Canvas, at: Placer, shape: Shape, colour: RGB) -> None:
    for column in range(11):
        x = 0.45 - column * 0.11
        half = _half(shape, x) * 0.82
        for row in range(-4, 5):
            y = (row + (column % 2) * 0.5) / 4.5 * half
            arc = at(curve((x, y - 0.04), (x - 0.06, y), (x, y + 0.04), 4))
            canvas.line(arc, brighten(colour, 0.8), 0.5)


def _face(canvas: Canvas, at: Placer, length: float, main: RGB, dark: RGB) -> None:
    canvas.line(at(curve((0.5, -0.2), (0.38, 0.05), (0.5, 0.24))), brighten(main, 0.55), max(0.7, length * 0.02))
    canvas.line(at([(0.98, 0.06), (0.86, 0.09)]), brighten(main, 0.4), max(0.7, length * 0.02))
    [eye] = at([(0.7, -0.09)])
    for radius, colour in (
        (0.1, (248, 244, 226)),
        (0.085, mix(dark, (230, 190, 80), 0.3)),
        (0.055, (12, 12, 16)),
    ):
        canvas.disc(eye, radius * length, colour)
    canvas.disc((eye[0] - 0.02 * length, eye[1] - 0.03 * length), 0.022 * length, (255, 255, 255))
    fin = [
        (0.3, 0.06),
        *curve((0.3, 0.06), (0.0, -0.02), (-0.12, 0.16)),
        *curve((-0.12, 0.16), (0.1, 0.28), (0.3, 0.14)),
    ]
    canvas.fill(at(fin), Paint((brighten(main, 1.2), brighten(main, 0.65)), texture=0.2, grain=6, stretch=4))
    canvas.line(at(fin), brighten(main, 0.62), max(0.6, length * 0.012))


def _bubbles(canvas: Canvas, water: tuple[RGB, ...]) -> None:
    rng = canvas.rng
    for x, y in scatter(rng, rng.randint(6, 40), (0, 0, canvas.width, canvas.height)):
        r = canvas.height * rng.choice((0.003, 0.004, 0.006, 0.012))
        canvas.oval(
            (x - r, y - r, x + r, y + r),
            Paint((water[1], mix(water[0], (255, 255, 255), 0.6)), centre=(0.6, 0.6)),
        )
