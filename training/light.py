"""The light network of the method's source: ten convolutions, trained from scratch on small pictures."""

from itertools import pairwise
from typing import Final

from torch import Tensor, nn

from inspector.errors import ConfigError
from training.weights import HALF, Normalisation

STAGES: Final = {2: 64, 4: 128, 8: 256}
"""Channels by stride."""


class LightTrunk(nn.Module):
    """Three stages of 3x3 convolutions that each end in a stride of 2, after one 1x1 convolution.

    1x1 64; 3x3 64, 64, 64/2; 3x3 128, 128, 128/2; 3x3 256, 256, 256/2, each with batch normalisation and ReLU.
    """

    def __init__(self, levels: tuple[int, ...]) -> None:
        super().__init__()
        self.levels = levels
        widths = list(STAGES.values())
        self.entry = _convolution(3, widths[0], kernel=1)
        self.stages = nn.ModuleList(_stage(before, width) for before, width in pairwise([widths[0], *widths]))

    def forward(self, x: Tensor) -> list[Tensor]:
        """(n, 3, h, w) normalised pictures to one (n, c, h/stride, w/stride) map for each level."""
        maps = {}
        x = self.entry(x)
        for stride, stage in zip(STAGES, self.stages, strict=True):
            x = maps[stride] = stage(x)
        return [maps[level] for level in self.levels]


def light_trunk(levels: tuple[int, ...]) -> tuple[nn.Module, list[int], Normalisation]:
    """The network, untrained, giving maps at these strides; their channels; and the normalisation of its input."""
    missing = sorted(set(levels) - STAGES.keys())
    if missing:
        raise ConfigError(f"network.levels: the light network has maps at strides {list(STAGES)}, not at {missing}")
    return LightTrunk(levels), [STAGES[level] for level in levels], HALF


def _stage(before: int, width: int) -> nn.Sequential:
    return nn.Sequential(_convolution(before, width), _convolution(width, width), _convolution(width, width, stride=2))


def _convolution(before: int, width: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, width, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )
