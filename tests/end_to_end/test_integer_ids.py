"""A dataset whose ids are row numbers: real votes and leaks in, and the guide's own lines read what comes out."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest

from app.cleaned_dataset import CleanedDataset
from app.db.repositories import projects
from app.db.repositories.sources import list_sources
from app.domain.consensus import Rule
from app.domain.samples import SampleRef
from app.services import version_files
from app.services.import_reviews import import_reviews
from app.services.write_deliverables import write_deliverables
from tests.end_to_end.test_real_cleaned_dataset import majority
from tests.fixtures.world import World
from tests.services.test_versions import files, folder

pytestmark = [pytest.mark.real_data]

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "cifar10"


@pytest.fixture
def votes() -> list[dict[str, str]]:
    if not (DATA / "mislabel_votes.csv").is_file():
        pytest.skip(f"the real votes are not at {DATA}")
    return list(csv.DictReader((DATA / "mislabel_votes.csv").read_text().splitlines()))


def as_reviews(votes: list[dict[str, str]], rows: dict[str, int]) -> bytes:
    """Each person's vote as a review of the row with that number."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(("image_path", "reviewer", "action", "new_label"))
    for vote in votes:
        said = [("keep", "")] * (int(vote["votes_given"]) + int(vote["votes_both"]))
        said += [("relabel", vote["suggested"])] * int(vote["votes_guessed"])
        said += [("remove", "")] * int(vote["votes_neither"])
        for number, answer in enumerate(said):
            writer.writerow((rows[vote["image"]], f"voter{number}", *answer))
    return out.getvalue().encode()


class Rows:
    """A map-style dataset of (row number, class)."""

    def __init__(self, labels: list[int]) -> None:
        self.labels = labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[int, int]:
        return index, self.labels[index]


def test_the_guides_lines_read_what_a_project_of_row_numbers_hands_out(new_world: World, votes, tmp_path) -> None:
    world, images = new_world, sorted({vote["image"] for vote in votes})
    classes = sorted({vote["given"] for vote in votes} | {vote["suggested"] for vote in votes})
    rows = {image: number for number, image in enumerate(images)}
    given = {vote["image"]: vote["given"] for vote in votes}
    world.work()
    with world.writing("root") as (session, access):
        access.project.label_coding = "index"
        for sample_id in projects.sample_ids_by_key(session, access.id).values():  # the folder's own pictures go
            session.delete(session.get_one(projects.Sample, sample_id))
        session.flush()
        new = [name for name in classes if name not in projects.class_index(session, access.id)]
        projects.add_classes(session, access.id, new)
        projects.add_samples(
            session, list_sources(session, access.id)[0], [SampleRef("test", str(rows[i]), given[i]) for i in images]
        )
    world.set_policies(min_submitted=5, rule=Rule.MAJORITY, max_class_share=1.0)
    with world.writing("root") as (session, access):
        index = projects.class_index(session, access.id)
        import_reviews(session, access, as_reviews(votes, rows), create_reviewers=True)
    world.freeze("undecided", "open_conflicts", "class_share", "missing_files", "vanished_class")
    world.work()

    # The guide, step 4.2.
    with (folder(world, 1) / "pets_removal_list.txt").open() as f:
        removal_ids = set(int(line.strip()) for line in f)  # noqa: C401 - as the guide has it
    with (folder(world, 1) / "pets_relabel_map.json").open() as f:
        relabel_map = json.load(f)
    relabel_map = {int(key): value for key, value in relabel_map.items()}

    asked = {rows[vote["image"]]: (majority(vote), vote["suggested"]) for vote in votes}
    assert removal_ids == {row for row, (decision, _) in asked.items() if decision == "remove"}
    assert relabel_map == {row: index[label] for row, (decision, label) in asked.items() if decision == "relabel"}
    assert removal_ids
    assert relabel_map

    # The guide, step 4.1: pandas on the final manifest comes to the same lists.
    manifest = pd.read_csv(folder(world, 1) / "pets_final_cleaning_manifest.csv")
    assert set(manifest[manifest["user_action"] == "remove"]["image_id"].tolist()) == removal_ids
    relabelled = manifest[manifest["user_action"] == "relabel"]
    assert {row["image_id"]: index[row["new_label"]] for _, row in relabelled.iterrows()} == relabel_map

    zipped = tmp_path / "pets_v1.zip"
    with world.reading() as (session, access), zipped.open("wb") as stream:
        version_files.write_zip(session, access, 1, world.settings.folder("versions"), stream)
    raw = Rows([index[given[image]] for image in images])
    cleaned = CleanedDataset.from_version(raw, zipped, "test", classes=sorted(index, key=index.__getitem__))
    assert [cleaned[i] for i in range(len(cleaned))] == [
        (row, relabel_map.get(row, label)) for row, label in raw if row not in removal_ids
    ]

    before = files(world, 1)
    with world.reading() as (session, access):
        version_id = version_files.repository.get_version(session, access.id, 1).id
    write_deliverables(world.database, version_id, world.settings.folder("versions"))
    assert {name: data for name, data in files(world, 1).items() if name != "MANIFEST.json"} == {
        name: data for name, data in before.items() if name != "MANIFEST.json"
    }
