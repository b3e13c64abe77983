"""The steps of a comparison of trainings, shard by shard: read pictures, train each condition with each seed, report.

A killed worker costs the epoch at hand: whoever takes its shard goes on from the last checkpoint.
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.adapters.files import write_atomically
from app.domain.errors import InvalidFile, JobCancelled
from app.domain.retraining.plan import digest_of_base
from app.domain.retraining.plan_file import read_plan, write_plan
from app.services.collect_leaks import places_of_shard, shard_results
from app.services.comparison_files import PUBLISHED
from app.services.run_shard import ClaimedShard, is_live
from app.services.start_comparison import PREPARE, REPORT, TRAIN, curve_path, folders_of, plan_path
from workers.engines.decoding import ref_of
from workers.engines.embeddings import choose_device
from workers.engines.retraining.outcome_files import make_files, make_published, make_record
from workers.engines.retraining.prepare import picture_files, prepare_work
from workers.engines.retraining.run_files import read_curve
from workers.engines.retraining.runs import Work, do_run, find_run, folder_of_run
from workers.runner import Context, Environment

_EPOCH = (1980, 1, 1, 0, 0, 0)
_PICTURES = "pictures"


def run_comparison_shard(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    steps = {PREPARE: _prepare, TRAIN: _train, REPORT: _report}
    steps[claimed.row.stage](environment, claimed, context)


def _pictures(environment: Environment, claimed: ClaimedShard) -> Path:
    return folders_of(environment.settings).of_job(claimed.project_id or 0, claimed.job_id) / _PICTURES


def _prepare(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    """Decode the pictures of both sets, find leaks that only they show, and settle the device."""
    folders, params = folders_of(environment.settings), claimed.job_params
    _clear_away(environment, claimed)
    path = plan_path(folders, claimed.project_id or 0, params["plan"])
    if not path.is_file():
        raise InvalidFile(f"The plan of this comparison, {path.name}, is not there any more. Start it again.")
    plan = read_plan(path.read_bytes(), path.name)
    wanted = environment.settings.device if plan.config.device == "auto" else plan.config.device
    plan = replace(plan, config=replace(plan.config, device=str(choose_device(wanted))))
    place_of = places_of_shard(environment.database, claimed)
    train, evaluation = ([ref_of(place_of(key)) for key in part.ids] for part in (plan.base, plan.evaluation))
    work = prepare_work(
        plan, train, evaluation, _pictures(environment, claimed), folders.of_project(claimed.project_id or 0),
        acknowledge_leaks=params["acknowledge_leaks"], leave_out_unreadable=params["leave_out_unreadable"],
        should_stop=context.should_stop,
        processes=environment.settings.processes,
    )  # fmt: skip
    write_atomically(context.result_path("plan.json"), lambda stream: stream.write(write_plan(work.plan)))


def _clear_away(environment: Environment, claimed: ClaimedShard) -> None:
    """Pictures of comparisons that ended before their report: nobody needs them, and they are large."""
    for folder in folders_of(environment.settings).of_project(claimed.project_id or 0).glob(f"job-*/{_PICTURES}"):
        number = folder.parent.name.removeprefix("job-")
        if number.isdecimal() and not is_live(environment.database, int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _work(environment: Environment, claimed: ClaimedShard) -> Work:
    (prepared,) = shard_results(environment.database, claimed.job_id, PREPARE)
    path = environment.settings.folder("results") / prepared.path
    plan = read_plan(path.read_bytes(), path.name)
    pictures = picture_files(plan, _pictures(environment, claimed))
    return Work(plan, *pictures, folders_of(environment.settings).of_project(claimed.project_id or 0))


def _train(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    work = _work(environment, claimed)
    name, seed = claimed.params["condition"], claimed.params["seed"]
    condition = next(one for one in work.plan.conditions if one.name == name)
    base_digest = digest_of_base(work.plan)
    folder = folder_of_run(work, condition, seed, base_digest)
    shown = curve_path(folders_of(environment.settings), claimed.project_id or 0, claimed.job_id, claimed.row.shard_no)

    def show(rows: list[Any]) -> None:
        write_atomically(shown, lambda stream: stream.write(json.dumps(rows).encode()))
        context.report(len(rows))

    def on_epoch(_name: str, _seed: int, _row: Mapping[str, Any]) -> None:
        show(read_curve(folder))
        if context.should_give_way():
            raise JobCancelled("The run gives way to shorter work; it goes on from the epoch that has just ended.")

    show(read_curve(folder))  # what an earlier try has done
    result, _ = do_run(work, condition, seed, base_digest, on_epoch=on_epoch, should_stop=context.should_stop)
    show(list(result.curve))


def _report(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    work = _work(environment, claimed)
    plan, base_digest = work.plan, digest_of_base(work.plan)
    results = {}
    for condition, seed in plan.runs():
        found = find_run(work, condition, seed, base_digest)
        if found is None:
            raise InvalidFile(
                f"The result of {condition.name!r} with seed {seed} is not there any more. Start the comparison again: "
                "what is there is not trained anew."
            )
        results[condition.name, seed] = found
    record = make_record(plan, results, claimed.job_params["resamples"])
    if context.should_stop():
        raise JobCancelled("The comparison was cancelled; its runs are kept.")
    files = make_files(record, results)
    files[PUBLISHED] = _zipped(make_published(plan, record, files))
    write_atomically(context.result_path("comparison.zip"), lambda stream: stream.write(_zipped(files)))
    context.report(1)
    shutil.rmtree(_pictures(environment, claimed), ignore_errors=True)


def _zipped(files: Mapping[str, bytes]) -> bytes:
    """The same files give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, data)
    return out.getvalue()
