"""A folder of pictures of one label, each unlike the others."""

import os
from contextlib import suppress
from pathlib import Path

from inspector.errors import ConfigError, FrameError
from inspector.inspection import Pixels
from inspector.near_duplicates import NearDuplicates, cells_of
from inspector.pictures import SUFFIXES, encode_png


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
        for path in there:
            with suppress(FrameError):  # training will name it
                self._known.add_file(path)

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
