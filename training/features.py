"""Running the network over many pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from inspector.inspection import Features, Floats
from training.dataset import PictureDataset
from training.learn import Draws
from training.network import Network, Trunk
from training.sampling import Draw

BATCH: Final = 8
"""Pictures, or tiles, that are seen at once: with 32 the activations leave the cache, and each takes twice as long."""

LEAST_CHANNEL_SPREAD: Final = np.float32(0.01)
"""Of the median channel's standard deviation."""

Progress = Callable[[int], None]
"""Told how many pictures have just been done."""


def silent(_: int) -> None:
    """For callers that show no progress."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the trunk sees in n pictures, whatever the head: pooled (n, width) and patches (n, rows, columns, c)."""

    pooled: Floats
    patches: Floats

    def __len__(self) -> int:
        return len(self.pooled)

    def take(self, rows: NDArray[np.intp]) -> Self:
        """Some of the pictures."""
        return type(self)(self.pooled[rows], self.patches[rows])

    @torch.inference_mode()
    def through(self, head: nn.Module) -> Features:
        """The features that scorers look at, with the embedding that this head makes."""
        pooled = torch.from_numpy(self.pooled)
        return Features(
            embedding=head.eval()(pooled).numpy(), pooled=functional.normalize(pooled).numpy(), patches=self.patches
        )


@torch.inference_mode()
def see(trunk: Trunk, pictures: Dataset[tuple[Tensor, int]], progress: Progress = silent) -> Seen:
    """The pictures as they are, in the dataset's order."""
    trunk.eval()
    pooled, patches = [], []
    for inputs, _ in DataLoader(pictures, _batch(trunk)):
        seen, maps = trunk(inputs)
        pooled.append(seen)
        patches.append(maps.permute(0, 2, 3, 1))
        progress(len(inputs))
    return Seen(torch.cat(pooled).numpy(), torch.cat(patches).contiguous().numpy())


@torch.inference_mode()
def pooled_draws(trunk: Trunk, pictures: PictureDataset, drawn: Sequence[Draw], progress: Progress = silent) -> Draws:
    """Pooled features of pictures augmented as drawn, computed once."""
    trunk.eval()
    pooled, labels = [], []
    for inputs, classes in DataLoader(pictures, _batch(trunk), sampler=drawn):
        pooled.append(trunk(inputs)[0])
        labels.append(classes)
        progress(len(classes))
    return Draws(torch.cat(pooled), torch.cat(labels), torch.tensor([draw.index for draw in drawn]))


def embed(network: Network, pictures: Dataset[tuple[Tensor, int]], progress: Progress = silent) -> Features:
    """The features of the pictures as they are, in the dataset's order."""
    return see(network.trunk, pictures, progress).through(network.head)


def standardise_patches(trunk: Trunk, normals: Seen) -> "PatchScale":
    """Bring the patches' channels to one scale in the trunk; returned for what it has already seen."""
    scale = PatchScale.of(normals)
    trunk.standardise_patches(torch.from_numpy(scale.mean), torch.from_numpy(scale.std))
    return scale


@dataclass(frozen=True, slots=True)
class PatchScale:
    """(c,) mean and standard deviation of each channel on the patches of normals."""

    mean: Floats
    std: Floats

    @classmethod
    def of(cls, normals: Seen) -> Self:
        """That of these normals."""
        mean, std = (normals.patches.mean(axis=(0, 1, 2)), normals.patches.std(axis=(0, 1, 2)))
        # A channel that hardly ever moves on normals would drown the others with its first twitch.
        return cls(mean, np.maximum(std, LEAST_CHANNEL_SPREAD * np.median(std)) + np.float32(1e-6))

    def applied(self, seen: Seen) -> Seen:
        """The same with every channel on one scale."""
        return Seen(seen.pooled, (seen.patches - self.mean) / self.std)


def _batch(trunk: Trunk) -> int:
    return max(1, BATCH // trunk.tiles_per_picture)
