"""The small copies that comparisons are made from: upright, whole, averaged by area, in all eight forms."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from workers.engines.area_average import average_areas
from workers.engines.fingerprint_table import concat_tables
from workers.engines.fingerprints import fingerprint_images
from workers.engines.phash import hash_forms, hash_reduced
from workers.engines.thumbnail import reduce_picture, reduce_together
from workers.engines.thumbnail_stack import StackedThumbnails, stack_thumbnails


def grey(seed, side=32):
    return np.random.default_rng(seed).integers(0, 256, (side, side), dtype=np.uint8)


@pytest.mark.parametrize("flip", [0, 1])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_each_form_is_the_phash_of_the_picture_really_turned(flip, turns):
    pictures = np.stack([grey(seed) for seed in range(300)])
    really = np.stack([np.rot90(np.fliplr(x) if flip else x, k=turns) for x in pictures])

    assert np.array_equal(hash_forms(pictures)[:, flip * 4 + turns], hash_reduced(really))


def test_a_small_picture_is_replicated_and_a_large_one_averaged():
    small, large = grey(1), grey(2, 128)

    copies = reduce_together([reduce_picture(Image.fromarray(small)), reduce_picture(large)])

    assert np.array_equal(copies.thumbnails[0], small.repeat(2, axis=0).repeat(2, axis=1))
    means = large.reshape(64, 2, 64, 2).astype(int).sum(axis=(1, 3)) / 4
    assert np.abs(copies.thumbnails[1] - means).max() <= 1
    assert (copies.chromas == 128).all()


def test_chroma_tells_colours_apart_that_are_equally_bright():
    halves = Image.new("RGB", (300, 200), (200, 30, 30))
    halves.paste((20, 60, 250), (150, 0, 300, 200))

    chroma = reduce_together([reduce_picture(halves)]).chromas[0]

    assert (chroma[1, :, :4] > 150).all()
    assert (chroma[0, :, 4:] > 150).all()


@pytest.mark.parametrize("size", [(96, 72), (700, 500)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_thumbnails_and_sizes_are_upright_whatever_exif_says(draw, save, size, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    ref = save("turned.jpg", draw(1, size), exif=exif, quality=95)
    with Image.open(ref.path) as image:
        shown = ImageOps.exif_transpose(image)

    row = fingerprint_images([ref]).row(0)

    expected = np.asarray(shown.convert("L").resize((64, 64), Image.Resampling.BOX)).astype(int)
    assert (row.width, row.height) == shown.size
    assert np.abs(np.frombuffer(row.thumbnail, np.uint8).reshape(64, 64) - expected).mean() < 3


def test_what_cannot_be_read_is_all_zero(draw, save):
    good, bad = save("a.png", draw(1)), save("b.png", draw(2))
    bad.path.write_bytes(b"no image")

    table = fingerprint_images([good, bad])

    assert table.thumbnails[0].any()
    assert not table.thumbnails[1].any()
    assert not table.chromas[1].any()
    assert not table.phash_forms[1].any()


def test_stacked_thumbnails_read_like_one_array():
    parts = [np.stack([grey(10 * n + i, 64) for i in range(n)]) for n in (2, 0 + 1, 3)]
    whole = np.concatenate(parts)

    stacked = stack_thumbnails([stack_thumbnails(parts[:2]), parts[2]])

    assert isinstance(stacked, StackedThumbnails)
    assert stacked.shape == whole.shape
    assert np.array_equal(stacked, whole)
    assert np.array_equal(stacked[3], whole[3])
    assert np.array_equal(stacked[1:5], whole[1:5])
    assert np.array_equal(stacked[1:5][::2], whole[1:5:2])
    assert np.array_equal(stacked[np.array([5, 0, 0, 3])], whole[[5, 0, 0, 3]])
    assert np.array_equal(stacked[whole[:, 0, 0] > 99], whole[whole[:, 0, 0] > 99])
    assert stacked[np.empty(0, np.intp)].shape == (0, 64, 64)


def test_putting_tables_together_copies_no_thumbnails(draw, save):
    first, second = (fingerprint_images([save(f"{n}.png", draw(n))]) for n in (1, 2))

    both = concat_tables([first, second])

    assert np.shares_memory(both.thumbnails[0], first.thumbnails)
    assert list(both) == [*first, *second]


def shares(pixels, areas):
    """How much of each pixel lies in each area, by cutting each pixel into as many pieces as there are areas."""
    pieces = np.arange(pixels * areas)
    counts = np.zeros((areas, pixels))
    np.add.at(counts, (pieces // pixels, pieces // areas), 1)
    return counts / pixels


@pytest.mark.parametrize("size", [(64, 64), (65, 127), (93, 125), (640, 64), (131, 1000)])
def test_areas_are_averaged_exactly(size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)

    luma, coarse = average_areas(pixels)

    grey = pixels @ np.array([0.299, 0.587, 0.114])
    assert np.abs(shares(size[0], 64) @ grey @ shares(size[1], 64).T - luma).max() <= 0.501
    means = np.einsum("yh,hwc,xw->yxc", shares(size[0], 8), pixels.astype(float), shares(size[1], 8), optimize=True)
    assert np.abs(means - coarse).max() <= 0.501
