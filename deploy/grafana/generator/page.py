"""A dashboard: its rows of panels, its variables, and the way from each dashboard to the others."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from deploy.grafana.generator.panels import DATASOURCE, Panel

TAG: Final = "inspector"
COLUMNS: Final = 24
ALL: Final = models.VariableOption(text="All", value="$__all")


@dataclass(frozen=True, slots=True)
class Row:
    """Panels of one height, side by side, each as wide as the others."""

    title: str
    height: int
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Page:
    """One dashboard. ``variables`` come after the datasource."""

    uid: str
    title: str
    description: str
    variables: Sequence[dashboard.QueryVariable | dashboard.TextBoxVariable]
    rows: Sequence[Row]

    def json(self) -> str:
        """As Grafana reads it."""
        return json.dumps(self._build(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    def _build(self) -> models.Dashboard:
        builder = dashboard.Dashboard(self.title).uid(self.uid).description(self.description).tags([TAG])
        builder.time("now-1h", "now").refresh("10s").timezone("browser").editable()
        builder.tooltip(models.DashboardCursorSync.CROSSHAIR).link(_to_the_others())
        builder.with_variable(dashboard.DatasourceVariable("datasource").label("Datasource").type("prometheus"))
        for variable in self.variables:
            builder.with_variable(variable)
        for row in self.rows:
            builder.with_row(dashboard.Row(row.title))
            for panel in row.panels:
                builder.with_panel(panel.span(COLUMNS // len(row.panels)).height(row.height))
        built = builder.build()
        for number, placed in enumerate(built.panels or [], start=1):
            placed.id_val = number
        return built


def of_labels(name: str, label: str, query: str, *, several: bool) -> dashboard.QueryVariable:
    """A variable of what Prometheus knows: ``query`` is ``label_values(…)``."""
    variable = (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query({"qryType": 1, "query": query, "refId": name})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
    )
    # .* and not .+: where a site's Prometheus gives no label ``line``, the empty one is meant.
    return (
        variable.multi(multi=True).include_all(include_all=True).all_value(".*").current(ALL) if several else variable
    )


def _to_the_others() -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("Dashboards").type(models.DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(as_dropdown=False).include_vars(include_vars=True).keep_time(keep_time=True)
