"""Real people's answers on CIFAR-10, and agreement beside the libraries on the raw tables."""

from __future__ import annotations

import csv
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from app.services.agreement_page import AgreementPage, make_page
from app.services.import_reviews import import_reviews
from app.services.measure_agreement import measure
from app.services.projects import access_project
from tests.fixtures.world import World

pytestmark = [pytest.mark.real_data]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def data() -> Path:
    folder = ROOT.parent / "shared" / "data" / "cifar10"
    if not (folder / "human_labels.csv").is_file():
        pytest.skip(f"the real answers are not at {folder}")
    return folder


def read(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(file.read_text().splitlines()))


def convert(kind: str, source: Path) -> bytes:
    command = [sys.executable, str(ROOT / "docs" / "cifar_reviews.py"), kind, str(source)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def bring(world: World, keys: list[str], data: bytes) -> AgreementPage:
    """The answers on these images as reviews, and what the page makes of them."""
    from app.db.repositories import projects
    from app.db.repositories.sources import list_sources
    from app.domain.samples import SampleRef

    with world.writing("root") as (session, access):
        samples = [SampleRef(key.split("/")[0], key, key.split("/")[1]) for key in keys]
        projects.add_samples(session, list_sources(session, access.id)[0], samples)
    with world.writing("root") as (session, access):
        done = import_reviews(session, access, data, create_reviewers=True, with_classes=True)
        assert done.added == done.total
    with world.writing("root") as (session, access):
        assert import_reviews(session, access, data).unchanged == done.total
    with world.reading("root") as (_, access):
        project_id = access.id
    measured = measure(world.database, project_id)
    with world.database.reading() as session:
        return make_page(session, access_project(session, world.actor("root"), world.slug), measured, None)


def alpha_of(table: list[list[str]]) -> float:
    codes = {said: float(index) for index, said in enumerate(sorted({said for row in table for said in row}))}
    numbers = np.array([[codes[said] for said in row] for row in table])
    return float(krippendorff.alpha(reliability_data=numbers, level_of_measurement="nominal"))


def test_three_peoples_labels_agree_as_the_libraries_say(new_world: World, data: Path, tmp_path: Path) -> None:
    """Each eighth of the 25,000 images, as all of them take half a minute."""
    header, *lines = (data / "human_labels.csv").read_text().splitlines()
    some = tmp_path / "human_labels.csv"
    some.write_text("\n".join([header, *lines[::8]]) + "\n")
    rows = read(some)
    page = bring(new_world, [row["image"] for row in rows], convert("human", some))
    labels = [[row[f"random_label{number}"] for row in rows] for number in (1, 2, 3)]
    given = [row["image"].split("/")[1] for row in rows]
    decisions = [["keep" if a == b else "relabel" for a, b in zip(row, given, strict=True)] for row in labels]
    assert page.shared == len(rows) == 3_125
    assert page.label_alpha == pytest.approx(alpha_of(labels))
    assert page.alpha == pytest.approx(alpha_of(decisions))
    found = {(pair.first, pair.second): pair for pair in page.pairs}
    for a, b in combinations((0, 1, 2), 2):
        pair = found[f"annotator{a + 1}", f"annotator{b + 1}"]
        assert pair.label_kappa == pytest.approx(cohen_kappa_score(labels[a], labels[b]))
        assert pair.kappa == pytest.approx(cohen_kappa_score(decisions[a], decisions[b]))
    assert sum(row.samples for row in page.conflicts_by_answers) == sum(
        len(set(said)) > 1 for said in zip(*labels, strict=True)
    )


def test_five_peoples_votes_agree_as_the_library_says(new_world: World, data: Path) -> None:
    rows = read(data / "mislabel_votes.csv")
    page = bring(new_world, [row["image"] for row in rows], convert("votes", data / "mislabel_votes.csv"))
    counts = [
        [int(r["votes_given"]) + int(r["votes_both"]), int(r["votes_neither"]), int(r["votes_guessed"])] for r in rows
    ]
    alpha = float(krippendorff.alpha(value_counts=np.array(counts), level_of_measurement="nominal"))
    assert page.alpha == pytest.approx(alpha)
    assert page.shared == len(rows) == 115
    disputed = sum(sum(count > 0 for count in row) > 1 for row in counts)
    assert sum(row.samples for row in page.conflicts_by_answers) == disputed
