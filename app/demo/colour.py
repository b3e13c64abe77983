"""Colours and the light they are seen in: every scene is drawn in one mood of daylight or night."""

from __future__ import annotations

import random
from dataclasses import dataclass

RGB = tuple[int, int, int]

WHITE: RGB = (255, 255, 255)
BLACK: RGB = (0, 0, 0)


def mix(first: RGB, second: RGB, share: float) -> RGB:
    """The colour that lies ``share`` of the way from the first to the second."""
    return (
        round(first[0] + (second[0] - first[0]) * share),
        round(first[1] + (second[1] - first[1]) * share),
        round(first[2] + (second[2] - first[2]) * share),
    )


def brighten(colour: RGB, factor: float) -> RGB:
    return (
        min(255, round(colour[0] * factor)),
        min(255, round(colour[1] * factor)),
        min(255, round(colour[2] * factor)),
    )


def vary(colour: RGB, rng: random.Random, amount: int) -> RGB:
    red, green, blue = (max(0, min(255, value + rng.randint(-amount, amount))) for value in colour)
    return red, green, blue


@dataclass(frozen=True, slots=True)
class Light:
    """A time of day: the sky from zenith to horizon, the sun's colour, and how it tints what it falls on."""

    name: str
    sky: tuple[RGB, ...]
    sun: RGB
    tint: RGB
    shadow: RGB
    cloud_light: RGB
    cloud_dark: RGB
    sun_height: tuple[float, float]
    darkness: float = 0.0

    @property
    def haze(self) -> RGB:
        return self.sky[-1]

    def lit(self, colour: RGB) -> RGB:
        """The colour on the side that the sun reaches."""
        red, green, blue = (min(255, round(c * t / 235)) for c, t in zip(colour, self.tint, strict=True))
        return red, green, blue

    def dim(self, colour: RGB, depth: float = 0.55) -> RGB:
        """The colour on the side away from the sun."""
        return mix(self.lit(brighten(colour, 0.72)), self.shadow, depth * 0.6)

    def far(self, colour: RGB, distance: float) -> RGB:
        """The colour seen through ``distance`` (0..1) of hazy air."""
        return mix(self.lit(colour), self.haze, distance)


LIGHTS: tuple[Light, ...] = (
    Light(
        "noon",
        ((38, 104, 190), (96, 160, 222), (196, 224, 240)),
        (255, 252, 235),
        (250, 246, 236),
        (40, 62, 96),
        (255, 255, 255),
        (176, 192, 212),
        (0.1, 0.35),
    ),
    Light(
        "morning",
        ((86, 140, 196), (162, 200, 222), (252, 226, 196)),
        (255, 240, 205),
        (255, 236, 205),
        (58, 74, 110),
        (255, 246, 232),
        (196, 190, 204),
        (0.45, 0.75),
    ),
    Light(
        "golden",
        ((64, 104, 158), (186, 168, 158), (255, 206, 128)),
        (255, 226, 150),
        (255, 214, 158),
        (74, 56, 84),
        (255, 226, 176),
        (168, 128, 132),
        (0.6, 0.9),
    ),
    Light(
        "sunset",
        ((48, 40, 96), (176, 70, 96), (255, 150, 74)),
        (255, 206, 120),
        (250, 170, 120),
        (50, 30, 66),
        (255, 158, 110),
        (110, 56, 92),
        (0.75, 0.98),
    ),
    Light(
        "dusk",
        ((24, 26, 70), (84, 66, 128), (222, 140, 152)),
        (255, 196, 180),
        (186, 156, 186),
        (28, 26, 62),
        (214, 150, 172),
        (76, 64, 116),
        (0.8, 1.02),
        0.35,
    ),
    Light(
        "overcast",
        ((132, 144, 156), (172, 182, 190), (212, 216, 216)),
        (238, 240, 238),
        (206, 210, 210),
        (66, 76, 88),
        (226, 230, 232),
        (136, 146, 156),
        (0.1, 0.4),
    ),
    Light(
        "storm",
        ((40, 48, 62), (76, 90, 104), (160, 168, 160)),
        (226, 226, 204),
        (170, 178, 176),
        (30, 38, 50),
        (140, 148, 154),
        (46, 54, 68),
        (0.4, 0.8),
        0.15,
    ),
    Light(
        "mist",
        ((170, 190, 196), (206, 216, 214), (238, 234, 222)),
        (255, 250, 236),
        (224, 222, 214),
        (110, 126, 136),
        (246, 244, 238),
        (196, 206, 208),
        (0.4, 0.8),
    ),
    Light(
        "teal",
        ((12, 62, 88), (52, 134, 144), (206, 226, 190)),
        (255, 248, 206),
        (226, 236, 206),
        (18, 54, 68),
        (232, 242, 220),
        (96, 150, 156),
        (0.5, 0.9),
    ),
    Light(
        "pastel",
        ((132, 158, 214), (214, 182, 214), (255, 214, 200)),
        (255, 236, 224),
        (250, 226, 222),
        (92, 84, 128),
        (255, 232, 232),
        (190, 168, 204),
        (0.5, 0.85),
    ),
    Light(
        "night",
        ((6, 10, 30), (14, 26, 60), (42, 62, 102)),
        (236, 240, 250),
        (128, 142, 186),
        (10, 16, 40),
        (66, 80, 116),
        (18, 26, 54),
        (0.1, 0.45),
        0.8,
    ),
    Light(
        "amber",
        ((150, 90, 54), (222, 150, 80), (255, 216, 140)),
        (255, 240, 190),
        (255, 216, 150),
        (84, 44, 34),
        (255, 220, 158),
        (184, 112, 74),
        (0.5, 0.9),
    ),
)


def light_named(name: str) -> Light:
    return next(light for light in LIGHTS if light.name == name)


def choose_light(rng: random.Random, *unwanted: str) -> Light:
    return rng.choice([light for light in LIGHTS if light.name not in unwanted])
