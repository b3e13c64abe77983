"""Pictures made worse by degrees, to see how well a model holds out.

The kinds are among those of Hendrycks and Dietterich 2019 (ImageNet-C); the strengths here are Winnow's own, so figures
can be compared between conditions, not with published ones.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from workers.engines.retraining.pictures import Pixels

STRENGTHS = (1, 2, 3)

_BLUR = (0.02, 0.035, 0.05)
"""Radius of a Gaussian as a share of the side."""
_NOISE = (0.04, 0.08, 0.16)
"""Standard deviation of Gaussian noise as a share of the range of levels."""
_JPEG = (50, 20, 8)
"""Quality, in Pillow's scale."""
_BRIGHT, _DARK = (1.4, 1.9, 2.6), (0.7, 0.45, 0.25)
"""Factors on the levels."""


def corrupt(pixels: Pixels, kind: str, strength: int, seed: int = 0) -> Pixels:
    """Copies of pictures (n, side, side, 3), corrupted at a strength of 1 to 3.

    The same pictures and seed give the same copies, so every model is asked the same question.
    """
    level = strength - 1
    if kind == "noise":
        spread = 255 * _NOISE[level]
        noise = np.random.default_rng([seed, strength]).normal(0, spread, pixels.shape).astype(np.float32)
        return np.asarray(np.clip(np.rint(pixels + noise), 0, 255), np.uint8)
    change = _CHANGES[kind](level)
    return np.stack([np.asarray(change(Image.fromarray(picture))) for picture in pixels])


Change = Callable[[Image.Image], Image.Image]


def _blur(level: int) -> Change:
    return lambda image: image.filter(ImageFilter.GaussianBlur(_BLUR[level] * image.width))


def _jpeg(level: int) -> Change:
    def encode(image: Image.Image) -> Image.Image:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=_JPEG[level])
        return Image.open(out).convert("RGB")

    return encode


def _brightness(factors: tuple[float, ...]) -> Callable[[int], Change]:
    return lambda level: lambda image: ImageEnhance.Brightness(image).enhance(factors[level])


_CHANGES: dict[str, Callable[[int], Change]] = {
    "blur": _blur, "jpeg": _jpeg, "bright": _brightness(_BRIGHT), "dark": _brightness(_DARK),
}  # fmt: skip

KINDS = ("blur", "noise", "jpeg", "bright", "dark")
