"""Scenes by class: what a seed looks like as a photograph of a sailboat, a house, a flower ..."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType

from PIL import Image

from app.demo.canvas import Canvas
from app.demo.colour import Light, choose_light, light_named
from app.demo.lens import photograph
from app.demo.subjects import balloon, fish, flower, house, lighthouse, mountain, sailboat, tree

SIZES: tuple[tuple[int, int], ...] = (
    (400, 300),
    (384, 288),
    (400, 268),
    (360, 320),
    (340, 340),
    (320, 400),
    (300, 384),
)

SUBJECTS: Mapping[str, Callable[[Canvas, Light], None]] = MappingProxyType(
    {
        "balloon": balloon.draw,
        "fish": fish.draw,
        "flower": flower.draw,
        "house": house.draw,
        "lighthouse": lighthouse.draw,
        "mountain": mountain.draw,
        "sailboat": sailboat.draw,
        "tree": tree.draw,
    }
)

CLASSES: tuple[str, ...] = tuple(SUBJECTS)


def render(label: str, seed: str, light: str | None = None) -> Image.Image:
    """The scene of one class that belongs to a seed; the same seed gives the same picture."""
    rng = random.Random(seed)
    width, height = rng.choice(SIZES)
    mood = choose_light(rng) if light is None else light_named(light)
    canvas = Canvas(width, height, rng)
    SUBJECTS[label](canvas, mood)
    return photograph(canvas.finished(), rng)
