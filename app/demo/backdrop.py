"""What lies behind a subject: sky, sun, clouds, stars, distant hills, water and meadows."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image

from app.demo.canvas import Canvas, Paint, Point
from app.demo.colour import RGB, WHITE, Light, brighten, mix
from app.demo.noise import Tones, plane_texture, skyline, texture


@dataclass(frozen=True, slots=True)
class Sky:
    """Where the sun and the horizon stand, so that water, shadows and subjects agree with them."""

    light: Light
    horizon: float
    sun: Point

    @property
    def side(self) -> float:
        """1 where light falls from the left, -1 from the right."""
        return self.light_from(0.5)

    def light_from(self, place: float) -> float:
        return 1.0 if self.sun[0] < place else -1.0


def paint_sky(canvas: Canvas, light: Light, horizon: float, cloudiness: float | None = None) -> Sky:
    """The upper part of a scene, down to ``horizon`` pixels from the top."""
    rng = canvas.rng
    canvas.image.paste(light.haze, (0, 0, *canvas.image.size))
    rows = max(4, round(horizon) + 2)
    bands = texture(rng, canvas.width, rows, 0.1, 0.3) * np.float32(0.03)
    canvas.lay(bands + np.linspace(0, 1, rows, dtype=np.float32)[:, None], light.sky, (0, 0, canvas.width, rows))
    sun = (rng.uniform(0.08, 0.92) * canvas.width, rng.uniform(*light.sun_height) * horizon)
    if light.darkness > 0.3:
        _stars(canvas, horizon, light.darkness)
    _sun(canvas, light, sun)
    _clouds(canvas, light, horizon, rng.random() if cloudiness is None else cloudiness)
    return Sky(light, horizon, (sun[0] / canvas.width, sun[1] / canvas.height))


def _sun(canvas: Canvas, light: Light, sun: Point) -> None:
    size = min(canvas.width, canvas.height)
    canvas.glow(sun, size * canvas.rng.uniform(0.6, 1.1), light.sun, 0.55 * (1 - 0.6 * light.darkness))
    radius = size * canvas.rng.uniform(0.02, 0.055)
    if light.name not in {"overcast", "storm", "mist"}:
        canvas.glow(sun, radius * 2.6, light.sun, 0.9)
        canvas.disc(sun, radius, mix(light.sun, WHITE, 0.5))


def _stars(canvas: Canvas, horizon: float, amount: float) -> None:
    for _ in range(round(150 * amount)):
        place = (canvas.rng.uniform(0, canvas.width), horizon * canvas.rng.random() ** 1.4)
        canvas.disc(place, canvas.rng.uniform(0.25, 0.8), brighten((214, 222, 250), canvas.rng.uniform(0.4, 1)))


def _clouds(canvas: Canvas, light: Light, horizon: float, amount: float) -> None:
    if horizon < 20 or amount < 0.12:
        return
    rng, width, height = canvas.rng, canvas.width, max(8, round(horizon))
    if rng.random() < 0.35:
        shape = texture(rng, width, height, rng.uniform(0.2, 0.5), rng.uniform(0.5, 1.4))
        lit = np.roll(shape, 5, axis=0)
    else:
        shape = plane_texture(rng, width, height, grain=rng.uniform(0.35, 0.8), tilt=0.3, stretch=1.3)[::-1]
        lit = np.roll(shape, 4, axis=0)
    threshold = np.float32(0.62 - 0.85 * amount)
    cover = np.clip((shape - threshold) / np.float32(0.42), 0, 1)
    fade = np.clip((1.02 - np.linspace(0, 1, height)) * 4, 0, 1)[:, None]
    tones = 0.62 + (shape - lit) * 1.7 - (shape - threshold) * 0.25
    mask = cover * cover * (3 - 2 * cover) * fade.astype(np.float32) * np.float32(0.92)
    canvas.lay(np.asarray(tones, np.float32), (light.cloud_dark, light.cloud_light), (0, 0, width, height), mask)


def paint_hills(canvas: Canvas, sky: Sky, colour: RGB, layers: int, reach: float) -> None:
    """Ridges that fade into the haze with distance; ``reach`` is the tallest one's height in pixels."""
    rng = canvas.rng
    roughness = rng.uniform(0.4, 0.58)
    for layer in range(layers):
        distance = 0.86 - 0.62 * layer / max(1, layers)
        line = skyline(rng, canvas.width, roughness) * reach * rng.uniform(0.55, 1) * (1 - 0.2 * layer)
        paint_ridge(canvas, sky, line, sky.horizon + 2, sky.light.far(colour, distance), distance)


def paint_ridge(canvas: Canvas, sky: Sky, line: Tones, base: float, colour: RGB, distance: float) -> None:
    """One ridge whose tops lie ``line`` pixels above ``base``."""
    tops = [(float(x), base - float(line[x])) for x in range(0, canvas.width, 2)]
    outline = [(-2.0, base), *tops, (canvas.width + 2.0, float(tops[-1][1])), (canvas.width + 2.0, base)]
    foot = mix(colour, sky.light.haze, 0.45)
    canvas.fill(outline, Paint((brighten(colour, 0.92), foot), texture=0.14 * (1.1 - distance), grain=1.4))


