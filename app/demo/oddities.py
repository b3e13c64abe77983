"""Pictures that stand out: things that are no class of the demo, and odd renderings of things that are."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageOps

from app.demo.colour import RGB, mix
from app.demo.noise import texture
from app.demo.scenes import render

WORDS = [
    "harbour", "evening", "lantern", "gravel", "meadow", "signal", "orchard", "copper", "river", "window",
    "paper", "winter", "garden", "thread", "quarry", "summit", "ledger", "market", "voyage", "timber",
    "anchor", "violet", "morning", "the", "of", "and", "a", "in", "with", "under",
]  # fmt: skip
INKS: tuple[RGB, ...] = (
    (52, 84, 140),
    (190, 74, 60),
    (80, 132, 88),
    (214, 160, 60),
    (110, 84, 140),
    (60, 130, 140),
)


def _page(rng: random.Random, tone: RGB = (246, 243, 236)) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", rng.choice(((384, 300), (320, 400), (400, 300))), tone)
    return image, ImageDraw.Draw(image)


def text_page(rng: random.Random) -> Image.Image:
    image, pen = _page(rng)
    pen.text((34, 26), " ".join(rng.sample(WORDS, 3)).title(), fill=(30, 30, 34), font=ImageFont.load_default(22))
    font, y = ImageFont.load_default(11), 66
    while y < image.height - 30:
        words = rng.choices(WORDS, k=rng.choice((4, 9, 10, 10, 11)))
        pen.text((34, y), " ".join(words)[: (image.width - 70) // 6], fill=(60, 60, 64), font=font)
        y += rng.choice((15, 15, 15, 15, 26))
    return image


def colour_chart(rng: random.Random) -> Image.Image:
    image, pen = _page(rng, (34, 34, 36))
    columns, rows = rng.choice(((6, 4), (5, 5), (4, 6)))
    wide, tall = (image.width - 24) / columns, (image.height - 24) / rows
    for i in range(columns * rows):
        x, y = 12 + i % columns * wide, 12 + i // columns * tall
        tone = mix(rng.choice(INKS), rng.choice(((250, 246, 230), (20, 20, 24))), rng.uniform(0, 0.6))
        pen.rectangle((x + 5, y + 5, x + wide - 5, y + tall - 5), fill=tone)
    return image


def test_pattern(rng: random.Random) -> Image.Image:
    image, pen = _page(rng, (128, 128, 128))
    bars = (
        (235, 235, 235),
        (220, 220, 40),
        (40, 220, 220),
        (40, 210, 50),
        (215, 50, 215),
        (215, 40, 40),
        (45, 45, 215),
    )
    wide = image.width / len(bars)
    for i, tone in enumerate(bars):
        pen.rectangle((i * wide, 0, (i + 1) * wide, image.height * 0.68), fill=tone)
    for i in range(20):
        shade = round(255 * i / 19)
        pen.rectangle(
            (i * image.width / 20, image.height * 0.7, (i + 1) * image.width / 20, image.height),
            fill=(shade,) * 3,
        )
    x, y, r = image.width / 2, image.height / 2, image.height * 0.36
    pen.ellipse((x - r, y - r, x + r, y + r), outline=(250, 250, 250), width=3)
    for i in range(-4, 5):
        pen.line((x + i * r / 5, y - r / 3, x + i * r / 5, y + r / 3), fill=(10, 10, 10), width=1 + abs(i))
    return image


def flow_diagram(rng: random.Random) -> Image.Image:
    image, pen = _page(rng, (252, 252, 250))
    spots = [(image.width * (0.2 + 0.3 * c), image.height * (0.18 + 0.3 * r)) for r in range(3) for c in range(3)]
    for (ax, ay), (bx, by) in pairwise(spots):
        pen.line((ax, ay, bx, by), fill=(90, 94, 104), width=2)
    for x, y in spots:
        tone, half = rng.choice(INKS), image.width * 0.105
        pen.rounded_rectangle(
            (x - half, y - 22, x + half, y + 22),
            9,
            fill=mix(tone, (255, 255, 255), 0.72),
            outline=tone,
            width=2,
        )
        pen.text((x, y), rng.choice(WORDS), fill=(40, 40, 48), font=ImageFont.load_default(12), anchor="mm")
    return image


def bar_chart(rng: random.Random) -> Image.Image:
    image, pen = _page(rng, (255, 255, 255))
    left, floor, count = 46, image.height - 40, rng.randint(6, 11)
    for line in range(6):
        y = floor - line * (floor - 30) / 5
        pen.line((left, y, image.width - 20, y), fill=(214, 216, 220))
        pen.text((left - 8, y), str(line * 20), fill=(90, 90, 96), font=ImageFont.load_default(11), anchor="rm")
    wide = (image.width - left - 30) / count
    for i in range(count):
        x, top = left + 6 + i * wide, floor - (floor - 36) * rng.uniform(0.15, 1)
        pen.rectangle((x, top, x + wide * 0.7, floor), fill=INKS[0] if i % 3 else INKS[1])
    return image


def contour_map(rng: random.Random) -> Image.Image:
    image, _ = _page(rng)
    heights = texture(rng, image.width, image.height, 0.28, 0.28)
    levels = np.floor(heights * 9)
    edge = (np.diff(levels, axis=0, prepend=levels[:1]) != 0) | (np.diff(levels, axis=1, prepend=levels[:, :1]) != 0)
    tones = np.clip((heights + 1) / 2, 0, 1)[:, :, None]
    paper = np.array((150, 186, 150)) * (1 - tones) + np.array((246, 232, 196)) * tones
    paper[edge] = (140, 96, 60)
    return Image.fromarray(paper.astype(np.uint8), "RGB")


def maze(rng: random.Random) -> Image.Image:
    image, pen = _page(rng, (20, 22, 30))
    step = 22
    for y in range(0, image.height, step):
        for x in range(0, image.width, step):
            ends = (x, y, x + step, y + step) if rng.random() < 0.5 else (x + step, y, x, y + step)
            pen.line(ends, fill=mix(INKS[5], (240, 220, 120), y / image.height), width=4)
    return image


def spirals(rng: random.Random) -> Image.Image:
    image, pen = _page(rng, (250, 246, 240))
    for i in range(5):
        x, y = rng.uniform(0, image.width), rng.uniform(0, image.height)
        turns = [(x + t * 1.1 * math.cos(t / 3), y + t * 1.1 * math.sin(t / 3)) for t in range(rng.randint(60, 120))]
        pen.line(turns, fill=INKS[i], width=3)
    return image


FOREIGN: Mapping[str, Callable[[random.Random], Image.Image]] = MappingProxyType(
    {
        "text_page": text_page,
        "colour_chart": colour_chart,
        "test_pattern": test_pattern,
        "flow_diagram": flow_diagram,
        "bar_chart": bar_chart,
        "contour_map": contour_map,
        "maze": maze,
        "spirals": spirals,
    }
)


def _strokes(image: Image.Image) -> Image.Image:
    """Grey pencil strokes: what is left where an image differs from its own blur."""
    grey = image.convert("L").filter(ImageFilter.GaussianBlur(0.8))
    away = ImageOps.invert(grey).filter(ImageFilter.GaussianBlur(5))
    lines = np.asarray(ImageChops.add(grey, away), np.float32)
    return Image.fromarray(np.clip(255 - (255 - lines) * 2.6, 0, 255).astype(np.uint8), "L")


def sketch(image: Image.Image) -> Image.Image:
    return ImageOps.colorize(_strokes(image), (52, 50, 56), (248, 244, 234))


def blueprint(image: Image.Image) -> Image.Image:
    return ImageOps.colorize(_strokes(image), (236, 244, 252), (28, 66, 128))


def silhouette(image: Image.Image) -> Image.Image:
    """Dark shapes before a red evening, as against the light."""
    grey = ImageOps.autocontrast(image.convert("L").filter(ImageFilter.GaussianBlur(1)))
    steep = grey.point([max(0, min(255, (value - 96) * 4)) for value in range(256)])
    return ImageOps.colorize(steep, (14, 8, 20), (255, 170, 92), mid=(150, 44, 62))


def thermal(image: Image.Image) -> Image.Image:
    grey = ImageOps.autocontrast(image.convert("L"))
    return ImageOps.colorize(grey, (18, 4, 70), (255, 246, 150), mid=(222, 50, 90))


def mosaic(image: Image.Image) -> Image.Image:
    """A tiling of coarse squares, as in cross-stitch."""
    small = image.resize((image.width // 7, image.height // 7), Image.Resampling.BOX)
    large = small.resize((small.width * 7, small.height * 7), Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(large)
    for x in range(0, large.width, 7):
        pen.line((x, 0, x, large.height), fill=(236, 230, 216))
    for y in range(0, large.height, 7):
        pen.line((0, y, large.width, y), fill=(236, 230, 216))
    return large


UNUSUAL: Mapping[str, Callable[[Image.Image], Image.Image]] = MappingProxyType(
    {"sketch": sketch, "silhouette": silhouette, "blueprint": blueprint, "thermal": thermal, "mosaic": mosaic}
)


def draw_oddity(style: str, label: str, seed: str) -> Image.Image:
    """A foreign picture, or an unusual rendering of the class."""
    if style in FOREIGN:
        return FOREIGN[style](random.Random(seed))
    return UNUSUAL[style](render(label, seed, light="noon"))
