"""Fingerprints mean what they say, and the fast way gives what the plain one gives."""

from __future__ import annotations

import threading
import warnings

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageOps

from app.domain.errors import JobCancelled
from workers.engines.decoding import MIN_REDUCED_SIDE, ImageRef, ImageStatus
from workers.engines.fast_jpeg import agrees_with_pillow, decode_plain_jpeg
from workers.engines.fingerprints import fingerprint_image, fingerprint_images
from workers.engines.thumbnail import reduce_picture, reduce_together


def assert_fast_equals_plain(refs):
    plain = [fingerprint_image(ref) for ref in refs]
    assert list(fingerprint_images(refs, processes=2)) == plain
    return plain


def distance(one: bytes, other: bytes) -> float:
    """Mean difference of pixels, in grey levels."""
    return float(np.abs(np.frombuffer(one, np.uint8).astype(int) - np.frombuffer(other, np.uint8)).mean())


def test_the_fast_way_agrees_with_the_plain_one_in_every_mode_and_format(drawn_images):
    plain = assert_fast_equals_plain(drawn_images)

    assert {row.status for row in plain} == {ImageStatus.OK}


@pytest.mark.real_data
def test_the_fast_way_agrees_with_the_plain_one_on_large_photos(imagenet_photos):
    for fast, plain in zip(fingerprint_images(imagenet_photos), map(fingerprint_image, imagenet_photos), strict=True):
        is_small = min(plain.width, plain.height) < 2 * MIN_REDUCED_SIDE
        assert (fast.pixel_md5 is None) != is_small
        assert (fast.phash ^ plain.phash).bit_count() <= (0 if is_small else 4)
        assert (fast.status, fast.file_md5, fast.width, fast.height) == (
            plain.status,
            plain.file_md5,
            plain.width,
            plain.height,
        )
        assert distance(fast.thumbnail, plain.thumbnail) < 5
        assert distance(fast.chroma, plain.chroma) < 1


@pytest.mark.real_data
def test_the_fast_way_agrees_with_the_plain_one_on_tiny_photos(cifar_photos):
    assert_fast_equals_plain(cifar_photos)


def test_plain_jpegs_really_take_the_fast_path(drawn_images):
    taken = {ref.key for ref in drawn_images if decode_plain_jpeg(ref.path.read_bytes()) is not None}

    assert agrees_with_pillow()
    assert {"sub0.jpg", "sub2.jpg", "grey.jpg", "progressive.jpg", "profile.jpg"} <= taken
    assert not taken & {"rotated.jpg", "cmyk.jpg", "rgb.png"}


XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


@pytest.mark.parametrize("orientation", [None, 0, 1, 6])
@pytest.mark.parametrize("xmp", [None, XMP])
def test_exif_and_xmp_turn_a_picture_as_in_pillow(draw, save, orientation, xmp):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    if orientation is not None:
        exif[0x0112] = orientation
    ref = save("photo.jpg", draw(1), exif=exif, **({"xmp": xmp} if xmp else {}))

    [row] = assert_fast_equals_plain([ref])

    is_turned = orientation == 6 or (orientation is None and xmp is not None)
    assert (row.width, row.height) == ((72, 96) if is_turned else (96, 72))
    assert (decode_plain_jpeg(ref.path.read_bytes()) is None) == is_turned


def test_the_phash_is_imagehashs_own(drawn_images):
    for row, ref in zip(fingerprint_images(drawn_images), drawn_images, strict=True):
        with warnings.catch_warnings(action="ignore"), Image.open(ref.path) as image:
            expected = imagehash.phash(ImageOps.exif_transpose(image))
        assert f"{row.phash:016x}" == str(expected), ref.key


def test_tiny_pixels_are_reduced_as_pillow_does():
    tiny = list(np.random.default_rng(0).integers(0, 256, (50, 32, 32, 3), dtype=np.uint8))

    fast = reduce_together([reduce_picture(pixels) for pixels in tiny])
    plain = reduce_together([reduce_picture(Image.fromarray(pixels)) for pixels in tiny])

    for name in ("greys", "thumbnails", "chromas"):
        assert np.array_equal(getattr(fast, name), getattr(plain, name)), name


