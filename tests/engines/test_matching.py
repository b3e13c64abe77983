"""The fast searches find exactly what comparing every pair finds."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.leaks import LeakCandidate, LeakType, MatchMethod
from workers.engines import cosine_search, matching
from workers.engines.decoding import ImageStatus
from workers.engines.fingerprint_table import Fingerprint, table_from_rows
from workers.engines.fingerprints import fingerprint_images
from workers.engines.matching import find_exact, find_perceptual, find_semantic

# Few different values, so that pairs do match, each a few bits from another.
HASHES = [0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFF0, 0xFFFFFF0F, 0xFFFF0000FFFF0000, 0x8000000000000000, 0, 0xFF]
hashes = st.sampled_from(HASHES) | st.integers(0, 2**64 - 1)
digests = st.sampled_from([c * 32 for c in "123"])


def rows(prefix):
    row = st.builds(
        lambda ok, file, pixels, phash: (
            Fingerprint("", ImageStatus.OK, "", file, pixels, phash, 1, 1, 1)
            if ok
            else Fingerprint("", ImageStatus.TRUNCATED, "", file)
        ),
        st.integers(0, 9).map(bool),
        digests,
        digests,
        hashes,
    )
    return st.lists(row, max_size=12).map(
        lambda many: [replace_key(row, f"{prefix}/{len(many) - i:02}") for i, row in enumerate(many)]
    )


def replace_key(row, key):
    return Fingerprint(key, *(getattr(row, name) for name in Fingerprint.__slots__[1:]))


def pairs(query, reference, same):
    """All pairs worth comparing, as numbers of rows."""
    both = product(range(len(query)), range(len(reference)))
    return [(q, r) for q, r in both if not same or q < r]


def sides(query_key, reference_key, same):
    return tuple(sorted([query_key, reference_key], reverse=True)) if same else (reference_key, query_key)


def exact_by_comparing(query, reference, same):
    found = []
    for q, r in pairs(query, reference, same):
        a, b = query[q], reference[r]
        if a.status == b.status == "ok" and a.pixel_md5 == b.pixel_md5:
            kind = LeakType.IDENTICAL_FILE if a.file_md5 == b.file_md5 else LeakType.IDENTICAL_PIXELS
            found.append(LeakCandidate(*sides(a.key, b.key, same), MatchMethod.EXACT, 1.0, kind))
    return found


def perceptual_by_comparing(query, reference, max_distance, same):
    found = []
    for q, r in pairs(query, reference, same):
        a, b = query[q], reference[r]
        if not a.status == b.status == "ok":
            continue
        distance = (a.phash ^ b.phash).bit_count()
        is_telling = min(a.phash.bit_count(), b.phash.bit_count()) > 8 or a.pixel_md5 == b.pixel_md5
        if distance <= max_distance and is_telling:
            candidate = LeakCandidate(
                *sides(a.key, b.key, same),
                MatchMethod.PERCEPTUAL,
                1 - distance / 64,
                LeakType.NEAR_DUPLICATE,
                distance,
            )
            found.append((q, distance, r, candidate))
    return [candidate for *_, candidate in sorted(found, key=lambda entry: entry[:3])]


@given(query=rows("test"), reference=rows("train"))
def test_exact_search_finds_what_comparing_every_pair_finds(query, reference):
    found = list(find_exact(table_from_rows(query), table_from_rows(reference)))

    assert found == exact_by_comparing(query, reference, same=False)


@given(query=rows("train"))
def test_exact_search_inside_one_split_gives_each_pair_once(query):
    table = table_from_rows(query)

    assert list(find_exact(table, table, same=True)) == exact_by_comparing(query, query, same=True)


@given(query=rows("test"), reference=rows("train"), distance=st.integers(0, 32))
def test_perceptual_search_finds_what_comparing_every_pair_finds(query, reference, distance):
    found = find_perceptual(table_from_rows(query), table_from_rows(reference), max_distance=distance)

    assert list(found) == perceptual_by_comparing(query, reference, distance, same=False)


@given(query=rows("train"), distance=st.integers(0, 32))
def test_perceptual_search_inside_one_split_gives_each_pair_once(query, distance):
    table = table_from_rows(query)
    found = find_perceptual(table, table, max_distance=distance, same=True)

    assert list(found) == perceptual_by_comparing(query, query, distance, same=True)


def test_flat_pictures_do_not_match_each_other_by_the_thousand(draw, save):
    from PIL import Image

    colours = ["white", "red", "green", "blue", "black"]
    flat = [save(f"{colour}.png", Image.new("RGB", (40, 40), colour)) for colour in colours]
    ramps = [save(f"ramp{i}.png", Image.linear_gradient("L").resize((40 + i, 40)).convert("RGB")) for i in (0, 1)]
    copy = save("white_again.bmp", Image.new("RGB", (40, 40), "white"))
    table = fingerprint_images([*flat, *ramps, copy, save("photo.png", draw(1))])

    found = list(find_perceptual(table, table, max_distance=5, same=True))

    assert [(c.train_image, c.test_image) for c in found] == [("white_again.bmp", "white.png")]


VECTORS = np.array([[1, 0, 0], [0.8, 0.6, 0], [0.6, 0.8, 0], [0, 0, 2], [0, 0, 0], [-1, 0, 0]], np.float32)
vectors = st.lists(st.integers(0, len(VECTORS) - 1), max_size=12).map(lambda rows: VECTORS[np.array(rows, np.intp)])


def semantic_by_comparing(query, reference, min_similarity, same):
    found = []
    for q, r in pairs(query, reference, same):
        a, b = query[q].astype(float), reference[r].astype(float)
        cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b) or 1)
        if cosine >= min_similarity - 1e-9:
            found.append((q, r, round(cosine, 6)))
    return sorted(found, key=lambda entry: (entry[0], -entry[2], entry[1]))


@pytest.mark.parametrize("same", [False, True])
@given(query=vectors, reference=vectors, threshold=st.sampled_from([0.5, 0.6, 0.8, 0.96, 1.0]))
def test_semantic_search_finds_what_comparing_every_pair_finds(same, query, reference, threshold):
    reference = query if same else reference
    names, other = [f"a{i:02}" for i in range(len(query))], [f"a{i:02}" for i in range(len(reference))]

    found = list(find_semantic(names, query, other, reference, min_similarity=threshold, same=same))

    expected = semantic_by_comparing(query, reference, threshold, same)
    assert [(c.train_image, c.test_image, round(c.similarity, 6)) for c in found] == [
        (*sides(names[q], other[r], same), similarity) for q, r, similarity in expected
    ]


def test_blocks_make_no_difference_to_the_result(monkeypatch):
    random = np.random.default_rng(0)
    many = random.normal(size=(90, 8)).astype(np.float32)
    table = table_from_rows(
        [
            Fingerprint(f"{i}", ImageStatus.OK, "", f"{i:032}", f"{i:032}", int(phash), 1, 1, 1)
            for i, phash in enumerate(random.integers(0, 2**63, 90, dtype=np.uint64))
        ]
    )

    def search():
        semantic = find_semantic(table.keys, many, table.keys, many, min_similarity=0.5, same=True)
        return [*semantic, *find_perceptual(table, table, max_distance=24, same=True)]

    at_once = search()
    monkeypatch.setattr(matching, "_QUERY_BLOCK", 7)
    monkeypatch.setattr(cosine_search, "BAND_BYTES", 7 * 8 * 4)
    monkeypatch.setattr(cosine_search, "BLOCK_BYTES", 11 * 8 * 4)

    assert {c.method for c in at_once} == {"semantic", "perceptual"}
    assert search() == at_once
