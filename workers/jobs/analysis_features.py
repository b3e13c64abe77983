"""By what an analysis compares pictures: a trained network, what is learnt from the images themselves, or a file.

Each way ends in keys and vectors. What can't be had is told as a notice; what needs no vectors goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.adapters.files import replaced_atomically
from app.domain.detectors import Features
from app.domain.errors import InvalidInput, JobCancelled
from app.services.analyses import EMBED, LEARN, READ
from app.services.collect_leaks import images_of_shard, places_of_shard, shard_results
from app.services.run_shard import ClaimedShard
from app.services.take_numbers import NumberKind, find_kept, read_kept
from workers.engines.decoding import ImageRef, ref_of
from workers.engines.embeddings import Crops, Embedder, embed_images
from workers.engines.fingerprint_table import read_fingerprints
from workers.engines.image_measures import COLUMN
from workers.engines.neighbours import Vectors
from workers.engines.patch_features import ENOUGH, SIDE, PatchTypes, describe_by, learn_patches
from workers.engines.self_training import Training, encode, sample_rows, train_encoder
from workers.engines.small_pictures import load_small, side_for
from workers.runner import Context, Environment

TRAINED_ON = 50_000
"""A training on the images sees so many of them at most: larger datasets have more of the same."""

_TYPES = tuple(field.name for field in fields(PatchTypes))
_NONE: Vectors = np.zeros((0, 1), np.float32)

_FEWEST = 20
"""Images below which nothing can be learnt."""


def measures_path(path: Path) -> Path:
    """Where the measures lie that belong to a shard's fingerprints."""
    return path.with_name(f"{path.stem}.measures.npy")


