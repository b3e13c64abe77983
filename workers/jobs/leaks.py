"""The steps of a leak run, shard by shard: read images, embed them, compare, collect."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.adapters.files import replaced_atomically
from app.domain.errors import JobCancelled
from app.domain.leaks import LeakCandidate, MatchMethod
from app.services.collect_leaks import (
    ImageTrouble,
    collect_leaks,
    images_of_shard,
    places_of_shard,
    shard_results,
)
from app.services.leak_runs import COLLECT, COMPARE, EMBED, READ, SEARCH, VERIFY, ShardFile
from app.services.run_shard import ClaimedShard
from workers.engines.decoding import ImageProblem, ImageRef, ref_of
from workers.engines.embeddings import Embedder, choose_device, embed_images
from workers.engines.fingerprint_table import (
    FingerprintTable,
    concat_tables,
    read_fingerprints,
    thumbnails_path,
    write_fingerprints,
)
from workers.engines.fingerprints import fingerprint_images
from workers.engines.matching import find_exact, find_perceptual, find_semantic
from workers.engines.shared_pixels import fill_pixel_digests
from workers.jobs.leak_verification import read_findings, search_candidates, verify_candidates, write_findings
from workers.runner import Context, Environment

if TYPE_CHECKING:
    import torch


def run_leaks_shard(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    steps = {
        READ: _read,
        EMBED: _embed,
        COMPARE: _compare,
        SEARCH: search_candidates,
        VERIFY: verify_candidates,
        COLLECT: _collect,
    }
    steps[claimed.row.stage](environment, claimed, context)


def _refs(environment: Environment, claimed: ClaimedShard) -> list[ImageRef]:
    return [ref_of(place) for place in images_of_shard(environment.database, claimed)]


def _read(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    table = fingerprint_images(
        _refs(environment, claimed),
        processes=environment.settings.processes,
        on_progress=context.report,
        should_stop=context.should_stop,
        cache=_cache_of(environment, claimed),
    )
    context.report(len(table), len(table.problems()))
    write_fingerprints(context.result_path("fingerprints.parquet"), table)


def _cache_of(environment: Environment, claimed: ClaimedShard) -> Path:
    """A folder for each shard, as no two workers read the same one: the next run reads only what changed."""
    params = claimed.params
    name = f"{params['split']}-{params['first']}-{params['last']}"
    return environment.settings.folder("fingerprints") / f"project-{claimed.project_id}" / name


def _embed(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    settings, params = environment.settings, claimed.job_params
    device = settings.device if params["device"] == "auto" else params["device"]
    keys, vectors, problems = embed_images(
        _refs(environment, claimed),
        Embedder(settings.weights, device, params["batch_size"], settings.model),
        processes=settings.processes,
        on_progress=context.report,
        should_stop=context.should_stop,
    )
    context.report(len(keys) + len(problems), len(problems))
    told = json.dumps([[p.key, p.status.value, p.message] for p in problems])
    with replaced_atomically(context.result_path("embeddings.npz")) as stream:
        np.savez(stream, keys=np.array(keys, dtype=np.str_), vectors=vectors, problems=np.array(told))


def _compare(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    """Compare one part of the test side with the whole train side."""
    params = claimed.job_params
    methods = {MatchMethod(name) for name in params["methods"]}
    found: list[LeakCandidate] = []
    if methods - {MatchMethod.SEMANTIC}:
        found += _compare_fingerprints(environment, claimed, methods, context)
    if context.should_stop():
        raise JobCancelled("The leak run was cancelled.")
    if MatchMethod.SEMANTIC in methods:
        found += _compare_embeddings(environment, claimed, context)
    if params["scope"] == "within":
        found = [candidate for candidate in found if candidate.test_image < candidate.train_image]
    write_findings(context.result_path("candidates.json"), list(set(found)))


def _compare_fingerprints(
    environment: Environment, claimed: ClaimedShard, methods: set[MatchMethod], context: Context
) -> list[LeakCandidate]:
    files = shard_results(environment.database, claimed.job_id, READ)
    query = _tables(environment, files, "query", claimed.params["part"])
    reference = _tables(environment, files, "reference")
    place_of, processes = places_of_shard(environment.database, claimed), environment.settings.processes
    refs = [[ref_of(place_of(key)) for key in table.keys] for table in (query, reference)]
    query, reference = fill_pixel_digests(query, reference, *refs, processes=processes, should_stop=context.should_stop)
    found: list[LeakCandidate] = []
    if MatchMethod.EXACT in methods:
        found += find_exact(query, reference)
    if MatchMethod.PERCEPTUAL in methods:
        found += find_perceptual(query, reference, max_distance=claimed.job_params["phash_threshold"])
    return [candidate for candidate in found if candidate.train_image != candidate.test_image]


def _tables(
    environment: Environment, files: Iterable[ShardFile], role: str, part: int | None = None
) -> FingerprintTable:
    folder = environment.settings.folder("results")
    return concat_tables([read_fingerprints(folder / f.path, thumbnails=False) for f in files if f.has(role, part)])


def _compare_embeddings(environment: Environment, claimed: ClaimedShard, context: Context) -> list[LeakCandidate]:
    """Part by part of the train side: its vectors take 8 kB an image, too much for a million at once. In memory are
    those of the test part and of one train part, and what ``search_cosines`` adds."""
    files = shard_results(environment.database, claimed.job_id, EMBED)
    queries = [f for f in files if f.has("query", claimed.params["part"])]
    query_keys, query = _vectors(environment, queries)
    device = _device_to_compare(environment, claimed)
    found: list[LeakCandidate] = []
    for file in files:
        if not file.has("reference"):
            continue
        keys, vectors = _vectors(environment, [file])
        found += find_semantic(
            query_keys,
            query,
            keys,
            vectors,
            min_similarity=claimed.job_params["semantic_threshold"],
            device=device,
            should_stop=context.should_stop,
        )
    return [candidate for candidate in found if candidate.train_image != candidate.test_image]


def _device_to_compare(environment: Environment, claimed: ClaimedShard) -> torch.device:
    """Comparing is work for any worker: a GPU is used where there is one, and not missed where there is none."""
    wanted = {claimed.job_params["device"], environment.settings.device}
    return choose_device("cpu" if "cpu" in wanted else "auto")


def _vectors(
    environment: Environment, files: Iterable[ShardFile]
) -> tuple[list[str], np.ndarray[Any, np.dtype[np.float32]]]:
    folder = environment.settings.folder("results")
    loaded = [np.load(folder / f.path, allow_pickle=False) for f in files]
    keys = [str(key) for part_ in loaded for key in part_["keys"]]
    return keys, np.concatenate([part_["vectors"] for part_ in loaded])


def _collect(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    """Put candidates and unreadable images into the database, in one transaction."""
    folder = environment.settings.folder("results")
    tables = [
        read_fingerprints(folder / f.path, thumbnails=False)
        for f in shard_results(environment.database, claimed.job_id, READ)
    ]
    troubles = [_trouble(problem) for table in tables for problem in table.problems()]
    embedded = shard_results(environment.database, claimed.job_id, EMBED)
    troubles += [trouble for file in embedded for trouble in _embedding_troubles(folder / file.path)]
    digests = {row.key: row.file_md5 for table in tables for row in table if row.file_md5}
    last = VERIFY if MatchMethod.VERIFIED in claimed.job_params["methods"] else COMPARE
    files = shard_results(environment.database, claimed.job_id, last)
    findings = [finding for file in files for finding in read_findings(folder / file.path)]
    collect_leaks(environment.database, claimed.job_id, findings, troubles, digests)
    _tidy(environment, claimed.job_id)
    context.report(1)


def _tidy(environment: Environment, job_id: int) -> None:
    """Nobody asks for thumbnails and candidates again, and of a million images they fill five gigabytes."""
    folder = environment.settings.folder("results")
    for file in shard_results(environment.database, job_id, READ):
        thumbnails_path(folder / file.path).unlink(missing_ok=True)
    for file in shard_results(environment.database, job_id, SEARCH):
        (folder / file.path).unlink(missing_ok=True)


def _trouble(problem: ImageProblem) -> ImageTrouble:
    return ImageTrouble(problem.key, problem.status.value, problem.message)


def _embedding_troubles(path: Path) -> list[ImageTrouble]:
    with np.load(path, allow_pickle=False) as part:
        return [ImageTrouble(*told) for told in json.loads(str(part["problems"]))]
