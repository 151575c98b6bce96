"""One line at a glance: verdicts, scores, latency, cameras and sinks, alarms."""

from deploy.grafana.generator import shared
from deploy.grafana.generator.page import Page, Row
from deploy.grafana.generator.panels import Column, Panel, Query, graph, number, rows
from deploy.grafana.generator.queries import chosen
from deploy.grafana.generator.variables import LINES, OPERATOR, STATIONS


def line() -> Page:
    """The line overview."""
    alarms = number(
        "Alarms not reset",
        "They stay until a person has acknowledged and reset them, also when their cause is gone.",
        Query(f"sum by (station) (inspector_alarm_active{chosen()})"),
        unit="short",
        steps=((None, "green"), (1, "red")),
    )
    return Page(
        uid="inspector-line",
        title="Inspection: line",
        description="Verdicts, latency and health of the chosen stations.",
        variables=(LINES, STATIONS, OPERATOR),
        rows=(
            Row("Now", 5, [shared.anomaly_rate(), shared.availability(), shared.slack(), alarms]),
            Row("Verdicts", 8, [shared.verdicts(), shared.anomaly_course("5m", "1d")]),
            Row("Scores and latency", 9, [shared.scores(), shared.latency(0.5, 0.99)]),
            Row("Cameras and sinks", 7, [shared.cameras(), shared.sinks(), shared.dropped(), shared.refused()]),
            Row("Drift, alarms and alerts", 9, [_drift(), shared.alarms(), _alerts()]),
        ),
    )


def _drift() -> Panel:
    return graph(
        "Drift",
        "How far the last parts are from the bundle's normals, as a share of the limit; its station shows by what.",
        Query(f"max by (station) (inspector_drift_to_limit_ratio{chosen()})"),
        unit="percentunit",
        limit=1,
    )


def _alerts() -> Panel:
    firing = 'ALERTS{alertname=~"Inspector.*", alertstate="firing", line=~"$line"}'
    return rows(
        "Alerts",
        "What Prometheus' rules find; the runbook has a section for each.",
        {"alertname": "Alert", "station": "Station", "severity": "Severity"},
        {"Alerts": Column(f"count by (alertname, station, severity) ({firing})")},
    )
