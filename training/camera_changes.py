"""What a camera does to a picture when its light, its lens or its mount changes."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from inspector.inspection import Pixels

Change = Callable[[Pixels], Pixels]


def exposed(factor: float) -> Change:
    """So many times the light."""

    def change(picture: Pixels) -> Pixels:
        return cv2.convertScaleAbs(picture, alpha=factor).astype(np.uint8, copy=False)

    return change


def defocused(share: float) -> Change:
    """Each point becomes a disc whose diameter is this share of the picture's shorter side."""

    def change(picture: Pixels) -> Pixels:
        diameter = max(2, round(share * min(picture.shape[:2])))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter)).astype(np.float32)
        return cv2.filter2D(picture, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT).astype(np.uint8)

    return change


def turned(degrees: float) -> Change:
    """About the middle of the picture; what comes in at the corners is what was near them."""

    def change(picture: Pixels) -> Pixels:
        height, width = picture.shape[:2]
        turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
        return cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REFLECT).astype(np.uint8)

    return change


def dusty(specks: int, size: float, seed: int) -> Change:
    """Soft dark specks that lie where the last picture had them; ``size``: radius as a share of the shorter side."""

    def change(picture: Pixels) -> Pixels:
        height, width = picture.shape[:2]
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        light = np.ones((height, width), np.float32)
        for y, x in np.random.default_rng(seed).uniform(0.1, 0.9, (specks, 2)):
            distance = (rows - y * height) ** 2 + (columns - x * width) ** 2
            light *= 1 - 0.6 * np.exp(-distance / (2 * (size * min(height, width)) ** 2))
        return np.round(picture * light[:, :, None]).astype(np.uint8)

    return change


KNOWN: Final[tuple[Change, ...]] = (
    exposed(1.15), exposed(0.87), defocused(0.015), turned(3), turned(-3), dusty(5, 0.03, seed=0),
)  # fmt: skip
"""Those whose trace in the features a bundle carries, so that they can be told from other parts."""
