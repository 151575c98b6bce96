"""Panels that the line's and the station's dashboard both show."""

from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from deploy.grafana.generator.panels import Link, Panel, Query, graph, heat, number, states
from deploy.grafana.generator.queries import RATE, chosen, per_minute, per_second, quantile, recorded

COLOURS = {"PASS": "green", "FAIL": "orange", "ERROR": "red"}
UP = {"1": ("up", "green"), "0": ("down", "red")}
LIMIT = [
    DynamicConfigValue("color", {"mode": "fixed", "fixedColor": "red"}),
    DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [10, 10]}),
    DynamicConfigValue("custom.fillOpacity", 0),
]
REJECTS = Link(
    "Rejects of this span, with their pictures",
    "${operator}/parts?station=${__field.labels.station}&show=rejects&since=${__from:date:iso}&until=${__to:date:iso}",
)


def anomaly_rate() -> Panel:
    return number(
        "Anomaly rate",
        "Share of the inspections of 5 minutes that were FAIL. Compare it with what is usual here.",
        Query(recorded("station:inspector_anomaly:ratio_rate5m")),
        unit="percentunit",
        links=[REJECTS],
    )


def availability() -> Panel:
    return number(
        "Availability",
        "Share of the inspections of 5 minutes that reached a verdict; the rest was ERROR and rejected.",
        Query(recorded("station:inspector_availability:ratio_rate5m")),
        unit="percentunit",
        steps=((None, "red"), (0.95, "yellow"), (0.99, "green")),
    )


def slack() -> Panel:
    latency = recorded("station:inspector_verdict_latency_seconds:quantile_rate5m", quantile="0.99")
    return number(
        "Deadline used",
        "The 99th percentile of the verdict latency of 5 minutes, as a share of the deadline.",
        Query(f"{latency} / {recorded('inspector_deadline_seconds')}"),
        unit="percentunit",
        steps=((None, "green"), (0.8, "yellow"), (1, "red")),
    )


def last_frame() -> Panel:
    return number(
        "Since the last frame",
        "How long ago the last frame was taken; on a triggered station also how long ago the last part came.",
        Query(f"time() - max by (station) (inspector_last_frame_timestamp_seconds{chosen()} > 0)"),
        unit="s",
    )


def verdicts() -> Panel:
    return graph(
        "Inspections by outcome",
        "How many parts a second were PASS, FAIL and ERROR.",
        Query(per_second("inspector_inspections_total", "outcome"), "{{outcome}}"),
        unit="reqps",
        stacked=True,
        colours=COLOURS,
    )


def anomaly_course(*windows: str) -> Panel:
    return graph(
        "Anomaly rate over time",
        f"Share of FAIL in windows of {' and '.join(windows)}. A click on a point leads to the rejects.",
        *(
            Query(recorded(f"station:inspector_anomaly:ratio_rate{window}"), f"{{{{station}}}} {window}")
            for window in windows
        ),
        unit="percentunit",
        links=[REJECTS],
    )


def scores() -> Panel:
    return heat(
        "Score over threshold",
        "How often which score occurred; above 1 is FAIL. A band that wanders upwards is drift, not defects.",
        f"sum by (le) (increase(inspector_score_to_threshold_ratio_bucket{chosen()}[{RATE}]))",
    )


def latency(*shares: float) -> Panel:
    return graph(
        "Verdict latency",
        "From exposure, or arrival of the frame, to its verdict, and the deadline beyond which it is ERROR.",
        *(
            Query(quantile(share, "inspector_verdict_latency_seconds"), f"{{{{station}}}} p{100 * share:.0f}")
            for share in shares
        ),
        Query(recorded("inspector_deadline_seconds"), "{{station}} deadline"),
        unit="s",
    ).override_by_regexp("/ deadline$/", LIMIT)


def cameras() -> Panel:
    return states(
        "Camera",
        "When each camera delivered and when it was lost.",
        Query(f"min by (station) (inspector_camera_up{chosen()})"),
        UP,
    )


def sinks() -> Panel:
    return states(
        "Sinks",
        "When each sink could hand its results over and when its broker was away.",
        Query(f"min by (station, sink) (inspector_sink_up{chosen()})", "{{station}} {{sink}}"),
        UP,
    )


def dropped() -> Panel:
    return graph(
        "Frames dropped",
        "Frames of a free-running camera that were not inspected. Superseded: a newer one was there first.",
        Query(per_second("inspector_frames_dropped_total", "station, reason"), "{{station}} {{reason}}"),
        unit="cps",
    )


def refused() -> Panel:
    return graph(
        "Frames refused",
        "Frames a minute that got ERROR for what they are: old, repeated, torn, dark, blurred, of another size.",
        Query(per_minute("inspector_frames_refused_total", "station, reason"), "{{station}} {{reason}}"),
        unit="cpm",
    )


def alarms() -> Panel:
    active = f"max by (station, alarm) (inspector_alarm_active{chosen()})"
    past = f"max_over_time(inspector_alarm_active{chosen()}[$__range])"
    return states(
        "Alarms",
        "Those that were active in this span, until a person has acknowledged and reset them; none where it is empty.",
        Query(f"{active} and max by (station, alarm) ({past}) == 1", "{{station}} {{alarm}}"),
        {"0": ("quiet", "transparent"), "1": ("active", "red")},
    )
