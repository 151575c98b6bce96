"""Pictures of an evaluation: the score histogram, the ROC curve and the worst misses."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from inspector.pictures import read_picture
from training.evaluate import Scored

mpl.use("Agg")

GOOD, BAD, LINE = "#2a7f9e", "#d1495b", "#333333"
TYPE_COLOURS: Final = (BAD, "#edae49", "#8d6a9f", "#66a182", "#b56576", "#5c6b73", "#c98b2b")


def draw_histogram(scored: Sequence[Scored], normal: str, threshold: float, path: Path) -> None:
    """Scores of normals above the axis and of each anomaly type, with the threshold between PASS and FAIL."""
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    scores = np.array([each.score for each in scored])
    lowest, highest = np.quantile(scores, [0, 0.99])
    bins = np.linspace(lowest, highest, 60)
    labels = [normal, *sorted({each.label for each in scored} - {normal})]
    for label, colour in zip(labels, (GOOD, *TYPE_COLOURS * len(labels)), strict=False):
        own = np.array([each.score for each in scored if each.label == label]).clip(max=bins[-1])
        axes.hist(own, bins.tolist(), label=f"{label} ({len(own)})", color=colour, alpha=0.65)
    axes.axvline(threshold, color=LINE, linestyle="--")
    axes.annotate("PASS ◂ threshold ▸ FAIL", (threshold, 1.01), xycoords=("data", "axes fraction"), ha="center")
    axes.set(xlabel="anomaly score", ylabel="pictures")
    # A place of its own: on a busy machine the search for the best one ends in a warning.
    axes.legend(loc="upper right")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def draw_roc(curves: dict[str, tuple[Sequence[Scored], str]], path: Path) -> None:
    """ROC curves by name, and the end of few false rejects, where a line works, enlarged.

    A set of one kind only, normal or not, has no curve.
    """
    figure = Figure(figsize=(10, 4.8), layout="constrained")
    whole, end = figure.subplots(1, 2)
    for (name, (scored, normal)), colour in zip(curves.items(), (GOOD, BAD), strict=False):
        truth = [each.label != normal for each in scored]
        if len(set(truth)) < 2:
            continue
        rejected, caught, _ = roc_curve(truth, [each.score for each in scored])
        for axes in (whole, end):
            axes.step(100 * rejected, 100 * caught, where="post", label=name, color=colour, linewidth=2)
    whole.plot([0, 100], [0, 100], color=LINE, linewidth=0.7, linestyle=":")
    whole.set(title="ROC", xlabel="good parts rejected, %", ylabel="defects caught, %")
    end.set(title="where a line works", xlabel="good parts rejected, %", xlim=(0, 10))
    for axes in (whole, end):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    if len(whole.lines) > 1:
        whole.legend(loc="lower right")
    figure.savefig(path, dpi=120)


def draw_mistakes(scored: Sequence[Scored], normal: str, threshold: float, path: Path, each: int = 6) -> None:
    """A sheet of the worst misses above the worst false rejects, with their scores."""
    missed = sorted((one for one in scored if one.label != normal and one.score <= threshold), key=lambda o: o.score)
    rejected = sorted((one for one in scored if one.label == normal and one.score > threshold), key=lambda o: -o.score)
    both = {f"missed defects: {len(missed)}": missed, f"good parts rejected: {len(rejected)}": rejected}
    rows = {title: mistakes for title, mistakes in both.items() if mistakes} or {"no mistakes": []}
    figure = Figure(figsize=(2.1 * each, 2.9 * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), each, squeeze=False)
    for row, (title, mistakes) in zip(grid, rows.items(), strict=True):
        row[0].set_title(title, loc="left", fontsize=11, fontweight="bold")
        for axes in row:
            axes.set_axis_off()
        for axes, one in zip(row, mistakes, strict=False):
            axes.imshow(read_picture(one.file))
            words = f"{one.label}\n{one.score:.3g}"
            axes.text(0.5, -0.02, words, transform=axes.transAxes, ha="center", va="top", fontsize=8)
    figure.suptitle(f"worst mistakes at the threshold {threshold:.3g}")
    figure.savefig(path, dpi=120)
