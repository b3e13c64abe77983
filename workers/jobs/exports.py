"""Writing a version's deliverables."""

from __future__ import annotations

from app.services.run_shard import ClaimedShard
from app.services.version_pictures import picture_cache
from app.services.write_deliverables import write_deliverables
from workers.runner import Context, Environment


def run_export_shard(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    folder = environment.settings.folder("versions")
    with picture_cache(environment.settings) as cache:
        write_deliverables(environment.database, claimed.job_params["version_id"], folder, cache=cache, context=context)
