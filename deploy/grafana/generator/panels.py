"""The few kinds of panel that the dashboards are made of, each with what all of its kind have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE: Final = options.DataSourceRef("prometheus", "${datasource}")

Steps = Sequence[tuple[float | None, str]]
"""A colour from each value on; the first value is None, which is minus infinity."""

PLAIN: Final[Steps] = ((None, "blue"),)

Panel = heatmap.Panel | stat.Panel | statetimeline.Panel | table.Panel | timeseries.Panel
Kind = TypeVar("Kind", heatmap.Panel, stat.Panel, statetimeline.Panel, table.Panel, timeseries.Panel)


@dataclass(frozen=True, slots=True)
class Query:
    """One expression, and the name of each of its series."""

    expr: str
    legend: str = "{{station}}"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: a number for each row, in its colour."""

    expr: str
    unit: str = "short"
    steps: Steps = PLAIN


@dataclass(frozen=True, slots=True)
class Link:
    """Where a click leads; ``url`` may name Grafana's variables."""

    title: str
    url: str


def number(
    title: str, description: str, query: Query, *, unit: str, steps: Steps = PLAIN, links: Sequence[Link] = ()
) -> stat.Panel:
    """The latest value of each series, in the colour of its step, over its recent course."""
    panel = _panel(stat.Panel(), title, description, unit).no_value("no data").with_target(_target("A", query))
    calculation = common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(values=False)
    return (
        panel.thresholds(_thresholds(steps))
        .data_links(_links(links))
        .reduce_options(calculation)
        .text_mode(options.BigValueTextMode.VALUE_AND_NAME)
        .color_mode(options.BigValueColorMode.VALUE)
        .graph_mode(options.BigValueGraphMode.AREA)
    )


def graph(
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    stacked: bool = False,
    colours: Mapping[str, str] | None = None,
    limit: float | None = None,
    links: Sequence[Link] = (),
) -> timeseries.Panel:
    """Each series over time. ``colours`` are those of series by their names; a dashed line marks the ``limit``."""
    panel = _panel(timeseries.Panel(), title, description, unit).min(0).data_links(_links(links))
    panel.legend(common.VizLegendOptions().show_legend(show_legend=True).placement(options.LegendPlacement.BOTTOM))
    panel.tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI))
    panel.line_width(1).fill_opacity(60 if stacked else 8).show_points(options.VisibilityMode.NEVER)
    if stacked:
        panel.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL))
    if limit is not None:
        panel.thresholds(_thresholds(((None, "transparent"), (limit, "red"))))
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(options.GraphThresholdsStyleMode.DASHED))
    for ref_id, query in zip(ascii_uppercase, queries, strict=False):
        panel.with_target(_target(ref_id, query))
    for name, colour in (colours or {}).items():
        panel.override_by_name(name, [models.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})])
    return panel


def states(title: str, description: str, query: Query, words: Mapping[str, tuple[str, str]]) -> statetimeline.Panel:
    """What was so and when; ``words`` are the word and the colour of each value."""
    results = {
        value: models.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(words.items())
    }
    return (
        _panel(statetimeline.Panel(), title, description, "none")
        .mappings([models.ValueMap(results)])
        .show_value(options.VisibilityMode.NEVER)
        .legend(common.VizLegendOptions().show_legend(show_legend=True).placement(options.LegendPlacement.BOTTOM))
        .with_target(_target("A", query))
    )


def heat(title: str, description: str, expr: str) -> heatmap.Panel:
    """A histogram over time; its buckets are already counted."""
    colours = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64).exponent(0.5)
    target = _target("A", Query(expr, "{{le}}")).format(PromQueryFormat.HEATMAP)
    return (
        _panel(heatmap.Panel(), title, description, "short")
        .calculate(calculate=False)
        .color(colours)
        .cell_gap(1)
        .filter_values(heatmap.FilterValueRange().le(1e-9))
        .show_color_scale(show_color_scale=True)
        .with_target(target)
    )


def rows(
    title: str,
    description: str,
    keys: Mapping[str, str],
    columns: Mapping[str, Column],
    links: Mapping[str, Link] | None = None,
) -> table.Panel:
    """A table: ``keys`` are the headings of the labels that name a row, ``columns`` its numbers by their headings."""
    panel = _panel(table.Panel(), title, description, "short")
    names = dict(keys)
    for ref_id, (heading, column) in zip(ascii_uppercase, columns.items(), strict=False):
        panel.with_target(_target(ref_id, Query(column.expr, "")).instant().format(PromQueryFormat.TABLE))
        names[f"Value #{ref_id}" if len(columns) > 1 else "Value"] = heading
        panel.override_by_name(heading, _look(column))
    for heading, link in (links or {}).items():
        panel.override_by_name(heading, [models.DynamicConfigValue("links", [{"title": link.title, "url": link.url}])])
    panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    order = {name: index for index, name in enumerate(names)}
    arrangement = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": names}
    return panel.with_transformation(models.DataTransformerConfig(id_val="organize", options=arrangement))


def _panel(panel: Kind, title: str, description: str, unit: str) -> Kind:
    return panel.title(title).description(description).datasource(DATASOURCE).unit(unit)


def _target(ref_id: str, query: Query) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .datasource(DATASOURCE)
        .ref_id(ref_id)
        .expr(query.expr)
        .legend_format(query.legend)
        .range()
    )


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    return dashboard.ThresholdsConfig().steps([models.Threshold(value, colour) for value, colour in steps])


def _links(links: Sequence[Link]) -> list[Any]:
    return [dashboard.DashboardLink(link.title).url(link.url).target_blank(target_blank=True) for link in links]


def _look(column: Column) -> list[models.DynamicConfigValue]:
    steps = [{"value": value, "color": colour} for value, colour in column.steps]
    return [
        models.DynamicConfigValue("unit", column.unit),
        models.DynamicConfigValue("thresholds", {"mode": "absolute", "steps": steps}),
        models.DynamicConfigValue("color", {"mode": "thresholds"}),
        models.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
    ]
