"""Pictures that show nothing to be judged: of another size, black, blown out or blurred."""

from typing import Final

import cv2
import numpy as np

from inspector.bundle import NormalsRecord
from inspector.checks.settings import CheckSettings
from inspector.inspection import Pixels, Reason
from inspector.picture_quality import brightness, sharpness

BLACK_LEVEL: Final = 16
WHITE_LEVEL: Final = 250
"""Sensors have noise and a black level: below the one nothing is lit, above the other nothing is drawn any more."""

LEAST_SHARE: Final = 0.001
"""Of the picture's values: fewer are hot or dead pixels, more are something to be seen."""

DARKEST: Final = 0.25
"""Of the darkest normal's mean grey: the lamp is out."""

BRIGHTEST: Final = 0.75
"""Of the way from the brightest normal's mean grey to white: little is drawn any more."""


class PictureCheck:
    """Compares pictures with the held-out normals of a bundle; without them, all black and all white alone are told."""

    def __init__(self, settings: CheckSettings, normals: NormalsRecord | None) -> None:
        self._settings = settings
        self._normals = normals
        self._size = normals.picture_size if normals and settings.size else None

    def fault(self, pixels: Pixels, picture: Pixels) -> Reason | None:
        """Why a frame is not to be judged, if so. ``picture``: the same at the model's input size."""
        if self._size and pixels.shape[:2] != self._size:
            return Reason.WRONG_SIZE
        grey = brightness(picture)
        if self._settings.exposure and (reason := self._exposure_fault(picture, grey)):
            return reason
        return Reason.BLURRED_FRAME if self._is_blurred(picture, grey) else None

    def _exposure_fault(self, picture: Pixels, grey: float) -> Reason | None:
        darkest, brightest = self._limits()
        few = LEAST_SHARE * picture.size
        if grey < darkest or (grey < BLACK_LEVEL and _above(picture, BLACK_LEVEL) < few):
            return Reason.BLACK_FRAME
        if grey > brightest or (grey > WHITE_LEVEL and picture.size - _above(picture, WHITE_LEVEL) < few):
            return Reason.OVEREXPOSED_FRAME
        return None

    def _limits(self) -> tuple[float, float]:
        """The mean greys below and above which pictures are unlike any normal."""
        if not self._normals:
            return 0.0, 255.0
        highest = self._normals.brightness.highest
        return DARKEST * self._normals.brightness.lowest, highest + BRIGHTEST * (255 - highest)

    def _is_blurred(self, picture: Pixels, grey: float) -> bool:
        if not self._normals or self._settings.least_sharpness is None:
            return False
        # Half the light halves every edge: what is only darker must not count as blurred.
        dimming = min(1.0, grey / max(self._normals.brightness.median, 1.0))
        least = self._settings.least_sharpness * self._normals.sharpness.lowest
        return sharpness(picture) < least * dimming**2


def _above(picture: Pixels, level: int) -> int:
    """How many values are larger."""
    return int(np.count_nonzero(cv2.threshold(picture, level, 1, cv2.THRESH_BINARY)[1]))
