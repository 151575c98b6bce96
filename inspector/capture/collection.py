"""A folder of pictures of one label, each unlike the others."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.errors import ConfigError, FrameError
from inspector.inspection import Pixels
from inspector.near_duplicates import NearDuplicates, cells_of
from inspector.pictures import SUFFIXES, encode_png, read_picture


class Collection:
    """Keeps pictures in a folder, unless they look like one that is there. Nothing is overwritten.

    ``min_difference``: grey levels by which one cell at the least has to differ.
    """

    def __init__(self, folder: Path, min_difference: float) -> None:
        """Raises ConfigError when the folder cannot be used."""
        self.folder = folder
        self._known = NearDuplicates(min_difference)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            there = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES]
        except OSError as error:
            raise ConfigError(f"--to: cannot use the folder {folder}: {error.strerror}") from error
        for cells in _cells_of(there):
            self._known.add(cells)

    def is_new(self, pixels: Pixels) -> bool:
        """Whether the picture looks like none that is there."""
        return not self._known.has_one_like(cells_of(pixels))

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
        self._known.add(cells_of(pixels))
        return path


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
