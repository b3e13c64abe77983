"""Ranking a project's queue by what was decided."""

from __future__ import annotations

from app.services.rank_queue import rank_queue
from app.services.run_shard import ClaimedShard
from workers.runner import Context, Environment


def run_rank_shard(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    rank_queue(environment.database, claimed.project_id or 0, context)
