"""The search by blocks finds exactly what two loops over all pairs find, in bounded memory."""

from __future__ import annotations

import tracemalloc
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import JobCancelled
from workers.engines import cosine_search
from workers.engines.cosine_search import TorchScreen, search_cosines
from workers.engines.vector_file import VectorWriter

# Pairs of these have cosines of 0, 0.6, 0.8, 0.96 and 1 exactly: every threshold below is one of them.
CORNERS = np.array(
    [[1, 0, 0], [0.8, 0.6, 0], [0.6, 0.8, 0], [3, 4, 0], [0, 0, 2], [0, 0, 0], [-1, 0, 0], [0, 1e-9, 0]], np.float32
)
corners = st.lists(st.integers(0, len(CORNERS) - 1), max_size=14).map(lambda rows: CORNERS[np.array(rows, np.intp)])
MIB = 1 << 20


def by_comparing(query, reference, min_similarity, same=False):
    """The plain reference: every pair, one after the other."""
    found = []
    for q, r in product(range(len(query)), range(len(reference))):
        a, b = query[q].astype(float), reference[r].astype(float)
        lengths = np.linalg.norm(a) * np.linalg.norm(b)
        cosine = a @ b / lengths if lengths else 0.0
        if (not same or q < r) and cosine >= min_similarity - 1e-9:
            found.append((q, r, round(float(cosine), 7)))
    return sorted(found, key=lambda entry: (entry[0], -entry[2], entry[1]))


def search(query, reference, min_similarity, **options):
    return [
        (int(q), int(r), round(float(cosine), 7))
        for found in search_cosines(query, reference, min_similarity, **options)
        for q, r, cosine in zip(found.query_rows, found.reference_rows, found.cosines, strict=True)
    ]


@pytest.fixture
def small_blocks(monkeypatch):
    """Bands of eleven rows of eight numbers, blocks of five, products of three."""
    monkeypatch.setattr(cosine_search, "BAND_BYTES", 11 * 8 * 4)
    monkeypatch.setattr(cosine_search, "BLOCK_BYTES", 5 * 8 * 4)
    monkeypatch.setattr(cosine_search, "_PRODUCT_ROWS", 3)


@pytest.fixture
def in_half_precision(monkeypatch):
    """What a GPU does, on the CPU."""
    monkeypatch.setattr(cosine_search, "_NumPyScreen", lambda: TorchScreen(torch.device("cpu")))


@pytest.mark.parametrize("same", [False, True])
@given(query=corners, reference=corners, threshold=st.sampled_from([0.6, 0.8, 0.96, 1.0, 0.5]))
def test_ties_at_the_threshold_count(same, query, reference, threshold):
    reference = query if same else reference

    found = search(query, reference, threshold, same=same)

    # Rounding alone tells equal cosines of different vectors apart, so their order is left open here.
    assert sorted(found) == sorted(by_comparing(query, reference, threshold, same))
    assert [(q, -cosine) for q, _, cosine in found] == sorted((q, -cosine) for q, _, cosine in found)


def near_the_threshold(seed: int, threshold: float, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Query and reference, row by row at cosines closer to the threshold than half precision can tell."""
    random = np.random.default_rng(seed)
    reference = random.normal(size=(count, 64))
    reference /= np.linalg.norm(reference, axis=1, keepdims=True)
    across = random.normal(size=(count, 64))
    across -= (across * reference).sum(axis=1, keepdims=True) * reference
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    cosines = (threshold + np.linspace(-3e-5, 3e-5, count))[:, np.newaxis]
    query = cosines * reference + np.sqrt(1 - cosines**2) * across
    return (7 * query).astype(np.float32), (0.01 * reference).astype(np.float32)


@pytest.mark.parametrize("threshold", [0.5, 0.95])
def test_a_screen_in_half_precision_decides_about_no_pair(in_half_precision, threshold):
    query, reference = near_the_threshold(1, threshold)

    found = search(query, reference, threshold)

    assert found == by_comparing(query, reference, threshold)
    assert 20 <= len(found) <= 40


@pytest.mark.parametrize("same", [False, True])
def test_blocks_make_no_difference(request, tmp_path, same):
    random = np.random.default_rng(4)
    query = random.normal(size=(40, 8)).astype(np.float32)
    reference = query if same else random.normal(size=(30, 8)).astype(np.float32)
    at_once = search(query, reference, 0.4, same=same)
    request.getfixturevalue("small_blocks")

    assert at_once == by_comparing(query, reference, 0.4, same)
    assert search(query, reference, 0.4, same=same) == at_once
    assert search(on_disk(tmp_path / "q", query), on_disk(tmp_path / "r", reference), 0.4, same=same) == at_once
    request.getfixturevalue("in_half_precision")
    assert search(query, reference, 0.4, same=same) == at_once


def on_disk(path, array):
    writer = VectorWriter(path, array.shape[1])
    writer.append(array)
    return writer.finish()


@pytest.mark.parametrize("min_similarity", [0.9, 0.1], ids=["none is found", "many are found"])
def test_memory_is_bounded_however_many_vectors_there_are(tmp_path, monkeypatch, min_similarity):
    """As the module promises: each band twice, eight blocks, 80 bytes for each pair of a band."""
    monkeypatch.setattr(cosine_search, "BAND_BYTES", MIB)
    monkeypatch.setattr(cosine_search, "BLOCK_BYTES", MIB)
    random = np.random.default_rng(5)
    query = on_disk(tmp_path / "q", random.normal(size=(1000, 512)).astype(np.float32))
    reference = on_disk(tmp_path / "r", random.normal(size=(16_000, 512)).astype(np.float32))

    tracemalloc.start()
    most = max(len(found) for found in search_cosines(query, reference, min_similarity))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < (2 + 8) * MIB + 80 * most
    assert (most > 10_000) == (min_similarity < 0.5)
    assert len(reference) * 512 * 4 > 2 * (2 + 8) * MIB  # in vain otherwise


def test_a_search_stops_when_asked_to():
    vectors = np.eye(4, dtype=np.float32)
    with pytest.raises(JobCancelled):
        list(search_cosines(vectors, vectors, 0.9, should_stop=lambda: True))


@pytest.mark.parametrize("shape", [(0, 8), (5, 8)])
def test_nothing_is_like_nothing(shape):
    assert search(np.zeros(shape, np.float32), np.zeros((3, 8), np.float32), 0.1) == []
