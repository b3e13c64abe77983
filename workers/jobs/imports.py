"""Listing datasets and importing exports."""

from __future__ import annotations

from app.services.import_flags import run_import
from app.services.run_shard import ClaimedShard
from app.services.scan_dataset import scan_dataset
from workers.runner import Context, Environment


def run_scan_shard(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    assert claimed.project_id is not None  # noqa: S101 - scans belong to a project
    scan_dataset(environment.database, claimed.project_id, context)


def run_import_shard(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    folder = environment.settings.folder("uploads")
    apply = claimed.job_params.get("apply", True)  # jobs of earlier releases do not say
    run_import(environment.database, claimed.job_params["import_id"], folder, context, apply=apply)
