"""What each kind of job does with one of its shards; thin wrappers over services and engines."""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.jobs import JobKind
from workers.jobs.analyses import run_analysis_shard
from workers.jobs.bulk import run_bulk_shard
from workers.jobs.comparisons import run_comparison_shard
from workers.jobs.exports import run_export_shard
from workers.jobs.imports import run_import_shard, run_scan_shard
from workers.jobs.leaks import run_leaks_shard
from workers.jobs.ranking import run_rank_shard
from workers.runner import Handler

HANDLERS: Mapping[str, Handler] = {
    JobKind.SCAN.value: run_scan_shard,
    JobKind.IMPORT.value: run_import_shard,
    JobKind.LEAKS.value: run_leaks_shard,
    JobKind.EXPORT.value: run_export_shard,
    JobKind.BULK.value: run_bulk_shard,
    JobKind.ANALYSE.value: run_analysis_shard,
    JobKind.RANK.value: run_rank_shard,
    JobKind.COMPARE.value: run_comparison_shard,
}
