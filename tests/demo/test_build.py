"""The demo dataset on disk: repeatable, whole or absent, and as its truth says."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image

from app.demo import build, develop
from app.demo.build import DemoDataset, build_demo
from app.demo.fingerprint import distance, perceptual_hash, sharpness
from app.demo.plan import Counts, make_plan
from app.demo.truth import read_truth
from app.domain.errors import InvalidFile, InvalidInput, NotFound

SMALL = Counts(20, 10, 1, 1, 1, 1, 1, 1, 1, 3, 1, 1, 1, 1, 1)


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


@pytest.fixture(scope="session")
def hashes(demo: DemoDataset) -> dict[str, int]:
    """The pHash of every image that decodes, by the library that the workers use."""
    keys = [str(path.relative_to(demo.images)) for path in sorted(demo.images.rglob("*.*"))]
    return {
        key: int(str(imagehash.phash(opened(demo.images / key))), 16) for key in keys if key not in demo.truth.corrupt
    }


def test_same_seed_gives_same_bytes_with_any_number_of_processes(tmp_path: Path) -> None:
    build_demo(tmp_path / "one", counts=SMALL)
    build_demo(tmp_path / "two", counts=SMALL, processes=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_another_seed_gives_other_pictures(tmp_path: Path) -> None:
    one = build_demo(tmp_path / "one", counts=SMALL)
    two = build_demo(tmp_path / "two", counts=SMALL, seed=8)
    shared = {path.read_bytes() for path in one.images.rglob("*.jpg")} & {
        path.read_bytes() for path in two.images.rglob("*.jpg")
    }
    assert all(len(content) < 200 for content in shared)


def test_a_complete_dataset_is_returned_as_it_is(tmp_path: Path) -> None:
    first = build_demo(tmp_path / "demo", counts=SMALL)
    stamp = first.export.stat().st_mtime_ns
    again = build_demo(tmp_path / "demo", counts=SMALL)
    assert again == first
    assert again.export.stat().st_mtime_ns == stamp


def test_an_interrupted_build_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "make_flags", stop)
    with pytest.raises(KeyboardInterrupt):
        build_demo(tmp_path / "demo", counts=SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InvalidInput):
        build_demo(tmp_path, counts=SMALL)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_progress_reaches_the_total(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    build_demo(tmp_path / "demo", counts=SMALL, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (30, 30)


def test_truth_reads_back_as_written(demo: DemoDataset) -> None:
    assert read_truth(demo.truth_file) == demo.truth


def test_a_broken_truth_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text('{"seed": 7}')
    with pytest.raises(InvalidFile):
        read_truth(tmp_path / "truth.json")


def test_an_unflagged_sample_has_no_recorded_answer(demo: DemoDataset) -> None:
    with pytest.raises(NotFound):
        demo.truth.right_answer("train/fish/9999.jpg")


def test_there_are_450_train_and_150_test_images(demo: DemoDataset) -> None:
    files = Counter(path.relative_to(demo.images).parts[0] for path in demo.images.rglob("*.*"))
    assert files == {"train": 450, "test": 150}
    assert demo.truth.images == 600
    per_class = Counter(path.parent for path in demo.images.rglob("*.*"))
    assert len(per_class) == 16
    assert min(per_class.values()) >= 10


def test_names_tell_nothing(demo: DemoDataset) -> None:
    names = [path.name for path in demo.images.rglob("*.*")]
    assert all(re.fullmatch(r"\d{4}\.(jpg|png)", name) for name in names)
    leaked = {leak.test_key for leak in demo.truth.leaks}
    innocent = [p for p in demo.images.rglob("*.png") if str(p.relative_to(demo.images)) not in leaked]
    assert len(innocent) >= 8


def test_copied_leaks_have_equal_bytes_and_others_have_not(demo: DemoDataset) -> None:
    for leak in demo.truth.leaks:
        same = (demo.images / leak.train_key).read_bytes() == (demo.images / leak.test_key).read_bytes()
        assert same == (leak.kind == "copied"), leak


def test_leaks_are_what_their_kind_says(demo: DemoDataset, hashes: dict[str, int]) -> None:
    for leak in demo.truth.leaks:
        train, test = opened(demo.images / leak.train_key), opened(demo.images / leak.test_key)
        if leak.kind == "pixel_identical":
            assert np.array_equal(np.asarray(train), np.asarray(test))
        elif leak.kind == "reencoded":
            assert train.size == test.size
            assert distance(hashes[leak.train_key], hashes[leak.test_key]) <= 5
        elif leak.kind == "mirrored":
            gap = np.asarray(train.transpose(Image.Transpose.FLIP_LEFT_RIGHT), float) - np.asarray(test, float)
            assert np.abs(gap).mean() < 4
        elif leak.kind == "cropped":
            assert 0.74 <= test.width / train.width <= 0.91


def test_some_leaks_carry_differing_labels(demo: DemoDataset) -> None:
    assert 3 <= sum(leak.labels_differ for leak in demo.truth.leaks) <= 8


def test_duplicates_share_bytes_or_looks(demo: DemoDataset, hashes: dict[str, int]) -> None:
    for group in demo.truth.duplicates:
        distinct = {(demo.images / key).read_bytes() for key in group.keys}
        assert (len(distinct) == 1) == (group.kind == "exact")
        assert all(distance(hashes[group.keeper], hashes[key]) <= 5 for key in group.keys)
        assert group.keeper in group.keys


def test_corrupt_files_do_not_decode_and_all_others_do(demo: DemoDataset) -> None:
    for path in demo.images.rglob("*.*"):
        if str(path.relative_to(demo.images)) in demo.truth.corrupt:
            with pytest.raises(OSError):
                opened(path)
        else:
            opened(path)


def test_blurred_images_are_less_sharp_than_usual(demo: DemoDataset) -> None:
    usual = np.median(
        [
            sharpness(opened(path))
            for path in list(demo.images.glob("train/*/*.jpg"))[::9]
            if str(path.relative_to(demo.images)) not in demo.truth.corrupt
        ]
    )
    for key in demo.truth.blurred:
        assert sharpness(opened(demo.images / key)) < usual / 5


def test_the_own_hash_is_the_usual_phash(demo: DemoDataset, hashes: dict[str, int]) -> None:
    for key in list(hashes)[::40]:
        assert distance(perceptual_hash(opened(demo.images / key)), hashes[key]) <= 1


def test_no_two_scenes_look_alike_by_accident(demo: DemoDataset, hashes: dict[str, int]) -> None:
    family = {key: number for number, group in enumerate(demo.truth.duplicates) for key in group.keys}
    family |= {key: 1000 + n for n, leak in enumerate(demo.truth.leaks) for key in (leak.train_key, leak.test_key)}
    keys = sorted(hashes)
    bits = np.array([[int(bit) for bit in f"{hashes[key]:064b}"] for key in keys], np.int32)
    apart = bits @ (1 - bits.T) + (1 - bits) @ bits.T
    groups = np.array([family.get(key, -1 - i) for i, key in enumerate(keys)])
    apart[groups[:, None] == groups[None, :]] = 64
    assert apart.min() > 5


def test_export_has_the_columns_and_every_path_exists(demo: DemoDataset) -> None:
    with demo.export.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert ",".join(reader.fieldnames or []) == (
        "image_id,image_path,label,issue_type,confidence,suggested_label,reason,duplicate_group_id"
    )
    assert 180 <= len(rows) <= 220
    assert {row["issue_type"] for row in rows} == {"mislabel", "outlier", "duplicate", "quality"}
    for row in rows:
        assert (demo.images / row["image_path"]).is_file()
        assert row["label"] == row["image_path"].split("/")[1]
        assert 0 <= float(row["confidence"]) <= 1
        assert row["reason"]
        assert bool(row["duplicate_group_id"]) == (row["issue_type"] == "duplicate")
    assert {row["image_path"] for row in rows} == set(demo.truth.answers)


def rows_of(demo: DemoDataset) -> list[dict[str, str]]:
    with demo.export.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_about_half_of_the_mislabel_and_outlier_flags_are_wrong(demo: DemoDataset) -> None:
    rows = rows_of(demo)
    mislabels = [row["image_path"] in demo.truth.mislabels for row in rows if row["issue_type"] == "mislabel"]
    outliers = [row["image_path"] in demo.truth.outliers for row in rows if row["issue_type"] == "outlier"]
    assert 0.4 <= sum(mislabels) / len(mislabels) <= 0.6
    assert 0.35 <= sum(outliers) / len(outliers) <= 0.6
    assert set(demo.truth.mislabels) - {row["image_path"] for row in rows}


def test_true_flags_tend_to_be_surer(demo: DemoDataset) -> None:
    sure: dict[bool, list[float]] = defaultdict(list)
    for row in rows_of(demo):
        if row["issue_type"] == "mislabel":
            sure[row["image_path"] in demo.truth.mislabels].append(float(row["confidence"]))
    assert np.median(sure[True]) > np.median(sure[False]) + 0.05
    assert max(sure[False]) > min(sure[True])


def test_some_samples_are_flagged_twice(demo: DemoDataset) -> None:
    per_sample = Counter(row["image_path"] for row in rows_of(demo))
    assert 5 <= sum(count > 1 for count in per_sample.values()) <= 20


def test_right_answers_fit_the_decision_tree(demo: DemoDataset) -> None:
    implied = {
        "mislabel_confirmed": "relabel",
        "outlier_valid": "keep",
        "outlier_invalid": "remove",
        "duplicate_exact": "remove",
        "duplicate_near": "remove",
        "low_quality_corrupt": "remove",
        "keep": "keep",
    }
    for key in demo.truth.answers:
        decision, label, tag = demo.truth.right_answer(key)
        assert implied.get(tag, decision) == decision
        assert (label is not None) == (decision == "relabel")


def test_scenes_that_come_out_alike_are_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan(7, Counts(8, 0, *[0] * 13))
    monkeypatch.setattr(develop, "render", lambda label, seed: opened_scene(seed))
    shots = develop.develop(plan, 7, 1, lambda done, total: None)
    phashes = [shot.phash for shot in shots.values()]
    assert len(set(phashes)) == len(plan)


def opened_scene(seed: str) -> Image.Image:
    """At the first attempt the same noise for everyone, later each its own."""
    number, attempt = seed.split(":")[2:]
    rng = np.random.default_rng(0 if attempt == "0" else int(number) * 100 + int(attempt))
    noise = Image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8))
    return noise.resize((300, 300), Image.Resampling.BICUBIC)
