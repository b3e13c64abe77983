"""Embeddings learnt from the dataset alone: no labels, no weights from elsewhere.

A small network sees each picture twice, changed at random (cropped, mirrored, in other colours), and learns to tell
which two belong together: SimCLR (Chen, Kornblith, Norouzi and Hinton 2020). What it then makes of a picture says what
is in it, not how it was shot. Minutes on a processor for pictures of 32 pixels, seconds on a GPU.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from workers.engines.children import StopCheck
from workers.engines.embeddings import Crops, choose_device
from workers.engines.vector_file import Vectors

if TYPE_CHECKING:
    import torch

WIDTHS = (64, 128, 256)
"""Channels of the network's steps, each at half the size; the last is the length of a vector."""

_PROJECTED = 64
_TEMPERATURE = 0.2
_BATCH, _AT_ONCE = 256, 512
_RATE, _DECAY = 2e-3, 1e-4
_GREYS = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class Training:
    """How long to train. An epoch sees each picture once; ``seed`` makes it repeatable on one kind of device."""

    epochs: int = 8
    device: str = "auto"
    seed: int = 0


def train_encoder(
    crops: Crops,
    training: Training,
    *,
    on_progress: Callable[[int], None] | None = None,
    should_stop: StopCheck | None = None,
) -> tuple[bytes, list[float]]:
    """The weights of an encoder trained on ``crops`` (n, side, side, 3), and the mean loss of each epoch.

    ``on_progress`` is told how many pictures were seen. Stops early, with what it has, where ``should_stop`` says so.

    Raises:
        InvalidInput: the device can't be used.
    """
    import torch

    device = choose_device(training.device)
    torch.manual_seed(training.seed)
    random = torch.Generator().manual_seed(training.seed)
    encoder, projector = _make_encoder().to(device), _make_projector().to(device)
    pixels = torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 3, 1, 2)
    size = min(_BATCH, len(crops))
    steps = max(1, training.epochs * (len(crops) // max(size, 1)))
    weights = [*encoder.parameters(), *projector.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=_RATE, weight_decay=_DECAY)
    warm = max(1, steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, 0.5 * (1 + math.cos(math.pi * step / steps)))
    )
    losses: list[float] = []
    seen, halves = 0, device.type == "cuda" or _has_half_numbers()
    for _ in range(training.epochs if len(crops) >= 2 else 0):
        order = torch.randperm(len(crops), generator=random)
        of_epoch = []
        for start in range(0, len(crops) - size + 1, size):
            if should_stop and should_stop():
                return _to_bytes(encoder), losses
            batch = pixels[order[start : start + size]].to(device).float().div(255)
            views = torch.cat([_change(batch, random), _change(batch, random)])
            with torch.autocast(device.type, torch.bfloat16, enabled=halves):
                found = projector(encoder(views.contiguous(memory_format=torch.channels_last)))
            loss = _contrast(found.float())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            of_epoch.append(float(loss.detach()))
            seen += size
            if on_progress:
                on_progress(seen)
        losses.append(float(np.mean(of_epoch)))
    return _to_bytes(encoder), losses


def encode(crops: Crops, weights: bytes, device: str = "auto") -> Vectors:
    """Vectors (n, 256) of length 1 of ``crops`` (n, side, side, 3), by what ``train_encoder`` returned."""
    import torch

    chosen = choose_device(device)
    encoder = _make_encoder()
    encoder.load_state_dict(torch.load(io.BytesIO(weights), map_location="cpu", weights_only=True))
    encoder = encoder.to(chosen).eval()
    found = [np.zeros((0, WIDTHS[-1]), np.float32)]
    with torch.inference_mode():
        for start in range(0, len(crops), _AT_ONCE):
            part = torch.from_numpy(np.ascontiguousarray(crops[start : start + _AT_ONCE])).to(chosen)
            pixels = part.permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last)
            # A mirrored picture shows the same: the mean of both is steadier.
            vectors = encoder(pixels - 0.5) + encoder(pixels.flip(3) - 0.5)
            found.append(cast("Vectors", torch.nn.functional.normalize(vectors.float(), dim=1).cpu().numpy()))
    return np.concatenate(found)


