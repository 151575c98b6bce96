"""Running the network over many pictures."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from inspector.inspection import Features
from training.dataset import PictureDataset
from training.network import Network
from training.sampling import WeightedTypeSampler

BATCH: Final = 32

Progress = Callable[[int], None]
"""Told how many pictures have just been done."""


def silent(_: int) -> None:
    """For callers that show no progress."""


@torch.inference_mode()
def pooled_draws(
    network: Network, pictures: PictureDataset, sampler: WeightedTypeSampler, epochs: int, progress: Progress = silent
) -> TensorDataset:
    """Pooled features and labels of everything that the sampler draws in so many epochs, augmented, computed once."""
    network.eval()
    pooled, labels = [], []
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        for inputs, classes in DataLoader(pictures, BATCH, sampler=sampler):
            pooled.append(network.trunk(inputs)[0])
            labels.append(classes)
            progress(len(classes))
    return TensorDataset(torch.cat(pooled).clone(), torch.cat(labels))


@torch.inference_mode()
def embed(network: Network, pictures: Dataset[tuple[Tensor, int]], progress: Progress = silent) -> Features:
    """The features of the pictures as they are, in the dataset's order."""
    network.eval()
    seen = []
    for inputs, _ in DataLoader(pictures, BATCH):
        seen.append(network.see(inputs))
        progress(len(inputs))
    embedding, pooled, patches = (torch.cat(parts).contiguous().numpy() for parts in zip(*seen, strict=True))
    return Features(embedding=embedding, pooled=pooled, patches=patches)
