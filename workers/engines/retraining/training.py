"""Training one model: one condition, one seed. Deterministic on one device, and taken up again after its last epoch.

The loop is plain PyTorch. A training library would save few of these lines, and none offers what is needed here: a run
that was cut off ends bit for bit as if it had not been (decision 50).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cleaned_dataset import CleanedDataset
from app.domain.errors import InvalidInput, JobCancelled
from app.domain.retraining.plan import TrainingConfig
from workers.engines.embeddings import choose_device
from workers.engines.retraining.augmentation import augment, epoch_generator
from workers.engines.retraining.networks import make_network
from workers.engines.retraining.run_files import find_checkpoint, write_checkpoint, write_curve

if TYPE_CHECKING:
    import torch
    from torch import nn

OnEpoch = Callable[[Mapping[str, Any]], None]
Measure = Callable[["nn.Module"], dict[str, float]]

_ORDER, _AUGMENT = 0, 1
_WARM_UP = 0.2
_HALF_RANGE = 0.25
"""About the standard deviation of levels in photos. A fixed number: statistics of the training set would differ from
condition to condition."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained network on its device, and a row for each epoch."""

    network: nn.Module
    device: torch.device
    curve: list[dict[str, Any]]


@contextmanager
def deterministic(config: TrainingConfig) -> Iterator[None]:
    """The same numbers on every run on this device; settings of the process are put back at the end.

    On a GPU an operation that has no deterministic form runs all the same, and torch warns of it by name: most networks
    of torchvision's have one, such as the way back through a maximum over windows.
    """
    import torch

    on_gpu = choose_device(config.device).type == "cuda"
    if on_gpu:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with it

    threads = torch.get_num_threads()
    was_deterministic = torch.get_deterministic_debug_mode()
    was_benchmarking = torch.backends.cudnn.benchmark
    torch.set_num_threads(config.threads)
    # The same as use_deterministic_algorithms, which loads torch's compiler besides: seconds that nothing here needs.
    torch.set_deterministic_debug_mode("warn" if on_gpu else "error")
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode(was_deterministic)
        torch.backends.cudnn.benchmark = was_benchmarking


def train(
    data: CleanedDataset, classes: int, config: TrainingConfig, seed: int, folder: Path, digest: str, *,
    measure: Measure | None = None, on_epoch: OnEpoch | None = None, should_stop: Callable[[], bool] | None = None,
) -> Trained:  # fmt: skip
    """Train on ``data``, from the last checkpoint in ``folder`` where there is one of this ``digest``.

    ``measure`` is asked after each epoch for figures that go into the curve; nothing is chosen by them.

    Raises:
        InvalidInput: no such model or device; training diverged.
        JobCancelled: ``should_stop`` answered true; the last whole epoch is kept.
        OutOfSpace: the disk is full at a checkpoint; the one before it is kept.
    """
    import torch

    device = choose_device(config.device)
    network = make_network(config.model, classes, seed).to(device).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        network.parameters(), config.learning_rate, config.momentum, weight_decay=config.weight_decay,
        nesterov=config.momentum > 0,
    )  # fmt: skip
    steps = len(batches_of_epoch(len(data), config.batch_size, seed, 0)) * config.epochs + 1
    if steps * _WARM_UP == 1:
        steps += 1  # torch counts this warm-up as none at all, and divides by it
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=steps, pct_start=_WARM_UP,
        cycle_momentum=False,
    )  # fmt: skip
    curve: list[dict[str, Any]] = []
    if state := find_checkpoint(folder, digest):
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        curve = state["curve"]
    forward = torch.compile(network) if config.compile else network
    for epoch in range(len(curve), config.epochs):
        row = _train_epoch(data, forward, optimizer, schedule, config, seed, epoch, device, should_stop)
        curve.append({"epoch": epoch + 1, **row, **(measure(network) if measure else {})})
        write_checkpoint(
            folder,
            {
                "digest": digest, "epoch": epoch + 1, "curve": curve, "network": network.state_dict(),
                "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(),
            },
        )  # fmt: skip
        write_curve(folder, curve)
        if on_epoch:
            on_epoch(curve[-1])
    return Trained(network, device, curve)


def _train_epoch(
    data: CleanedDataset, network: Any, optimizer: Any, schedule: Any, config: TrainingConfig, seed: int, epoch: int,
    device: torch.device, should_stop: Callable[[], bool] | None,
) -> dict[str, float]:  # fmt: skip
    import torch

    begun = time.perf_counter()
    chance = epoch_generator(seed, epoch, _AUGMENT)
    network.train()
    # Summed up on the device: asking for each step's loss would make a GPU wait for its answer.
    losses, hits = torch.zeros((), device=device), torch.zeros((), dtype=torch.int64, device=device)
    for pictures, labels in load(data, batches_of_epoch(len(data), config.batch_size, seed, epoch), device):
        if should_stop and should_stop():
            raise JobCancelled("The training was stopped; it goes on from its last whole epoch.")
        inputs = as_input(pictures)
        if config.augment:
            inputs = augment(inputs, chance)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=config.mixed_precision and device.type == "cuda"):
            scores = network(inputs.contiguous(memory_format=torch.channels_last))
            loss = torch.nn.functional.cross_entropy(scores, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        losses += loss.detach() * len(labels)
        hits += (scores.detach().argmax(1) == labels).sum()
    loss_an_image = float(losses) / len(data)
    if loss_an_image != loss_an_image:
        raise InvalidInput(
            f"Training diverged in epoch {epoch + 1}: the loss is no number any more. Give a lower learning rate "
            f"than {config.learning_rate:g}."
        )
    seconds = time.perf_counter() - begun
    return {
        "loss": loss_an_image, "train_accuracy": int(hits) / len(data), "seconds": seconds,
        "images_a_second": len(data) / seconds,
    }  # fmt: skip


def batches_of_epoch(size: int, batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """All rows in this epoch's order, in batches. A single row left over joins the batch before it, for it has no
    spread to be normalised by."""
    import torch

    order = torch.randperm(size, generator=epoch_generator(seed, epoch, _ORDER)).tolist()
    batches = [order[start : start + batch_size] for start in range(0, size, batch_size)]
    if len(batches) > 1 and len(batches[-1]) == 1:
        last = batches.pop()
        batches[-1] = batches[-1] + last
    return batches


def load(
    data: Any, batches: Sequence[Sequence[int]], device: torch.device
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of a map-style dataset on the device: pictures (n, side, side, 3) as bytes, and labels (n)."""
    from torch.utils.data import DataLoader

    loader: Any = DataLoader(
        data, batch_sampler=[list(rows) for rows in batches], collate_fn=collate, pin_memory=device.type == "cuda"
    )
    for pictures, labels in loader:
        yield pictures.to(device, non_blocking=True), labels.to(device, non_blocking=True)


def collate(items: Sequence[tuple[torch.Tensor, int]]) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    return torch.stack([item[0] for item in items]), torch.tensor([item[1] for item in items])


def as_input(pictures: torch.Tensor) -> torch.Tensor:
    """Bytes (n, side, side, 3) as numbers of spread about 1 around 0, (n, 3, side, side), colours last in memory."""
    return pictures.permute(0, 3, 1, 2).float().div(255 * _HALF_RANGE).sub(0.5 / _HALF_RANGE)
