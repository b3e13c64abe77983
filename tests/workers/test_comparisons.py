"""A comparison of trainings as a job: from its start to its files, taken up where a worker was killed."""

from __future__ import annotations

import io
import json
import os
import signal
import zipfile
from pathlib import Path

import numpy as np
import pytest

from app.cli.compare_plan import make_plan
from app.cli.main import make_parser
from app.domain.errors import InvalidInput, NotAllowed, NotFound
from app.domain.retraining.plan import describe_lists
from app.domain.retraining.plan_file import read_plan, write_plan
from app.services import view_comparisons
from app.services.comparison_files import find_archive, read_file
from app.services.projects import add_classes
from app.services.start_comparison import ComparisonParams, folders_of, start_comparison
from tests.fixtures.databases import both_backends
from tests.workers.test_celery import start_worker, wait_for
from tests.workers.test_killed_leak_runs import let_leases_lapse
from workers.engines.retraining import run_files
from workers.jobs import HANDLERS

__all__ = ["start_worker"]  # a fixture

TINY = {
    "versions": (1,), "model": "small", "image_size": 8, "epochs": 2, "seeds": (0, 1), "resamples": 50,
    "device": "cpu", "controls": False, "acknowledge_leaks": True,
}  # fmt: skip


@pytest.fixture
def cleaned(filled):
    """A project of 12 training and 6 evaluation images with flags and a version; nothing waits to be done."""
    filled.work()
    with filled.writing("lena") as (session, access):
        add_classes(session, access, ["fox"])  # which a flag suggests
    return filled


def start(world, name: str = "lena", **more):
    """(number of the comparison, whether it is new)"""
    params = ComparisonParams(**{**TINY, **more})
    job, is_new = start_comparison(
        world.database, world.doorbell, world.actor(name), world.slug, params, folders_of(world.settings)
    )
    return job.id, is_new


def look(world, number: int):
    with world.reading() as (session, access):
        return view_comparisons.get_comparison(
            session, access, number, folders_of(world.settings), world.settings.folder("results")
        )


def read(world, number: int, name: str) -> bytes:
    with world.reading() as (session, access):
        job = view_comparisons.find_job(session, access, number)
        return read_file(find_archive(session, job, world.settings.folder("results")), name)


def kept_of(world, pattern: str) -> list[Path]:
    return sorted(world.settings.folder("trainings").glob(f"project-*/{pattern}"))


def test_a_comparison_goes_from_its_start_to_its_files(cleaned):
    number, is_new = start(cleaned)
    assert is_new
    assert start(cleaned) == (number, False)
    before = look(cleaned, number)
    assert [one.name for one in before.comparison.conditions] == ["raw", "flags", "reviewed"]
    assert {run.state for run in before.runs} == {"waiting"}
    cleaned.work()
    after = look(cleaned, number)
    assert (after.comparison.state, after.comparison.error) == ("done", None)
    assert [(run.state, run.epochs_done, len(run.accuracy)) for run in after.runs] == [("done", 2, 2)] * 6
    assert [one.condition for one in after.comparison.verdicts] == ["flags", "reviewed"]
    assert {"report.html", "slides.pptx", "accuracy.csv", "tables.tex"} <= {f.name for f in after.comparison.files}
    published = zipfile.ZipFile(io.BytesIO(read(cleaned, number, "hugging-face.zip"))).namelist()
    assert {"README.md", "report.html", "lists/2-reviewed/removal_list.txt"} <= set(published)
    # The two leaks of the dataset: one the search found in pixels, one was known as a pair.
    parts = json.loads(read(cleaned, number, "report.json"))["parts"]
    assert [(part["name"], part["images"]) for part in parts] == [
        ("all", 6), ("without leaks", 4), ("only leaks", 2),
    ]  # fmt: skip
    assert kept_of(cleaned, "**/*.npy") == [], "pictures are not kept"
    # Curves are in the report, too: what was kept of the runs may be cleared away.
    for path in kept_of(cleaned, "job-*/curve-*.json"):
        path.unlink()
    assert look(cleaned, number).runs == after.runs


