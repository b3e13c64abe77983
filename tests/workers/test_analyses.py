"""Analyses by a real worker: flags as of an import, cancelled, killed, and with input that can't serve."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image
from sqlalchemy import update
from torchvision.models import get_model

from app.db.models.imports import Import
from app.db.models.jobs import JobShard
from app.db.models.projects import Sample
from app.db.repositories import queueing
from app.domain.errors import InvalidInput, NotAllowed
from app.services import analyses
from app.services.analyses import AnalysisParams
from app.services.run_shard import claim_shard
from app.services.set_thresholds import set_thresholds
from app.services.take_numbers import NumberKind, keep_numbers
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


def send(world, kind, **arrays) -> str:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    with world.writing("lena") as (session, access):
        uploads = world.settings.folder("uploads")
        return keep_numbers(session, access, uploads, kind=kind, file_name="x.npz", data=stream.getvalue()).file


@pytest.fixture
def many(new_world):
    """Thirty pictures of two kinds, eight of them dark, one in the wrong class."""
    for path in new_world.root.rglob("*.*"):
        path.unlink()
    random = np.random.default_rng(0)
    for i in range(30):
        kind = "cat" if i % 2 else "dog"
        level = 20 + i if i < 8 else 150
        pixels = np.zeros((40, 40, 3)) + level
        pixels[:, ::4] = level + 60 if kind == "cat" else level
        pixels[::4] = level + 60 if kind == "dog" else pixels[::4]
        noisy = np.clip(pixels + random.normal(0, 6, pixels.shape), 0, 255).astype(np.uint8)
        folder = "dog" if i == 15 else kind
        Image.fromarray(noisy).save(new_world.root / "train" / folder / f"{i}.png")
    return new_world.scan()


def keys_of(world, issue) -> set[str]:
    names = {id_: key for key, id_ in world.ids.items()}
    return {names[flag.sample_id] for flag in world.flags() if flag.raw_issue_type == issue}


@pytest.mark.parametrize("features", ["patches", "learned"])
def test_without_weights_a_wrong_label_is_found_by_what_the_images_teach(many, features):
    job_id = start(many, detectors=("mislabels",), features=features, epochs=3, device="cpu")
    many.work()
    found = view(many, job_id)
    assert (found.state, found.features, found.notices) == ("done", features, [])
    assert found.summary["on_map"] == 30
    if features == "patches":
        assert "train/dog/15.png" in keys_of(many, "mislabel")


def test_vectors_and_probabilities_come_from_files(many):
    keys = sorted(many.ids)
    kinds = np.array([int(key.rsplit("/", 1)[1].split(".")[0]) % 2 for key in keys])
    random = np.random.default_rng(0)
    vectors = np.eye(8)[kinds] + random.normal(0, 0.05, (30, 8))
    shares = np.where(kinds[:, np.newaxis] == [1, 0], 0.9, 0.1)
    named = send(many, NumberKind.VECTORS, keys=np.array(keys[1:]), vectors=vectors[1:])
    job_id = start(many, detectors=("outliers", "mislabels"), vectors=named)
    many.work()
    assert view(many, job_id).features == "file"
    assert any(keys[0] in notice for notice in view(many, job_id).notices)
    assert keys_of(many, "mislabel") == {"train/dog/15.png"}
    given = send(many, NumberKind.PROBABILITIES, keys=np.array(keys), probs=shares, classes=np.array(["cat", "dog"]))
    start(many, detectors=("mislabels",), probabilities=given)
    many.work()
    (flag,) = [flag for flag in many.flags() if flag.raw_issue_type == "mislabel"]
    assert "probability 0.90, from a file" in flag.reason


def test_a_threshold_set_by_hand_flags_anew_without_reading_an_image(many):
    def dark() -> set[str]:
        return keys_of(many, "dark")

    job_id = start(many, detectors=("quality",))
    many.work()
    before = dark()
    assert before
    (shown,) = [one for one in view(many, job_id).summary["distributions"] if one["issue"] == "dark"]
    for path in many.root.rglob("*.png"):
        path.unlink()

    def set_to(value, base=job_id) -> int:
        with many.writing("lena") as (session, access):
            job, _ = set_thresholds(
                session, many.doorbell, access, base, {"dark": value}, many.settings.folder("results")
            )
            found = job.id
        many.work()
        return found

    answered, *_ = sorted(before)
    many.submit("alice", answered, "keep")
    step = int(np.argmax(np.array(shown["above"]) < 16))
    low = shown["low"] + (shown["high"] - shown["low"]) * step / (len(shown["above"]) - 1)
    lower = set_to(low)
    assert len(dark()) == shown["above"][step] > len(before)
    assert view(many, lower).thresholds == {"dark": low}
    assert all("set by hand" in f.reason for f in many.flags() if f.raw_issue_type == "dark" and f.confidence)
    set_to(5.0, lower)
    assert dark() == {answered}  # somebody answered on it: the flag stays, and so does the answer
    assert many.review("alice", answered).decision == "keep"
    with many.reading() as (session, access):
        assert set(queueing.queued_of(session, many.ids.values())) == {f.sample_id for f in many.flags()}
    for given, said in (
        ({"dark": float("nan")}, "a number"),
        ({"beauty": 1}, "no score for beauty"),
        ({}, "at least one"),
    ):
        with many.writing("lena") as (session, access), pytest.raises(InvalidInput, match=said):
            set_thresholds(session, many.doorbell, access, job_id, given, many.settings.folder("results"))


def test_labels_that_are_missing_or_alone_are_told_and_the_rest_goes_on(many):
    """One class only, then a class with one image, then no labels at all."""
    keys = sorted(many.ids)
    vectors = send(many, NumberKind.VECTORS, keys=np.array(keys), vectors=np.random.default_rng(0).normal(size=(30, 6)))
    for labels, said in (
        (["cat"] * 30, "only one class has 5"),
        (["cat"] * 29 + ["dog"], "1 classes of fewer than 5"),
        ([""] * 30, "no class has 5"),
        (["cat"] * 12 + ["dog"] * 12 + [""] * 6, "6 images that have no label"),
    ):
        with many.database.writing() as session:
            for key, label in zip(keys, labels, strict=True):
                session.execute(update(Sample).where(Sample.id == many.ids[key]).values(given_label=label))
        job_id = start(many, detectors=("outliers", "mislabels"), vectors=vectors, seed=keys.index(keys[0]) + len(said))
        many.work()
        found = view(many, job_id)
        assert found.state == "done"
        assert any(said in notice for notice in found.notices), found.notices


def test_an_image_that_turns_unreadable_in_the_middle_is_left_out(many):
    job_id = start(many, detectors=("quality", "outliers"))
    many.step()  # the images were read
    (many.root / "train/cat/9.png").write_bytes(b"no image any more")
    many.work()
    found = view(many, job_id)
    assert found.state in ("done", "done_with_errors")  # by whether its part was read before or after
    assert found.summary["on_map"] == 29


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
