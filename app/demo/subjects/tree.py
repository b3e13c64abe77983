"""Single trees: summer, autumn, blossom and spruce, on meadows and hills."""

from __future__ import annotations

from app.demo.backdrop import Sky, cast_shadow, grass_tufts, paint_hills, paint_meadow, paint_sky
from app.demo.canvas import Canvas
from app.demo.colour import RGB, Light
from app.demo.plants import AUTUMN, BLOSSOM, GREENS, draw_bush, draw_conifer, draw_tree

MEADOWS: tuple[RGB, ...] = (
    (110, 148, 70),
    (152, 150, 72),
    (92, 132, 78),
    (190, 164, 92),
    (168, 176, 104),
    (126, 116, 70),
)


def draw(canvas: Canvas, light: Light) -> None:
    rng = canvas.rng
    sky = paint_sky(canvas, light, canvas.height * rng.uniform(0.5, 0.82))
    if rng.random() < 0.65:
        paint_hills(
            canvas,
            sky,
            rng.choice(((82, 104, 92), (96, 90, 104))),
            rng.randint(1, 3),
            canvas.height * rng.uniform(0.05, 0.22),
        )
    meadow = rng.choice(MEADOWS)
    paint_meadow(canvas, sky, meadow, sky.horizon, canvas.height * rng.uniform(0.02, 0.14))
    _company(canvas, sky)
    canvas.blur(rng.choice((0.0, 1.0, 2.0)))
    _subject(canvas, sky, meadow)
    grass_tufts(canvas, sky.light.lit(meadow), canvas.height * 0.88, 120, canvas.height * 0.035)


def _company(canvas: Canvas, sky: Sky) -> None:
    rng = canvas.rng
    for _ in range(rng.choice((0, 2, 5))):
        foot = (rng.uniform(0, canvas.width), sky.horizon + canvas.height * rng.uniform(0.0, 0.04))
        draw_bush(canvas, sky, foot, canvas.height * rng.uniform(0.03, 0.07))


def _subject(canvas: Canvas, sky: Sky, meadow: RGB) -> None:
    rng = canvas.rng
    y = min(canvas.height * 0.92, sky.horizon + canvas.height * rng.uniform(0.06, 0.2))
    foot = (canvas.width * rng.uniform(0.3, 0.7), y)
    height = min(y * 0.96, canvas.height * rng.uniform(0.6, 0.92))
    if rng.random() < 0.25:
        cast_shadow(canvas, sky, foot, height * 0.3, height * 0.5)
        snow = rng.choice((0.0, 0.0, 0.8))
        draw_conifer(canvas, sky, foot, height, rng.choice(((48, 92, 66), (60, 100, 62), (40, 80, 76))), snow)
    else:
        draw_tree(canvas, sky, foot, height, rng.choice((GREENS, GREENS, AUTUMN, BLOSSOM)))