def test_the_job_compares_what_the_command_line_does(cleaned, monkeypatch, tmp_path):
    number, _ = start(cleaned)
    cleaned.step()
    monkeypatch.setenv("WINNOW_DATA_DIR", str(cleaned.settings.data_dir))
    monkeypatch.setenv("WINNOW_DATABASE_URL", cleaned.settings.resolved_database_url)
    args = make_parser().parse_args([
        "compare", "--project", "pets", "--output", str(tmp_path), "--model", "small", "--image-size", "8",
        "--epochs", "2", "--seeds", "0", "1", "--controls", "--device", "cpu", "--acknowledge-leaks",
    ])  # fmt: skip
    (prepared,) = cleaned.settings.folder("results").glob(f"job-{number}/*plan.json")
    # Runs are named by a digest of the plan, and files made of plan and runs by the same functions.
    assert prepared.read_bytes() == write_plan(make_plan(args).plan)


def test_a_worker_that_is_killed_costs_no_epoch_that_was_done(cleaned, start_worker):
    number, _ = start(cleaned, epochs=60, flags=False)
    worker = start_worker()

    def half_way() -> bool:
        return any(1 < run.epochs_done < 60 for run in look(cleaned, number).runs)

    wait_for(half_way)
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    done = [run.accuracy for run in look(cleaned, number).runs]
    assert len(kept_of(cleaned, f"runs/*/*/{run_files.CHECKPOINT}")) == 1
    let_leases_lapse(cleaned)
    begun = []

    def train(environment, claimed, context):
        report = context.report
        context.report = lambda epochs, problems=0: (begun.append(epochs), report(epochs, problems))
        HANDLERS["compare"](environment, claimed, context)

    cleaned.step({**HANDLERS, "compare": train})
    assert begun[0] >= max(len(curve) for curve in done if len(curve) < 60)
    assert min(begun[1:]) >= begun[0], "no epoch is trained twice"
    after = train_all(cleaned, number)
    assert max(run.attempts for run in after) == 2
    for before, run in zip(done, after, strict=True):
        assert run.accuracy[: len(before)] == before
    # What nobody disturbed comes to the same, image by image.
    found = predictions(cleaned)
    for path in kept_of(cleaned, "runs/*/*/*"):
        path.unlink()
    cleaned.cancel(number)
    again, _ = start(cleaned, epochs=60, flags=False)
    cleaned.step()
    assert [(run.loss, run.accuracy) for run in train_all(cleaned, again)] == [
        (run.loss, run.accuracy) for run in after
    ]
    assert predictions(cleaned) == found


def train_all(world, number: int):
    """The runs, once all are done; the report is left for later."""
    while not all(run.state == "done" for run in look(world, number).runs):
        assert world.step()
    return look(world, number).runs


def predictions(world) -> dict[str, list]:
    """Of each run the probability of each image's label."""
    found = {}
    for path in kept_of(world, f"runs/*/*/{run_files.RESULT}"):
        with np.load(path) as result:
            found["/".join(path.parts[-3:-1])] = result["true_probability"].tolist()
    return found


@both_backends
def test_a_cancelled_comparison_goes_on_from_what_was_done(cleaned):
    number, _ = start(cleaned)
    for _ in range(3):  # pictures, and two of six runs
        cleaned.step()
    with cleaned.writing("lena") as (session, access):
        view_comparisons.cancel_comparison(session, access, number)
    assert cleaned.work() == 0
    assert (look(cleaned, number).comparison.state, look(cleaned, number).comparison.runs_done) == ("cancelled", 2)
    results = kept_of(cleaned, f"runs/*/*/{run_files.RESULT}")
    before = [path.stat().st_mtime_ns for path in results]
    again, is_new = start(cleaned)
    assert is_new
    cleaned.step()
    assert [path.parent.name for path in kept_of(cleaned, "job-*/pictures")] == [f"job-{again}"]
    cleaned.work()
    assert look(cleaned, again).comparison.state == "done"
    assert [path.stat().st_mtime_ns for path in results] == before


