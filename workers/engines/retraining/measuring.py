"""What a trained model says of the evaluation set, as it is and corrupted, image by image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.domain.errors import JobCancelled
from workers.engines.retraining.corruptions import KINDS, STRENGTHS, corrupt
from workers.engines.retraining.pictures import Pixels
from workers.engines.retraining.training import as_input

if TYPE_CHECKING:
    import torch
    from torch import nn

_BATCH = 512


def predict(network: nn.Module, pixels: Pixels, device: torch.device) -> NDArray[np.float32]:
    """Probabilities (n, classes), in single precision throughout, so that no rounding of a GPU's decides a tie."""
    import torch

    network.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(pixels), _BATCH):
            pictures = torch.from_numpy(np.ascontiguousarray(pixels[start : start + _BATCH])).to(device)
            scores = network(as_input(pictures).contiguous(memory_format=torch.channels_last))
            parts.append(scores.float().softmax(1).cpu().numpy())
    return np.concatenate(parts).astype(np.float32, copy=False)


def measure_each_epoch(
    pixels: Pixels, labels: NDArray[np.int64], device: torch.device
) -> Callable[[nn.Module], dict[str, float]]:
    """For the curve: accuracy and loss on the evaluation set."""

    def measure(network: nn.Module) -> dict[str, float]:
        told = predict(network, pixels, device)
        true = told[np.arange(len(labels)), labels]
        return {
            "evaluation_accuracy": float(np.mean(told.argmax(1) == labels)),
            "evaluation_loss": float(-np.log(np.maximum(true, 1e-12)).mean()),
        }

    return measure


def predict_corrupted(
    network: nn.Module, pixels: Pixels, device: torch.device, should_stop: Callable[[], bool] | None = None
) -> NDArray[np.int32]:
    """Predicted classes (kinds, strengths, n) of ``KINDS`` at ``STRENGTHS``."""
    found: list[list[Any]] = []
    for kind in KINDS:
        row = []
        for strength in STRENGTHS:
            if should_stop and should_stop():
                raise JobCancelled("The measurement was stopped; the run's last checkpoint is kept.")
            row.append(np.concatenate([
                predict(network, corrupt(pixels[start : start + _BATCH], kind, strength, start), device).argmax(1)
                for start in range(0, len(pixels), _BATCH)
            ]))  # fmt: skip
        found.append(row)
    return np.asarray(found, np.int32)


def summarise_prediction(
    told: NDArray[np.float32], labels: Sequence[int] | NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
    """Predicted class, its probability, and the label's, of probabilities (n, classes): three arrays (n)."""
    rows = np.arange(len(told))
    predicted = told.argmax(1)
    return predicted.astype(np.int32), told[rows, predicted], told[rows, np.asarray(labels)]
