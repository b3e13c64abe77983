"""Pictures of versions come from the dataset, through children that decode, and may be gone."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pytest
from PIL import Image

from app.domain.sources import ImagePlace
from app.services import version_files
from app.services.version_pictures import VersionPictures, picture_cache
from app.services.write_deliverables import write_deliverables
from tests.fixtures.datasets import draw

PICTURED = ("pets_cleaning_report.html", "pets_slides.pptx", "pets_review.html")


@pytest.fixture
def pictures(settings, dataset):
    with picture_cache(settings) as cache:
        yield VersionPictures(cache, lambda key: ImagePlace(dataset, key))


def opened(data: bytes | None) -> Image.Image:
    assert data is not None
    image = Image.open(io.BytesIO(data))
    assert image.format == "JPEG"
    return image


def test_large_images_shrink_and_tiny_ones_keep_sharp_pixels(pictures, dataset):
    draw(1, (900, 600)).save(dataset / "train/cat/large.jpg")
    Image.fromarray(np.uint8([[0, 255], [255, 0]])).resize((16, 16), Image.Resampling.NEAREST).save(
        dataset / "train/cat/tiny.png"
    )
    assert opened(pictures.jpeg("train/cat/large.jpg", 192)).size == (192, 128)
    assert opened(pictures.jpeg("train/cat/large.jpg", 360)).size == (360, 240)
    tiny = opened(pictures.jpeg("train/cat/tiny.png", 192)).convert("L")
    assert tiny.size == (192, 192)
    assert tiny.getpixel((90, 10)) < 30  # still black just beside the edge
    assert tiny.getpixel((102, 10)) > 225


def test_what_is_gone_broken_or_no_image_is_none(pictures, dataset):
    (dataset / "train/cat/broken.jpg").write_bytes(b"\xff\xd8\xff not a photo")
    (dataset / "train/cat/empty.jpg").write_bytes(b"")
    for key in ("train/cat/none.png", "train/cat/broken.jpg", "train/cat/empty.jpg", "../secret.png"):
        assert pictures.jpeg(key, 192) is None


def test_noise_is_encoded_harder_so_that_a_page_of_it_stays_small(pictures, dataset):
    noise = np.random.default_rng(1).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(dataset / "train/cat/noise.png")
    data = pictures.jpeg("train/cat/noise.png", 192)
    assert data is not None
    assert len(data) < 16_000


def test_every_file_is_made_again_the_same_and_without_images_too(world):
    world.flag("train/cat/0.png", "train/cat/1.png", "train/dog/0.png", suggested="dog")
    world.submit("alice", "train/cat/0.png", "remove")
    world.submit("bob", "train/dog/0.png", "keep")
    world.freeze("undecided", "class_share")
    world.work()
    folder = world.settings.folder("versions")
    made = {path.name: path.read_bytes() for path in (folder / "pets/v1").iterdir()}
    assert set(PICTURED) <= set(made)
    assert b"data:image/jpeg" in made["pets_review.html"]

    def write_again() -> dict[str, bytes]:
        with world.reading() as (session, access):
            version_id = version_files.repository.get_version(session, access.id, 1).id
        with picture_cache(world.settings) as cache:
            write_deliverables(world.database, version_id, folder, cache=cache)
        return {path.name: path.read_bytes() for path in (folder / "pets/v1").iterdir()}

    assert write_again() == made
    shutil.rmtree(world.root)
    bare = write_again()
    assert {name for name in made if bare[name] != made[name]} == {*PICTURED, "MANIFEST.json"}  # it has their digests
    assert b"data:image/jpeg" not in bare["pets_review.html"]
    assert b"This file can't be read" in bare["pets_cleaning_report.html"]
