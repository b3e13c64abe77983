"""A supersampled canvas: shapes filled with shaded, textured paint, soft shadows and glows.

Coordinates are in pixels of the finished picture; the canvas draws larger and is reduced at the end.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from app.demo.colour import RGB
from app.demo.noise import Tones, texture

Indices = npt.NDArray[np.intp]
Point = tuple[float, float]
Box = tuple[float, float, float, float]
Placer = Callable[[list[Point]], list[Point]]
"""Puts points of a subject's own drawing where the subject lies on the canvas."""

DrawMask = Callable[[ImageDraw.ImageDraw, float, float], None]


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours spread over a shape's box: along ``angle`` (0 right, 90 down), or outwards from ``centre``.

    ``texture`` roughens the tone; ``grain`` is the texture's fineness, ``stretch`` draws it out sideways.
    """

    stops: tuple[RGB, ...]
    angle: float = 90.0
    texture: float = 0.0
    grain: float = 1.0
    stretch: float = 1.0
    centre: Point | None = None


@lru_cache(maxsize=8)
def _steps(count: int) -> tuple[Indices, Tones]:
    """For each of 256 tones, the last of ``count`` stops before it and how far it lies towards the next."""
    places = np.linspace(0, max(1, count - 1), 256, dtype=np.float32)
    before = np.clip(places.astype(np.intp), 0, max(0, count - 2))
    return before, np.asarray(places - before, np.float32)[:, None]


def _palette(stops: tuple[RGB, ...]) -> bytes:
    before, share = _steps(len(stops))
    colours = np.array([*stops, stops[-1]], np.float32)
    mixed = colours[before] + (colours[before + 1] - colours[before]) * share
    return (mixed + np.float32(0.5)).astype(np.uint8).tobytes()


def coloured(tones: Image.Image, stops: tuple[RGB, ...]) -> Image.Image:
    """A grey image with its black-to-white range mapped onto the colours; the grey image is used up."""
    tones.putpalette(_palette(stops))
    return tones.convert("RGB")


def grey(tones: Tones) -> Image.Image:
    """Tones 0..1 as an 8-bit image."""
    return Image.fromarray((np.clip(tones, 0, 1) * 255).astype(np.uint8), "L")


def moved(points: Sequence[Point], origin: Point, scale: float = 1.0, angle: float = 0.0) -> list[Point]:
    """Points drawn around (0, 0), turned by ``angle`` degrees, enlarged and put at ``origin``."""
    cos, sin = math.cos(math.radians(angle)) * scale, math.sin(math.radians(angle)) * scale
    return [(origin[0] + x * cos - y * sin, origin[1] + x * sin + y * cos) for x, y in points]


def curve(start: Point, control: Point, end: Point, steps: int = 14) -> list[Point]:
    """A quadratic Bézier curve as points."""
    return [
        (
            (1 - t) ** 2 * start[0] + 2 * t * (1 - t) * control[0] + t * t * end[0],
            (1 - t) ** 2 * start[1] + 2 * t * (1 - t) * control[1] + t * t * end[1],
        )
        for t in (i / steps for i in range(steps + 1))
    ]


def bounds(points: Sequence[Point]) -> Box:
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return min(xs), min(ys), max(xs), max(ys)


class Canvas:
    """A picture being drawn."""

    def __init__(self, width: int, height: int, rng: random.Random, scale: int = 2) -> None:
        self.width, self.height, self.rng, self.scale = width, height, rng, scale
        self.image = Image.new("RGB", (width * scale, height * scale))
        self._draw = ImageDraw.Draw(self.image)

    def fill(self, points: Sequence[Point], paint: Paint) -> None:
        """A polygon."""
        k = self.scale

        def draw(pen: ImageDraw.ImageDraw, left: float, top: float) -> None:
            pen.polygon([(x * k - left, y * k - top) for x, y in points], fill=255)

        self._stamp(bounds(points), paint, draw)

    def oval(self, box: Box, paint: Paint) -> None:
        k = self.scale

        def draw(pen: ImageDraw.ImageDraw, left: float, top: float) -> None:
            pen.ellipse((box[0] * k - left, box[1] * k - top, box[2] * k - left, box[3] * k - top), fill=255)

        self._stamp(box, paint, draw)

    def disc(self, centre: Point, radius: float, colour: RGB) -> None:
        """A plain dot: leaves, stars, bubbles come in hundreds and need no shading of their own."""
        x, y, r = centre[0] * self.scale, centre[1] * self.scale, radius * self.scale
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def polygon(self, points: Sequence[Point], colour: RGB) -> None:
        """A polygon in one plain colour."""
        self._draw.polygon([(x * self.scale, y * self.scale) for x, y in points], fill=colour)

    def line(self, points: Sequence[Point], colour: RGB, width: float) -> None:
        scaled = [(x * self.scale, y * self.scale) for x, y in points]
        self._draw.line(scaled, fill=colour, width=max(1, round(width * self.scale)), joint="curve")

    def soft(self, points: Sequence[Point], colour: RGB, opacity: float, blur: float) -> None:
        """A polygon with a blurred edge: shadows, light beams, smoke."""
        left, top, right, bottom = bounds(points)
        pad = 2.5 * blur
        box = self._clip((left - pad, top - pad, right + pad, bottom + pad))
        if box is None:
            return
        size = (max(1, (box[2] - box[0]) // 4), max(1, (box[3] - box[1]) // 4))
        mask = Image.new("L", size)
        corners = [((x * self.scale - box[0]) / 4, (y * self.scale - box[1]) / 4) for x, y in points]
        ImageDraw.Draw(mask).polygon(corners, fill=round(255 * opacity))
        mask = mask.filter(ImageFilter.GaussianBlur(blur * self.scale / 4))
        self.image.paste(colour, box, mask.resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.BILINEAR))

    def soft_oval(self, box: Box, colour: RGB, opacity: float, blur: float) -> None:
        x, y, a, b = (
            (box[0] + box[2]) / 2,
            (box[1] + box[3]) / 2,
            (box[2] - box[0]) / 2,
            (box[3] - box[1]) / 2,
        )
        ring = [(x + a * math.cos(i * 0.2618), y + b * math.sin(i * 0.2618)) for i in range(24)]
        self.soft(ring, colour, opacity, blur)

    def glow(self, centre: Point, radius: float, colour: RGB, opacity: float) -> None:
        """Light that fades outwards from a point."""
        box = self._clip((centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius))
        if box is None:
            return
        width, height = box[2] - box[0], box[3] - box[1]
        x = (np.linspace(box[0], box[2], max(2, width // 4)) / self.scale - centre[0]) / radius
        y = (np.linspace(box[1], box[3], max(2, height // 4)) / self.scale - centre[1]) / radius
        fall = np.clip(1 - np.sqrt(x[None, :] ** 2 + y[:, None] ** 2), 0, 1) ** 2 * opacity
        mask = grey(fall.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
        self.image.paste(colour, box, mask)

    def lay(self, tones: Tones, stops: tuple[RGB, ...], box: Box, mask: Tones | None = None) -> None:
        """A map of tones stretched over a box.

        Made at the finished resolution it needs no smoothing: the reduction at the end undoes the stretch.
        """
        k = self.scale
        left, top, right, bottom = round(box[0] * k), round(box[1] * k), round(box[2] * k), round(box[3] * k)
        size = (max(1, right - left), max(1, bottom - top))
        cover = None if mask is None else grey(mask).resize(size, Image.Resampling.NEAREST)
        layer = coloured(grey(tones), stops).resize(size, Image.Resampling.NEAREST)
        self.image.paste(layer, (left, top), cover)

    def veil(self, colour: RGB, box: Box, mask: Tones) -> None:
        """One colour laid over a box, as thickly as the mask says."""
        k = self.scale
        corners = (round(box[0] * k), round(box[1] * k), round(box[2] * k), round(box[3] * k))
        size = (max(1, corners[2] - corners[0]), max(1, corners[3] - corners[1]))
        cover = grey(mask).resize(size, Image.Resampling.NEAREST)
        self.image.paste(colour, (corners[0], corners[1], corners[0] + size[0], corners[1] + size[1]), cover)

    def blur(self, radius: float) -> None:
        """Throws everything drawn so far out of focus."""
        if radius <= 0:
            return
        small = self.image.reduce(self.scale).filter(ImageFilter.GaussianBlur(radius))
        self.image.paste(small.resize(self.image.size, Image.Resampling.NEAREST))

    def finished(self) -> Image.Image:
        return self.image.reduce(self.scale)

    def _stamp(self, box: Box, paint: Paint, draw: DrawMask) -> None:
        clip = self._clip((box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1))
        if clip is None:
            return
        mask = Image.new("L", (clip[2] - clip[0], clip[3] - clip[1]))
        draw(ImageDraw.Draw(mask), clip[0], clip[1])
        self.image.paste(coloured(grey(self._tones(box, clip, paint)), paint.stops), clip, mask)

    def _tones(self, box: Box, clip: tuple[int, int, int, int], paint: Paint) -> Tones:
        k = self.scale
        x = ((np.arange(clip[0], clip[2], dtype=np.float32) / k) - box[0]) / max(box[2] - box[0], 0.5)
        y = ((np.arange(clip[1], clip[3], dtype=np.float32) / k) - box[1]) / max(box[3] - box[1], 0.5)
        if paint.centre is None:
            cos, sin = math.cos(math.radians(paint.angle)), math.sin(math.radians(paint.angle))
            reach = abs(cos) + abs(sin)
            tones = 0.5 + ((x[None, :] - 0.5) * cos + (y[:, None] - 0.5) * sin) / reach
        else:
            tones = np.sqrt((x[None, :] - paint.centre[0]) ** 2 + (y[:, None] - paint.centre[1]) ** 2)
        if paint.texture:
            step = paint.grain / k
            rough = texture(self.rng, tones.shape[1], tones.shape[0], step / paint.stretch, step)
            tones = tones + rough * np.float32(paint.texture)
        return np.asarray(tones, np.float32)

    def _clip(self, box: Box) -> tuple[int, int, int, int] | None:
        k = self.scale
        left, top = max(0, math.floor(box[0] * k)), max(0, math.floor(box[1] * k))
        right = min(self.image.width, math.ceil(box[2] * k))
        bottom = min(self.image.height, math.ceil(box[3] * k))
        return (left, top, right, bottom) if right > left and bottom > top else None
