"""Whether a picture looks like one of some others: a line that stands still, or a part that is shown twice."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.inspection import Pixels
from inspector.pictures import read_picture

CELLS: Final = 32
"""A picture is compared by the mean grey of so many by so many cells: noise is gone, a part that moved is not."""


class NearDuplicates:
    """What some pictures look like, to tell whether another is like one of them.

    ``min_difference``: grey levels by which one cell at the least has to differ.
    """

    def __init__(self, min_difference: float) -> None:
        self._min_difference = min_difference
        self._cells = np.empty((0, CELLS, CELLS), np.float32)

    def add(self, cells: NDArray[np.float32]) -> None:
        """One picture more."""
        self._cells = np.concatenate([self._cells, cells[None]])

    def add_file(self, path: Path) -> None:
        """The picture in a file. Raises FrameError."""
        self.add(cells_of(read_picture(path)))

    def has_one_like(self, cells: NDArray[np.float32]) -> bool:
        """Whether the picture looks like one of them."""
        differences = np.abs(self._cells - cells).max(axis=(1, 2), initial=0)
        return bool((differences < self._min_difference).any())


def cells_of(pixels: Pixels) -> NDArray[np.float32]:
    """The mean grey of each cell."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey.astype(np.float32), (CELLS, CELLS), interpolation=cv2.INTER_AREA).astype(np.float32)
