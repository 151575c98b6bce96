"""A sheet of pictures of an evaluation beside their heat maps, with the outline of the defect where it is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from inspector.heatmap import enlarge, overlay
from inspector.inspection import Floats, Outcome, Pixels
from inspector.pictures import read_picture, resize
from training.evaluate import Scored
from training.localise import Mask, read_mask

mpl.use("Agg")

SIDE: Final = 400
"""Pixels of each picture's longer side; small ones are enlarged, so that outlines are thin on all."""

GAP: Final = 8
"""White pixels between a picture and its heat map."""

COLUMN, ROW, LEGEND = 3.2, 2.2, 0.75
"""Inches of width, of height and of height."""

RIGHT, WRONG = "#333333", "#d1495b"
OUTLINE, OUTLINE_EDGE = (61, 245, 255), (20, 20, 20)


def draw_overlays(scored: Sequence[Scored], normal: str, root: Path, path: Path, each: int = 2) -> None:
    """A sheet of the pictures with the highest and with the lowest scores, of every anomaly type and of the normals.

    Each stands beside itself with its heat map over it, all on one scale, and the defect outlined where a mask below
    ``root``, the folder of the set, shows it. Pictures without a heat map are left out; without any, nothing is
    written. Raises DataError for a mask that cannot be used.
    """
    shown = sorted((one for one in scored if one.heat is not None), key=lambda one: -one.score)
    if not shown:
        return
    labels = sorted({one.label for one in shown}, key=lambda label: (label == normal, label))
    rows = {label: [one for one in shown if one.label == label] for label in labels}
    sheet = _Sheet(normal, root, shared_ceiling(shown, normal), columns=each)
    height = ROW * len(rows)
    figure = Figure(figsize=(2 * COLUMN * each, height + LEGEND), layout="constrained")
    (body,), (legend,) = figure.subfigures(2, 1, squeeze=False, height_ratios=[height, LEGEND])
    ((highest, lowest),) = body.subfigures(1, 2, squeeze=False)
    sheet.draw(highest, "highest scores", {label: own[:each] for label, own in rows.items()})
    sheet.draw(lowest, "lowest scores", {label: own[each:][: -each - 1 : -1] for label, own in rows.items()})
    _draw_legend(legend, sheet.ceiling)
    figure.savefig(path, dpi=150)


def shared_ceiling(scored: Sequence[Scored], normal: str) -> float:
    """What to draw hottest: the hottest place of the median anomaly, or that of 99 % of the normals where it is hotter.

    So a defect glows, and hardly a good part does. At least 1, the spread of normal places.
    """
    hottest: dict[bool, list[float]] = {True: [], False: []}
    for one in scored:
        if one.heat is not None and one.outcome is not Outcome.ERROR:
            hottest[one.label == normal].append(float(enlarge(one.heat, *one.heat.shape).max()))
    good, bad = hottest[True], hottest[False]
    return max(1.0, float(np.quantile(good or [1.0], 0.99)), float(np.median(bad or [1.0])))


def panel(pixels: Pixels, heat: Floats | None, ceiling: float, mask: Mask | None) -> Pixels:
    """The picture, and beside it the same under its heat map, with the marked places outlined; the rest is white."""
    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(scale * height)), max(1, round(scale * width))
    plain = resize(pixels, *size)
    hot = plain.copy() if heat is None else overlay(plain, heat, ceiling)
    if mask is not None:
        _outline(hot, mask)
    sheet = np.full((SIDE, 2 * SIDE + GAP, 3), 255, np.uint8)
    top, left = (SIDE - size[0]) // 2, SIDE - size[1]
    sheet[top : top + size[0], left:SIDE] = plain
    sheet[top : top + size[0], SIDE + GAP : SIDE + GAP + size[1]] = hot
    return sheet


def _outline(pixels: Pixels, mask: Mask) -> None:
    """Draw just outside the marked places; of a defect smaller than a pixel something is left to draw around."""
    marked = cv2.resize(mask.astype(np.float32), pixels.shape[1::-1], interpolation=cv2.INTER_AREA) > 0
    around = cv2.dilate(marked.astype(np.uint8), np.ones((5, 5), np.uint8))
    contours, _ = cv2.findContours(around, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(pixels, contours, -1, OUTLINE_EDGE, 4, cv2.LINE_AA)
    cv2.drawContours(pixels, contours, -1, OUTLINE, 2, cv2.LINE_AA)


@dataclass(frozen=True, slots=True)
class _Sheet:
    normal: str
    root: Path
    ceiling: float
    columns: int

    def draw(self, part: SubFigure, title: str, rows: Mapping[str, Sequence[Scored]]) -> None:
        part.suptitle(title, fontsize=13)
        grid = part.subplots(len(rows), self.columns, squeeze=False)
        for row, (label, chosen) in zip(grid, rows.items(), strict=True):
            row[0].set_title(label, loc="left", fontsize=11, fontweight="bold", parse_math=False)
            for axes in row:
                axes.set_axis_off()
            for axes, one in zip(row, chosen, strict=False):
                self._draw_one(axes, one)

    def _draw_one(self, axes: Axes, one: Scored) -> None:
        mask = None if one.label == self.normal else read_mask(one.file, self.root, one.size)
        axes.imshow(panel(read_picture(one.file), one.heat, self.ceiling, mask))
        right = (one.outcome is Outcome.PASS) is (one.label == self.normal)
        words = one.outcome if one.outcome is Outcome.ERROR else f"{one.score:.3g} {one.outcome}"
        caption = axes.text(0.5, -0.02, words, transform=axes.transAxes, ha="center", va="top", fontsize=8)
        caption.set_color(RIGHT if right else WRONG)


def _draw_legend(part: SubFigure, ceiling: float) -> None:
    """The scale as it looks over grey."""
    axes = part.subplots(1, 3, width_ratios=[2, 1, 2])
    axes[0].set_axis_off()
    axes[2].set_axis_off()
    ramp = np.linspace(0, ceiling, 256, dtype=np.float32)[None]
    grey = np.full((1, ramp.size, 3), 160, np.uint8)
    axes[1].imshow(overlay(grey, ramp, ceiling), extent=(0, ceiling, 0, 1), aspect="auto")
    axes[1].set(yticks=[], xlabel="heat, in spreads of the normals")
