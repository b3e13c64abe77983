"""Analyses by a real worker: flags as of an import, cancelled, killed, and with input that can't serve."""

from __future__ import annotations

import json

import pytest
import torch
from sqlalchemy import update
from torchvision.models import get_model

from app.db.models.imports import Import
from app.db.models.jobs import JobShard
from app.domain.errors import InvalidInput, NotAllowed
from app.services import analyses
from app.services.analyses import AnalysisParams
from app.services.run_shard import claim_shard
from tests.engines.conftest import draw
from workers.jobs import HANDLERS


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "squeezenet.pth"
    torch.manual_seed(0)
    torch.save(get_model("resnet18", weights=None).state_dict(), path)
    return path


def start(world, name="lena", *, has_weights=False, **params) -> int:
    with world.writing(name) as (session, access):
        job, _ = analyses.start_analysis(
            session, world.doorbell, access, AnalysisParams(**params), shard_size=world.settings.shard_size,
            has_weights=has_weights, uploads=world.settings.folder("uploads"),
        )  # fmt: skip
        return job.id


def view(world, job_id):
    with world.reading() as (session, access):
        return analyses.get_analysis(session, access, job_id, world.settings.folder("results"))


def told(world) -> list[tuple]:
    return sorted((f.raw_issue_type, f.reason, f.confidence, f.group, f.source) for f in world.flags())


