"""Draws a dashboard as its JSON says, each panel in its place, with matplotlib in the place of Grafana."""

import math
import re
from datetime import UTC, datetime
from itertools import cycle

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tests.deploy.preview.words import words

COLOURS = {"green": "#73bf69", "yellow": "#f2cc0c", "red": "#f2495c", "orange": "#ff9830", "blue": "#5794f2"}
PALETTE = [*(COLOURS[name] for name in ("green", "yellow", "blue", "orange", "red")), "#b877d9", "#8ab8ff", "#ffb357"]
PAGE, PANEL, EDGE, TEXT, FAINT = "#111217", "#181b1f", "#2c3235", "#d8d9da", "#8e9097"
HEAT = LinearSegmentedColormap.from_list("heat", [PANEL, "#7a3d00", "#ff9830", "#fff2d6"])

CELL_IN = (0.72, 0.42)
"""Width and height of one cell of Grafana's grid of 24 columns, inches."""
TITLE_IN, GAP_IN, HEAD_IN = 0.30, 0.06, 0.62
NAMES_A_ROW = 4


class Sheet:
    """One picture of one dashboard. ``ask`` gives the series of a panel's target."""

    def __init__(self, dashboard, span, ask):
        self._dashboard, self._span, self._ask = dashboard, span, ask
        bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
        self._size_in = (24 * CELL_IN[0], bottom * CELL_IN[1] + HEAD_IN)
        self._figure = Figure(self._size_in, facecolor=PAGE)
        FigureCanvasAgg(self._figure)

    def draw(self, path):
        title, description = self._dashboard["title"], self._dashboard["description"]
        top = 1 - 0.3 / self._size_in[1]
        self._figure.text(0.006, top, title, color=TEXT, size=15, weight="bold", va="center")
        self._figure.text(0.994, top, description, color=FAINT, size=10, ha="right", va="center")
        for panel in self._dashboard["panels"]:
            if panel["type"] == "row":
                x, y, _, h = self._place(panel)
                self._figure.text(
                    x + 0.002, y + h / 2, panel["title"], color=FAINT, size=11, weight="bold", va="center"
                )
            else:
                self._draw_panel(panel)
        self._figure.savefig(path, dpi=100, facecolor=PAGE)

    def _place(self, panel):
        """Left, bottom, width and height as shares of the sheet, the gap around taken off."""
        x, y, w, h = (panel["gridPos"][key] for key in "xywh")
        width, height = self._size_in
        left, upper = x * CELL_IN[0] + GAP_IN, height - HEAD_IN - y * CELL_IN[1] - GAP_IN
        across, down = w * CELL_IN[0] - 2 * GAP_IN, h * CELL_IN[1] - 2 * GAP_IN
        return left / width, (upper - down) / height, across / width, down / height

    def _draw_panel(self, panel):
        x, y, w, h = self._place(panel)
        frame = Rectangle((x, y), w, h, transform=self._figure.transFigure, facecolor=PANEL, edgecolor=EDGE, zorder=-1)
        self._figure.add_artist(frame)
        title_y = y + h - TITLE_IN / 2 / self._size_in[1]
        self._figure.text(x + 0.006, title_y, panel["title"], color=TEXT, size=10.5, weight="bold", va="center")
        inside = self._figure.add_axes((x, y, w, h - TITLE_IN / self._size_in[1]))
        inside.axis("off")
        found = [self._ask(target) for target in panel["targets"]]
        draw = {"stat": number, "table": table, "timeseries": graph, "heatmap": heat, "state-timeline": states}
        draw[panel["type"]](inside, panel, found, self._span)


def chart(inside, panel, span, *, left_in=0.62, foot_in=0.62):
    """Axes with room for their numbers and, below, for the names of the series."""
    width_in, height_in = (size / 100 for size in inside.get_window_extent().size)
    left, foot, top = left_in / width_in, foot_in / height_in, 0.06 / height_in
    axes = inside.inset_axes((left, foot, 1 - left - 0.12 / width_in, 1 - foot - top), facecolor=PANEL)
    axes.tick_params(colors=FAINT, labelsize=8, length=0)
    axes.grid(color=EDGE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.set_xlim(span.start_s, span.end_s)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda at_s, _: datetime.fromtimestamp(at_s, UTC).strftime("%H:%M:%S"))
    )
    unit = panel["fieldConfig"]["defaults"]["unit"]
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: words(value, unit)))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    return axes


def colour_of(value, defaults):
    """That of the highest step which the value reaches."""
    reached = [
        step["color"] for step in defaults["thresholds"]["steps"] if step["value"] is None or value >= step["value"]
    ]
    return COLOURS[reached[-1]]


def number(inside, panel, found, span):
    (series,) = found
    defaults = panel["fieldConfig"]["defaults"]
    for index, each in enumerate(series):
        colour = colour_of(each.last, defaults)
        box = inside.inset_axes((index / len(series), 0, 1 / len(series), 1))
        box.axis("off")
        course = box.inset_axes((0.03, 0.02, 0.94, 0.36))
        course.axis("off")
        course.fill_between(each.times_s, each.values, color=colour, alpha=0.25, linewidth=0)
        course.plot(each.times_s, each.values, color=colour, linewidth=1)
        course.set_xlim(span.start_s, span.end_s)
        size = 24 if len(series) < 3 else 17
        box.text(0.5, 0.62, words(each.last, defaults["unit"]), color=colour, size=size, ha="center", va="center")
        box.text(0.5, 0.90, each.name, color=TEXT, size=9, ha="center", va="center")


