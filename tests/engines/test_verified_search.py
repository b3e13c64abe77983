"""Copies are found however they were changed, told by name, and other pictures of the like are not."""

from __future__ import annotations

import random
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from app.domain.errors import JobCancelled
from app.domain.leaks import LeakType, MatchMethod, Transform
from workers.engines import verification, verified_search
from workers.engines.candidate_files import read_candidates, write_candidates
from workers.engines.candidates import Candidates, keep_best, probe_groups, search_from_queries, search_from_references
from workers.engines.descriptors import FORMS, WHOLE, Window, describe
from workers.engines.fingerprints import fingerprint_images
from workers.engines.leak_run import run_leaks
from workers.engines.verification import in_form, verify
from workers.engines.verified_search import find_candidates, merge_candidates, typical_side, verify_pairs

SIZE = (240, 180)


def scene(seed: int) -> Image.Image:
    """Shapes of all sizes on a graded ground: structure at every scale, as a photo has."""
    rng = random.Random(seed)

    def colour() -> tuple[int, int, int]:
        return rng.randrange(256), rng.randrange(256), rng.randrange(256)

    picture = Image.linear_gradient("L").resize(SIZE)
    picture = ImageOps.colorize(picture.rotate(rng.choice((0, 180))), colour(), colour())
    draw = ImageDraw.Draw(picture)
    for size in (90, 60, 60, 40, 40, 40, 25, 25, 25, 25, 12, 12, 12, 12, 12, 12):
        x, y = rng.randrange(-20, SIZE[0]), rng.randrange(-20, SIZE[1])
        w, h = rng.randrange(size // 2, size + 1), rng.randrange(size // 2, size + 1)
        shape = rng.choice((draw.ellipse, draw.rectangle))
        shape((x, y, x + w, y + h), fill=colour())
    return picture


def as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def cut(picture: Image.Image, share: float, x: float, y: float) -> Image.Image:
    width, height = round(SIZE[0] * share), round(SIZE[1] * share)
    left, top = round((SIZE[0] - width) * x), round((SIZE[1] - height) * y)
    return picture.crop((left, top, left + width, top + height))


def captioned(picture: Image.Image) -> Image.Image:
    copy = picture.copy()
    ImageDraw.Draw(copy).text((20, 140), "for sale", fill="white", font_size=20)
    return copy


CHANGES = {
    "jpeg": (lambda p: as_jpeg(p, 30), Transform.RE_ENCODED),
    "resized": (lambda p: p.resize((128, 128)), Transform.RESIZED),
    "mirrored": (ImageOps.mirror, Transform.MIRRORED),
    "turned": (lambda p: p.rotate(90, expand=True), Transform.ROTATED),
    "mirrored and turned": (lambda p: ImageOps.mirror(p).rotate(270, expand=True), Transform.ROTATED),
    "tilted": (lambda p: p.rotate(8), Transform.ROTATED),
    "cropped 90": (lambda p: cut(p, 0.9, 0.3, 0.8), Transform.CROPPED),
    "cropped 75": (lambda p: cut(p, 0.75, 0.9, 0.1), Transform.CROPPED),
    "cropped 50": (lambda p: cut(p, 0.5, 0.4, 0.6), Transform.CROPPED),
    "centre square": (lambda p: ImageOps.fit(p, (160, 160)), Transform.CROPPED),
    "blurred": (lambda p: p.filter(ImageFilter.GaussianBlur(2)), Transform.RE_ENCODED),
    "grey": (lambda p: p.convert("L"), Transform.RECOLOURED),
    "brighter": (lambda p: ImageEnhance.Brightness(p).enhance(1.4), Transform.RECOLOURED),
    "framed": (lambda p: ImageOps.expand(p, 15, "white"), Transform.CROPPED),
    "captioned": (captioned, None),
    "mirrored, cropped, compressed": (
        lambda p: as_jpeg(cut(ImageOps.mirror(p), 0.75, 0.2, 0.5), 50),
        Transform.MIRRORED,
    ),
}


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """Every change made of three of thirty scenes, searched among them all, with what was rejected."""
    from workers.engines.decoding import ImageRef

    folder = tmp_path_factory.mktemp("scenes")

    def save(name: str, picture: Image.Image) -> ImageRef:
        path = folder / name
        picture.save(path)
        return ImageRef(name, path)

    train = [save(f"{seed}.png", scene(seed)) for seed in range(30)]
    test = [
        save(f"{seed} {name}.png", change(scene(seed))) for seed in range(3) for name, (change, _) in CHANGES.items()
    ]
    test += [save(f"new {seed}.png", scene(seed)) for seed in range(100, 110)]
    return run_leaks(train, test, [MatchMethod.VERIFIED], include_rejected=True, processes=1)


@pytest.mark.parametrize("name", CHANGES)
def test_a_copy_is_found_and_named(searched, name):
    wanted = CHANGES[name][1]
    for seed in range(3):
        found = [
            c
            for c in searched.candidates
            if c.test_image == f"{seed} {name}.png" and c.leak_type is not LeakType.REJECTED
        ]
        best = max(found, key=lambda candidate: candidate.score or 0)
        assert best.train_image == f"{seed}.png"
        assert wanted is None or best.transform is wanted


def test_new_pictures_are_not_accepted_but_told_when_asked(searched):
    new = [c for c in searched.candidates if c.test_image.startswith("new")]

    assert new, "their nearest ones were looked at"
    assert {c.leak_type for c in new} == {LeakType.REJECTED}
    assert all(c.transform is None and c.score is not None and c.score < 0.3 for c in new)


def test_candidates_of_other_methods_carry_the_score(save):
    train = [save("train/a.png", scene(1)), save("train/b.png", scene(2))]
    test = [save("test/a.png", scene(1)), save("test/c.jpg", scene(2))]

    found = run_leaks(train, test, [MatchMethod.EXACT, MatchMethod.PERCEPTUAL, MatchMethod.VERIFIED]).candidates

    assert [(c.test_image, c.method, c.score, c.transform) for c in found if c.test_image == "test/a.png"] == [
        ("test/a.png", method, 1.0, Transform.IDENTICAL_FILE)
        for method in (MatchMethod.EXACT, MatchMethod.PERCEPTUAL, MatchMethod.VERIFIED)
    ]
    assert all(c.score > 0.9 and c.transform is Transform.RE_ENCODED for c in found if c.test_image == "test/c.jpg")


def test_inside_one_folder_each_pair_comes_once(save):
    refs = [save("a.png", scene(1)), save("b.png", ImageOps.mirror(scene(1))), save("c.png", scene(3))]

    found = run_leaks(refs, None, [MatchMethod.VERIFIED]).candidates

    assert [(c.test_image, c.train_image, c.transform) for c in found] == [("a.png", "b.png", Transform.MIRRORED)]


@pytest.fixture
def tables(save):
    query = fingerprint_images([save(f"q{i}.png", cut(scene(i), 0.8, 0.5, 0.5)) for i in range(6)], processes=1)
    reference = fingerprint_images([save(f"r{i}.png", scene(i)) for i in range(20)], processes=1)
    return query, reference


def found_in(query, reference, parts) -> set[tuple[int, int]]:
    side = min(typical_side(query), typical_side(reference))
    pieces = [
        find_candidates(query, reference.part(start, stop), side=side, smallest_crop=0.5, first_reference=start)
        for start, stop in parts
    ]
    candidates = merge_candidates(pieces)
    verified = verify_pairs(query, reference, candidates)
    return {
        (q, r) for q, r, score in zip(verified.query, verified.reference, verified.scores, strict=True) if score > 0.3
    }


def test_how_the_reference_is_cut_does_not_change_what_is_found(tables):
    query, reference = tables

    whole = found_in(query, reference, [(0, 20)])

    assert whole == {(i, i) for i in range(6)}
    assert found_in(query, reference, [(0, 7), (7, 8), (8, 20)]) == whole


def test_candidates_come_back_from_disk_as_they_were(tables, tmp_path):
    query, reference = tables
    found = find_candidates(query, reference, side=180, smallest_crop=0.5)

    write_candidates(tmp_path / "a.npz", found)
    write_candidates(tmp_path / "b.npz", read_candidates(tmp_path / "a.npz"))

    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sum(len(some) for some in found.values()) > 0


def test_a_search_stops_on_request(tables):
    query, reference = tables
    with pytest.raises(JobCancelled):
        find_candidates(query, reference, side=180, smallest_crop=0.5, should_stop=lambda: True)


def test_verification_stops_between_chunks_of_pairs(tables, monkeypatch):
    query, reference = tables
    candidates = merge_candidates([find_candidates(query, reference, side=180, smallest_crop=0.5)])
    monkeypatch.setattr(verification, "_CHUNK", 4)
    answers = iter([False, False])
    begun = []
    work = verification._verify_pairs
    monkeypatch.setattr(verification, "_verify_pairs", lambda *given: begun.append(work(*given)))

    with pytest.raises(JobCancelled):
        verify_pairs(query, reference, candidates, should_stop=lambda: next(answers, True))

    assert len(begun) == 2


def plain_search(query, reference, group, min_cosine):
    """Every probe against every picture, by one matrix product: what the search has to agree with."""
    best: dict[tuple[int, int], float] = {}
    for probe in group.probes:
        for form in probe.forms:
            cosines = describe(query, probe.window, (form,))[0] @ describe(reference)[0].T
            for q, r in zip(*np.nonzero(cosines >= min_cosine), strict=True):
                best[int(q), int(r)] = max(best.get((int(q), int(r)), -1.0), float(cosines[q, r]))
    return best


@pytest.mark.parametrize("group", probe_groups(500), ids=lambda group: group.name)
def test_the_nearest_are_those_of_brute_force(tables, group):
    query, reference = (np.asarray(table.thumbnails) for table in tables)
    plain = plain_search(query, reference, group, 0.7)

    found = search_from_queries(query, describe(reference)[0], group, threads=2)

    pairs = {(int(q), int(r)): float(c) for q, r, c in zip(found.query, found.reference, found.cosine, strict=True)}
    assert all(pairs[pair] == pytest.approx(plain[pair], abs=1e-4) for pair in pairs)
    for q in range(len(query)):
        nearest = max((cosine for (a, _), cosine in plain.items() if a == q), default=None)
        assert nearest is None or max(c for (a, _), c in pairs.items() if a == q) == pytest.approx(nearest, abs=1e-4)


def test_crops_of_references_are_sought_as_well(tables):
    whole_scenes, crops = tables[1], tables[0]
    group = next(g for g in probe_groups(500) if g.name == "crop 0.8")

    found = search_from_references(np.asarray(crops.thumbnails), np.asarray(whole_scenes.thumbnails), group)

    best = keep_best(found, 1)
    assert dict(zip(best.query.tolist(), best.reference.tolist(), strict=True)) == {i: i for i in range(6)}
    assert not best.in_query.any()


@pytest.mark.parametrize("form", range(FORMS))
def test_descriptors_of_turned_pictures_are_those_of_the_picture_turned(form):
    pixels = np.asarray(scene(5).convert("L").resize((64, 64)))
    turned = np.rot90(np.fliplr(pixels) if form >= 4 else pixels, form % 4)

    assert np.array_equal(in_form(pixels, form), turned)
    assert describe(pixels[None], WHOLE, (form,))[0] == pytest.approx(describe(turned[None])[0], abs=1e-5)


def test_a_window_of_a_mirrored_picture_lies_on_the_other_side():
    assert Window(0.5, 0.5, 0.3, -0.2).as_map(is_mirrored=True) == pytest.approx((0.5, 0, -0.3, 0, 0.5, -0.2))


def test_alignment_finds_a_known_map():
    """A crop whose place is known, from a hypothesis that is a few per cent off."""
    wanted = np.array([0.75, 0.0, 0.1, 0.0, 0.75, -0.05])
    big = np.asarray(scene(8).convert("L").resize((256, 256), Image.Resampling.BOX))
    left, top = round((1 + 0.1 - 0.75) * 128), round((1 - 0.05 - 0.75) * 128)
    crop = Image.fromarray(big[top : top + 192, left : left + 192])
    query = np.asarray(crop.resize((64, 64), Image.Resampling.BOX))[None]
    reference = np.asarray(Image.fromarray(big).resize((64, 64), Image.Resampling.BOX))[None]
    guess = Candidates(
        np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int8), np.zeros(1, bool),
        np.array([[0.8, 0, 0.05, 0, 0.8, 0.0]]), np.ones(1, np.float32),
    )  # fmt: skip

    verified = verify(query, reference, guess)

    assert verified.maps[0] == pytest.approx(wanted, abs=0.02)
    assert verified.evidence[0, 0] > 0.95


def test_flat_pictures_are_not_taken_for_copies_of_each_other(save):
    train = [save(f"train/{i}.png", Image.new("RGB", SIZE, (200, 200, 190 + i))) for i in range(3)]
    test = [save("test/flat.png", Image.new("RGB", SIZE, (200, 210, 200)))]

    assert run_leaks(train, test, [MatchMethod.VERIFIED]).candidates == []


def test_groups_of_every_size_have_a_number_to_keep():
    for side in (10, 32, 64, 500):
        assert {group.name for group in probe_groups(side)} <= set(verified_search._keeps())