def test_a_re_encoded_copy_has_other_bytes_but_the_same_pixels(draw, save):
    photo = save("photo.jpg", draw(1))
    with Image.open(photo.path) as image:
        copy = save("copy.png", image)

    original, copied = fingerprint_images([photo, copy])

    assert original.file_md5 != copied.file_md5
    assert original.pixel_md5 == copied.pixel_md5


def test_a_rotation_kept_in_exif_equals_one_done_to_the_pixels(draw, save):
    exif = Image.Exif()
    exif[0x0112] = 6
    kept = save("kept.png", draw(1), exif=exif)
    done = save("done.png", draw(1).transpose(Image.Transpose.ROTATE_270))

    first, second = fingerprint_images([kept, done])

    assert (first.width, first.height) == (72, 96)
    assert (first.pixel_md5, first.phash) == (second.pixel_md5, second.phash)


def test_the_mode_makes_no_difference_to_equal_pixels(draw, save):
    grey = draw(1).convert("L")
    refs = [save(f"{mode}.png", grey.convert(mode)) for mode in ("L", "RGB", "RGBA", "LA")]

    assert len({row.pixel_md5 for row in fingerprint_images(refs)}) == 1


def test_transparency_that_shows_belongs_to_the_pixels(draw, save):
    opaque, faded = draw(1).convert("RGBA"), draw(1).convert("RGBA")
    faded.putalpha(100)

    rows = fingerprint_images([save("opaque.png", opaque), save("faded.png", faded)])

    assert len({row.pixel_md5 for row in rows}) == 2


def test_values_beyond_eight_bits_belong_to_the_pixels(save):
    values = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) + 1000
    refs = [save("a.png", Image.fromarray(values)), save("b.png", Image.fromarray(values + 1))]

    assert len({row.pixel_md5 for row in fingerprint_images(refs)}) == 2


def test_pictures_of_equal_bytes_and_other_shape_differ(save):
    refs = [save(f"{w}x{h}.png", Image.new("RGB", (w, h))) for w, h in ((8, 2), (4, 4), (2, 8))]

    assert len({row.pixel_md5 for row in fingerprint_images(refs)}) == 3


def test_progress_counts_up_to_all_images(draw, save):
    refs = [save("a.png", draw(1))] * 150
    told = []

    fingerprint_images(refs, processes=2, on_progress=told.append)

    assert told == sorted(told)
    assert len(told) > 1
    assert told[-1] == 150


def test_a_run_stops_when_asked_to(draw, save):
    refs = [save("a.png", draw(1))] * 2000
    told = []

    with pytest.raises(JobCancelled):
        fingerprint_images(refs, processes=1, on_progress=told.append, should_stop=lambda: len(told) >= 2)

    assert told[-1] < 2000


def test_it_works_from_a_thread_as_in_a_worker(draw, save):
    refs = [save("a.png", draw(1)), save("b.jpg", draw(2))]
    tables = []

    thread = threading.Thread(target=lambda: tables.append(fingerprint_images(refs, processes=2)))
    thread.start()
    thread.join(60)

    assert list(tables[0]) == [fingerprint_image(ref) for ref in refs]


def test_no_images_give_an_empty_table():
    assert len(fingerprint_images([])) == 0


def test_names_that_are_no_valid_text_are_read_like_any_other(draw, tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    names = ["line\nbreak.png", "\N{CAT FACE}.png", "=formula.png", "x" * 250 + ".png", "byte\udcff.png"]
    refs = []
    for name in names:
        draw(1).save(tmp_path / "plain.png")
        (folder / name).write_bytes((tmp_path / "plain.png").read_bytes())
        refs.append(ImageRef(name, folder / name))

    table = fingerprint_images(refs)

    assert table.keys == names
    assert set(table.statuses) == {ImageStatus.OK}
