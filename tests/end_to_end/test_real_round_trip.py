"""The whole round on real photos in Parquet shards: flags, five people's votes, leaks that people judged, a version.

Both splits count their rows from 0, so the lists of one must never reach the other."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.cleaned_dataset import CleanedDataset
from app.db.repositories import leaks, projects
from app.deliverables.verify_release import verify_release
from app.domain.consensus import Rule
from app.domain.leaks import Verdict
from app.services import leak_pairs, version_files
from app.services.import_reviews import import_reviews
from app.services.projects import create_project
from tests.fixtures.world import World, fresh

pytestmark = [pytest.mark.real_data]

DATA = Path(__file__).parents[3] / "shared" / "data" / "cifar10"
CLASSES = sorted("airplane automobile bird cat deer dog frog horse ship truck".split())  # noqa: SIM905


def read(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((DATA / name).read_text().splitlines()))


class Rows:
    """The dataset as a training script holds it: (row number, label)."""

    def __init__(self, images: list[str]) -> None:
        self.targets = [CLASSES.index(image.split("/")[1]) for image in images]
        self.classes = CLASSES

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[int, int]:
        return index, self.targets[index]


def write_shards(folder: Path, photos: Path, images: dict[str, list[str]]) -> None:
    """As a dataset on the Hub holds its images: bytes and class numbers, several shards."""
    features = {"image": {"_type": "Image"}, "label": {"names": CLASSES, "_type": "ClassLabel"}}
    noted = {"huggingface": json.dumps({"info": {"features": features}})}
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    folder.mkdir(parents=True)
    for split, names in images.items():
        for number, start in enumerate(range(0, len(names), 100)):
            part = names[start : start + 100]
            cells = pa.array([{"bytes": (photos / name).read_bytes(), "path": None} for name in part], kind)
            labels = pa.array([CLASSES.index(name.split("/")[1]) for name in part], pa.int64())
            table = pa.table({"image": cells, "label": labels}).replace_schema_metadata(noted)
            pq.write_table(table, folder / f"{split}-{number:05d}-of-00009.parquet", row_group_size=30)


def csv_of(header: tuple[str, ...], rows: list[tuple[object, ...]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


def as_reviews(votes: list[dict[str, str]], keys: dict[str, str]) -> bytes:
    rows = []
    for vote in votes:
        said = [("keep", "")] * (int(vote["votes_given"]) + int(vote["votes_both"]))
        said += [("relabel", vote["suggested"])] * int(vote["votes_guessed"])
        said += [("remove", "")] * int(vote["votes_neither"])
        rows += [(keys[vote["image"]], f"voter{number}", *answer) for number, answer in enumerate(said)]
    return csv_of(("image_path", "reviewer", "action", "new_label"), rows)


def majority(vote: dict[str, str]) -> str | None:
    keep = int(vote["votes_given"]) + int(vote["votes_both"])
    counts = {"keep": keep, "relabel": int(vote["votes_guessed"]), "remove": int(vote["votes_neither"])}
    best = max(counts, key=lambda name: counts[name])
    return best if 2 * counts[best] > sum(counts.values()) else None


def test_votes_and_leaks_reach_the_training_script(
    cifar, settings, database, doorbell, world, lists_only, tmp_path
) -> None:
    photos = Path(cifar[0])
    judged = {(row["train_image"], row["test_image"]): row["label"] for row in read("leaks_judged.csv")}
    votes = read("mislabel_votes.csv")
    # Of the pairs those that people called the same shot, and a few others: enough, and not minutes of comparing.
    chosen = [pair for pair, label in judged.items() if label == "duplicate"][:80] + list(judged)[:40]
    images = {
        "test": sorted({vote["image"] for vote in votes} | {test for _, test in chosen}),
        "train": sorted({train for train, _ in chosen}),
    }
    keys = {name: f"{split}/{row}" for split, names in images.items() for row, name in enumerate(names)}
    names = {key: name for name, key in keys.items()}
    root = settings.data_roots[0] / "cifar-shards"
    write_shards(root, photos, images)
    with database.writing() as session:
        made = create_project(
            session, doorbell, world.actor("root"), name="Shards", root=str(root), roots=settings.roots,
            label_coding="index",
        )  # fmt: skip
        round_trip = World(settings, database, doorbell, root, slug=made.slug)
    round_trip.work()
    with round_trip.reading("root") as (session, access):
        assert projects.class_index(session, access.id) == {name: n for n, name in enumerate(CLASSES)}
        round_trip.ids = projects.sample_ids_by_key(session, access.id)
    assert round_trip.ids.keys() == names.keys()

    flags = [(keys[row["image_path"]], row["issue_type"], row["confidence"], row["suggested_label"], row["reason"])
             for row in read("vl_export.csv") if row["image_path"] in keys]  # fmt: skip
    export = csv_of(("image_path", "issue_type", "confidence", "suggested_label", "reason"), flags)
    lines = export.decode().splitlines()
    from app.services import import_flags

    with round_trip.writing("root") as (session, access):
        row = import_flags.start_import(
            session, doorbell, access, folder=settings.folder("uploads"), file_name="vl.csv", data=export
        )
    round_trip.work()
    assert round_trip.import_(row.id).rows_accepted == len(lines) - 1 > 0

    round_trip.set_policies_as("root", min_submitted=5, rule=Rule.MAJORITY, max_class_share=1.0)
    with round_trip.writing("root") as (session, access):
        import_reviews(session, access, as_reviews(votes, keys), create_reviewers=True)
    round_trip.start_leaks("root", methods=("exact", "perceptual"), train_split="train", test_split="test")
    round_trip.work()
    with round_trip.reading("root") as (session, access):
        found = {(row.train.key, row.test.key): row.pair for row in leaks.all_pairs(session, access.id)}
    assert len(found) > 10
    leaking: set[str] = set()
    for (train, test), pair in found.items():
        is_leak = judged.get((names[train], names[test])) == "duplicate"
        leaking |= {test} if is_leak else set()
        with round_trip.writing("root") as (session, access):
            leak_pairs.decide_pair(
                session, access, pair.id, Verdict.CONFIRMED if is_leak else Verdict.REJECTED,
                client_event_id=fresh(), base_version=pair.version,
            )  # fmt: skip
    assert len(leaking) > 5
    round_trip.freeze(
        "undecided", "open_conflicts", "class_share", "both_sides", "lost_group", "repeated_ids", name="root"
    )
    round_trip.work()
    path = tmp_path / "shards_v1.zip"
    buffer = io.BytesIO()
    with round_trip.reading("root") as (session, access):
        version_files.write_zip(session, access, 1, settings.folder("versions"), buffer)
    path.write_bytes(buffer.getvalue())

    outcomes = {keys[vote["image"]]: (majority(vote), vote["suggested"]) for vote in votes}
    gone = leaking | {key for key, (decision, _) in outcomes.items() if decision == "remove"}
    new = {key: CLASSES.index(label) for key, (decision, label) in outcomes.items()
           if decision == "relabel" and key not in gone}  # fmt: skip
    for split, of_split in images.items():
        raw = Rows(of_split)
        cleaned = CleanedDataset.from_version(raw, path, split)
        expected = [(row, new.get(f"{split}/{row}", label)) for row, label in map(raw.__getitem__, range(len(raw)))
                    if f"{split}/{row}" not in gone]  # fmt: skip
        assert [cleaned[n] for n in range(len(cleaned))] == expected
    checked = verify_release(path)
    assert (checked["removed"], checked["relabelled"]) == (len(gone), len(new))
    assert len(gone) > len(leaking)
    assert new
    folder = settings.folder("versions") / round_trip.slug / "v1"
    assert not (folder / "shards_removal_list.txt").exists()  # row 5 of test must never remove row 5 of train
    by_split: dict[str, set[int]] = defaultdict(set)
    for split in images:
        with (folder / f"shards_{split}_removal_list.txt").open() as f:
            by_split[split] = set(int(line.strip()) for line in f)  # noqa: C401 - as the guide has it
    assert {f"{split}/{row}" for split, rows in by_split.items() for row in rows} == gone
