"""Where a picture is abnormal: the few places of a heat map, enlarged to the picture and laid over it."""

from typing import Final

import cv2
import numpy as np

from inspector.inspection import Floats, Pixels

CELL: Final = 8
"""Pixels that a place is drawn with while it is smoothed."""

SMOOTHING: Final = CELL / 4
"""Standard deviation in those pixels: a quarter of a place, so that a defect of a single place still stands out.

With 14 x 14 places it is the 4 pixels of 224 of PatchCore's paper.
"""

UNKNOWN: Final = 1e30
"""Stands for the heat of a place that is not a number; can be smoothed without overflow."""

HOTTEST: Final = 10.0
"""Spreads of normal places that ``overlay_alone`` draws hottest, unless one is hotter: a good part stays cold."""

OPACITY: Final = 0.75
"""Of the hottest place: the part stays visible below it."""

COLOURS: Final = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_INFERNO)[:, 0, ::-1]
"""(256, 3) RGB from cold to hot, each step as visible as the next, also in grey and to the colour-blind."""


def enlarge(grid: Floats, height: int, width: int) -> Floats:
    """The (rows, columns) heat map of a picture as (height, width), smoothed by a Gaussian, bilinear between places.

    Nothing becomes hotter or colder than the grid's extremes. A place that is not a number is the hottest.
    Roth et al., "Towards Total Recall in Industrial Anomaly Detection" (2022), section 3.3.
    """
    rows, columns = grid.shape
    known = np.nan_to_num(grid, nan=UNKNOWN, posinf=UNKNOWN, neginf=-UNKNOWN).astype(np.float32)
    cells = cv2.resize(known, (columns * CELL, rows * CELL), interpolation=cv2.INTER_LINEAR)
    smooth = cv2.GaussianBlur(cells, (0, 0), SMOOTHING, borderType=cv2.BORDER_REPLICATE)
    enlarged: Floats = cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    return enlarged


def overlay(pixels: Pixels, grid: Floats, ceiling: float) -> Pixels:
    """The picture with its (rows, columns) heat map over it: clear where it is 0 or less, hottest from ``ceiling`` up.

    Pictures that are to be compared need the same ceiling. Raises ValueError where that is not above 0.
    """
    if not ceiling > 0:
        raise ValueError(f"the ceiling of a heat map must be above 0, not {ceiling}")
    heat = (enlarge(grid, *pixels.shape[:2]) / ceiling).clip(0, 1)
    colours = COLOURS[np.rint(255 * heat).astype(np.uint8)]
    opacity = OPACITY * heat[..., None]
    blended: Pixels = np.rint((1 - opacity) * pixels + opacity * colours).astype(np.uint8)
    return blended


def overlay_alone(pixels: Pixels, grid: Floats) -> Pixels:
    """The picture with its heat map, of a picture that is looked at by itself."""
    return overlay(pixels, grid, max(HOTTEST, float(grid.max())))