def _make_encoder() -> torch.nn.Module:
    from torch import nn

    layers: list[nn.Module] = []
    before = 3
    for number, width in enumerate(WIDTHS):
        # Half the size from the first step on: at full size, memory would take most of the time.
        layers += [
            nn.Conv2d(before, width, 4 if number == 0 else 3, 2, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
        before = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers).to(memory_format=_channels_last())


def _has_half_numbers() -> bool:
    """Whether this processor computes with bfloat16 by itself: that is twice as fast then, and else far slower."""
    import torch

    known = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(known and known())


def _channels_last() -> Any:
    import torch

    return torch.channels_last


def _make_projector() -> torch.nn.Module:
    from torch import nn

    width = WIDTHS[-1]
    return nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, _PROJECTED))


def _to_bytes(encoder: torch.nn.Module) -> bytes:
    import torch

    stream = io.BytesIO()
    torch.save({name: value.cpu() for name, value in encoder.state_dict().items()}, stream)
    return stream.getvalue()


def _contrast(found: torch.Tensor) -> torch.Tensor:
    """NT-Xent: each view's other view among all others of the batch."""
    import torch

    count = len(found) // 2
    units = torch.nn.functional.normalize(found, dim=1)
    likeness = units @ units.T / _TEMPERATURE
    likeness = likeness.masked_fill(torch.eye(2 * count, dtype=torch.bool, device=found.device), -1e9)
    other = torch.arange(2 * count, device=found.device).roll(count)
    return torch.nn.functional.cross_entropy(likeness, other)


def _change(batch: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Each picture of ``batch`` (n, 3, h, w) in 0..1 cropped, mirrored and recoloured by chance of its own."""
    import torch

    count = len(batch)

    def draw(low: float, high: float, *shape: int) -> torch.Tensor:
        return (torch.rand(count, *shape, generator=random) * (high - low) + low).to(batch.device)

    side = draw(0.2, 1.0).sqrt()
    stretch = draw(-0.28, 0.28).exp()
    width, height = (side * stretch).clamp(max=1), (side / stretch).clamp(max=1)
    move = torch.zeros(count, 2, 3, device=batch.device)
    move[:, 0, 0] = width * torch.where(draw(0, 1) < 0.5, -1.0, 1.0)
    move[:, 1, 1] = height
    move[:, 0, 2], move[:, 1, 2] = draw(-1, 1) * (1 - width), draw(-1, 1) * (1 - height)
    grid = torch.nn.functional.affine_grid(move, list(batch.shape), align_corners=False)
    seen = torch.nn.functional.grid_sample(batch, grid, padding_mode="reflection", align_corners=False)
    grey = (seen * torch.tensor(_GREYS, device=batch.device).view(1, 3, 1, 1)).sum(1, keepdim=True)
    seen = grey + (seen - grey) * draw(0.2, 1.8, 1, 1, 1)
    mean = grey.mean((2, 3), keepdim=True)
    seen = (mean + (seen - mean) * draw(0.6, 1.4, 1, 1, 1)) * draw(0.6, 1.4, 1, 1, 1)
    seen = seen * draw(0.85, 1.15, 3, 1, 1)
    seen = torch.where(draw(0, 1, 1, 1, 1) < 0.2, grey, seen)
    return seen.clamp(0, 1) - 0.5


def sample_rows(count: int, most: int, seed: int = 0) -> Sequence[int]:
    """At most ``most`` of ``count`` rows, drawn evenly and by chance, in their order."""
    if count <= most:
        return range(count)
    return sorted(np.random.default_rng(seed).choice(count, most, replace=False).tolist())
