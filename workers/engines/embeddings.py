"""Embeddings: what a network trained on ImageNet sees in a picture, as a vector of some thousand numbers.

Two shots of one scene lie close together even where file, pixels and pHash have nothing in common. The
network is one of torchvision's without its classifier, ResNet50 (2,048 numbers) unless told otherwise. This is the
only engine that needs torch, and it loads it only when an embedder is made: torch takes seconds and hundreds of
megabytes.
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
from workers.engines.decoding import CRASHED, ImageError, ImageProblem, ImageRef, decoded, read_image
from workers.engines.vector_file import VectorFile, Vectors, VectorWriter

if TYPE_CHECKING:
    import torch

Crops = NDArray[np.uint8]
CropResult = tuple[list[str], list[Crops], list[ImageProblem]]
"""Keys and crops of the images that could be read, and the problems of the others."""

DEFAULT_MODEL = "resnet50"


def how_to_get_weights(model: str) -> str:
    return (
        f"On a machine with network, run torchvision.models.get_model({model!r}, weights='DEFAULT') once, copy the "
        "file that it puts into ~/.cache/torch/hub/checkpoints, and pass it with --weights PATH or set "
        "WINNOW_WEIGHTS to its path."
    )


@dataclass(frozen=True, slots=True)
class CropSize:
    """How the network wants its input: the shorter side resized, then a square cut from the middle."""

    resize: int
    crop: int
    resample: Image.Resampling = Image.Resampling.BILINEAR


class Embedder:
    """Turns crops into vectors of length 1, on the device asked for: what ``model``, one of torchvision's
    classifiers, hands to its last layer.

    Raises ``InvalidInput`` for a model, weights or a device that cannot be had, with what to do.
    """

    def __init__(
        self,
        weights: Path | None = None,
        device: str = "auto",
        batch_size: int = 32,
        model: str = DEFAULT_MODEL,
    ) -> None:
        import torch

        if batch_size < 1:
            raise InvalidInput(f"The batch size must be at least 1, not {batch_size}.")
        preset = _pretrained(model).transforms()
        self.crop_size = CropSize(
            preset.resize_size[0], preset.crop_size[0], Image.Resampling[preset.interpolation.name]
        )
        self.batch_size = batch_size
        self.device = choose_device(device)
        self._mean = torch.tensor(preset.mean, device=self.device).view(1, 3, 1, 1)
        self._std = torch.tensor(preset.std, device=self.device).view(1, 3, 1, 1)
        network, self.size = _load_network(model, weights)
        self._network = network.to(self.device)

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
        return np.concatenate(vectors) if vectors else np.empty((0, self.size), np.float32)

    def _embed_batch(self, crops: Crops) -> Vectors:
        import torch

        with torch.inference_mode():
            pixels = torch.from_numpy(crops).to(self.device).permute(0, 3, 1, 2).float().div(255)
            # On a GPU in half the bits: twice as fast, and a cosine moves in its third decimal at most.
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
                features = self._network((pixels - self._mean) / self._std)
            units = torch.nn.functional.normalize(features.float().flatten(1), dim=1)
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


def _pretrained(model: str) -> Any:
    """Torchvision's own weights of a model, which also say how it wants its input."""
    from torchvision import models

    known = models.list_models(module=models)
    if model not in known:
        raise InvalidInput(f"{model!r} is none of torchvision's models. Choose from {', '.join(known)}.")
    return models.get_model_weights(model).DEFAULT


def _load_network(model: str, weights: Path | None) -> tuple[torch.nn.Module, int]:
    """The network without its last layer, and how many numbers that was handed."""
    import torch
    from torchvision.models import get_model

    network = get_model(model, weights=None)
    name, classifier = [(n, part) for n, part in network.named_modules() if isinstance(part, torch.nn.Linear)][-1]
    network.set_submodule(name, torch.nn.Identity())
    state = _download_weights(model) if weights is None else _read_weights(model, weights)
    try:
        # A network trained for other classes has another last layer, which is not needed.
        network.load_state_dict({key: value for key, value in state.items() if not key.startswith(f"{name}.")})
    except (RuntimeError, TypeError, AttributeError) as error:
        raise InvalidInput(f"{weights} does not hold the weights of a {model}. {how_to_get_weights(model)}") from error
    return cast("torch.nn.Module", network.eval()), classifier.in_features


