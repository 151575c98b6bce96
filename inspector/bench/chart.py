"""The latencies of every row as histograms below each other, on one axis, so that rows can be compared."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.bench.axis import Axis
from inspector.bench.figures import Row
from inspector.bench.measure import NETWORKS, STATIONS, WITH_HEAT_MAP, Measurement, Milliseconds
from inspector.bench.replay import VERDICT
from inspector.bench.workers import NETWORK
from inspector.inspection import Pixels

Colour = tuple[int, int, int]

WHITE: Final[Colour] = (255, 255, 255)
INK: Final[Colour] = (31, 41, 55)
FAINT: Final[Colour] = (229, 231, 235)
GREY: Final[Colour] = (156, 163, 175)
BLUE: Final[Colour] = (37, 99, 235)
ORANGE: Final[Colour] = (234, 88, 12)

SERIES: Final = (
    ("bare network", GREY, NETWORKS, NETWORK),
    ("frame to verdict", BLUE, STATIONS, VERDICT),
    ("frame to verdict, with heat map", ORANGE, WITH_HEAT_MAP, VERDICT),
)

WIDTH: Final = 1600
MARGIN: Final = 60
HEAD: Final = 110
"""Height of the heading with the legend."""
TITLE: Final = 110
"""Height of a panel's title, with the names of the percentiles below it."""
BARS: Final = 240
"""Height of the tallest bar."""
PANEL: Final = TITLE + BARS + 70
"""Height of one row's histogram."""
BIN: Final = 8
"""Width of a bar."""

TAIL: Final = 99.9
"""Percentile that the axis reaches to: a single hiccup must not squeeze all else."""


def chart(rows: Sequence[Row], seen: Sequence[Measurement]) -> Pixels:
    """A picture of at least one row, RGB."""
    laps_ms = [[each.laps_ms(contender, stage) for _, _, contender, stage in SERIES] for each in seen]
    axis = _axis([laps for each in laps_ms for laps in each])
    canvas = np.full((HEAD + PANEL * len(rows) + 20, WIDTH, 3), WHITE, np.uint8)
    _draw_head(canvas)
    for number, (row, own_ms) in enumerate(zip(rows, laps_ms, strict=True)):
        top = HEAD + PANEL * number
        _draw_panel(canvas[top : top + PANEL], row, own_ms, axis)
    return canvas


def _axis(laps_ms: Sequence[Milliseconds]) -> Axis:
    low_ms = min(float(each.min()) for each in laps_ms)
    return Axis.over(low_ms, max(float(np.percentile(each, TAIL)) for each in laps_ms), WIDTH - 2 * MARGIN)


def _draw_head(canvas: Pixels) -> None:
    _write(canvas, "Latency of one picture", (MARGIN, 48), 1.1, bold=True)
    x = MARGIN
    for name, colour, _, _ in SERIES:
        cv2.rectangle(canvas, (x, 76), (x + 22, 94), colour, cv2.FILLED)
        x += 32 + _write(canvas, name, (x + 32, 92), 0.62) + 36


def _draw_panel(panel: Pixels, row: Row, laps_ms: Sequence[Milliseconds], axis: Axis) -> None:
    _write(panel, row.title, (MARGIN, 40), 0.8, bold=True)
    _write(panel, _in_short(row), (WIDTH - MARGIN, 40), 0.62, from_right=True)
    plot = panel[:, MARGIN : WIDTH - MARGIN]
    _draw_axis(plot, axis)
    shares = [np.histogram(each, axis.edges(axis.width // BIN))[0] / len(each) for each in laps_ms]
    highest = max(float(each.max()) for each in shares)
    for (_, colour, _, _), share in zip(SERIES, shares, strict=True):
        _draw_bars(plot, np.rint(share / highest * BARS).astype(int), colour)
    _draw_percentiles(plot, row, axis)


def _in_short(row: Row) -> str:
    rate, ratio = row.per_second[STATIONS].median, row.ratios[VERDICT].median
    return f"{rate:.1f} inspections a second; a verdict takes {ratio:.2f} x the bare network"


def _draw_axis(plot: Pixels, axis: Axis) -> None:
    floor = TITLE + BARS
    for tick_ms in axis.ticks():
        x = axis.at(tick_ms)
        cv2.line(plot, (x, TITLE), (x, floor + 6), FAINT, 1)
        _write(plot, f"{tick_ms:g}", (x, floor + 28), 0.55, centred=True)
    _write(plot, "ms", (axis.width, floor + 28), 0.55, from_right=True)


def _draw_bars(plot: Pixels, heights: NDArray[np.int_], colour: Colour) -> None:
    """Half transparent, with a firm outline, so that what lies behind is still to be seen."""
    floor = TITLE + BARS
    tinted = plot.copy()
    steps = []
    for number, height in enumerate(heights.tolist()):
        left, right = number * BIN, (number + 1) * BIN
        steps += [(left, floor - height), (right, floor - height)]
        if height:
            cv2.rectangle(tinted, (left, floor - height), (right - 1, floor - 1), colour, cv2.FILLED)
    cv2.addWeighted(tinted, 0.35, plot, 0.65, 0, dst=plot)
    cv2.polylines(plot, [np.array(steps, np.int32)], isClosed=False, color=colour, thickness=2, lineType=cv2.LINE_AA)
    cv2.line(plot, (0, floor), (plot.shape[1], floor), GREY, 2)


def _draw_percentiles(plot: Pixels, row: Row, axis: Axis) -> None:
    verdict = row.latency_ms[VERDICT]
    for step, (name, ms) in enumerate((("p50", verdict.p50), ("p95", verdict.p95), ("p99", verdict.p99))):
        x, y = axis.at(ms), TITLE - 44 + 22 * step
        cv2.line(plot, (x, y), (x, TITLE + BARS), INK, 1, cv2.LINE_AA)
        is_at_edge = x > 0.85 * axis.width
        _write(plot, f"{name} {ms:.2f} ms", (x - 8 if is_at_edge else x + 8, y + 12), 0.55, from_right=is_at_edge)


def _write(
    canvas: Pixels,
    text: str,
    at: tuple[int, int],
    size: float,
    *,
    bold: bool = False,
    centred: bool = False,
    from_right: bool = False,
) -> int:
    """Write on the base line ``at``, from there, around there or up to there; returns the width."""
    font = cv2.FONT_HERSHEY_DUPLEX if bold else cv2.FONT_HERSHEY_SIMPLEX
    (width, _), _ = cv2.getTextSize(text, font, size, 1)
    x = at[0] - (width // 2 if centred else width if from_right else 0)
    cv2.putText(canvas, text, (x, at[1]), font, size, INK, 1, cv2.LINE_AA)
    return width
