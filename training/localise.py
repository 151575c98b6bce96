"""How well heat maps show where defects lie, against masks that people drew."""

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.errors import DataError, FrameError
from inspector.heatmap import enlarge
from inspector.inspection import Floats
from inspector.pictures import SUFFIXES, read_picture
from training.evaluate import Scored

MASKS: Final = "_masks"
"""Folder beside the class folders, with one folder for each anomaly type."""

PRO_LIMIT: Final = 0.3
"""Share of normal pixels taken for abnormal up to which the overlap is averaged."""

KEY_BITS: Final = 20
"""Kept of a pixel's heat: the sign, the exponent and 11 bits more."""

Mask = NDArray[np.bool_]
"""(height, width), True where the defect is."""

Counts = NDArray[np.float64]


def localisation(scored: Sequence[Scored], normal: str, root: Path) -> dict[str, Any] | None:
    """Pixel AUROC and PRO over the normals and the anomalies with a mask below ``root``, the folder of the set.

    ``pictures`` is the number of those anomalies. One without a mask, or whose mask marks nothing, is left out: where
    its defect lies is not known. None where no mask or no heat map is left. Raises DataError for a mask that cannot be
    used.
    """
    figures, pictures = PixelFigures(), 0
    for each in scored:
        if each.label == normal or each.heat is None:
            continue
        mask = read_mask(each.file, root, each.size)
        if mask is not None:
            figures.add(enlarge(each.heat, *each.size), mask)
            pictures += 1
    if not pictures:
        return None
    for each in scored:
        if each.label == normal and each.heat is not None:
            figures.add(enlarge(each.heat, *each.size), np.zeros(each.size, np.bool_))
    return {"auroc": figures.auroc(), "pro": figures.pro(), "pictures": pictures}


def find_mask(picture: Path, root: Path) -> Path | None:
    """The file ``root/_masks/<type>/<name of the picture>.*``; None where there is none.

    Raises DataError where several files have that name.
    """
    place = root / MASKS / picture.relative_to(root)
    found = [
        file
        for file in sorted(place.parent.glob(f"{glob.escape(place.stem)}.*"))
        if file.stem == place.stem and file.suffix.lower() in SUFFIXES
    ]
    if len(found) > 1:
        raise DataError(f"{picture} has several masks: {', '.join(map(str, found))}. Leave the right one.")
    return found[0] if found else None


def read_mask(picture: Path, root: Path, size: tuple[int, int]) -> Mask | None:
    """Where the defect of the picture lies, by its mask; None where there is none, or it marks nothing.

    A pixel is marked from half of the mask's brightest upwards, for masks of 0 and 1, of 0 and 255, and from JPEG.
    ``size`` is the picture's (height, width). Raises DataError for a mask that is no picture or of another size.
    """
    file = find_mask(picture, root)
    if file is None:
        return None
    try:
        grey = read_picture(file).max(axis=2)
    except FrameError as error:
        raise DataError(f"{error}. Remove this mask, or replace it with a good copy.") from error
    if grey.shape != size:
        (height, width), (own_height, own_width) = size, grey.shape
        raise DataError(
            f"{file}: this mask has {own_width} x {own_height} pixels, its picture {picture} {width} x {height}. "
            "Draw it again on the whole picture."
        )
    return grey > grey.max() / 2 if grey.any() else None


class PixelFigures:
    """Pixel AUROC and PRO over any number of pictures, in 24 MB.

    Every pixel of every picture counts; only, heats nearer to each other than a 2000th of them may be taken for equal.
    """

    def __init__(self) -> None:
        self._normal, self._defect, self._overlap = np.zeros((3, 1 << KEY_BITS))

    def add(self, heat: Floats, mask: Mask) -> None:
        """Count the pixels of one picture; both (height, width), the heat without NaN."""
        keys = _keys(heat)
        number, regions = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
        sizes = np.bincount(regions.ravel(), minlength=number)
        self._normal += _counts(keys[~mask])
        self._defect += _counts(keys[mask])
        self._overlap += _counts(keys[mask], 1 / sizes[regions[mask]])

    def auroc(self) -> float | None:
        """Chance that a pixel of a defect is hotter than a normal one; None where either is missing."""
        return _area(self._normal, self._defect, 1)

    def pro(self) -> float | None:
        """Per-region overlap: the share of a region that is found, averaged over the thresholds and the regions.

        The thresholds are those that take up to 30 % of the normal pixels for abnormal. Each region of connected
        pixels weighs the same, however small. None where there are no regions or no normal pixels.
        Bergmann et al., "The MVTec Anomaly Detection Dataset" (IJCV 2021), section 5.2.
        """
        return _area(self._normal, self._overlap, PRO_LIMIT)


def _keys(heat: Floats) -> NDArray[np.intp]:
    """Whole numbers in the order of the heat.

    The bits of floats are ordered as the floats are, but that the sign is inverted and negative ones run backwards.
    """
    bits = (heat.astype(np.float32) + np.float32(0)).view(np.uint32)  # -0 + 0 is 0: zeros are equal
    ordered = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    return (ordered >> (32 - KEY_BITS)).astype(np.intp)


def _counts(keys: NDArray[np.intp], weights: Counts | None = None) -> Counts:
    return np.bincount(keys, weights, minlength=1 << KEY_BITS).astype(np.float64)


def _area(false: Counts, true: Counts, limit: float) -> float | None:
    """Mean height, up to ``limit``, of the curve of true over false shares, from the highest key down."""
    if not false.any() or not true.any():
        return None
    x, y = (np.r_[0, np.cumsum(counts[::-1])] for counts in (false, true))
    x, y = x / x[-1], y / y[-1]
    within = np.searchsorted(x, limit, side="right")
    end = np.interp(limit, x, y)
    return float(np.trapezoid(np.r_[y[:within], end], np.r_[x[:within], limit]) / limit)
