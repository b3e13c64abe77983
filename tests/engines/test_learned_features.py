"""Features learnt from the images alone, and the map made of them: repeatable, and telling apart what differs."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.errors import InvalidInput
from workers.engines.embedding_map import lay_out
from workers.engines.neighbours import find_neighbours, scale, shorten
from workers.engines.outliers import find_outliers
from workers.engines.patch_features import describe_by, describe_patches, learn_patches
from workers.engines.self_training import Training, encode, sample_rows, train_encoder
from workers.engines.small_pictures import side_for


def stripes(count: int, side: int = 32):
    """Pictures with stripes across or along, each with noise of its own, and which is which."""
    random = np.random.default_rng(0)
    kinds = np.arange(count) % 2
    wave = (np.sin(np.arange(side) * 1.2) * 90 + 128)[:, np.newaxis] * np.ones((1, side))
    flat = np.stack([wave if kind else wave.T for kind in kinds])[..., np.newaxis]
    return np.clip(flat + random.normal(0, 30, (count, side, side, 3)), 0, 255).astype(np.uint8), kinds


def agreeing(vectors, kinds) -> float:
    near = find_neighbours(shorten(vectors), 5)
    return float((kinds[near.rows] == kinds[:, np.newaxis]).mean())


def test_patches_tell_pictures_apart_and_are_repeatable():
    pixels, kinds = stripes(60)
    assert agreeing(describe_patches(pixels), kinds) > 0.95
    learnt = learn_patches(pixels, seed=3)
    assert np.array_equal(describe_by(pixels, learnt), describe_by(pixels, learn_patches(pixels, seed=3)))
    assert describe_by(pixels[:0], learnt).shape[0] == 0


def test_a_training_on_the_images_is_seeded_and_learns():
    pixels, kinds = stripes(64)
    seen: list[int] = []
    weights, losses = train_encoder(pixels, Training(3, "cpu", 1), on_progress=seen.append)
    again, same = train_encoder(pixels, Training(3, "cpu", 1))
    assert (losses, weights) == (same, again)
    assert train_encoder(pixels, Training(3, "cpu", 2))[1] != losses
    assert losses[-1] < losses[0]
    assert seen == [64, 128, 192]
    vectors = encode(pixels, weights, "cpu")
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-3)
    assert agreeing(vectors, kinds) > 0.9


def test_a_training_stops_when_asked_and_takes_larger_pictures():
    pixels, _ = stripes(8, side=64)
    weights, losses = train_encoder(pixels, Training(5, "cpu"), should_stop=lambda: True)
    assert losses == []
    assert encode(pixels, weights, "cpu").shape == (8, 256)


def test_equal_pictures_break_nothing():
    pixels = np.full((30, 32, 32, 3), 77, np.uint8)
    weights, losses = train_encoder(pixels, Training(1, "cpu"))
    assert np.isfinite(losses).all()
    assert np.isfinite(encode(pixels, weights, "cpu")).all()
    features = describe_patches(pixels)
    assert find_outliers([str(n) for n in range(30)], scale(features), ["a"] * 30, by_length=True)[0] == []
    assert np.unique(lay_out([str(n) for n in range(30)], shorten(features)).places, axis=0).shape == (1, 2)


def test_a_device_that_is_not_there_is_told():
    with pytest.raises(InvalidInput, match="cannot be used here"):
        train_encoder(stripes(4)[0], Training(1, "cuda:99"))


def test_a_strange_picture_among_others_is_an_outlier_of_its_patches():
    pixels, _ = stripes(80)
    pixels[7] = np.random.default_rng(1).integers(0, 2, (32, 32, 3), dtype=np.uint8) * 255
    claims, _, _ = find_outliers(
        [str(n) for n in range(80)], scale(describe_patches(pixels)), [""] * 80, by_length=True
    )
    assert max(claims, key=lambda claim: claim.confidence).key == "7"


def test_the_side_follows_most_images():
    assert (side_for([32] * 9 + [500]), side_for([300, 400, 20]), side_for([])) == (32, 64, 32)
    assert list(sample_rows(5, 10)) == [0, 1, 2, 3, 4]
    assert len(set(sample_rows(100, 10, 1))) == 10
    assert sample_rows(100, 10, 1) == sample_rows(100, 10, 1)


def test_a_map_keeps_what_is_alike_together_and_places_what_was_left_out():
    random = np.random.default_rng(0)
    kinds = np.arange(150) % 3
    vectors = shorten((np.eye(16)[kinds] + random.normal(0, 0.05, (150, 16))).astype(np.float32))
    found = lay_out([str(n) for n in range(150)], vectors, laid_out=100)
    assert found.places.min() >= 0
    assert found.places.max() <= 1
    middles = np.stack([np.median(found.places[kinds == kind], axis=0) for kind in range(3)])
    nearest = np.linalg.norm(found.places[:, np.newaxis] - middles, axis=2).argmin(axis=1)
    assert (nearest == kinds).mean() > 0.98


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_map_of_few_images_is_a_map(count):
    vectors = shorten(np.eye(8, dtype=np.float32)[:count])
    assert lay_out([str(n) for n in range(count)], vectors).places.shape == (count, 2)
