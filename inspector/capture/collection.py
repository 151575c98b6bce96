"""A folder of pictures of one label, each unlike the others."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.errors import ConfigError, FrameError
from inspector.inspection import Pixels
from inspector.pictures import SUFFIXES, encode_png, read_picture

CELLS: Final = 32
"""A picture is compared by the mean grey of so many by so many cells: noise is gone, a part that moved is not."""


class Collection:
    """Keeps pictures in a folder, unless they look like one that is there. Nothing is overwritten.

    ``min_difference``: grey levels by which one cell at the least has to differ.
    """

    def __init__(self, folder: Path, min_difference: float) -> None:
        """Raises ConfigError when the folder cannot be used."""
        self.folder = folder
        self._min_difference = min_difference
        try:
            folder.mkdir(parents=True, exist_ok=True)
            there = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES]
        except OSError as error:
            raise ConfigError(f"--to: cannot use the folder {folder}: {error.strerror}") from error
        self._cells = np.empty((0, CELLS, CELLS), np.float32)
        for cells in _cells_of(there):
            self._remember(cells)

    def is_new(self, pixels: Pixels) -> bool:
        """Whether the picture looks like none that is there."""
        differences = np.abs(self._cells - cells_of(pixels)).max(axis=(1, 2), initial=0)
        return bool((differences >= self._min_difference).all())

    def keep(self, pixels: Pixels, name: str) -> Path:
        """Write the picture, whole or not at all. Raises ConfigError when there is one of that name."""
        path, unfinished = self.folder / f"{name}.png", self.folder / f".{name}.png"
        write_whole(unfinished, encode_png(pixels))
        try:
            os.link(unfinished, path)  # unlike a rename, it replaces nothing
        except FileExistsError as error:
            raise ConfigError(f"{path} is there already; nothing is overwritten: name another folder") from error
        finally:
            unfinished.unlink()
        self._remember(cells_of(pixels))
        return path

    def _remember(self, cells: NDArray[np.float32]) -> None:
        self._cells = np.concatenate([self._cells, cells[None]])


def cells_of(pixels: Pixels) -> NDArray[np.float32]:
    """The mean grey of each cell."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey.astype(np.float32), (CELLS, CELLS), interpolation=cv2.INTER_AREA).astype(np.float32)


def write_whole(path: Path, data: bytes) -> None:
    """A file whose bytes are on the disk when this returns."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _cells_of(paths: Iterable[Path]) -> Iterable[NDArray[np.float32]]:
    for path in paths:
        try:
            yield cells_of(read_picture(path))
        except FrameError:
            continue  # training will name it