def graph(inside, panel, found, span):
    custom = panel["fieldConfig"]["defaults"]["custom"]
    series = [each for target in found for each in target]
    axes = chart(inside, panel, span, foot_in=0.36 + 0.17 * math.ceil(len(series) / NAMES_A_ROW))
    colours = cycle(PALETTE)
    base = 0.0
    for each in series:
        own = overrides(panel, each.name)
        colour = COLOURS[own["color"]["fixedColor"]] if "color" in own else next(colours)
        dashed = "--" if "custom.lineStyle" in own else "-"
        upper = np.nan_to_num(each.values) + base if "stacking" in custom else each.values
        opacity = own.get("custom.fillOpacity", custom["fillOpacity"]) / 100
        axes.fill_between(each.times_s, base, upper, color=colour, alpha=opacity, linewidth=0)
        axes.plot(each.times_s, upper, dashed, color=colour, linewidth=1.1, label=each.name)
        base = upper if "stacking" in custom else 0.0
    if "thresholdsStyle" in custom:
        limit = panel["fieldConfig"]["defaults"]["thresholds"]["steps"][-1]
        axes.axhline(limit["value"], color=COLOURS[limit["color"]], dashes=(6, 4), linewidth=1)
    axes.set_ylim(bottom=0)
    if not series:
        axes.text(0.5, 0.5, "no data", color=FAINT, size=9, ha="center", va="center", transform=axes.transAxes)
    else:
        names = {
            "loc": "lower left",
            "bbox_to_anchor": (0.01, 0.0),
            "ncols": NAMES_A_ROW,
            "fontsize": 8,
            "labelcolor": TEXT,
        }
        inside.legend(*axes.get_legend_handles_labels(), frameon=False, handlelength=1.1, columnspacing=1.2, **names)


def overrides(panel, name):
    """What is said of the series of that name alone."""
    found = {}
    for override in panel["fieldConfig"]["overrides"]:
        matcher, wanted = override["matcher"]["id"], override["matcher"]["options"]
        if wanted == name if matcher == "byName" else re.search(wanted.strip("/"), name):
            found |= {each["id"]: each["value"] for each in override["properties"]}
    return found


def heat(inside, panel, found, span):
    (buckets,) = found
    buckets = sorted(buckets, key=lambda each: float(each.labels["le"]))
    counts = np.diff(np.array([each.values for each in buckets]), axis=0, prepend=0)
    axes = chart(inside, panel, span, foot_in=0.28)
    axes.grid(visible=False)
    edges = np.append(buckets[0].times_s, buckets[0].times_s[-1] + span.step_s)
    axes.pcolormesh(
        edges, np.arange(len(buckets) + 1), np.nan_to_num(counts).clip(0) ** 0.4, cmap=HEAT, rasterized=True
    )
    axes.set_yticks(np.arange(len(buckets)) + 1, [each.labels["le"] for each in buckets])
    axes.set_xlim(edges[0], edges[-1])


def states(inside, panel, found, span):
    (series,) = found
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
    axes = chart(inside, panel, span, left_in=0.25 + 0.066 * max((len(each.name) for each in series), default=0))
    for row, each in enumerate(reversed(series)):
        for value, look in mapping["options"].items():
            if look["color"] != "transparent":
                spans = [(at_s, span.step_s * 1.02) for at_s in each.times_s[each.values == float(value)]]
                axes.broken_barh(spans, (row - 0.38, 0.76), color=COLOURS[look["color"]], linewidth=0)
    axes.set_yticks(range(len(series)), [each.name for each in reversed(series)])
    axes.set_ylim(-0.6, len(series) - 0.4)
    looks = [look for look in mapping["options"].values() if look["color"] != "transparent"]
    patches = [Rectangle((0, 0), 1, 1, color=COLOURS[look["color"]]) for look in looks]
    names = [look["text"] for look in looks]
    inside.legend(
        patches, names, loc="lower left", ncols=3, fontsize=8, labelcolor=TEXT, frameon=False, handlelength=0.9
    )


def table(inside, panel, found, span):
    (_, organise) = panel["transformations"]
    order, renamed = (organise["options"][key] for key in ("indexByName", "renameByName"))
    names = {name: renamed[name] for name in sorted(renamed, key=order.get)}
    heads = list(names.values())
    keys = [label for label in names if not label.startswith("Value")]
    rows = {}
    for target, series in zip(panel["targets"], found, strict=True):
        heading = names.get(f"Value #{target['refId']}") or names["Value"]
        for each in series:
            key = tuple(each.labels.get(label, "") for label in keys)
            own = overrides(panel, heading)
            rows.setdefault(key, {})[heading] = (words(each.last, own["unit"]), colour_of(each.last, own))
    cells = [[(head, FAINT) for head in heads]]
    for key, numbers in rows.items():
        cells.append([(text, TEXT) for text in key] + [numbers.get(head, ("", TEXT)) for head in heads[len(keys) :]])
    for row, texts in enumerate(cells):
        y = 1 - (row + 0.5) * min(0.125, 1 / len(cells))
        for column, (text, colour) in enumerate(texts):
            inside.text(0.015 + column / len(heads), y, text[:32], color=colour, size=9.5, va="center")
