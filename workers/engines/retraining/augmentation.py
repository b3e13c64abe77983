"""Random shifts, crops and mirroring of a batch, on the device that trains, by a generator of the epoch's own.

So the same seed gives the same pictures whatever number of processes loads them, and a training that was cut off goes
on as if it had not been.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

LARGEST_SHIFTED = 64
"""Up to so many pixels a side pictures are shifted; larger ones are cropped."""


def epoch_generator(seed: int, epoch: int, purpose: int) -> torch.Generator:
    """Chance for one purpose of one epoch; on the CPU, where its numbers are the same on every device."""
    import numpy as np
    import torch

    state = np.random.SeedSequence([seed, epoch, purpose]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state) >> 1)


def augment(pictures: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """Pictures (n, 3, side, side), each moved and mirrored in its own way."""
    import torch

    mirrored = torch.rand(len(pictures), generator=chance) < 0.5
    pictures = torch.where(mirrored.to(pictures.device).view(-1, 1, 1, 1), pictures.flip(3), pictures)
    return _shift(pictures, chance) if pictures.shape[3] <= LARGEST_SHIFTED else _crop(pictures, chance)


def _shift(pictures: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """By up to an eighth of the side each way, black coming in: the usual crop of a padded picture."""
    import torch

    side = pictures.shape[3]
    pad = side // 8
    padded = torch.nn.functional.pad(pictures, (pad, pad, pad, pad))
    moves = torch.randint(0, 2 * pad + 1, (2, len(pictures), 1), generator=chance).to(pictures.device)
    along = torch.arange(side, device=pictures.device)
    rows, columns = moves[0] + along, moves[1] + along
    which = torch.arange(len(pictures), device=pictures.device).view(-1, 1, 1)
    # Indexed in the layout of the memory, colours last, which copies runs of pixels instead of single numbers.
    shifted = padded.permute(0, 2, 3, 1)[which, rows.unsqueeze(2), columns.unsqueeze(1)]
    return shifted.permute(0, 3, 1, 2)


def _crop(pictures: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """A window of a quarter to all of the picture, its sides 3:4 to 4:3, stretched to the whole square."""
    import torch

    area = 0.25 + 0.75 * torch.rand(len(pictures), generator=chance)
    ratio = torch.exp((torch.rand(len(pictures), generator=chance) * 2 - 1) * 0.2876820724517809)  # ln 4/3
    sides = torch.stack([(area * ratio).sqrt(), (area / ratio).sqrt()], dim=1).clamp(max=1.0)
    middle = (torch.rand(len(pictures), 2, generator=chance) * 2 - 1) * (1 - sides)
    theta = torch.zeros(len(pictures), 2, 3)
    theta[:, 0, 0], theta[:, 1, 1], theta[:, :, 2] = sides[:, 0], sides[:, 1], middle
    grid = torch.nn.functional.affine_grid(theta, list(pictures.shape), align_corners=False).to(pictures)
    return torch.nn.functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
