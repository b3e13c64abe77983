"""Flowers close up, before a garden out of focus."""

from __future__ import annotations

import math

from app.demo.backdrop import scatter
from app.demo.canvas import Canvas, Paint, Point, curve, moved
from app.demo.colour import RGB, Light, brighten, mix, vary

PETALS: tuple[RGB, ...] = (
    (246, 240, 236),
    (250, 196, 44),
    (226, 74, 108),
    (160, 96, 196),
    (236, 110, 52),
    (96, 124, 214),
    (248, 172, 196),
    (198, 36, 50),
    (252, 226, 130),
)
GARDENS: tuple[tuple[RGB, RGB, RGB], ...] = (
    ((150, 186, 96), (78, 124, 62), (26, 58, 40)),
    ((206, 214, 140), (120, 150, 72), (54, 78, 44)),
    ((176, 206, 220), (110, 150, 130), (48, 84, 70)),
    ((222, 182, 168), (148, 122, 96), (70, 60, 56)),
    ((96, 104, 132), (52, 66, 84), (18, 26, 40)),
    ((238, 226, 196), (176, 176, 120), (96, 112, 72)),
)
STEM: RGB = (92, 142, 66)


def draw(canvas: Canvas, light: Light) -> None:
    rng = canvas.rng
    garden = rng.choice(GARDENS)
    colour = vary(rng.choice(PETALS), rng, 14)
    _bokeh(canvas, light, garden, colour)
    kind = rng.choice((draw_daisy, draw_daisy, draw_tulip, draw_poppy, draw_sunflower))
    for _ in range(rng.choice((0, 1, 2))):
        spot = (rng.uniform(0.05, 0.95) * canvas.width, rng.uniform(0.2, 0.7) * canvas.height)
        kind(canvas, light, spot, canvas.height * rng.uniform(0.1, 0.16), colour)
    canvas.blur(rng.uniform(3.0, 6.0))
    radius = canvas.height * rng.uniform(0.22, 0.34)
    spot = (rng.uniform(0.34, 0.66) * canvas.width, rng.uniform(0.36, 0.54) * canvas.height)
    kind(canvas, light, spot, radius, colour)


def _bokeh(canvas: Canvas, light: Light, garden: tuple[RGB, RGB, RGB], colour: RGB) -> None:
    rng, width, height = canvas.rng, canvas.width, canvas.height
    stops = tuple(mix(light.lit(tone), light.sky[1], 0.12) for tone in garden)
    corners = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)]
    canvas.fill(corners, Paint(stops, angle=rng.uniform(20, 160), texture=0.4, grain=0.5))
    for _ in range(8):
        x, w, y = rng.uniform(0, width), rng.uniform(8, 40), rng.uniform(0, height)
        canvas.soft([(x - w, height), (x + w, height), (x + rng.uniform(-90, 90), y)], light.dim(garden[1]), 0.5, 14)
    for x, y in scatter(rng, rng.randint(8, 30), (0, 0, width, height)):
        r = height * rng.uniform(0.02, 0.09)
        tone = light.lit(mix(garden[0], rng.choice((colour, light.sun, (255, 255, 255))), 0.6))
        canvas.soft_oval((x - r, y - r, x + r, y + r), tone, rng.uniform(0.15, 0.55), r * 0.14)


def _stem(canvas: Canvas, light: Light, spot: Point, radius: float, leaves: int) -> None:
    rng = canvas.rng
    x, y = spot
    bend, wide = rng.uniform(-0.5, 0.5) * radius, radius * 0.055
    foot = (x + bend, canvas.height + 6.0)
    path = curve(spot, (x, (y + foot[1]) / 2), foot, 16)
    shape = [(px - wide, py) for px, py in path] + [(px + wide, py) for px, py in reversed(path)]
    canvas.fill(shape, Paint((light.lit(brighten(STEM, 1.2)), light.dim(STEM)), angle=0))
    for i in range(leaves):
        px, py = path[8 + 3 * i] if 8 + 3 * i < len(path) else path[-1]
        _leaf(canvas, light, (px, py), radius * rng.uniform(0.7, 1.1), rng.choice((-1, 1)))


def _leaf(canvas: Canvas, light: Light, foot: Point, size: float, side: int) -> None:
    tip = (foot[0] + side * size, foot[1] - size * 0.45)
    upper = curve(foot, (foot[0] + side * size * 0.35, foot[1] - size * 0.62), tip)
    lower = curve(tip, (foot[0] + side * size * 0.7, foot[1] + size * 0.1), foot)
    canvas.fill(
        upper + lower,
        Paint((light.lit(brighten(STEM, 1.2)), light.dim(brighten(STEM, 0.7))), texture=0.2, grain=3),
    )
    canvas.line([foot, tip], light.lit(brighten(STEM, 1.35)), 0.9)


def _petal(
    canvas: Canvas,
    centre: Point,
    angle: float,
    length: float,
    width: float,
    squash: float,
    stops: tuple[RGB, ...],
) -> None:
    """One petal pointing ``angle`` degrees from the heart; ``squash`` flattens the whole flower."""
    half = curve((0.0, 0.0), (0.55 * length, -width * 1.15), (length, -width * 0.1), 9)
    shape = half + [(x, -y) for x, y in reversed(half)]
    points = [(x, y * squash) for x, y in moved(shape, (0, 0), 1, angle)]
    placed = [(centre[0] + x, centre[1] + y) for x, y in points]
    canvas.fill(placed, Paint(stops, angle=angle, texture=0.16, grain=2.5))
    vein = [
        (centre[0] + x, centre[1] + y * squash)
        for x, y in moved([(length * 0.2, 0), (length * 0.86, 0)], (0, 0), 1, angle)
    ]
    canvas.line(vein, brighten(stops[1], 0.88), 0.7)


