"""Paths from elsewhere find their image by their end, where that is unique, and never by a name that repeats."""

from __future__ import annotations

import time

import pytest

from app.domain.path_matching import PathMatcher

KEYS = ["train/cat/0.png", "test/cat/0.png", "train/dog/7.png", "train/dog/Big.JPG"]


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("train/cat/0.png", "train/cat/0.png"),
        ("data/pets/train/cat/0.png", "train/cat/0.png"),
        ("C:/data/test/cat/0.png", "test/cat/0.png"),
        ("dog/7.png", "train/dog/7.png"),
        ("7.png", "train/dog/7.png"),
    ],
)
def test_a_path_is_found_by_its_end(path, key):
    found = PathMatcher(KEYS).find(path)
    assert (found.key, found.by_end) == (key, path != key)


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("0.png", "ambiguous_image", "could be 2 images"),
        ("cat/0.png", "ambiguous_image", "could be 2 images"),
        ("val/cat/0.png", "unknown_image", "nearest that exists is"),
        ("test/dog/7.png", "unknown_image", "'train/dog/7.png'"),
        ("og/7.png", "unknown_image", "'train/dog/7.png'"),
        ("train/dog/big.jpg", "other_case", "only upper and lower case differ"),
        ("nowhere.png", "unknown_image", "no image 'nowhere.png'"),
        ("train/dog/7.jpeg", "unknown_image", "'train/dog/7.png'"),
        ("data/train/dog/Bigg.JPG", "unknown_image", "'train/dog/Big.JPG'"),
        ("TRAIN/dog/_big.jpg", "unknown_image", "'train/dog/Big.JPG'"),
    ],
)
def test_a_path_that_might_mean_another_image_is_refused_with_the_nearest(path, code, said):
    found = PathMatcher(KEYS).find(path)
    assert (found.key, found.code) == (None, code)
    assert said in found.reason


def test_case_is_ignored_on_request_where_one_image_is_meant():
    assert PathMatcher(KEYS, ignore_case=True).find("TRAIN/dog/big.jpg").key == "train/dog/Big.JPG"
    two = PathMatcher(["a/x.png", "a/X.png"], ignore_case=True)
    assert two.find("a/X.png").key == "a/X.png"
    assert two.find("A/x.PNG").code == "other_case"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("img_0120_.png", "img_0120.png"), ("image_0120.png", "img_0120.png"), ("img_120.png", "img_0120.png"),
        ("img_0120.jpeg", "img_0120.png"), ("IMG-0120.png", "img_0120.png"), ("something else.png", None),
    ],
)  # fmt: skip
def test_the_nearest_is_found_in_a_large_folder(name, nearest):
    keys = [f"train/cat/img_{n:04d}.png" for n in range(3000)] + [f"train/dog/{name}x"]
    reason = PathMatcher(keys).find(f"train/cat/{name}").reason
    assert ("nearest" in reason) == (nearest is not None)
    assert nearest is None or f"'train/cat/{nearest}'" in reason


def test_no_nearest_is_told_from_another_folder_or_of_another_name():
    assert "nearest" not in PathMatcher(KEYS).find("val/cat/00.png").reason
    assert "nearest" not in PathMatcher(KEYS).find("train/dog/completely.png").reason


def test_many_unknown_paths_cost_little():
    keys = {f"train/{n % 50}/{n % 5000}.png": n for n in range(20_000)}
    matcher = PathMatcher(keys)
    begun = time.perf_counter()
    for n in range(20_000):
        assert matcher.find(f"gone/{n % 5000}.png").key is None
        assert matcher.find(f"train/{n % 50}/x{n % 5000}.png").key is None
    assert time.perf_counter() - begun < 10