@pytest.mark.parametrize(
    ("more", "error", "told"),
    [
        ({"seeds": (0,)}, InvalidInput, "One seed can't tell"),
        ({"acknowledge_leaks": False}, InvalidInput, "2 evaluation images are in the training set too"),
        ({"versions": (), "flags": False}, InvalidInput, "nothing to compare with the raw data"),
        ({"versions": (9,)}, NotFound, "version 9"),
        ({"test_split": "train"}, InvalidInput, "two different splits"),
        ({"test_split": "dev"}, InvalidInput, "no labelled images in a split 'dev'"),
        ({"epochs": 0}, InvalidInput, "Epochs is from 1"),
        ({"device": "tpu"}, InvalidInput, "The device is auto, cpu"),
        ({"model": "../x"}, InvalidInput, "is no model"),
        ({"min_confidence": 0.999, "versions": ()}, InvalidInput, "'flags' is empty"),
    ],
)  # fmt: skip
def test_what_can_not_be_compared_is_refused_before_it_starts(cleaned, more, error, told):
    with pytest.raises(error, match=told):
        start(cleaned, **more)
    assert kept_of(cleaned, "plan-*") == []


def test_shorter_work_comes_before_the_next_run(cleaned):
    start(cleaned)
    cleaned.send("g,train/cat/4.png,cat,dark,0.5,,sent while it waits")
    begun = []
    cleaned.step({kind: lambda _, claimed, __: begun.append(claimed.kind) for kind in HANDLERS})
    assert begun == ["import"]


def test_a_run_gives_way_to_shorter_work_and_loses_no_epoch(cleaned):
    number, _ = start(cleaned, epochs=4, flags=False)
    cleaned.step()  # pictures
    sent = []

    def train(environment, claimed, context):
        report = context.report

        def told(epochs, problems=0):
            report(epochs, problems)
            if epochs == 2 and not sent:
                sent.append(cleaned.send("g,train/cat/4.png,cat,dark,0.5,,sent in the midst of it"))

        context.report = told
        HANDLERS["compare"](environment, claimed, context)

    cleaned.step({**HANDLERS, "compare": train})
    run = look(cleaned, number).runs[0]
    assert (run.state, run.epochs_done, run.attempts) == ("waiting", 2, 0)
    cleaned.step()
    assert cleaned.import_(sent[0]).state == "done"
    cleaned.step()
    after = look(cleaned, number).runs[0]
    assert (after.state, after.epochs_done, after.accuracy[:2]) == ("done", 4, run.accuracy)


def test_only_leads_start_and_cancel(cleaned):
    with pytest.raises(NotAllowed):
        start(cleaned, "alice")
    number, _ = start(cleaned)
    with pytest.raises(NotAllowed), cleaned.writing("alice") as (session, access):
        view_comparisons.cancel_comparison(session, access, number)


def test_images_that_can_not_be_read_are_refused_or_left_out_of_every_condition(cleaned):
    (cleaned.root / "train/cat/2.png").write_bytes(b"no picture")
    (cleaned.root / "train/dog/2.png").write_bytes(b"")  # whose label the flags change
    number, _ = start(cleaned)
    cleaned.work()
    found = look(cleaned, number).comparison
    assert found.state == "failed"
    assert found.error.startswith("2 of 12 images can't be read: train/cat/2.png: ")
    again, _ = start(cleaned, leave_out_unreadable=True)
    cleaned.step()
    (prepared,) = cleaned.settings.folder("results").glob(f"job-{again}/*plan.json")
    plan = read_plan(prepared.read_bytes(), prepared.name)
    assert plan.facts == ("2 training and 0 evaluation images were left out of every condition: they can't be read.",)
    assert [describe_lists(plan.base, one.lists)["images"] for one in plan.conditions] == [10, 7, 9]
    while cleaned.step() and look(cleaned, again).comparison.runs_done < 1:
        pass
    assert look(cleaned, again).comparison.error is None


def test_what_only_a_worker_sees_ends_the_job_with_a_sentence(cleaned):
    number, _ = start(cleaned, model="resnet19")
    cleaned.work()
    found = look(cleaned, number).comparison
    assert found.state == "failed"
    assert found.error.startswith("There is no model 'resnet19'.")
    assert found.runs_done == 0
