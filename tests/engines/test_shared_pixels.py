"""Files with the same pixels are found although hardly any file is decoded in full for it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.domain.leaks import LeakType
from workers.engines import shared_pixels
from workers.engines.decoding import ImageStatus
from workers.engines.fingerprint_table import Fingerprint, table_from_rows
from workers.engines.fingerprints import fingerprint_images
from workers.engines.matching import find_exact
from workers.engines.phash import is_degenerate
from workers.engines.shared_pixels import fill_pixel_digests, rows_that_may_share_pixels

LARGE = (640, 480)


def copy_as(save, ref, name, **options):
    with Image.open(ref.path) as image:
        return save(name, image, **options)


@pytest.fixture
def photos(draw, save):
    """Five large photos; a copied file, a copy saved as PNG, one stored another way, one only resized."""
    train = [save(f"train/{i}.jpg", draw(i, LARGE), quality=90) for i in range(5)]
    copied = save("test/copied.jpg", draw(0, LARGE), quality=90)
    saved_again = copy_as(save, train[1], "test/saved_again.png")
    stored_otherwise = save("test/stored_otherwise.jpg", draw(2, LARGE), quality=90, optimize=True, progressive=True)
    resized = save("test/resized.jpg", draw(3, (320, 240)), quality=90)
    return train, [copied, saved_again, stored_otherwise, resized]


def test_identical_pixels_are_found_and_told_apart_from_identical_files(photos):
    train, test = photos
    query, reference = fingerprint_images(test), fingerprint_images(train)

    found = find_exact(*fill_pixel_digests(query, reference, test, train))

    assert [(c.test_image, c.train_image, c.leak_type) for c in found] == [
        ("test/copied.jpg", "train/0.jpg", LeakType.IDENTICAL_FILE),
        ("test/saved_again.png", "train/1.jpg", LeakType.IDENTICAL_PIXELS),
        ("test/stored_otherwise.jpg", "train/2.jpg", LeakType.IDENTICAL_PIXELS),
    ]


def test_inside_one_split_too(photos):
    refs = [ref for side in photos for ref in side]
    table = fingerprint_images(refs)

    filled, again = fill_pixel_digests(table, table, refs, refs)

    assert filled is again
    assert len(list(find_exact(filled, filled, same=True))) == 3


def test_only_files_in_doubt_are_decoded_and_each_once(photos, monkeypatch):
    train, test = photos
    query, reference = fingerprint_images(test), fingerprint_images([*train, train[2]])
    decoded = []
    monkeypatch.setattr(
        shared_pixels,
        "map_in_children",
        lambda work, refs, **_: [decoded.extend(ref.key for ref in refs), work(refs)][1:],
    )

    fill_pixel_digests(query, reference, test, [*train, train[2]])

    assert sorted(decoded) == ["test/stored_otherwise.jpg", "train/1.jpg", "train/2.jpg"]


def test_copies_of_a_file_in_doubt_stay_equal_to_it(photos, draw, save):
    """One copy lies beside a re-encoded one, another alone in its table."""
    train, test = photos
    query, reference = fingerprint_images([train[1]]), fingerprint_images([train[1], test[1]])

    found = list(find_exact(*fill_pixel_digests(query, reference, [train[1]], [train[1], test[1]])))

    assert len(found) == 2


def test_a_file_that_is_gone_since_is_still_equal_to_its_copies(photos):
    train, test = photos
    refs = [train[0], test[0], train[1], test[1]]
    table = fingerprint_images(refs)
    for ref in refs:
        ref.path.unlink()

    filled, _ = fill_pixel_digests(table, table, refs, refs)

    assert [c.leak_type for c in find_exact(filled, filled, same=True)] == [LeakType.IDENTICAL_FILE]


def test_flat_pictures_of_one_size_are_in_doubt_and_thousands_cost_nothing(monkeypatch):
    flat = Fingerprint("", ImageStatus.OK, "", None, None, 1 << 63, 500, 400, 9)
    many = table_from_rows([replace(flat, file_md5=f"{i:032x}") for i in range(1, 5001)])
    other_size = table_from_rows([replace(flat, file_md5="f" * 32, width=501)])

    both, _ = rows_that_may_share_pixels(many, many)
    none, _ = rows_that_may_share_pixels(many, other_size)

    assert len(both) == 5000
    assert len(none) == 0


HASHES = [0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFE0, 0xFFFFFF0F00, 0xFFFF0000FFFF0000, 0, 1 << 63, 0xFF]
fingerprints = st.lists(
    st.builds(
        lambda ok, phash, width, file: Fingerprint(
            "", ImageStatus.OK if ok else ImageStatus.TRUNCATED, "", file * 32, None, phash, width, 300, 9
        ),
        st.integers(0, 5).map(bool),
        st.sampled_from(HASHES),
        st.sampled_from([300, 400]),
        st.sampled_from("12345"),
    ),
    max_size=8,
)


def may_share(a, b):
    flat = is_degenerate(np.array([a.phash, b.phash], np.uint64))
    close = flat.all() or (not flat.any() and (a.phash ^ b.phash).bit_count() <= 4)
    is_usable = a.status == b.status == ImageStatus.OK
    return is_usable and close and a.width == b.width and a.file_md5 != b.file_md5


@given(query=fingerprints, reference=fingerprints)
def test_all_rows_in_doubt_are_found_and_no_row_without_reason(query, reference):
    left, right = rows_that_may_share_pixels(table_from_rows(query), table_from_rows(reference))

    pairs = [(q, r) for q, r in product(range(len(query)), range(len(reference))) if may_share(query[q], reference[r])]
    assert {q for q, _ in pairs} <= set(left.tolist())
    assert {r for _, r in pairs} <= set(right.tolist())
    # Rows of equal hash and size go together.
    alike = {(query[q].phash, query[q].width) for q, _ in pairs}
    assert all(
        (query[q].phash, query[q].width) in alike or is_degenerate(np.array([query[q].phash], np.uint64))[0]
        for q in left.tolist()
    )
