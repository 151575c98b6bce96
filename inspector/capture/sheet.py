"""The latest pictures side by side, to see what the camera sees."""

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from inspector.capture.collection import write_whole
from inspector.inspection import Pixels
from inspector.pictures import encode_png

COLUMNS: Final = 6
ROWS: Final = 4
HEIGHT, WIDTH = 160, 200
GAP: Final = 4


class Preview:
    """One file that is replaced whenever the pictures have all changed, and at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._latest: deque[Pixels] = deque(maxlen=COLUMNS * ROWS)
        self._added = 0

    def add(self, pixels: Pixels) -> None:
        """One more picture."""
        self._latest.append(thumbnail(pixels))
        self._added += 1
        if self._added % (COLUMNS * ROWS) == 1:
            self.write()

    def write(self) -> None:
        """Replace the file, if there is anything to be shown."""
        if not self._latest:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_name(f".{self.path.name}")
        write_whole(unfinished, encode_png(sheet(self._latest)))
        unfinished.replace(self.path)


def thumbnail(pixels: Pixels) -> Pixels:
    """The picture, no larger than a place on the sheet."""
    shrunk = min(HEIGHT / pixels.shape[0], WIDTH / pixels.shape[1], 1.0)
    size = [max(1, round(shrunk * side)) for side in (pixels.shape[1], pixels.shape[0])]
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def sheet(thumbnails: Sequence[Pixels]) -> Pixels:
    """All of them in rows, on white."""
    rows = -(-len(thumbnails) // COLUMNS)
    columns = min(COLUMNS, len(thumbnails))
    drawn = np.full((rows * (HEIGHT + GAP) + GAP, columns * (WIDTH + GAP) + GAP, 3), 255, np.uint8)
    for place, pixels in enumerate(thumbnails):
        row, column = divmod(place, COLUMNS)
        height, width, _ = pixels.shape
        top = GAP + row * (HEIGHT + GAP) + (HEIGHT - height) // 2
        left = GAP + column * (WIDTH + GAP) + (WIDTH - width) // 2
        drawn[top : top + height, left : left + width] = pixels
    return drawn