def paint_water(canvas: Canvas, sky: Sky, deep: RGB, top: float | None = None, calm: float = 0.5) -> None:
    """A surface from ``top`` (the horizon) down: it mirrors the sky and glitters under the sun."""
    top = sky.horizon if top is None else top
    height = max(4, round(canvas.height - top))
    light, rng = sky.light, canvas.rng
    ripples = plane_texture(rng, canvas.width, height, grain=rng.uniform(1.6, 2.6), stretch=3.2, tilt=0.1)
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    tones = down * 0.85 + ripples * (0.1 + 0.3 * (1 - calm)) * (0.35 + down)
    near = mix(light.lit(deep), light.shadow, 0.25)
    stops = (mix(light.haze, light.lit(deep), 0.22), mix(light.sky[1], light.lit(deep), 0.6), near)
    canvas.lay(np.asarray(tones, np.float32), stops, (0, top, canvas.width, top + height))
    _glitter(canvas, sky, ripples, top)


def _glitter(canvas: Canvas, sky: Sky, ripples: Tones, top: float) -> None:
    height, width = ripples.shape
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    across = np.abs(np.linspace(0, 1, width, dtype=np.float32)[None, :] - np.float32(sky.sun[0]))
    path = np.clip(1 - across / (0.05 + 0.16 * down), 0, 1) * (1 - 0.55 * down)
    strength = {"overcast": 0.15, "storm": 0.2, "mist": 0.3, "noon": 0.55}.get(sky.light.name, 0.95)
    mask = path * np.clip(ripples * 2.4 + 0.25, 0, 1) * np.float32(strength)
    colour = mix(sky.light.sun, WHITE, 0.35)
    canvas.veil(colour, (0, top, width, top + height), np.asarray(mask, np.float32))


def paint_meadow(canvas: Canvas, sky: Sky, colour: RGB, top: float | None = None, roll: float = 0.0) -> None:
    """Grass, sand or snow from ``top`` down, with a rolling upper edge of ``roll`` pixels."""
    rng, light = canvas.rng, sky.light
    top = sky.horizon if top is None else top
    height = max(4, round(canvas.height - top + roll))
    blades = plane_texture(rng, canvas.width, height, grain=rng.uniform(1.4, 2.2), tilt=0.14, stretch=1.4)
    broad = plane_texture(rng, canvas.width, height, grain=0.3, tilt=0.3)
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    tones = 0.5 - down * 0.3 + blades * (0.14 + 0.2 * down) + broad * 0.2
    stops = (light.dim(brighten(colour, 0.55)), light.dim(colour), light.lit(colour), light.far(colour, 0.5))
    edge = skyline(rng, canvas.width, 0.3) * np.float32(roll)
    rows = np.arange(height, dtype=np.float32)[:, None]
    mask = np.clip(rows - edge[None, :], 0, 1) if roll else None
    canvas.lay(np.asarray(tones, np.float32), stops, (0, top - roll, canvas.width, top - roll + height), mask)


def cast_shadow(canvas: Canvas, sky: Sky, foot: Point, width: float, length: float, depth: float = 0.45) -> None:
    """The shadow of something standing at ``foot``, falling away from the sun onto level ground."""
    slant = -length if foot[0] / canvas.width > sky.sun[0] else length
    x, y = foot
    shape = [
        (x - width / 2, y),
        (x + width / 2, y + 1),
        (x + width / 2 - slant, y + length * 0.3),
        (x - width / 2 - slant, y + length * 0.26),
    ]
    strength = depth * (0.45 if sky.light.name in {"overcast", "storm", "mist", "night"} else 1)
    canvas.soft(shape, sky.light.shadow, strength, max(1.5, width * 0.05))


def mirror_in_water(canvas: Canvas, top: float, reach: float, strength: float) -> None:
    """Repeats what stands above ``top``, upside down and broken by ripples, in the water below it."""
    k = canvas.scale
    line, rows = round(top * k), round(min(reach, canvas.height - top, top) * k)
    if rows < 8:
        return
    above = np.asarray(canvas.image)[line - rows : line][::-1]
    depth = np.arange(rows, dtype=np.float32)
    sway = np.sin(depth / (2.2 * k) + np.sin(depth / (7.3 * k)) * 2) * (0.4 + depth / rows * 3.2) * k
    columns = np.arange(canvas.image.width)[None, :] + sway.astype(np.intp)[:, None]
    wavy = above[np.arange(rows)[:, None], np.clip(columns, 0, canvas.image.width - 1)]
    below = np.asarray(canvas.image)[line : line + rows]
    share = (strength * (1 - 0.75 * depth / rows))[:, None, None].astype(np.float32)
    mixed = below + (wavy.astype(np.float32) - below) * share
    canvas.image.paste(Image.fromarray(mixed.astype(np.uint8), "RGB"), (0, line))


def grass_tufts(canvas: Canvas, colour: RGB, top: float, count: int, size: float) -> None:
    """Single blades in the foreground, longer towards the viewer."""
    rng = canvas.rng
    for _ in range(count):
        y = rng.uniform(top, canvas.height * 1.05)
        near = (y - top) / max(1.0, canvas.height - top)
        x, tall = rng.uniform(0, canvas.width), size * (0.3 + near) * rng.uniform(0.6, 1.4)
        lean = rng.uniform(-0.45, 0.45) * tall
        blade = [(x - size * 0.04, y), (x + lean, y - tall), (x + size * 0.05, y)]
        canvas.polygon(blade, brighten(colour, rng.uniform(0.6, 1.25)))


def ring(centre: Point, a: float, b: float, start: float, end: float, steps: int = 24) -> list[Point]:
    """Points on an ellipse between two angles in degrees."""
    angles = (math.radians(start + (end - start) * i / steps) for i in range(steps + 1))
    return [(centre[0] + a * math.cos(t), centre[1] + b * math.sin(t)) for t in angles]


def scatter(rng: random.Random, count: int, box: tuple[float, float, float, float]) -> list[Point]:
    return [(rng.uniform(box[0], box[2]), rng.uniform(box[1], box[3])) for _ in range(count)]
