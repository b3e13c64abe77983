"""Settling the samples of a bulk decision, or taking them back."""

from __future__ import annotations

from app.services.run_shard import ClaimedShard
from app.services.settle_bulk import settle_bulk, unsettle_bulk
from workers.runner import Context, Environment


def run_bulk_shard(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    work = unsettle_bulk if claimed.job_params["action"] == "revoke" else settle_bulk
    work(environment.database, claimed.job_params["bulk_id"], context)
