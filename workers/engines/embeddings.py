"""Embeddings: what a network trained on ImageNet sees in a picture, as a vector of 2,048 numbers.

Two shots of one scene lie close together even where file, pixels and pHash have nothing in common. The
network is torchvision's ResNet50 without its classifier. This is the only engine that needs torch, and it
loads it only when an embedder is made: torch takes seconds and hundreds of megabytes.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.domain.errors import InvalidInput
from workers.engines.children import StopCheck, map_in_children, restart_watchdog, stop_watchdog
from workers.engines.decoding import CRASHED, ImageError, ImageProblem, ImageRef, decoded, read_file

if TYPE_CHECKING:
    import torch

Vectors = NDArray[np.float32]
Crops = NDArray[np.uint8]
CropResult = tuple[list[str], list[Crops], list[ImageProblem]]
"""Keys and crops of the images that could be read, and the problems of the others."""

EMBEDDING_SIZE = 2048

_HOW_TO_GET_WEIGHTS = (
    "On a machine with network, run torchvision.models.resnet50(weights='IMAGENET1K_V2') once, copy "
    "resnet50-11ad3fa6.pth from its cache (~/.cache/torch/hub/checkpoints), and pass it with --weights PATH or set "
    "WINNOW_WEIGHTS to its path."
)


@dataclass(frozen=True, slots=True)
class CropSize:
    """How the network wants its input: the shorter side resized, then a square cut from the middle."""

    resize: int
    crop: int


class ResNet50Embedder:
    """Turns crops into vectors of length 1, on the device asked for."""

    def __init__(self, weights: Path | None = None, device: str = "auto", batch_size: int = 32) -> None:
        import torch
        from torchvision.models import ResNet50_Weights

        if batch_size < 1:
            raise InvalidInput(f"The batch size must be at least 1, not {batch_size}.")
        preset = ResNet50_Weights.IMAGENET1K_V2.transforms()
        self.crop_size = CropSize(preset.resize_size[0], preset.crop_size[0])
        self.batch_size = batch_size
        self.device = choose_device(device)
        self._mean = torch.tensor(preset.mean, device=self.device).view(1, 3, 1, 1)
        self._std = torch.tensor(preset.std, device=self.device).view(1, 3, 1, 1)
        self._network = _load_network(weights).to(self.device)

    def embed(self, crops: Crops) -> Vectors:
        """Vectors of ``(n, side, side, 3)`` crops. Where the device runs out of memory, with smaller
        batches."""
        import torch

        vectors = []
        position = 0
        while position < len(crops):
            try:
                vectors.append(self._embed_batch(crops[position : position + self.batch_size]))
            except torch.cuda.OutOfMemoryError:
                if self.batch_size == 1:
                    raise
                # Kept for the rest of the run: the next batch would not fit either.
                self.batch_size //= 2
                torch.cuda.empty_cache()
            else:
                position += len(vectors[-1])
        return np.concatenate(vectors) if vectors else np.empty((0, EMBEDDING_SIZE), np.float32)

    def _embed_batch(self, crops: Crops) -> Vectors:
        import torch

        with torch.inference_mode():
            pixels = torch.from_numpy(crops).to(self.device).permute(0, 3, 1, 2).float().div(255)
            features = self._network((pixels - self._mean) / self._std)
            units = torch.nn.functional.normalize(features, dim=1)
            return cast("Vectors", units.float().cpu().numpy())


def choose_device(device: str) -> torch.device:
    """``auto`` takes a GPU where there is one; asking for a device that is not there is an error, not a
    fallback."""
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().split("\n")[0]
        raise InvalidInput(f"Device {device!r} cannot be used here ({reason}). Use --device auto or cpu.") from error
    return chosen


def _load_network(weights: Path | None) -> torch.nn.Module:
    import torch
    from torchvision.models import resnet50

    network = resnet50(weights=None)
    state = _download_weights() if weights is None else _read_weights(weights)
    try:
        network.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise InvalidInput(f"{weights} does not hold the weights of a ResNet50. {_HOW_TO_GET_WEIGHTS}") from error
    network.fc = torch.nn.Identity()
    return cast("torch.nn.Module", network.eval())


def _download_weights() -> dict[str, Any]:
    """Torchvision's own weights, from its cache where they were downloaded before."""
    from torchvision.models import ResNet50_Weights

    try:
        state = ResNet50_Weights.IMAGENET1K_V2.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise InvalidInput(
            f"The weights of the network could not be downloaded ({error}). {_HOW_TO_GET_WEIGHTS}"
        ) from error
    return cast("dict[str, Any]", state)


def _read_weights(path: Path) -> dict[str, Any]:
    import torch

    try:
        # Only tensors are unpickled: a file of weights must not be able to run code.
        return cast("dict[str, Any]", torch.load(path, map_location="cpu", weights_only=True))
    except FileNotFoundError as error:
        raise InvalidInput(f"There is no file of weights at {path}. {_HOW_TO_GET_WEIGHTS}") from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise InvalidInput(f"{path} cannot be read as a file of weights. {_HOW_TO_GET_WEIGHTS}") from error


def embed_images(
    refs: Sequence[ImageRef],
    embedder: ResNet50Embedder,
    *,
    processes: int | None = None,
    on_progress: Callable[[int], None] | None = None,
    should_stop: StopCheck | None = None,
) -> tuple[list[str], Vectors, list[ImageProblem]]:
    """Keys and vectors of the images that can be read, in the order of ``refs``, and the problems of the
    others.

    Child processes decode while the network works. Raises ``JobCancelled`` when ``should_stop`` answers true.
    """
    keys: list[str] = []
    vectors = [np.empty((0, EMBEDDING_SIZE), np.float32)]
    problems: list[ImageProblem] = []
    for chunk_keys, crops, chunk_problems in map_in_children(
        partial(load_crops, embedder.crop_size),
        refs,
        when_crashed=_crashed,
        processes=processes,
        chunk_size=embedder.batch_size,
        should_stop=should_stop,
    ):
        keys += chunk_keys
        problems += chunk_problems
        if crops:
            vectors.append(embedder.embed(np.stack(crops)))
        if on_progress:
            on_progress(len(keys) + len(problems))
    return keys, np.concatenate(vectors), problems


def load_crops(size: CropSize, refs: Sequence[ImageRef]) -> CropResult:
    """Decode and cut in a child process; 150 kB an image come back, whatever the photo's size was."""
    keys: list[str] = []
    crops: list[Crops] = []
    problems: list[ImageProblem] = []
    for ref in refs:
        restart_watchdog()
        try:
            with decoded(read_file(ref.path)) as image:
                crops.append(crop_for_network(image, size))
            keys.append(ref.key)
        except ImageError as error:
            problems.append(ImageProblem(ref.key, error.status, error.message))
    stop_watchdog()
    return keys, crops, problems


def crop_for_network(image: Image.Image, size: CropSize) -> Crops:
    """Torchvision's resize and centre crop, rounding included, without torch in the child."""
    rgb = image.convert("RGB")
    short, long = sorted(rgb.size)
    longer = int(size.resize * long / short)
    width, height = (size.resize, longer) if rgb.width <= rgb.height else (longer, size.resize)
    resized = rgb.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - size.crop) / 2.0), round((height - size.crop) / 2.0)
    return np.asarray(resized.crop((left, top, left + size.crop, top + size.crop)))


def _crashed(ref: ImageRef) -> CropResult:
    return [], [], [ImageProblem(ref.key, CRASHED.status, CRASHED.message)]