def test_an_analysis_flags_copies_and_broken_files(world):
    whole = (world.root / "train/dog/3.png").read_bytes()
    (world.root / "train/dog/3.png").write_bytes(whole[: len(whole) // 2])
    job_id = start(world)
    world.work()
    found = view(world, job_id)
    assert found.state == "done_with_errors"
    assert any("Nothing can be learnt from 17" in notice for notice in found.notices)
    assert [row[0] for row in found.summary["problem_list"]] == ["train/dog/3.png"]
    flags = {(f.raw_issue_type, f.sample_id) for f in world.flags()}
    assert ("corrupt", world.ids["train/dog/3.png"]) in flags
    assert ("exact_duplicate", world.ids["train/cat/5.png"]) in flags
    assert {("label_conflict", world.ids[key]) for key in ("train/cat/2.png", "test/dog/2.png")} <= flags
    assert {f.source for f in world.flags()} == {"Winnow"}
    with world.database.reading() as session:
        row = session.query(Import).one()
        assert (row.state, row.source, row.job_id) == ("done", "Winnow", job_id)
        assert any("learnt" in warning for warning in row.warnings)
    assert world.next("alice")


def test_a_second_analysis_changes_nothing_and_keeps_reviews(world):
    start(world)
    world.work()
    before = told(world)
    (key,) = world.next("alice")
    world.submit("alice", key, "keep")
    job_id = start(world)
    world.work()
    assert told(world) == before
    assert world.review("alice", key).decision == "keep"
    with world.database.reading() as session:
        second = session.query(Import).filter_by(job_id=job_id).one()
        assert (second.flags_new, second.flags_updated, second.flags_unchanged) == (0, 0, len(before))


def test_a_preview_applies_nothing(world):
    job_id = start(world, preview=True)
    world.work()
    assert world.flags() == []
    assert view(world, job_id).summary["issues"]["exact_duplicate"] == 3
    with world.database.reading() as session:
        row = session.query(Import).one()
        assert (row.state, row.flags_new) == ("previewed", sum(view(world, job_id).summary["issues"].values()))


def test_a_cancelled_analysis_changes_nothing(world):
    job_id = start(world)
    assert world.step()
    world.cancel(job_id)
    world.work()
    assert world.job(job_id).state == "cancelled"
    assert world.flags() == []


def test_a_killed_worker_costs_one_shard(world):
    """A worker that claimed a shard and vanished: its lease lapses, and another does the same."""
    start(world)
    world.work()
    expected = told(world)
    job_id = start(world, batch_size=31)
    stages = 0
    while claim_shard(world.database, ["cpu", "gpu"], "vanished") is not None:
        with world.database.writing() as session:
            session.execute(update(JobShard).where(JobShard.state == "running").values(lease_until=0.0))
        assert world.step()
        stages += 1
    assert world.job(job_id).state == "done"
    assert stages > 3
    assert told(world) == expected


def test_a_worker_that_dies_after_its_commit_does_nothing_twice(world, monkeypatch):
    job_id = start(world)
    while world.job(job_id).state in ("queued", "running"):
        with world.database.reading() as session:
            left = {s.stage for s in session.query(JobShard).filter_by(job_id=job_id) if s.state != "done"}
        if left == {analyses.COLLECT}:
            break
        world.step()
    claimed = claim_shard(world.database, ["cpu"], "vanished")
    from workers.runner import Context

    HANDLERS["analyse"](world.environment, claimed, Context(world.database, claimed, world.settings.folder("results")))
    before = told(world)
    with world.database.writing() as session:
        session.execute(update(JobShard).where(JobShard.state == "running").values(lease_until=0.0))
    world.work()
    assert world.job(job_id).state == "done"
    assert told(world) == before
    with world.database.reading() as session:
        assert session.query(Import).count() == 1


def test_with_weights_outliers_and_mislabels_are_sought(world, weights, monkeypatch):
    monkeypatch.setattr(world.settings, "weights", weights)
    monkeypatch.setattr(world.settings, "model", "resnet18")
    job_id = start(world, has_weights=True)
    world.work()
    found = view(world, job_id)
    assert found.state == "done"
    assert not [notice for notice in found.notices if "weights" in notice]
    assert "outlier" in [one["issue"] for one in found.summary["distributions"]]


def test_weights_that_do_not_fit_are_told_and_the_rest_goes_on(world, weights, monkeypatch):
    monkeypatch.setattr(world.settings, "weights", weights)
    monkeypatch.setattr(world.settings, "model", "resnet50")
    job_id = start(world, has_weights=True)
    world.work()
    found = view(world, job_id)
    assert found.state == "done"
    assert "does not hold the weights of a resnet50" in " ".join(found.notices)
    assert found.summary["issues"]["exact_duplicate"] == 3


def test_images_that_are_all_equal_are_one_group(new_world):
    for path in new_world.root.rglob("*.*"):
        path.unlink()
    for i in range(12):
        draw(1).save(new_world.root / "train" / ("cat" if i % 2 else "dog") / f"{i}.png")
    world = new_world.scan()
    job_id = start(world)
    world.work()
    assert view(world, job_id).summary["issues"]["exact_duplicate"] == 11


def test_an_image_that_went_away_is_told(world):
    (world.root / "train/dog/4.png").unlink()
    job_id = start(world)
    world.work()
    assert any("train/dog/4.png" in notice for notice in view(world, job_id).notices)


def test_what_cannot_be_analysed_is_refused(world):
    for params, said in (
        ({"detectors": ("blur",)}, "not blur"), ({"detectors": ()}, "not none"),
        ({"features": "network"}, "needs weights"), ({"features": "magic"}, "'magic'"),
        ({"features": "file"}, "need a file"), ({"vectors": "../winnow.db"}, "no file of vectors"),
        ({"epochs": 0}, "epochs"), ({"thresholds": {"beauty": 1.0}}, "beauty"), ({"batch_size": 0}, "batch size"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput, match=said):
            start(world, **params)
    with pytest.raises(NotAllowed):
        start(world, "alice")


def test_the_same_analysis_is_not_started_twice(world):
    assert start(world) == start(world)


def test_results_that_were_cleared_away_leave_the_list_readable(world):
    job_id = start(world)
    world.work()
    for path in world.settings.folder("results").rglob("*claims.json"):
        path.unlink()
    assert view(world, job_id).summary == {}


def test_the_command_works_without_a_server(world, capsys):
    from app.cli.main import main

    where = ["--data-dir", str(world.settings.data_dir)]
    assert main(["analyse", "--project", "pets", *where, "--json", "--detectors", "quality,duplicates"]) == 0
    out = json.loads(capsys.readouterr().out)
    assert out["summary"]["issues"]["exact_duplicate"] == 3
    assert world.flags()
    assert main(["analyse", "--project", "pets", *where, "--detectors", "nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err
