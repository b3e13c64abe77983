"""Mountains: snow-capped relief over lakes, forests and meadows."""

from __future__ import annotations

import numpy as np

from app.demo.backdrop import Sky, mirror_in_water, paint_hills, paint_meadow, paint_sky, paint_water
from app.demo.canvas import Canvas
from app.demo.colour import RGB, Light, brighten, mix
from app.demo.noise import Tones, skyline, texture
from app.demo.plants import draw_conifer

ROCKS: tuple[RGB, ...] = ((112, 108, 116), (128, 108, 96), (96, 106, 120), (140, 112, 92), (104, 98, 88))


def draw(canvas: Canvas, light: Light) -> None:
    rng = canvas.rng
    sky = paint_sky(canvas, light, canvas.height * rng.uniform(0.58, 0.84))
    rock, snowline = rng.choice(ROCKS), rng.choice((0.0, 0.25, 0.45, 0.7))
    for layer in range(rng.randint(1, 3), 0, -1):
        _massif(canvas, sky, rock, snowline, 0.16 + 0.22 * (layer - 1), canvas.height * rng.uniform(0.38, 0.62))
    paint_hills(canvas, sky, (62, 88, 74), rng.randint(0, 2), canvas.height * rng.uniform(0.06, 0.16))
    if rng.random() < 0.5:
        paint_water(canvas, sky, (44, 98, 110), calm=0.85)
        mirror_in_water(canvas, sky.horizon + 1, sky.horizon, 0.55)
    else:
        paint_meadow(
            canvas,
            sky,
            rng.choice(((98, 132, 70), (146, 138, 82), (228, 234, 244))),
            sky.horizon,
            canvas.height * 0.05,
        )
    _forest(canvas, sky)


def _peaks(canvas: Canvas, height: float) -> Tones:
    """A summit or three over a rough ridge."""
    rng = canvas.rng
    x = np.linspace(0, 1, canvas.width, dtype=np.float32)
    line = skyline(rng, canvas.width, 0.56) * np.float32(0.35)
    for _ in range(rng.randint(1, 3)):
        wide, tall = rng.uniform(0.22, 0.5), rng.uniform(0.55, 1.0)
        tent = np.clip(1 - np.abs(x - rng.uniform(0.12, 0.88)) / wide, 0, 1) ** rng.uniform(0.9, 1.35)
        line = np.maximum(line, tent * tall + (line - 0.17) * 0.4)
    return np.asarray(line / line.max() * height, np.float32)


def _massif(canvas: Canvas, sky: Sky, rock: RGB, snowline: float, distance: float, height: float) -> None:
    """A mountain face: gullies shaded by the sun's side, snow above a ragged line."""
    rng, light = canvas.rng, sky.light
    line = _peaks(canvas, height)
    rows = max(8, round(height))
    level = np.linspace(1, 0, rows, dtype=np.float32)[:, None] * np.float32(height)
    mask = np.clip(line[None, :] - level, 0, 1)
    relief = _relief(canvas, rows, line, level, sky.light_from(0.5))
    box = (0.0, sky.horizon - rows + 1, float(canvas.width), sky.horizon + 1)
    stone = (
        light.far(brighten(rock, 0.42), distance),
        light.far(rock, distance),
        light.far(brighten(rock, 1.35), distance),
    )
    stone = (mix(stone[0], light.shadow, 0.4 * (1 - distance)), stone[1], stone[2])
    canvas.lay(relief, stone, box, mask)
    if snowline:
        ragged = texture(rng, canvas.width, rows, 1.3, 1.0)
        snow = np.clip((level / height - (1 - snowline) + ragged * 0.3 + (relief - 0.5) * 0.35) * 7, 0, 1)
        cold = mix(light.shadow, (150, 176, 220), 0.55)
        white = (
            light.far(cold, distance),
            light.far((226, 232, 244), distance),
            light.far((255, 255, 255), distance),
        )
        canvas.lay(np.asarray(relief * 0.9 + 0.22, np.float32), white, box, np.asarray(mask * snow, np.float32))
    foot = np.clip(1 - level / height * 2.2, 0, 1) ** 1.5 * mask * np.float32(0.75)
    canvas.veil(light.haze, box, np.asarray(foot, np.float32))


def _relief(canvas: Canvas, rows: int, line: Tones, level: Tones, side: float) -> Tones:
    rng = canvas.rng
    depth = line[None, :] - level
    shear = (depth * rng.uniform(-0.5, 0.5)).astype(np.intp)
    rough = texture(rng, canvas.width * 2, rows, 1.0, 0.45)
    columns = np.clip(np.arange(canvas.width)[None, :] + canvas.width // 2 + shear, 0, canvas.width * 2 - 1)
    rough = rough[np.arange(rows)[:, None], columns]
    bumps = (rough - np.roll(rough, 2, axis=1)) * np.float32(1.9 * side)
    smooth = np.convolve(np.pad(line, 6, mode="edge"), np.ones(13) / 13, mode="valid")
    slope = np.clip(np.gradient(smooth) * 0.34 * side, -0.32, 0.32)[None, :]
    fade = np.exp(-np.clip(depth, 0, None) / 90)
    return np.asarray(0.48 + bumps + slope * fade + rough * 0.12, np.float32)


def _forest(canvas: Canvas, sky: Sky) -> None:
    rng = canvas.rng
    style = rng.random()
    count = 0 if style < 0.3 else rng.randint(5, 16)
    places = sorted(rng.uniform(0.0, 0.14) for _ in range(count))
    cluster = rng.uniform(0, canvas.width)
    for place in places:
        x = rng.gauss(cluster, canvas.width * 0.22)
        foot = (x, sky.horizon + canvas.height * (0.02 + place))
        draw_conifer(canvas, sky, foot, canvas.height * (0.08 + place) * rng.uniform(0.8, 1.5), (44, 76, 62))
    if style > 0.7:
        edge = canvas.width * rng.choice((rng.uniform(0, 0.12), rng.uniform(0.88, 1)))
        for _ in range(3):
            foot = (edge + rng.uniform(-0.08, 0.08) * canvas.width, canvas.height * rng.uniform(1.0, 1.06))
            draw_conifer(canvas, sky, foot, canvas.height * rng.uniform(0.4, 0.72), (34, 62, 52))
