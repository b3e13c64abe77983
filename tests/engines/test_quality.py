"""Quality: planted faults are found in a dataset that is usual otherwise, and one that is all so is not flagged."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from workers.engines.decoding import ImageRef
from workers.engines.fingerprints import fingerprint_images
from workers.engines.image_measures import COLUMN, measure_pixels
from workers.engines.image_reading import read_images
from workers.engines.quality import find_poor_images, find_unreadable


def photo(seed: int, size: tuple[int, int] = (200, 160)) -> Image.Image:
    """A colourful picture with fine detail, its brightness and texture its own."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    fine = random.normal(0, 14 + seed % 5, (size[1], size[0], 1))
    return Image.fromarray((np.asarray(coarse) * 0.8 + fine + 20).clip(0, 255).astype(np.uint8))


FAULTS = {
    "blurry": lambda image: image.filter(ImageFilter.GaussianBlur(3)),
    "dark": lambda image: ImageEnhance.Brightness(image).enhance(0.15),
    "overexposed": lambda image: ImageEnhance.Brightness(image).enhance(5),
    "low_information": lambda image: Image.new("RGB", image.size, (90, 120, 90)),
    "grayscale": lambda image: image.convert("L"),
    "odd_size": lambda image: image.resize((1600, 1280)),
    "odd_aspect_ratio": lambda image: image.resize((800, 40)),
}


@pytest.fixture
def refs(save) -> list[ImageRef]:
    return [save(f"{i}.png", photo(i)) for i in range(30)]


def issues(refs: list[ImageRef]) -> dict[str, set[str]]:
    found = read_images(refs, processes=1)
    rows = found.table.ok_rows()
    claims, _ = find_poor_images([found.table.keys[row] for row in rows.tolist()], found.measures[rows])
    told: dict[str, set[str]] = {}
    for claim in claims:
        told.setdefault(claim.key, set()).add(claim.issue)
        assert 0.5 <= claim.confidence <= 1
        assert claim.reason
    return told


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_nothing_else(refs, save, fault):
    bad = save("bad.png", FAULTS[fault](photo(99)))
    found = issues([*refs, bad])
    assert fault in found.pop(bad.key)
    assert found == {}


def test_a_dataset_that_is_dark_as_a_whole_is_not_flagged(save):
    dark = [save(f"{i}.png", FAULTS["dark"](photo(i))) for i in range(20)]
    assert issues(dark) == {}


def test_equal_images_are_not_flagged(save):
    assert issues([save(f"{i}.png", photo(1)) for i in range(12)]) == {}


def test_no_images_make_no_claims():
    claims, shown = find_poor_images([], np.zeros((0, len(COLUMN)), np.float32))
    assert claims == []
    assert all(sum(one.counts) == 0 for one in shown)


def test_a_limit_can_be_moved(refs, save):
    bad = save("bad.png", FAULTS["dark"](photo(99)))
    found = read_images([*refs, bad], processes=1)
    assert not list(find_poor_images(found.table.keys, found.measures, limits={"dark": 0.99})[0])


def test_unreadable_images_are_claims_and_missing_ones_are_not(save, tmp_path):
    whole = save("whole.jpg", photo(1))
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(whole.path.read_bytes()[:900])
    (tmp_path / "text.jpg").write_text("no picture")
    refs = [whole, *(ImageRef(name, tmp_path / name) for name in ("cut.jpg", "text.jpg", "gone.jpg"))]
    found = read_images(refs, processes=1)
    claims = {claim.key: claim for claim in find_unreadable(found.table.problems())}
    assert set(claims) == {"cut.jpg", "text.jpg"}
    assert "ends too early" in claims["cut.jpg"].reason
    assert found.measures[1:].any() is np.False_


def test_a_single_decoding_gives_the_fingerprints_of_a_leak_run(save):
    large = photo(3, (900, 700))
    refs = [
        save("a.png", photo(1)),
        save("b.jpg", photo(2, (120, 100))),
        save("c.jpg", large),
        save("t.png", photo(4, (32, 32))),
    ]
    ours, theirs = read_images(refs, processes=1).table, fingerprint_images(refs, processes=1)
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine.file_md5, mine.pixel_md5, mine.width, mine.height) == (
            other.file_md5, other.pixel_md5, other.width, other.height,
        )  # fmt: skip
        assert (mine.phash ^ other.phash).bit_count() <= 4


def test_what_was_read_is_kept_until_the_file_changes(save, tmp_path, monkeypatch):
    import os

    refs = [save(f"{i}.png", photo(i)) for i in range(3)]
    for ref in refs:
        os.utime(ref.path, (1_000_000, 1_000_000))
    where = {"fingerprints": tmp_path / "cache", "measures": tmp_path / "cache.npz"}
    first = read_images(refs, processes=1, **where)
    done: list[int] = []
    save("1.png", photo(77))
    again = read_images(refs, processes=1, on_progress=done.append, **where)
    assert done == [3]  # one read, two known
    assert (again.measures[[0, 2]] == first.measures[[0, 2]]).all()
    assert (again.measures[1] != first.measures[1]).any()
    assert again.table.keys == first.table.keys
    (tmp_path / "cache.npz").write_bytes(b"broken")
    assert (read_images(refs, processes=1, **where).measures == again.measures).all()


def test_percentiles_and_entropy_are_those_of_the_definition():
    grey = np.repeat(np.array([[0, 255]], np.uint8), 50, axis=0)
    row = measure_pixels(grey, (2, 50))
    assert row[COLUMN["mean"]] == pytest.approx(0.5)
    assert row[COLUMN["entropy"]] == pytest.approx(1.0)
    assert (row[COLUMN["p5"]], row[COLUMN["p95"]]) == (0.0, 1.0)
    assert row[COLUMN["white"]] == pytest.approx(0.5)
