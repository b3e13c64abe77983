"""Sailing boats on open sea, lakes and under islands."""

from __future__ import annotations

from app.demo.backdrop import Sky, mirror_in_water, paint_hills, paint_sky, paint_water
from app.demo.canvas import Canvas, Paint, Placer, Point, curve, moved
from app.demo.colour import RGB, WHITE, Light, brighten, mix, vary

HULLS: tuple[RGB, ...] = (
    (240, 240, 236),
    (36, 58, 98),
    (150, 44, 40),
    (62, 92, 84),
    (124, 78, 46),
    (232, 190, 70),
)
SAILS: tuple[RGB, ...] = (
    (248, 244, 232),
    (244, 236, 214),
    (206, 70, 54),
    (240, 178, 62),
    (84, 132, 168),
    (236, 226, 220),
)
SEAS: tuple[RGB, ...] = ((36, 96, 132), (30, 112, 126), (48, 84, 122), (58, 118, 116), (26, 74, 108))


def draw(canvas: Canvas, light: Light) -> None:
    rng = canvas.rng
    sky = paint_sky(canvas, light, canvas.height * rng.uniform(0.32, 0.72))
    if rng.random() < 0.6:
        paint_hills(
            canvas,
            sky,
            rng.choice(((70, 92, 96), (84, 96, 80), (92, 84, 96))),
            rng.randint(1, 3),
            canvas.height * rng.uniform(0.06, 0.26),
        )
    paint_water(canvas, sky, rng.choice(SEAS), calm=rng.uniform(0.2, 0.9))
    canvas.blur(rng.choice((0.0, 0.8, 1.6)))
    for _ in range(rng.choice((0, 0, 1, 2, 3))):
        far = (rng.uniform(0.05, 0.95) * canvas.width, sky.horizon + canvas.height * rng.uniform(0.01, 0.05))
        draw_boat(canvas, sky, far, canvas.height * rng.uniform(0.08, 0.16))
    size = canvas.height * rng.uniform(0.42, 0.74)
    floor = min(canvas.height * 0.93, sky.horizon + canvas.height * rng.uniform(0.1, 0.3))
    place = (rng.uniform(0.3, 0.7) * canvas.width, max(floor, size * 0.98))
    draw_boat(canvas, sky, place, size)


def draw_boat(canvas: Canvas, sky: Sky, place: Point, size: float) -> None:
    """A sloop floating at ``place``, ``size`` from keel line to masthead."""
    rng = canvas.rng
    heel, turn = rng.uniform(-9, 9), rng.choice((-1, 1)) * rng.uniform(0.75, 1.0)

    def at(points: list[Point]) -> list[Point]:
        return moved([(x * turn, y) for x, y in points], place, size, heel)

    hull, sail = vary(rng.choice(HULLS), rng, 12), vary(rng.choice(SAILS), rng, 8)
    canvas.line(at([(0.02, -0.1), (0.02, -1.0)]), sky.light.dim((120, 92, 66)), size * 0.014)
    _sails(canvas, sky, at, sail, rng.random() < 0.4)
    _hull(canvas, sky, at, hull)
    canvas.line(at([(0.02, -1.0), (0.44, -0.13)]), sky.light.dim((90, 90, 96)), size * 0.005)
    if size > 60:
        mirror_below(canvas, place, size)
    _wake(canvas, sky, place, size)


def mirror_below(canvas: Canvas, place: Point, size: float) -> None:
    mirror_in_water(canvas, place[1], size * 0.85, 0.34)


def _hull(canvas: Canvas, sky: Sky, at: Placer, colour: RGB) -> None:
    light = sky.light
    body = curve((-0.36, -0.12), (-0.34, 0.0), (-0.2, 0.0)) + curve((0.25, 0.0), (0.38, -0.03), (0.48, -0.15))
    canvas.fill(at([*body, (0.05, -0.1)]), Paint((light.lit(brighten(colour, 1.1)), light.dim(colour, 0.8))))
    stripe = [(-0.355, -0.095), (0.46, -0.125), (0.45, -0.105), (-0.35, -0.075)]
    canvas.polygon(at(stripe), light.lit(mix(colour, WHITE, 0.7)))
    cabin = [(-0.2, -0.11), (-0.17, -0.165), (0.08, -0.165), (0.16, -0.115)]
    canvas.fill(at(cabin), Paint((light.lit((244, 240, 230)), light.dim((190, 180, 170)))))
    for x in (-0.12, -0.04, 0.04):
        canvas.polygon(at([(x, -0.15), (x + 0.04, -0.15), (x + 0.04, -0.13), (x, -0.13)]), light.dim((50, 60, 76)))


def _sails(canvas: Canvas, sky: Sky, at: Placer, colour: RGB, striped: bool) -> None:
    light = sky.light
    bright, dark = light.lit(brighten(colour, 1.06)), light.dim(colour)
    main = curve((0.0, -0.98), (-0.3, -0.55), (-0.38, -0.22)) + curve((-0.38, -0.22), (-0.18, -0.15), (0.0, -0.2))
    jib = curve((0.035, -0.92), (0.3, -0.5), (0.42, -0.17)) + curve((0.42, -0.17), (0.2, -0.13), (0.06, -0.2))
    canvas.fill(
        at(main),
        Paint((dark, bright, brighten(bright, 1.03), mix(bright, dark, 0.4)), angle=15, texture=0.06),
    )
    second = mix(colour, (200, 60, 50), 0.75) if striped else colour
    canvas.fill(at(jib), Paint((light.lit(brighten(second, 1.05)), light.dim(second)), angle=20, texture=0.06))
    for y, half in ((-0.76, 0.16), (-0.56, 0.26), (-0.38, 0.325)):
        canvas.line(at([(0.0, y - 0.02), (-half, y)]), mix(bright, dark, 0.5), 0.8)


def _wake(canvas: Canvas, sky: Sky, place: Point, size: float) -> None:
    foam = mix(sky.light.lit((250, 252, 255)), sky.light.haze, 0.2)
    x, y = place
    canvas.soft_oval((x - size * 0.46, y - size * 0.012, x + size * 0.5, y + size * 0.03), foam, 0.55, size * 0.012)
    canvas.soft_oval(
        (x - size * 0.4, y + size * 0.03, x + size * 0.4, y + size * 0.1), sky.light.shadow, 0.35, size * 0.02
    )
