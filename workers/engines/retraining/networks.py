"""The networks that a comparison may train, each begun at random from a seed: no pretrained weights, which have seen
labels of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from app.domain.errors import InvalidInput

if TYPE_CHECKING:
    from torch import nn

SMALL, RESNET18_32 = "small", "resnet18-32"
OWN_MODELS = (SMALL, RESNET18_32)


def make_network(model: str, classes: int, seed: int) -> nn.Module:
    """A network for square RGB pictures, whose random weights are those of this seed.

    Raises:
        InvalidInput: torchvision has no model of that name.
    """
    import torch

    check_model(model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if model == SMALL:
            return _small(classes)
        if model == RESNET18_32:
            return _resnet18_32(classes)
        from torchvision.models import get_model

        extra = {"aux_logits": False} if model in ("googlenet", "inception_v3") else {}
        return cast("nn.Module", get_model(model, weights=None, num_classes=classes, **extra))


def check_model(model: str) -> None:
    """
    Raises:
        InvalidInput: there is no model of that name; the message lists all.
    """
    if model in OWN_MODELS:
        return
    from torchvision import models

    known = models.list_models(module=models)
    if model not in known:
        raise InvalidInput(f"There is no model {model!r}. Choose from {', '.join([*OWN_MODELS, *known])}.")


def _small(classes: int, width: int = 16) -> nn.Module:
    """Four convolutions of 3 x 3: 61,000 weights, some thousand pictures of 32 x 32 a second on one core."""
    from torch import nn

    def block(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
        convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        return [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]

    return nn.Sequential(
        *block(3, width, stride=2), *block(width, 2 * width), nn.MaxPool2d(2), *block(2 * width, 4 * width),
        nn.MaxPool2d(2), *block(4 * width, 4 * width), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4 * width, classes),
    )  # fmt: skip


def _resnet18_32(classes: int) -> nn.Module:
    """ResNet-18 for pictures of 32 pixels, as papers on CIFAR use it: the first convolution is of 3 x 3 without a
    stride, and nothing is pooled after it (He et al. 2016, section 4.2, on the residual networks of ImageNet)."""
    from torch import nn
    from torchvision.models import resnet18

    network = resnet18(weights=None, num_classes=classes)
    network.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    network.maxpool = nn.Identity()
    return cast("nn.Module", network)
