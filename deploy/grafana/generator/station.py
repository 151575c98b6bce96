"""All that one station says of itself."""

from deploy.grafana.generator import archive, shared
from deploy.grafana.generator.page import Page, Row
from deploy.grafana.generator.panels import Column, Panel, Query, graph, number, rows
from deploy.grafana.generator.queries import RATE, chosen, per_minute, per_second, quantile
from deploy.grafana.generator.variables import LINES, OPERATOR, STATION


def station() -> Page:
    """The station detail."""
    return Page(
        uid="inspector-station",
        title="Inspection: station",
        description="One station in detail, for whoever looks for a cause.",
        variables=(LINES, STATION, OPERATOR),
        rows=(
            Row("Now", 5, [shared.anomaly_rate(), shared.availability(), shared.slack(), shared.last_frame()]),
            Row("Verdicts", 8, [shared.verdicts(), shared.anomaly_course("5m", "1h", "1d"), shared.scores()]),
            Row("Time", 8, [shared.latency(0.5, 0.95, 0.99), _stages(), _recording()]),
            Row("Camera", 7, [shared.cameras(), _reopens(), _troubles()]),
            Row("Frames", 7, [shared.dropped(), shared.refused()]),
            Row("Triggers and results", 7, [_triggers(), shared.sinks(), _outbox()]),
            Row("Archive", 7, archive.kept()),
            Row("What the archive takes", 7, archive.taken()),
            Row("What should not be", 7, [_losses(), _certificates(), _room()]),
            Row("Drift and alarms", 8, [_drift_to_limit(), _drift(), shared.alarms()]),
            Row("Models", 6, [_models()]),
        ),
    )


def _stages() -> Panel:
    seconds = "inspector_stage_duration_seconds"
    total, count = (f"sum by (stage) (rate({seconds}_{each}{chosen()}[{RATE}]))" for each in ("sum", "count"))
    return graph(
        "Mean time in each stage",
        "Stacked up, they are what a verdict takes, and publishing it.",
        Query(f"{total} / {count}", "{{stage}}"),
        unit="s",
        stacked=True,
    )


def _recording() -> Panel:
    return graph(
        "Time to record",
        "The 99th percentile of the time until an inspection is a row of the record; a stalling disk shows here first.",
        Query(quantile(0.99, "inspector_record_seconds"), "p99"),
        unit="s",
    )


def _reopens() -> Panel:
    return graph(
        "Camera reopens",
        "Attempts a minute to open a lost camera again.",
        Query(per_minute("inspector_camera_reopens_total", "station")),
        unit="cpm",
    )


def _troubles() -> Panel:
    return graph(
        "Between camera and driver",
        "Packets and buffers a minute, as the driver counts them: a bad cable or a full network shows here first.",
        Query(per_minute("inspector_camera_troubles_total", "trouble"), "{{trouble}}"),
        unit="cpm",
    )


def _triggers() -> Panel:
    return graph(
        "Triggers",
        "What became of the triggers that came: taken, refused, repeated, known, forged.",
        Query(per_second("inspector_triggers_total", "decision"), "{{decision}}"),
        unit="reqps",
    )


def _outbox() -> Panel:
    return graph(
        "Outbox",
        "Results that a sink has not delivered yet.",
        Query(f"sum by (sink) (inspector_outbox_rows{chosen()})", "{{sink}}"),
        unit="short",
    )


def _losses() -> Panel:
    return graph(
        "Lost, late and refused",
        "All a minute: rows that the record lost, results given up or not taken, verdicts overtaken, messages refused.",
        Query(per_minute("inspector_record_rows_lost_total", "station"), "rows lost"),
        Query(per_minute("inspector_outbox_dropped_total", "sink"), "{{sink}} given up"),
        Query(per_minute("inspector_sink_errors_total", "sink"), "{{sink}} not taken"),
        Query(per_minute("inspector_verdicts_overtaken_total", "station"), "verdicts overtaken"),
        Query(per_minute("inspector_messages_refused_total", "kind"), "{{kind}} refused"),
        unit="cpm",
    )


def _certificates() -> Panel:
    ends = f"min by (sink, which) (inspector_certificate_expiry_timestamp_seconds{chosen()})"
    return number(
        "Certificates end in",
        "The authority's, the station's own, and the one that the broker showed.",
        Query(f"{ends} - time()", "{{sink}} {{which}}"),
        unit="s",
        steps=((None, "red"), (3 * 24 * 3600, "yellow"), (30 * 24 * 3600, "green")),
    )


def _room() -> Panel:
    free, size = (f"min by (station) (inspector_record_disk_{each}_bytes{chosen()})" for each in ("free", "size"))
    return graph(
        "Room for the record",
        "What is free on the disk that holds the record, as a share of it.",
        Query(f"{free} / {size}", "free"),
        unit="percentunit",
    )


def _drift_to_limit() -> Panel:
    return graph(
        "Drift, of its limit",
        "How far the last parts are from the bundle's normals; beyond the line the alarm is raised.",
        Query(f"max by (of) (inspector_drift_to_limit_ratio{chosen()})", "{{of}}"),
        unit="percentunit",
        limit=1,
    )


def _drift() -> Panel:
    return graph(
        "Drift",
        "The same unscaled: stability index of score, brightness and sharpness; spreads that the embedding has moved.",
        Query(f"max by (of) (inspector_drift{chosen()})", "{{of}}"),
        unit="short",
    )


def _models() -> Panel:
    model = f"max by (station, name, scorers, bundle) (inspector_model_info{chosen()})"
    threshold = f"max by (station) (inspector_threshold{chosen()})"
    return rows(
        "Models",
        "What judges, with the threshold of the station's own bundle.",
        {"name": "Name", "scorers": "Scorers", "bundle": "Digest"},
        {"Threshold": Column(f"max by (name, scorers, bundle) ({model} * on (station) group_left () {threshold})")},
    )
