"""What happens to pictures on their way from one dataset to another: fifteen changes, by name.

For measuring which copies a leak search finds. Each takes an RGB picture and a source of chance, and gives a new one.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from random import Random

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

Picture = Image.Image
Change = Callable[[Picture, Random], Picture]

SMALL = (256, 256)
BORDER_PIXELS = 30
BLUR_PIXELS = 3
CAPTION = "SAMPLE PHOTO 2021"


def change(picture: Picture, name: str, random: Random) -> Picture:
    """The picture after the change called ``name``, one of ``CHANGES``."""
    return CHANGES[name](picture.convert("RGB"), random)


def re_encode(picture: Picture, quality: int) -> Picture:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def cut_centre_square(picture: Picture) -> Picture:
    """The largest square in the middle, resized."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side)).resize(SMALL)


def crop(picture: Picture, share: float, random: Random) -> Picture:
    """A part with ``share`` of each side, from anywhere."""
    width, height = (max(round(side * share), 1) for side in picture.size)
    left, top = random.randint(0, picture.width - width), random.randint(0, picture.height - height)
    return picture.crop((left, top, left + width, top + height))


def write_on(picture: Picture, random: Random) -> Picture:
    """A caption in white, a fourteenth of the height."""
    written = picture.copy()
    place = random.randint(0, picture.width // 2), random.randint(0, picture.height * 9 // 10)
    ImageDraw.Draw(written).text(place, CAPTION, fill="white", font_size=max(12, picture.height // 14))
    return written


CHANGES: dict[str, Change] = {
    "jpeg_30": lambda picture, _: re_encode(picture, 30),
    "resize_256": lambda picture, _: picture.resize(SMALL),
    "centre_square": lambda picture, _: cut_centre_square(picture),
    "crop_90": lambda picture, random: crop(picture, 0.9, random),
    "crop_75": lambda picture, random: crop(picture, 0.75, random),
    "crop_50": lambda picture, random: crop(picture, 0.5, random),
    "mirror": lambda picture, _: ImageOps.mirror(picture),
    "rotate_90": lambda picture, _: picture.transpose(Image.Transpose.ROTATE_90),
    "rotate_10": lambda picture, _: picture.rotate(10),
    "blur": lambda picture, _: picture.filter(ImageFilter.GaussianBlur(BLUR_PIXELS)),
    "grey": lambda picture, _: picture.convert("L").convert("RGB"),
    "brightness_1.5": lambda picture, _: ImageEnhance.Brightness(picture).enhance(1.5),
    "border": lambda picture, _: ImageOps.expand(picture, BORDER_PIXELS, "white"),
    "text": write_on,
    "mirror_crop_75_jpeg_50": lambda picture, random: re_encode(crop(ImageOps.mirror(picture), 0.75, random), 50),
}
"""In the order in which tables show them."""
