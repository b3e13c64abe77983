"""Outliers, mislabels and copies on made embeddings and pairs: what is planted is found, and bad input is told."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.leaks import LeakCandidate, LeakType, MatchMethod
from workers.engines.copies import find_copies
from workers.engines.mislabels import find_mislabels
from workers.engines.neighbours import find_neighbours, shorten
from workers.engines.outliers import find_outliers


@pytest.fixture
def clusters():
    """Three classes of forty points each around their own corner of 32 dimensions."""
    random = np.random.default_rng(0)
    labels = [name for name in ("ant", "bee", "cow") for _ in range(40)]
    vectors = random.normal(0, 0.15, (120, 32))
    for i in range(120):
        vectors[i, i // 40] += 1
    keys = [f"{label}/{i}" for i, label in enumerate(labels)]
    return keys, unit(vectors), labels


def unit(vectors):
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)


def test_an_image_far_from_all_others_is_an_outlier(clusters):
    keys, vectors, labels = clusters
    vectors = vectors.copy()
    vectors[5] = unit(np.eye(32)[[30]] * -1)[0]
    claims, shown, _ = find_outliers(keys, shorten(vectors), labels)
    surest = max(claims, key=lambda claim: claim.confidence)
    assert surest.key == keys[5]
    assert "nearest" in surest.reason
    assert len(claims) < 6
    assert sum(shown[0].counts) == 120


def test_an_image_in_the_wrong_class_is_an_outlier_of_it_and_a_mislabel(clusters):
    keys, vectors, labels = clusters
    labels = [*labels]
    labels[3] = "cow"
    assert keys[3] in {c.key for c in find_outliers(keys, shorten(vectors), labels)[0] if c.issue == "class_outlier"}
    found = find_mislabels(keys, shorten(vectors), labels)
    assert [(claim.key, claim.suggested_label) for claim in found.claims] == [(keys[3], "ant")]
    assert found.claims[0].confidence > 0.7
    assert "probability" in found.claims[0].reason


def test_a_systematic_confusion_is_a_finding(clusters):
    keys, vectors, labels = clusters
    labels = ["cow" if i < 8 else label for i, label in enumerate(labels)]
    found = find_mislabels(keys, shorten(vectors), labels)
    (confusion,) = found.confusions
    assert (confusion.given, confusion.looks_like) == ("cow", "ant")
    assert confusion.images >= 6


def test_clean_labels_bring_no_claims(clusters):
    keys, vectors, labels = clusters
    assert find_mislabels(keys, shorten(vectors), labels).claims == []


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["one"] * 120, "only one class"),
        ([""] * 120, "no class has"),
        (["a"] * 60 + ["b"] * 59 + ["c"], "1 classes of fewer than 5"),
        (["a"] * 60 + ["b"] * 50 + [""] * 10, "10 images that have no label"),
    ],
)
def test_labels_that_nothing_can_be_learnt_from_are_told(clusters, labels, said):
    keys, vectors, _ = clusters
    assert any(said in notice for notice in find_mislabels(keys, shorten(vectors), labels).notices)
    find_outliers(keys, shorten(vectors), labels)


def test_equal_images_are_neither_outliers_nor_mislabels():
    vectors = unit(np.ones((40, 8)))
    keys, labels = [str(i) for i in range(40)], ["a", "b"] * 20
    short = shorten(vectors)
    assert find_outliers(keys, short, labels)[0] == []
    for claim in find_mislabels(keys, short, labels).claims:
        assert claim.confidence <= 0.6


def test_few_images_are_told():
    assert "at least" in find_outliers(["a"], shorten(unit(np.ones((1, 4)))), ["x"])[2][0]
    assert find_neighbours(np.ones((1, 4), np.float32), 3).rows.shape == (1, 0)


def test_no_image_is_its_own_neighbour_even_among_copies():
    vectors = np.concatenate([np.tile(unit(np.ones((1, 8))), (30, 1)), unit(np.eye(8))])
    near = find_neighbours(vectors, 5)
    assert near.rows.shape == (38, 5)
    assert not (near.rows == np.arange(38)[:, None]).any()


def pair(train: str, test: str, score: float = 1.0) -> LeakCandidate:
    kind = LeakType.IDENTICAL_PIXELS if score == 1.0 else LeakType.NEAR_DUPLICATE
    return LeakCandidate(train, test, MatchMethod.VERIFIED, score, kind)


def test_copies_are_groups_that_keep_their_first():
    claims = find_copies([pair("b", "a"), pair("c", "b"), pair("d", "c", 0.8)], dict.fromkeys("abcd", "cat"))
    by_issue = {(claim.key, claim.issue, claim.group) for claim in claims}
    assert by_issue == {
        ("b", "exact_duplicate", "winnow:a"), ("c", "exact_duplicate", "winnow:a"),
        ("d", "near_duplicate", "winnow:a"),
    }  # fmt: skip


def test_labels_that_differ_between_copies_are_doubted_by_the_majority():
    labels = {"a": "cat", "b": "cat", "c": "dog", "d": ""}
    claims = find_copies([pair("b", "a"), pair("c", "a"), pair("d", "a")], labels)
    (doubt,) = [claim for claim in claims if claim.issue == "label_conflict"]
    assert (doubt.key, doubt.suggested_label) == ("c", "cat")
    both = find_copies([pair("c", "a")], labels)
    assert {c.key: c.suggested_label for c in both if c.issue == "label_conflict"} == {"a": None, "c": None}
