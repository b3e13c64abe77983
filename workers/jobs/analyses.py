"""The steps of an analysis, shard by shard: read images, embed them, look for copies, judge, apply.

What goes from one step to the next are files in the job's results folder, so that a killed worker costs one shard.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from app.adapters.files import replaced_atomically
from app.domain.detectors import Claim, Detector, Distribution
from app.domain.errors import JobCancelled
from app.domain.leaks import DEFAULT_MAX_DISTANCE, MIN_SCORE, LeakCandidate
from app.domain.samples import IssueType
from app.services.analyses import COLLECT, COMPARE, EMBED, JUDGE, LEARN, READ, map_path
from app.services.collect_analysis import apply_claims, labels_of_images
from app.services.collect_leaks import images_of_shard, places_of_shard, shard_results
from app.services.run_shard import ClaimedShard
from workers.engines.children import default_processes
from workers.engines.copies import find_copies
from workers.engines.decoding import ImageProblem, ImageRef, ref_of
from workers.engines.fingerprint_table import FingerprintTable, concat_tables, read_fingerprints, write_fingerprints
from workers.engines.image_measures import Measures
from workers.engines.image_reading import read_images
from workers.engines.matching import find_exact, find_perceptual
from workers.engines.mislabels import Confusion
from workers.engines.quality import find_poor_images, find_unreadable
from workers.engines.shared_pixels import fill_pixel_digests
from workers.engines.verified_copies import check_copies
from workers.jobs.analysis_features import embed, learn, measures_path
from workers.jobs.judge_embedded import judge_embedded
from workers.jobs.leak_verification import read_findings, write_findings
from workers.runner import Context, Environment

_CANCELLED = "The analysis was cancelled; no flag was changed."


def run_analysis_shard(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    steps = {READ: _read, LEARN: learn, EMBED: embed, COMPARE: _compare, JUDGE: _judge, COLLECT: _collect}
    steps[claimed.row.stage](environment, claimed, context)


def _refs(environment: Environment, claimed: ClaimedShard) -> list[ImageRef]:
    return [ref_of(place) for place in images_of_shard(environment.database, claimed)]


def _read(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    params, settings = claimed.params, environment.settings
    # The fingerprints are a leak run's too: it names the folder of its shards in the same way.
    shard = f"{params['split']}-{params['first']}-{params['last']}"
    project = f"project-{claimed.project_id}"
    found = read_images(
        _refs(environment, claimed),
        processes=settings.processes,
        on_progress=context.report,
        should_stop=context.should_stop,
        fingerprints=settings.folder("fingerprints") / project / shard,
        measures=settings.folder("measures") / project / f"{shard}.npz",
    )
    context.report(len(found.table), len(found.table.problems()))
    path = context.result_path("fingerprints.parquet")
    with replaced_atomically(measures_path(path)) as stream:
        np.save(stream, found.measures)
    write_fingerprints(path, found.table)


def _compare(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    """Compare one part of the images with all of them; each pair comes once."""
    folder = environment.settings.folder("results")
    files = shard_results(environment.database, claimed.job_id, READ)
    reference = concat_tables([read_fingerprints(folder / file.path) for file in files])
    query = concat_tables(
        [read_fingerprints(folder / file.path) for file in files if file.part == claimed.params["part"]]
    )
    place_of = places_of_shard(environment.database, claimed)
    refs = [[ref_of(place_of(key)) for key in table.keys] for table in (query, reference)]
    query, reference = fill_pixel_digests(
        query, reference, *refs, processes=environment.settings.processes, should_stop=context.should_stop
    )
    exact = [pair for pair in find_exact(query, reference) if pair.test_image < pair.train_image]
    alike = [
        pair
        for pair in find_perceptual(query, reference, max_distance=DEFAULT_MAX_DISTANCE)
        if pair.test_image < pair.train_image
    ]
    if context.should_stop():
        raise JobCancelled(_CANCELLED)
    threads = min(environment.settings.processes, default_processes())
    near = check_copies(query, reference, alike, min_score=MIN_SCORE, threads=threads, should_stop=context.should_stop)
    write_findings(context.result_path("copies.json"), _without_exact(exact, near))


def _without_exact(exact: Sequence[LeakCandidate], near: Sequence[LeakCandidate]) -> list[LeakCandidate]:
    known = {(pair.test_image, pair.train_image) for pair in exact}
    return [*exact, *(pair for pair in near if (pair.test_image, pair.train_image) not in known)]


def _judge(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    """All claims, and the summary that pages show."""
    detectors = set(claimed.job_params["detectors"])
    labels = labels_of_images(environment.database, claimed)
    table, measures = _read_back(environment, claimed)
    ok = table.ok_rows()
    claims: list[Claim] = []
    shown: list[Distribution] = []
    notices: list[str] = list(claimed.job_params["notices"])
    if Detector.QUALITY in detectors:
        thresholds = claimed.job_params["thresholds"]
        claims, shown = find_poor_images([table.keys[row] for row in ok.tolist()], measures[ok], thresholds=thresholds)
        if claimed.job_params["base"]:
            claims = [claim for claim in claims if claim.issue in thresholds]
        else:
            claims += find_unreadable(table.problems())
    if Detector.DUPLICATES in detectors:
        folder = environment.settings.folder("results")
        compared = shard_results(environment.database, claimed.job_id, COMPARE)
        pairs = [pair for file in compared for pair in read_findings(folder / file.path)]
        claims += find_copies(pairs, labels)
    context.report(0)
    if context.should_stop():
        raise JobCancelled(_CANCELLED)
    found = judge_embedded(environment, claimed, context, labels)
    claims, shown, notices = claims + found.claims, shown + found.shown, notices + found.notices
    notices += _missing(table.problems())
    summary = _summarise(table, claims, shown, found.confusions, notices)
    path = context.result_path("claims.json")
    if found.points is not None:
        summary["on_map"] = len(found.points.keys)
        with replaced_atomically(map_path(path)) as stream:
            np.savez(stream, keys=np.array(found.points.keys, np.str_), places=found.points.places)
    with replaced_atomically(path) as stream:
        stream.write(json.dumps({"claims": [asdict(claim) for claim in claims], "summary": summary}).encode())
    context.report(1)


def _read_back(environment: Environment, claimed: ClaimedShard) -> tuple[FingerprintTable, Measures]:
    folder = environment.settings.folder("results")
    # Where only thresholds change, what another analysis read is judged anew.
    read_by = claimed.job_params["base"] or claimed.job_id
    paths = [folder / file.path for file in shard_results(environment.database, read_by, READ)]
    table = concat_tables([read_fingerprints(path, thumbnails=False) for path in paths])
    return table, np.concatenate([np.load(measures_path(path), allow_pickle=False) for path in paths])


def _missing(problems: Sequence[ImageProblem]) -> list[str]:
    gone = [problem.key for problem in problems if problem.status == "missing"]
    if not gone:
        return []
    return [f"{len(gone):,} images were not there to be read, such as {gone[0]}; list the project's folder again."]


def _summarise(
    table: FingerprintTable, claims: Sequence[Claim], shown: Sequence[Distribution],
    confusions: Sequence[Confusion], notices: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    problems = table.problems()
    return {
        "images": len(table),
        "issues": dict(Counter(claim.issue for claim in claims).most_common()),
        "distributions": [asdict(one) for one in shown],
        "confusions": [asdict(one) for one in confusions],
        "notices": list(notices),
        "problem_list": [[p.key, p.status.value, p.message] for p in problems],
    }


def _collect(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    settings = environment.settings
    (judged,) = shard_results(environment.database, claimed.job_id, JUDGE)
    found = json.loads((settings.folder("results") / judged.path).read_bytes())
    claims = [Claim(**{**row, "issue_type": IssueType(row["issue_type"])}) for row in found["claims"]]
    notices = found["summary"]["notices"]
    apply_claims(environment.database, claimed, claims, notices, settings.folder("uploads"), context)
    context.report(1)
