"""Pictures to work on: drawn ones in every mode and format, and the real photos beside the checkout."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from workers.engines.decoding import ImageRef

# Machines are shared: how long an example takes says nothing about the code.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")

REAL_DATA = Path(__file__).parents[3] / "shared" / "data"


def draw(seed: int, size: tuple[int, int] = (96, 72)) -> Image.Image:
    """A smooth colourful picture: noise at a low resolution, enlarged."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture(name="draw")
def draw_fixture():
    return draw


@pytest.fixture
def save(tmp_path):
    """Save an image under a name below the test's folder and give its reference back."""

    def save_as(name: str, image: Image.Image, **options) -> ImageRef:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, **options)
        return ImageRef(name, path)

    return save_as


@pytest.fixture
def drawn_images(save):
    """One picture in each mode and format that photos come in."""
    picture = draw(1)
    exif = Image.Exif()
    exif[0x0112] = 6
    translucent = picture.convert("RGBA")
    translucent.putalpha(Image.linear_gradient("L").resize(picture.size))
    opaque = picture.convert("RGBA")
    deep = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 199)
    flat = Image.new("RGB", (40, 30), (200, 10, 10))
    return [
        *(save(f"sub{n}.jpg", picture, subsampling=n) for n in (0, 1, 2)),
        save("progressive.jpg", picture, progressive=True),
        save("grey.jpg", picture.convert("L")),
        save("rgb_in_jpeg.jpg", picture, keep_rgb=True),
        save("cmyk.jpg", picture.convert("CMYK")),
        save("rotated.jpg", picture, exif=exif),
        save("comment.jpg", picture, comment="a comment"),
        save("restart.jpg", picture, restart_marker_rows=1),
        save("profile.jpg", picture, icc_profile=bytes(600)),
        save("small.jpg", draw(2, (32, 32))),
        save("small_grey.jpg", draw(2, (32, 32)).convert("L")),
        save("one_pixel.jpg", Image.new("RGB", (1, 1), "red")),
        save("odd.jpg", draw(3, (33, 17))),
        save("rgb.png", picture),
        save("grey.png", picture.convert("L")),
        save("palette.png", picture.convert("P", palette=Image.Palette.ADAPTIVE)),
        save("palette_clear.png", picture.quantize(16), transparency=3),
        save("palette_alpha.png", picture.quantize(16), transparency=bytes(range(0, 160, 10))),
        save("bilevel.png", picture.convert("1")),
        save("alpha.png", translucent),
        save("opaque.png", opaque),
        save("grey_alpha.png", translucent.convert("LA")),
        save("deep.png", deep),
        save("rotated.png", picture, exif=exif),
        save("picture.webp", picture, quality=80),
        save("alpha.webp", translucent, lossless=True),
        save("picture.bmp", picture),
        save("picture.gif", picture),
        save("animated.gif", picture, save_all=True, append_images=[draw(5)]),
        save("picture.tif", picture),
        save("packed.tif", picture, compression="tiff_lzw"),
        save("cmyk.tif", picture.convert("CMYK")),
        save("deep.tif", deep),
        save("floats.tif", picture.convert("F")),
        save("flat.png", flat),
        save("flat.jpg", flat),
    ]


def _photos(archive: Path, names: list[str], folder: Path) -> list[ImageRef]:
    with zipfile.ZipFile(archive) as photos:
        for name in names:
            photos.extract(name, folder)
    return [ImageRef(name, folder / name) for name in names]


def _archive(relative: str) -> tuple[Path, list[str]]:
    path = REAL_DATA / relative
    if not path.exists():
        pytest.skip(f"the real photos are not there: shared/data/{relative}")
    with zipfile.ZipFile(path) as archive:
        return path, sorted(name for name in archive.namelist() if not name.endswith("/"))


@pytest.fixture
def imagenet_photos(tmp_path):
    """Sixty photos at their original sizes."""
    path, names = _archive("imagenet/images.zip")
    return _photos(path, names[::8][:60], tmp_path)


@pytest.fixture
def cifar_photos(tmp_path):
    """A thousand tiny photos of both splits."""
    path, names = _archive("cifar10/images.zip")
    return _photos(path, names[::30], tmp_path)


@pytest.fixture
def cifar_cars(tmp_path):
    """All cars, as ``(train, test)``: the class with most of the judged leaks."""
    path, names = _archive("cifar10/images.zip")
    splits = [[name for name in names if name.startswith(f"{split}/automobile/")] for split in ("train", "test")]
    return tuple(_photos(path, split, tmp_path) for split in splits)


@pytest.fixture
def judged_leaks():
    path = REAL_DATA / "cifar10" / "leaks_judged.csv"
    if not path.exists():
        pytest.skip("the judged leaks are not there: shared/data/cifar10/leaks_judged.csv")
    return path
