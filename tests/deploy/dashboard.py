"""The Grafana dashboards as their tests see them: panels, queries, and the metrics that they may use."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from inspector import metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in (DEPLOY / "grafana" / "dashboards").glob("*.json")}

METRICS = [metric for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)]
"""What the daemon counts and measures."""

SUFFIXES = {"counter": {"_total": ()}, "gauge": {"": ()}, "histogram": {"_bucket": ("le",), "_sum": (), "_count": ()}}
"""By type of metric: the suffixes of its samples, and the labels that they add."""

TARGET_LABELS = {"line", "job", "instance"}
"""What Prometheus adds to every series of a daemon."""


@dataclass(frozen=True)
class Query:
    """One query of one panel."""

    dashboard: str
    panel: str
    ref_id: str
    expr: str
    legend: str

    def __str__(self) -> str:
        return f"{self.dashboard} {self.panel} {self.ref_id}"

    @property
    def names(self) -> set[str]:
        """Every metric and every record of a rule that it reads."""
        return names_in(self.expr)

    @property
    def selectors(self) -> list[tuple[str, str]]:
        """Every metric that it reads with matchers between braces, and these."""
        return re.findall(r"([\w:]+)\{([^}]*)\}", self.expr)

    @property
    def grouped_by(self) -> set[str]:
        """The labels that it keeps or joins by."""
        groups = re.findall(r"\b(?:by|on|group_left) \(([^)]*)\)", self.expr)
        return {label for group in groups for label in re.findall(r"\w+", group)}


def names_in(expr: str) -> set[str]:
    """The metrics, and the records of rules, in an expression."""
    without_values = re.sub(r'"[^"]*"', '""', expr)
    found = re.findall(r"[a-z]+:[a-z0-9_:]+|\binspector_\w+|\bup\b|\bALERTS\b|\bprocess_\w+", without_values)
    return set(found)


def panels_of(dashboard: dict) -> list[dict]:
    """Those that show something; a row only has a title."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


PANELS = [(name, panel) for name, dashboard in DASHBOARDS.items() for panel in panels_of(dashboard)]
QUERIES = [
    Query(name, panel["title"], target["refId"], target["expr"], target["legendFormat"])
    for name, panel in PANELS
    for target in panel["targets"]
]


def variables_of(name: str) -> dict[str, dict]:
    """A dashboard's variables, by their names."""
    return {variable["name"]: variable for variable in DASHBOARDS[name]["templating"]["list"]}


def samples_of(metric: MetricWrapperBase) -> dict[str, set[str]]:
    """The labels of every series that a metric exposes, by the series' name."""
    (family,) = metric.describe()
    return {family.name + suffix: {*metric._labelnames, *more} for suffix, more in SUFFIXES[family.type].items()}


SAMPLES = {name: labels for metric in METRICS for name, labels in samples_of(metric).items()}
