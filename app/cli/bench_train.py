"""``winnow bench train``: training throughput of a comparison's runs beside a bare PyTorch loop.

Both train the same network from the same weights on the same pictures in batches of one size, by the same optimizer
and through the same kind of loader, an epoch in turn. The bare loop has no cleaned dataset, no determinism, no
schedule, no curve and no checkpoint. Checkpoints are timed apart.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from app.cli.environment import Subparsers
from app.cli.exit_status import status_of
from app.domain.errors import InvalidInput


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("train", help="time training beside a bare PyTorch loop", description=__doc__)
    parser.add_argument("--model", default="resnet18-32", metavar="NAME")
    parser.add_argument("--images", type=int, default=5000, metavar="N", help="drawn pictures (default %(default)s)")
    parser.add_argument("--image-size", "--image_size", type=int, default=32, metavar="PIXELS")
    parser.add_argument("--batch-size", "--batch_size", type=int, default=128, metavar="N")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="epochs of each (default %(default)s)")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    return status_of("bench train", partial(_measure, args))


def _measure(args: argparse.Namespace) -> None:
    from app.domain.retraining.plan import TrainingConfig

    if args.images < 100 or args.repeats < 1:
        raise InvalidInput("--images is at least 100, and --repeats at least 1.")
    config = TrainingConfig(
        args.model, args.image_size, 2, args.batch_size, threads=args.threads, device=args.device, augment=False
    )
    figures = bench_train(config, args.images, args.repeats)
    print(json.dumps(figures, indent=1) if args.json else describe(figures))


def bench_train(config: Any, images: int, repeats: int) -> dict[str, Any]:
    """Images a second of both, epoch by epoch, and their ratio; the first epoch of each is not counted."""
    import torch

    from app.cleaned_dataset import CleanedDataset
    from workers.engines.embeddings import choose_device
    from workers.engines.retraining.pictures import Pictures

    chance = np.random.default_rng(0)
    pixels = chance.integers(0, 256, (images, config.side, config.side, 3), dtype=np.uint8)
    classes = [str(number) for number in range(10)]
    pictures = Pictures(pixels, chance.integers(0, 10, images).tolist(), classes)
    # Of a cleaned dataset as many are left as the bare one has, a tenth of them relabelled.
    tenth = images // 10
    targets = [*pictures.targets, *pictures.targets[:tenth]]
    extra = Pictures(np.concatenate([pixels, pixels[:tenth]]), targets, classes)
    ids = [str(row) for row in range(len(extra))]
    labels = {id_: (extra.targets[int(id_)] + 1) % 10 for id_ in ids[:tenth]}
    data = CleanedDataset.from_lists(extra, ids[images:], labels, ids=ids)
    device = choose_device(config.device)
    torch.set_num_threads(config.threads)
    ours: list[float] = []
    bare: list[float] = []
    with TemporaryDirectory(prefix="winnow-bench-") as folder:
        for number in range(repeats + 1):
            ours.append(_ours(data, config, device, Path(folder) / str(number)))
            bare.append(_bare(pictures, config, device))
    ratios = [a / b for a, b in zip(ours[1:], bare[1:], strict=True)]
    return {
        "model": config.model, "images": images, "side": config.side, "batch_size": config.batch_size,
        "device": str(device), "threads": config.threads, "ours": ours[1:], "bare": bare[1:],
        "ours_median": statistics.median(ours[1:]), "bare_median": statistics.median(bare[1:]),
        "ratio_median": statistics.median(ratios), "ratios": ratios,
    }  # fmt: skip


def _ours(data: Any, config: Any, device: Any, folder: Path) -> float:
    from workers.engines.retraining.training import deterministic, train

    with deterministic(config):
        trained = train(data, 10, config, 0, folder, "bench")
    return float(trained.curve[-1]["images_a_second"])


def _bare(pictures: Any, config: Any, device: Any) -> float:
    """As one would write it by hand. The second of two epochs is timed, as in ours."""
    import torch
    from torch.utils.data import DataLoader

    from workers.engines.retraining.networks import make_network
    from workers.engines.retraining.training import as_input, collate

    network = make_network(config.model, 10, 0).to(device).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(network.parameters(), 0.05, 0.9, weight_decay=5e-4, nesterov=True)
    loader = DataLoader(
        pictures, batch_size=config.batch_size, shuffle=True, collate_fn=collate, pin_memory=device.type == "cuda"
    )
    begun = 0.0
    for _ in range(2):
        begun = time.perf_counter()
        for batch, labels in loader:
            inputs = as_input(batch.to(device, non_blocking=True)).contiguous(memory_format=torch.channels_last)
            with torch.autocast(device.type, torch.bfloat16, enabled=config.mixed_precision and device.type == "cuda"):
                loss = torch.nn.functional.cross_entropy(network(inputs), labels.to(device, non_blocking=True))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        float(loss.detach())  # waits for a GPU
    return len(pictures) / (time.perf_counter() - begun)


def describe(figures: dict[str, Any]) -> str:
    return (
        f"{figures['model']}, {figures['images']:,} pictures of {figures['side']} pixels, batches of "
        f"{figures['batch_size']}, {figures['device']} with {figures['threads']} threads\n"
        f"ours {figures['ours_median']:,.0f} images/s, bare {figures['bare_median']:,.0f}: "
        f"{figures['ratio_median']:.2f} times (epochs in turn: {', '.join(f'{x:.2f}' for x in figures['ratios'])})"
    )