def _download_weights(model: str) -> dict[str, Any]:
    """Torchvision's own weights, from its cache where they were downloaded before."""
    try:
        state = _pretrained(model).get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise InvalidInput(
            f"The weights of the network could not be downloaded ({error}). {how_to_get_weights(model)}"
        ) from error
    return cast("dict[str, Any]", state)


def _read_weights(model: str, path: Path) -> dict[str, Any]:
    import torch

    try:
        # Only tensors are unpickled: a file of weights must not be able to run code.
        state = torch.load(path, map_location="cpu", weights_only=True)
        # Training scripts keep more than the weights, and name them after the wrapper for several GPUs.
        state = state.get("state_dict", state) if isinstance(state, dict) else {}
        return {str(key).removeprefix("module."): value for key, value in state.items()}
    except FileNotFoundError as error:
        raise InvalidInput(f"There is no file of weights at {path}. {how_to_get_weights(model)}") from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise InvalidInput(f"{path} cannot be read as a file of weights. {how_to_get_weights(model)}") from error


def embed_images(
    refs: Sequence[ImageRef],
    embedder: Embedder,
    *,
    processes: int | None = None,
    on_progress: Callable[[int], None] | None = None,
    should_stop: StopCheck | None = None,
) -> tuple[list[str], Vectors, list[ImageProblem]]:
    """Keys and vectors of the images that can be read, in the order of ``refs``, and the problems of the
    others.

    Child processes decode while the network works. Raises ``JobCancelled`` when ``should_stop`` answers true.
    """
    vectors = [np.empty((0, embedder.size), np.float32)]
    keys, problems = _embed_all(refs, embedder, vectors.append, processes, on_progress, should_stop)
    return keys, np.concatenate(vectors), problems


def embed_into_file(
    path: Path,
    refs: Sequence[ImageRef],
    embedder: Embedder,
    *,
    processes: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> tuple[list[str], VectorFile, list[ImageProblem]]:
    """As ``embed_images``, with only a few batches of vectors in memory."""
    writer = VectorWriter(path, embedder.size)
    try:
        keys, problems = _embed_all(refs, embedder, writer.append, processes, on_progress, None)
    finally:
        vectors = writer.finish()
    return keys, vectors, problems


def _embed_all(
    refs: Sequence[ImageRef],
    embedder: Embedder,
    take: Callable[[Vectors], None],
    processes: int | None,
    on_progress: Callable[[int], None] | None,
    should_stop: StopCheck | None,
) -> tuple[list[str], list[ImageProblem]]:
    keys: list[str] = []
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
            take(embedder.embed(np.stack(crops)))
        if on_progress:
            on_progress(len(keys) + len(problems))
    return keys, problems


def load_crops(size: CropSize, refs: Sequence[ImageRef]) -> CropResult:
    """Decode and cut in a child process; 150 kB an image come back, whatever the photo's size was."""
    keys: list[str] = []
    crops: list[Crops] = []
    problems: list[ImageProblem] = []
    for ref in refs:
        restart_watchdog()
        try:
            with decoded(read_image(ref)) as image:
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
    resized = rgb.resize((width, height), size.resample)
    left, top = round((width - size.crop) / 2.0), round((height - size.crop) / 2.0)
    return np.asarray(resized.crop((left, top, left + size.crop, top + size.crop)))


def _crashed(ref: ImageRef) -> CropResult:
    return [], [], [ImageProblem(ref.key, CRASHED.status, CRASHED.message)]
