"""What a run keeps: a checkpoint after each epoch, its curve so far, and in the end the prediction of each image.

All are written whole or not at all, so a worker that is killed, or a disk that is full, costs one epoch at most.
"""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.adapters.files import replaced_atomically
from app.domain.errors import InvalidFile, OutOfSpace

CHECKPOINT, CURVE, RESULT = "checkpoint.pt", "curve.json", "result.npz"


@dataclass(frozen=True, slots=True, eq=False)
class RunResult:
    """What one run's model says of the evaluation set, image by image, in the set's order.

    Args:
        predicted: the class's number (n).
        confidence: the probability that it is given (n).
        true_probability: the probability of the image's label (n).
        corrupted: the class's number under each corruption and strength (corruptions, strengths, n).
        curve: a row an epoch.
        facts: seconds, images a second, device, versions.
    """

    predicted: NDArray[np.int32]
    confidence: NDArray[np.float32]
    true_probability: NDArray[np.float32]
    corrupted: NDArray[np.int32]
    curve: tuple[Mapping[str, Any], ...]
    facts: Mapping[str, Any]


def write_result(folder: Path, digest: str, result: RunResult) -> None:
    """
    Raises:
        OutOfSpace: the disk is full; an earlier result stays.
    """
    out = io.BytesIO()
    told = json.dumps({"digest": digest, "curve": list(result.curve), "facts": dict(result.facts)}, sort_keys=True)
    np.savez_compressed(
        out, predicted=result.predicted, confidence=result.confidence, true_probability=result.true_probability,
        corrupted=result.corrupted, told=np.array(told),
    )  # fmt: skip
    _write(folder / RESULT, out.getvalue())


def find_result(folder: Path, digest: str) -> RunResult | None:
    """A run's result; None where it is not there, or is that of another plan.

    Raises:
        InvalidFile: the file is broken.
    """
    path = folder / RESULT
    try:
        with np.load(path, allow_pickle=False) as found:
            told = json.loads(str(found["told"]))
            if told["digest"] != digest:
                return None
            return RunResult(
                found["predicted"], found["confidence"], found["true_probability"], found["corrupted"],
                tuple(told["curve"]), told["facts"],
            )  # fmt: skip
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InvalidFile(f"{path} is broken ({error}). Delete it; the run is then done again.") from error


def write_checkpoint(folder: Path, state: Mapping[str, Any]) -> None:
    """
    Raises:
        OutOfSpace: the disk is full; the checkpoint before it stays, and the training can go on from there.
    """
    import torch

    # By way of memory: torch wraps a full disk into an error of its own that nobody could tell from others.
    out = io.BytesIO()
    torch.save(dict(state), out)
    try:
        _write(folder / CHECKPOINT, out.getvalue())
    except OutOfSpace:
        raise OutOfSpace(
            f"The disk is full: the checkpoint of epoch {state['epoch']} was not written to {folder}. Nothing is lost "
            f"before that. Make room ({len(out.getvalue()) / 1e6:,.0f} MB a run), then start the same again."
        ) from None


def find_checkpoint(folder: Path, digest: str) -> dict[str, Any] | None:
    """The state after the last whole epoch; None where there is none of this plan. Only tensors are unpickled.

    Raises:
        InvalidFile: the file is broken.
    """
    import torch

    path = folder / CHECKPOINT
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise InvalidFile(f"{path} is broken ({error}). Delete it; the run then starts anew.") from error
    return state if state.get("digest") == digest else None


def write_curve(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """The curve so far, for whoever looks on."""
    _write(folder / CURVE, json.dumps(list(rows)).encode())


def read_curve(folder: Path) -> list[dict[str, Any]]:
    """The curve so far; empty before the first epoch has ended."""
    try:
        rows: list[dict[str, Any]] = json.loads((folder / CURVE).read_bytes())
    except FileNotFoundError:
        return []
    return rows


def drop_checkpoint(folder: Path) -> None:
    """A run that is done needs no checkpoint any more; it is the largest of its files."""
    (folder / CHECKPOINT).unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced_atomically(path) as stream:
        stream.write(data)