def learn(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    """Learn from a sample of all images, drawn by the analysis' seed."""
    params = claimed.job_params
    keys, sides = _readable(environment, claimed)
    is_trained = params["features"] == Features.LEARNED
    side = side_for(sides) if is_trained else SIDE
    most = ENOUGH if not is_trained else TRAINED_ON * (SIDE * SIDE) // (side * side)
    rows = sample_rows(len(keys), most, params["seed"])
    refs = _refs_of(environment, claimed, [keys[row] for row in rows])
    _, crops, _ = load_small(
        refs, side, processes=environment.settings.processes, should_stop=context.should_stop,
        on_progress=lambda done: context.report(done // 10),
    )  # fmt: skip
    notice = "" if len(crops) >= _FEWEST else _too_few(len(crops))
    learnt: dict[str, NDArray[np.generic]] = {"side": np.array(side), "notice": np.array(notice)}
    if not notice:
        try:
            learnt |= _learn_from(environment, claimed, context, crops)
        except InvalidInput as error:
            learnt["notice"] = np.array(error.message)
    with replaced_atomically(context.result_path("learnt.npz")) as stream:
        np.savez(stream, **learnt)  # type: ignore[arg-type]  # numpy's stubs take the names for its own options


def _learn_from(
    environment: Environment, claimed: ClaimedShard, context: Context, crops: Crops
) -> dict[str, NDArray[np.generic]]:
    params = claimed.job_params
    types = learn_patches(_at_patch_side(crops)[:ENOUGH], seed=params["seed"])
    learnt: dict[str, NDArray[np.generic]] = {name: getattr(types, name) for name in _TYPES}
    if params["features"] == Features.PATCHES:
        return learnt
    total, wanted = claimed.row.total, len(crops) * params["epochs"]
    weights, _ = train_encoder(
        crops, Training(params["epochs"], _device(environment, claimed), params["seed"]),
        on_progress=lambda seen: context.report(round(total * (0.1 + 0.9 * seen / wanted))),
        should_stop=context.should_stop,
    )  # fmt: skip
    if context.should_stop():
        raise JobCancelled("The analysis was cancelled; no flag was changed.")
    middle = encode(crops[:ENOUGH], weights, _device(environment, claimed)).mean(axis=0)
    return learnt | {"weights": np.frombuffer(weights, np.uint8), "middle": middle}


def _at_patch_side(crops: Crops) -> Crops:
    """Crops (n, side, side, 3) at the side at which patches are cut, as means of blocks."""
    times = crops.shape[1] // SIDE
    if times == 1:
        return crops
    blocks = crops.reshape(len(crops), SIDE, times, SIDE, times, 3)
    return np.asarray(blocks.mean(axis=(2, 4)).round(), np.uint8)


def _too_few(count: int) -> str:
    return f"Nothing can be learnt from {count:,} images that can be read; it takes {_FEWEST}."


def _readable(environment: Environment, claimed: ClaimedShard) -> tuple[list[str], Sequence[float]]:
    """Keys and shorter sides in pixels of the images that could be read."""
    keys: list[str] = []
    sides: list[float] = []
    for file in shard_results(environment.database, claimed.job_id, READ):
        path = environment.settings.folder("results") / file.path
        table, measures = read_fingerprints(path, thumbnails=False), np.load(measures_path(path), allow_pickle=False)
        rows = table.ok_rows().tolist()
        keys += [table.keys[row] for row in rows]
        sides += measures[rows][:, [COLUMN["width"], COLUMN["height"]]].min(axis=1).tolist()
    return keys, sides


def _refs_of(environment: Environment, claimed: ClaimedShard, keys: Sequence[str]) -> list[ImageRef]:
    place_of = places_of_shard(environment.database, claimed)
    return [ref_of(place_of(key)) for key in keys]


def _device(environment: Environment, claimed: ClaimedShard) -> str:
    wanted: str = claimed.job_params["device"]
    return environment.settings.device if wanted == "auto" else wanted


def embed(environment: Environment, claimed: ClaimedShard, context: Context) -> None:
    """Weights that can't be used end no analysis: what needs no embeddings goes on, and the reason is told."""
    keys: list[str] = []
    vectors, patches, notice = np.zeros((0, 1), np.float32), np.zeros((0, 1), np.float32), ""
    refs = [ref_of(place) for place in images_of_shard(environment.database, claimed)]
    try:
        if claimed.job_params["features"] == Features.NETWORK:
            keys, vectors = _by_network(environment, claimed, context, refs)
        else:
            keys, vectors, patches = _by_learnt(environment, claimed, context, refs)
    except InvalidInput as error:
        notice = error.message
    with replaced_atomically(context.result_path("embeddings.npz")) as stream:
        np.savez(stream, keys=np.array(keys, np.str_), vectors=vectors, patches=patches, notice=np.array(notice))


def _by_network(
    environment: Environment, claimed: ClaimedShard, context: Context, refs: Sequence[ImageRef]
) -> tuple[list[str], Vectors]:
    settings = environment.settings
    embedder = Embedder(
        settings.weights, _device(environment, claimed), claimed.job_params["batch_size"], settings.model
    )
    keys, vectors, _ = embed_images(
        refs, embedder, processes=settings.processes, on_progress=context.report, should_stop=context.should_stop
    )
    return keys, vectors


def _by_learnt(
    environment: Environment, claimed: ClaimedShard, context: Context, refs: Sequence[ImageRef]
) -> tuple[list[str], Vectors, Vectors]:
    """Keys, vectors by which labels are judged, and features of patches, by which outliers are found."""
    (file,) = shard_results(environment.database, claimed.job_id, LEARN)
    with np.load(environment.settings.folder("results") / file.path, allow_pickle=False) as stored:
        learnt = {name: stored[name] for name in stored.files}
    if notice := str(learnt["notice"]):
        raise InvalidInput(notice)
    keys, crops, _ = load_small(
        refs, int(learnt["side"]), processes=environment.settings.processes, on_progress=context.report,
        should_stop=context.should_stop,
    )  # fmt: skip
    patches = describe_by(_at_patch_side(crops), PatchTypes(*(learnt[name] for name in _TYPES)))
    if "weights" not in learnt:
        return keys, patches, patches
    seen = encode(crops, learnt["weights"].tobytes(), _device(environment, claimed))
    # Both together; what that brings over each alone was not measured yet (decision 55).
    return keys, np.concatenate([_unit(seen - learnt["middle"]), _unit(patches)], axis=1), patches


def _unit(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """Vectors of the images ``keys``, and features of patches where those were learnt (else none); ``reasons`` say why
    there are no vectors, ``notices`` what else is to be told."""

    keys: list[str]
    vectors: Vectors
    patches: Vectors
    reasons: list[str]
    notices: list[str]


def read_embedded(environment: Environment, claimed: ClaimedShard) -> Embedded:
    """What the steps before, or a file, say of the images."""
    if name := claimed.job_params["vectors"]:
        path = find_kept(claimed.project_id or 0, environment.settings.folder("uploads"), NumberKind.VECTORS, name)
        kept = read_kept(path)
        return Embedded(kept.keys, kept.values, _NONE, [], kept.notices)
    folder = environment.settings.folder("results")
    keys: list[str] = []
    parts, patches, reasons = [], [], []
    for file in shard_results(environment.database, claimed.job_id, EMBED):
        with np.load(folder / file.path, allow_pickle=False) as part:
            if notice := str(part["notice"]):
                reasons.append(notice)
            elif len(part["keys"]):
                keys += [str(key) for key in part["keys"]]
                parts.append(part["vectors"])
                patches.append(part["patches"])
    return Embedded(
        keys,
        np.concatenate([*parts]) if parts else _NONE,
        np.concatenate([*patches]) if patches else _NONE,
        reasons,
        [],
    )
