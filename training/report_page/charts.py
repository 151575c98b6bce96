"""Charts of a report as SVG for a page: text stays text, in the page's font and colour, on its background."""

import io
import re
from collections.abc import Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import genpareto
from sklearn.metrics import roc_curve

from inspector.bundle import ReviewBand, TailRecord
from inspector.inspection import Outcome
from training.evaluate import Scored
from training.report import BAD, GOOD, TYPE_COLOURS
from training.report_page.reliability import Bin

INK: Final = "#123456"
"""Stands for the page's own colour of text, which is not known while a chart is drawn."""

WIDTH, HEIGHT = 4.4, 3.0
"""Inches: small, so that words are legible when the page shows it on a phone."""

STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 9,
    "text.parse_math": False,
}


def histograms(scored: Sequence[Scored], normal: str, threshold: float, band: ReviewBand | None) -> str:
    """Scores of the good parts and of each type, one above the other, with the threshold through all of them."""
    labels = [normal, *sorted({one.label for one in scored} - {normal})]
    own = {label: np.array([one.score for one in scored if one.label == label]) for label in labels}
    low, high = _range([one.score for one in scored if one.outcome is not Outcome.ERROR], threshold)
    bins = np.linspace(low, high, 50)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.7 * len(labels) + 0.9), layout="constrained")
        rows = figure.subplots(len(labels), 1, sharex=True, squeeze=False)[:, 0]
        colours = (GOOD, *TYPE_COLOURS * len(labels))
        for axes, label, colour in zip(rows, labels, colours, strict=False):
            axes.hist(own[label].clip(max=high), bins.tolist(), color=colour)
            axes.axvline(threshold, color=INK, linestyle="--", linewidth=1)
            if band:
                axes.axvspan(threshold, min(band.below, high), color=INK, alpha=0.12, linewidth=0)
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            axes.set_title(f"{label}, {len(own[label])}", loc="left", fontsize=9, pad=2)
        rows[-1].set_xlabel("score: PASS left of the dashed line, FAIL right of it")
        return svg(figure, "scores")


def roc(scored: Sequence[Scored], normal: str, threshold: float, *, up_to: float) -> str:
    """Defects caught over good parts rejected, up to this share of them, and the threshold's place on the curve."""
    truth = np.array([one.label != normal for one in scored])
    scores = np.array([one.score for one in scored])
    rejected, caught, _ = roc_curve(truth, scores, drop_intermediate=False)
    with mpl.rc_context(STYLE):
        figure, axes = _plot()
        axes.step(100 * rejected, 100 * caught, where="post", color=GOOD, linewidth=2)
        here = [100 * float((scores[truth == kind] > threshold).mean()) for kind in (False, True)]
        axes.plot(*here, "o", color=BAD, clip_on=False, zorder=3)
        axes.set(xlim=(0, 100 * up_to), ylim=(0, 100), xlabel="good parts rejected, %", ylabel="defects caught, %")
        axes.grid(alpha=0.25, color=INK)
        return svg(figure, f"roc-{up_to}")


def reliability_diagram(bins: Sequence[Bin]) -> str:
    """How often a named type was right, by how sure the bundle was; on the diagonal it is as right as it says."""
    with mpl.rc_context(STYLE):
        figure, axes = _plot()
        axes.plot([0, 100], [0, 100], color=INK, linestyle=":", linewidth=1)
        for each in bins:
            sure, right = 100 * each.confidence, 100 * each.right / each.named
            axes.plot([sure, sure], [100 * each.at_least, 100 * each.at_most], color=GOOD, alpha=0.5)
            axes.plot(sure, right, "o", color=GOOD, clip_on=False)
            axes.annotate(str(each.named), (sure, right), (5, 4), textcoords="offset points")
        axes.set(xlim=(0, 100), ylim=(0, 100), xlabel="confidence, %", ylabel="named rightly, %")
        return svg(figure, "names")


def return_plot(tail: TailRecord) -> str:
    """Scores over how rare they are, one of so many: the highest that were seen, and the model through them."""
    excesses = np.array(tail.excesses)
    rarity = tail.scores / np.arange(len(excesses), 0, -1)
    wide = np.geomspace(rarity[0], 2 / tail.max_false_reject, 100)
    beyond = tail.scores / len(excesses) / wide
    with mpl.rc_context(STYLE):
        figure, axes = _plot()
        axes.plot(wide, tail.level + genpareto.isf(beyond, tail.shape, scale=tail.scale), color=BAD)
        axes.plot(rarity, tail.level + excesses, "o", color=GOOD, markersize=3)
        axes.plot(1 / tail.max_false_reject, tail.threshold, "v", color=INK)
        axes.set(xscale="log", xlabel="one good part of so many scores higher", ylabel="score")
        axes.xaxis.set_major_formatter(lambda rarity, _: f"{rarity:g}")
        axes.grid(alpha=0.25, color=INK)
        return svg(figure, "tail")


def svg(figure: Figure, name: str) -> str:
    """The figure as an element of a page: as wide as its place, in the page's colour, the same for the same figures.

    Its ids, which clip and repeat shapes, follow from ``name``, so that two charts of a page share none.
    """
    output = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(output, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = output.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' id="(?:figure|axes|patch|line2d|text|matplotlib|xtick|ytick|PathCollection)[^"]*"', "", text)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r"font: ([^;\"']*?)px [^;\"]*", r"font-size: \1px", text)
    return text.replace(INK, "currentColor").replace("<svg ", '<svg aria-hidden="true" ', 1)


def _range(scores: Sequence[float], threshold: float) -> tuple[float, float]:
    """From the lowest score to where nearly all lie and the threshold is well inside."""
    low = min([*scores, threshold])
    high = max(float(np.quantile([*scores, threshold], 0.97)), threshold + 0.3 * abs(threshold))
    return low, high if high > low else low + 1


def _plot() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    return figure, figure.subplots()
