"""Pictures in memory, at the network's input size, as torch wants them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from inspector.errors import DataError, FrameError
from inspector.inspection import Pixels
from inspector.pictures import read_picture, resize
from training.augment import Augmentation
from training.sampling import Draw


def read_pictures(
    paths: Sequence[Path],
    size: tuple[int, int],
    progress: Callable[[int], None] | None = None,
    were: set[tuple[int, int]] | None = None,
) -> Pixels:
    """(n, height, width, 3) uint8 RGB, each file read once and resized to (height, width).

    Takes 150 kB a picture at 224 x 224, 1.5 GB for 10,000. ``progress`` is told of each picture, ``were``
    receives the sizes that the pictures had. Raises DataError when a file cannot be read.
    """
    pixels = np.empty((len(paths), *size, 3), np.uint8)

    def load(index: int, path: Path) -> None:
        try:
            picture = read_picture(path)
        except FrameError as error:
            raise DataError(f"{error}. Remove the file, or replace it with a good copy.") from error
        pixels[index] = resize(picture, *size)
        if were is not None:
            were.add((picture.shape[0], picture.shape[1]))
        if progress:
            progress(1)

    with ThreadPoolExecutor() as pool:
        list(pool.map(load, range(len(paths)), paths))
    return pixels


class PictureDataset(Dataset[tuple[torch.Tensor, int]]):
    """Pictures, (n, height, width, 3) uint8, with their labels.

    An item is a (3, height, width) float32 tensor from 0 to 255 and its label. Asked for by a ``Draw`` it is augmented
    by the draw's seed; by its plain index it is the picture as it is. Raises ValueError when pictures and labels
    differ in number.
    """

    def __init__(self, pixels: Pixels, labels: Sequence[int], augmentation: Augmentation | None = None) -> None:
        if len(pixels) != len(labels):
            raise ValueError(f"{len(pixels)} pictures but {len(labels)} labels")
        self.pixels = pixels
        self.labels = tuple(labels)
        self.augmentation = augmentation

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, key: Draw | int) -> tuple[torch.Tensor, int]:
        if not isinstance(key, Draw):
            return _tensor(self.pixels[key]), self.labels[key]
        pixels = self.pixels[key.index]
        if self.augmentation:
            pixels = self.augmentation(pixels, np.random.default_rng(key.seed))
        return _tensor(pixels), self.labels[key.index]


def _tensor(pixels: Pixels) -> torch.Tensor:
    return torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32, order="C"))
