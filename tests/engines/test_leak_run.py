"""A whole search finds what was planted, and on real photos what people judged to be leaks."""

from __future__ import annotations

import csv
from collections import defaultdict

import pytest
from PIL import Image, ImageOps

from app.domain.errors import InvalidInput
from app.domain.leaks import LeakType, MatchMethod
from workers.engines.decoding import ImageRef
from workers.engines.leak_run import EmbeddingSource, run_leaks

EXACT, PERCEPTUAL = MatchMethod.EXACT, MatchMethod.PERCEPTUAL


@pytest.fixture
def planted(draw, save, tmp_path):
    """Ten train pictures; in test a copied file, a re-encoded one, a resized one, a mirrored one and a new
    one."""
    train = [save(f"train/{i}.png", draw(i)) for i in range(10)]
    test = [
        save("test/copied.png", draw(0)),
        save("test/re_encoded.bmp", draw(1)),
        save("test/resized.jpg", draw(2).resize((64, 48))),
        save("test/mirrored.png", ImageOps.mirror(draw(3))),
        save("test/new.png", draw(99)),
    ]
    return train, test


def found(result):
    return [(c.test_image, c.train_image, c.method, c.leak_type) for c in result.candidates]


def test_planted_copies_are_found_by_the_methods_that_can(planted):
    result = run_leaks(*planted, [PERCEPTUAL, EXACT])

    near = LeakType.NEAR_DUPLICATE
    assert found(result) == [
        ("test/copied.png", "train/0.png", EXACT, LeakType.IDENTICAL_FILE),
        ("test/copied.png", "train/0.png", PERCEPTUAL, near),
        ("test/re_encoded.bmp", "train/1.png", EXACT, LeakType.IDENTICAL_PIXELS),
        ("test/re_encoded.bmp", "train/1.png", PERCEPTUAL, near),
        ("test/resized.jpg", "train/2.png", PERCEPTUAL, near),
    ]
    assert result.counts == {
        "train_images": 10,
        "test_images": 5,
        "problems": 0,
        "candidates": 5,
        "exact": 2,
        "perceptual": 3,
        "semantic": 0,
        "verified": 0,
        "images_affected": 3,
    }
    assert set(result.timings) == {"fingerprints", "exact", "perceptual"}


def test_without_a_test_side_duplicates_inside_train_are_found(planted):
    train, test = planted

    result = run_leaks([*train, *test], None, [EXACT])

    assert [(c.test_image, c.train_image) for c in result.candidates] == [
        ("test/copied.png", "train/0.png"),
        ("test/re_encoded.bmp", "train/1.png"),
    ]


def test_all_methods_run_together_and_skip_what_cannot_be_read(planted, tmp_path):
    import torch
    from torchvision.models import resnet50

    torch.manual_seed(7)
    torch.save(resnet50(weights=None).state_dict(), tmp_path / "weights.pth")
    (tmp_path / "bad.png").write_text("no image")
    train, test = planted
    test.insert(1, ImageRef("test/bad.png", tmp_path / "bad.png"))
    told = []

    result = run_leaks(
        train,
        test,
        list(MatchMethod),
        min_similarity=1,
        embeddings=EmbeddingSource(weights=tmp_path / "weights.pth", device="cpu"),
        progress=lambda *step: told.append(step),
    )

    semantic = [c for c in result.candidates if c.method is MatchMethod.SEMANTIC]
    assert {(c.test_image, c.train_image) for c in semantic} == {
        ("test/copied.png", "train/0.png"),
        ("test/re_encoded.bmp", "train/1.png"),
    }
    assert [(p.key, p.status) for p in result.problems] == [("test/bad.png", "not_an_image")]
    assert {("fingerprints", 16, 16), ("embeddings", 16, 16)} <= set(told)


@pytest.mark.parametrize(
    ("methods", "options"),
    [
        ([], {}),
        ([PERCEPTUAL], {"max_distance": -1}),
        ([PERCEPTUAL], {"max_distance": 33}),
        ([MatchMethod.SEMANTIC], {"min_similarity": 0}),
        ([MatchMethod.SEMANTIC], {"min_similarity": 1.01}),
    ],
)
def test_parameters_that_make_no_sense_are_refused(methods, options):
    with pytest.raises(InvalidInput):
        run_leaks([], [], methods, **options)


@pytest.mark.real_data
def test_on_real_photos_most_of_what_phash_finds_people_judged_to_be_leaks(cifar_cars, judged_leaks):
    judgements = defaultdict(set)
    with judged_leaks.open() as stream:
        for row in csv.DictReader(stream):
            judgements[row["test_image"]].add(row["label"])
    true = {key for key, labels in judgements.items() if "duplicate" in labels and "/automobile/" in key}
    unclear = {key for key, labels in judgements.items() if labels & {"unsure", "similar"}} - true

    result = run_leaks(*cifar_cars, [EXACT, PERCEPTUAL])

    suspected = {candidate.test_image for candidate in result.candidates} - unclear
    assert len(suspected & true) >= 20
    assert len(suspected & true) >= 0.9 * len(suspected)


def test_a_picture_repeated_in_both_sides_gives_every_pair(save):
    picture = Image.linear_gradient("L").rotate(30).resize((50, 50))
    train = [save(f"train/{i}.png", picture) for i in range(3)]
    test = [save(f"test/{i}.png", picture) for i in range(2)]

    assert len(run_leaks(train, test, [EXACT]).candidates) == 6
