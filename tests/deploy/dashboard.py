"""The Grafana dashboard as its tests see it: panels, queries, and the metrics that they may use."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from inspector import metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "inspector.json").read_text())
PANELS = DASHBOARD["panels"]
VARIABLES = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}

METRICS = [metric for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)]
"""What the daemon counts and measures."""

SUFFIXES = {"counter": {"_total": ()}, "gauge": {"": ()}, "histogram": {"_bucket": ("le",), "_sum": (), "_count": ()}}
"""By type of metric: the suffixes of its samples, and the labels that they add."""


@dataclass(frozen=True)
class Query:
    """One query of one panel."""

    panel: str
    ref_id: str
    expr: str
    legend: str

    def __str__(self) -> str:
        return f"{self.panel} {self.ref_id}"

    @property
    def selectors(self) -> list[tuple[str, str]]:
        """Every metric that it reads, with the matchers between its braces."""
        return re.findall(r"(\w+)\{([^}]*)\}", self.expr)

    @property
    def grouped_by(self) -> set[str]:
        """The labels that it keeps or joins by."""
        groups = re.findall(r"\b(?:by|on|group_left) \(([^)]*)\)", self.expr)
        return {label for group in groups for label in re.findall(r"\w+", group)}


QUERIES = [
    Query(panel["title"], target["refId"], target["expr"], target["legendFormat"])
    for panel in PANELS
    for target in panel["targets"]
]


def samples_of(metric: MetricWrapperBase) -> dict[str, set[str]]:
    """The labels of every series that a metric exposes, by the series' name."""
    (family,) = metric.describe()
    return {family.name + suffix: {*metric._labelnames, *more} for suffix, more in SUFFIXES[family.type].items()}
