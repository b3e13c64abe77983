"""The changes that copies are made with do what their names say."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from PIL import Image

from app.demo.changes import CHANGES, change


@pytest.fixture
def picture():
    noise = np.random.default_rng(5).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((160, 120), Image.Resampling.BICUBIC)


SIZES = {
    "resize_256": (256, 256),
    "centre_square": (256, 256),
    "crop_90": (144, 108),
    "crop_75": (120, 90),
    "crop_50": (80, 60),
    "rotate_90": (120, 160),
    "border": (220, 180),
    "mirror_crop_75_jpeg_50": (120, 90),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_gives_another_picture_of_the_expected_size(picture, name):
    changed = change(picture, name, Random(1))

    assert changed.mode == "RGB"
    assert changed.size == SIZES.get(name, picture.size)
    assert changed.tobytes() != picture.tobytes()


@pytest.mark.parametrize("name", CHANGES)
def test_equal_chance_gives_equal_pictures(picture, name):
    assert change(picture, name, Random(7)).tobytes() == change(picture, name, Random(7)).tobytes()


def test_crops_come_from_different_places(picture):
    assert len({change(picture, "crop_50", Random(n)).tobytes() for n in range(5)}) > 1


def test_grey_pictures_are_changed_too(picture):
    assert change(picture.convert("L"), "border", Random(1)).getpixel((0, 0)) == (255, 255, 255)
