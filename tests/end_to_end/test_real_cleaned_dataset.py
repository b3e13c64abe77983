"""The round trip on real photos: five people's votes as reviews, a version, its zip, and the dataset that it leaves."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from torchvision.datasets import ImageFolder

from app.cleaned_dataset import CleanedDataset, ListsDoNotFit, clean_hugging_face, main
from app.domain.consensus import Rule
from app.services import version_files
from app.services.import_reviews import import_reviews
from tests.fixtures.world import World

pytestmark = [pytest.mark.real_data]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def votes() -> list[dict[str, str]]:
    file = ROOT.parent / "shared" / "data" / "cifar10" / "mislabel_votes.csv"
    return list(csv.DictReader(file.read_text().splitlines()))


def as_reviews(votes: list[dict[str, str]], folder: Path) -> bytes:
    source = folder / "votes.csv"
    with source.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, votes[0])
        writer.writeheader()
        writer.writerows(votes)
    command = [sys.executable, str(ROOT / "docs" / "cifar_reviews.py"), "votes", str(source)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def majority(row: dict[str, str]) -> str | None:
    """What more than half of the votes ask for, counted here once more."""
    keep = int(row["votes_given"]) + int(row["votes_both"])
    counts = {"keep": keep, "relabel": int(row["votes_guessed"]), "remove": int(row["votes_neither"])}
    best = max(counts, key=lambda name: counts[name])
    return best if 2 * counts[best] > sum(counts.values()) else None


def test_real_votes_become_a_cleaned_dataset(cifar, votes, settings, database, doorbell, tmp_path) -> None:
    photos = Path(cifar[0])
    raw = ImageFolder(str(photos / "test"))
    known = [row for row in votes if row["suggested"] in raw.classes]
    root = settings.data_roots[0] / "cifar10"
    root.mkdir(parents=True)
    # Links to files are passed over when a dataset is listed, so the photos themselves are needed.
    for file in sorted((photos / "test").rglob("*.jpg")):
        target = root / file.relative_to(photos)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(file, target)
    world = World(settings, database, doorbell, root).create("CIFAR-10").scan()
    world.set_policies(min_submitted=5, rule=Rule.MAJORITY, max_class_share=1.0)
    with world.writing("root") as (session, access):
        import_reviews(session, access, as_reviews(known, tmp_path), create_reviewers=True)
    world.freeze("undecided", "open_conflicts", "class_share")
    world.work()
    path = tmp_path / "cifar-10_v1.zip"
    buffer = io.BytesIO()
    with world.reading() as (session, access):
        version_files.write_zip(session, access, 1, settings.folder("versions"), buffer)
    path.write_bytes(buffer.getvalue())

    outcomes = {row["image"]: (majority(row), row["suggested"]) for row in known}
    naive = [
        (file, raw.class_to_idx[suggested] if decision == "relabel" else label)
        for file, label in raw.samples
        for decision, suggested in [outcomes.get(Path(file).relative_to(photos).as_posix(), (None, ""))]
        if decision != "remove"
    ]
    cleaned = CleanedDataset.from_version(raw, path, "test")
    removed = sum(decision == "remove" for decision, _ in outcomes.values())
    relabelled = sum(decision == "relabel" for decision, _ in outcomes.values())
    assert (len(raw) - len(cleaned), len(cleaned.new_labels)) == (removed, relabelled)
    assert removed > 0
    assert relabelled > 0
    assert cleaned.samples == naive
    row = next(index for index, (file, _) in enumerate(naive) if file == raw.samples[min(cleaned.new_labels)][0])
    assert cleaned[row][1] == naive[row][1] != raw[min(cleaned.new_labels)][1]
    assert main([str(path)]) == 0
    assert guide_reads(path) == {Path(file).relative_to(photos).as_posix(): label for file, label in naive}
    assert hugging_face_reads(raw, path, photos) == [label for _, label in naive]
    with pytest.raises(ListsDoNotFit, match="The dataset has 25,000 items, cifar-10 v1 is of 5,000 in test"):
        CleanedDataset.from_version(ImageFolder(str(photos / "train")), path, "test")


def guide_reads(path: Path) -> dict[str, int]:
    """The same by the few lines that the guide's training scripts have."""
    with zipfile.ZipFile(path) as archive:
        removed = {line.strip() for line in io.TextIOWrapper(archive.open("cifar-10_test_removal_list.txt"))}
        new = json.load(archive.open("cifar-10_test_relabel_map.json"))
        classes = json.load(archive.open("MANIFEST.json"))["classes"]
    folder = Path(path.parent / "datasets" / "cifar10")
    ids = [file.relative_to(folder).as_posix() for file in (folder / "test").rglob("*.jpg")]
    return {id_: classes[new.get(id_, id_.split("/")[1])] for id_ in ids if id_ not in removed}


def hugging_face_reads(raw: ImageFolder, path: Path, photos: Path) -> list[int]:
    datasets: Any = pytest.importorskip("datasets", reason="the library datasets is not installed")
    ids = [Path(file).relative_to(photos).as_posix() for file, _ in raw.samples]
    features = datasets.Features({"path": datasets.Value("string"), "label": datasets.ClassLabel(names=raw.classes)})
    made = datasets.Dataset.from_dict({"path": ids, "label": raw.targets}, features=features)
    return list(clean_hugging_face(made, path, "test", ids=ids)["label"])
