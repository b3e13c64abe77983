"""``winnow bench embed``: how fast pictures get their embeddings, beside the bare network.

The bare network gets pixels that lie on the device already, in batches of the same size, in the layout and precision
that suit it best: no way of embedding images with it can be faster. Ours reads and decodes the files meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.bench_hash import alternate
from app.cli.environment import Subparsers
from app.cli.exit_status import status_of
from app.domain.errors import InvalidInput

if TYPE_CHECKING:
    import torch


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("embed", help="time embeddings of the images in a folder beside the bare network")
    parser.add_argument("images", type=Path, metavar="IMAGES_FOLDER", help="searched with the folders in it")
    parser.add_argument(
        "--weights",
        type=Path,
        default=os.environ.get("WINNOW_WEIGHTS") or None,
        metavar="PATH",
        help="ResNet50 weights (default: WINNOW_WEIGHTS, else what torchvision downloads)",
    )
    parser.add_argument("--batch-size", type=int, default=32, metavar="N")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default %(default)s)")
    parser.add_argument("--processes", type=int, metavar="N", help="that decode; default: one for each core")
    parser.add_argument("--repeats", type=int, default=5, metavar="N")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    return status_of("bench embed", partial(_measure, args))


def _measure(args: argparse.Namespace) -> None:
    figures = bench_embed(args.images, args.weights, args.repeats, args.batch_size, args.device, args.processes)
    print(json.dumps(figures, indent=2) if args.json else describe(figures))


def bench_embed(
    images: Path, weights: Path | None, repeats: int, batch_size: int, device: str, processes: int | None
) -> dict[str, Any]:
    """Seconds of each repeat and their medians, taken in turn."""
    from app.cli.made_copies import list_photos
    from workers.engines.embeddings import Embedder, embed_images

    refs = list_photos(images)
    if repeats < 1:
        raise InvalidInput(f"--repeats must be at least 1, not {repeats}.")
    embedder = Embedder(weights, device, batch_size)
    network = BareNetwork(weights, embedder.device, embedder.crop_size.crop)
    # Once beforehand: a GPU compiles and reserves at the first batch.
    embed_images(refs[:batch_size], embedder, processes=processes)
    network.run(min(len(refs), batch_size), batch_size)
    ours, reference = alternate(
        repeats,
        lambda: embed_images(refs, embedder, processes=processes),
        lambda: network.run(len(refs), batch_size),
    )
    ratios = [b / a for a, b in zip(ours[0]["seconds"], reference[0]["seconds"], strict=True)]
    return {
        "images": len(refs),
        "problems": len(ours[1][2]),
        "device": str(embedder.device),
        "batch_size": batch_size,
        "ours": ours[0],
        "reference": reference[0],
        "share_of_reference": statistics.median(ratios),
    }


class BareNetwork:
    """torchvision's ResNet50 without its classifier, and nothing around it."""

    def __init__(self, weights: Path | None, device: torch.device, side: int) -> None:
        import torch
        from torchvision.models import ResNet50_Weights, resnet50

        model = resnet50(weights=None if weights else ResNet50_Weights.IMAGENET1K_V2)
        if weights:
            model.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        model.fc = torch.nn.Identity()
        self._model = model.eval().to(device)
        self._device, self._side = device, side

    def run(self, images: int, batch_size: int) -> None:
        import torch

        pixels = torch.rand(min(images, batch_size), 3, self._side, self._side, device=self._device)
        # As they come from decoders, channel beside channel, which networks work on faster.
        pixels = pixels.to(memory_format=torch.channels_last)
        is_gpu = self._device.type == "cuda"
        with torch.inference_mode(), torch.autocast(self._device.type, torch.bfloat16, enabled=is_gpu):
            for start in range(0, images, batch_size):
                self._model(pixels[: images - start])
        if is_gpu:
            torch.cuda.synchronize(self._device)


def describe(figures: dict[str, Any]) -> str:
    lines = [
        f"{name:<28} {figures[key]['median']:8.2f} s {figures['images'] / figures[key]['median']:10,.1f} images/s"
        for name, key in (("embed_images, with decoding", "ours"), ("the bare network", "reference"))
    ]
    return "\n".join(
        [
            *lines,
            f"{figures['images']:,} images ({figures['problems']:,} could not be read), "
            f"batches of {figures['batch_size']} on {figures['device']}: "
            f"{figures['share_of_reference']:.0%} of the network's speed",
        ]
    )