def _rosette(
    canvas: Canvas,
    light: Light,
    centre: Point,
    radius: float,
    colour: RGB,
    count: int,
    width: float,
    squash: float,
) -> None:
    rng = canvas.rng
    start = rng.uniform(0, 360)
    for layer, reach in ((0, 1.0), (1, 0.86)):
        for i in range(count):
            angle = start + layer * 180 / count + 360 * i / count + rng.uniform(-4, 4)
            facing = 0.84 + 0.2 * math.cos(math.radians(angle + 120)) + 0.1 * layer
            tone = light.lit(brighten(colour, min(1.15, facing)))
            stops = (light.dim(brighten(colour, 0.62), 0.4), tone, mix(tone, (255, 255, 255), 0.16))
            _petal(canvas, centre, angle, radius * reach * rng.uniform(0.92, 1.05), radius * width, squash, stops)


def _heart(canvas: Canvas, light: Light, centre: Point, radius: float, colour: RGB, squash: float) -> None:
    x, y = centre
    box = (x - radius, y - radius * squash, x + radius, y + radius * squash)
    canvas.soft_oval((box[0] - 3, box[1], box[2] + 3, box[3] + 5), light.shadow, 0.4, radius * 0.12)
    canvas.oval(
        box,
        Paint(
            (light.lit(brighten(colour, 1.25)), light.lit(colour), light.dim(brighten(colour, 0.5))),
            centre=(0.4, 0.3),
            texture=0.2,
            grain=5,
        ),
    )
    for i in range(90):
        reach, turn = radius * math.sqrt(i / 90) * 0.94, i * 2.39996
        spot = (x + reach * math.cos(turn), y + reach * math.sin(turn) * squash)
        canvas.disc(spot, radius * 0.045, light.lit(brighten(colour, canvas.rng.uniform(0.6, 1.4))))


def draw_daisy(canvas: Canvas, light: Light, spot: Point, radius: float, colour: RGB) -> None:
    rng = canvas.rng
    squash = rng.uniform(0.6, 1.0)
    _stem(canvas, light, spot, radius, rng.randint(0, 2))
    _rosette(canvas, light, spot, radius, colour, rng.randint(8, 16), rng.uniform(0.13, 0.2), squash)
    _heart(canvas, light, spot, radius * rng.uniform(0.2, 0.3), (232, 176, 40), squash)


def draw_sunflower(canvas: Canvas, light: Light, spot: Point, radius: float, colour: RGB) -> None:
    squash = canvas.rng.uniform(0.75, 1.0)
    gold = mix((250, 186, 30), colour, 0.12)
    _stem(canvas, light, spot, radius * 1.3, 2)
    _rosette(canvas, light, spot, radius * 1.06, gold, canvas.rng.randint(15, 21), 0.15, squash)
    _heart(canvas, light, spot, radius * 0.46, (96, 58, 34), squash)


def draw_poppy(canvas: Canvas, light: Light, spot: Point, radius: float, colour: RGB) -> None:
    squash = canvas.rng.uniform(0.62, 0.95)
    _stem(canvas, light, spot, radius, 1)
    _rosette(canvas, light, spot, radius, colour, canvas.rng.randint(5, 6), 0.56, squash)
    _heart(canvas, light, spot, radius * 0.17, mix(colour, (40, 40, 30), 0.75), squash)


def draw_tulip(canvas: Canvas, light: Light, spot: Point, radius: float, colour: RGB) -> None:
    """A cup of petals seen from the side."""
    rng, (x, y) = canvas.rng, spot
    _stem(canvas, light, (x, y + radius * 0.6), radius, 0)
    for side in (-1, 1):
        foot = (x + rng.uniform(-0.3, 0.3) * radius, canvas.height + 5.0)
        tip = (x + side * radius * rng.uniform(0.8, 1.3), y + radius * rng.uniform(0.1, 0.6))
        leaf = curve(foot, (x + side * radius * 0.2, y + radius * 1.1), tip) + curve(
            tip, (x + side * radius * 0.75, y + radius * 1.5), foot
        )
        canvas.fill(
            leaf,
            Paint(
                (light.lit(brighten(STEM, 1.15)), light.dim(STEM)),
                angle=60,
                texture=0.15,
                grain=3,
                stretch=0.3,
            ),
        )
    bright, dark = light.lit(brighten(colour, 1.08)), light.dim(brighten(colour, 0.7), 0.5)
    for dx, wide, tone in (
        (-0.28, 0.5, 0.45),
        (0.28, 0.5, 0.6),
        (0.0, 0.42, 0.3),
        (-0.4, 0.46, 0.9),
        (0.4, 0.46, 0.75),
        (0.0, 0.5, 1.0),
    ):
        front = tone > 0.65
        tip = (x + dx * radius * 1.3, y - radius * (0.72 if front else 0.86))
        base = (x + dx * radius * 0.3, y + radius * 0.72)
        left = curve(base, (x + (dx - wide * 1.7) * radius, y + radius * 0.2), tip)
        right = curve(tip, (x + (dx + wide * 1.7) * radius, y + radius * 0.2), base)
        canvas.fill(
            left + right,
            Paint(
                (mix(dark, bright, tone), mix(dark, bright, tone * 0.8), dark),
                texture=0.16,
                grain=3,
                stretch=0.25,
            ),
        )
