"""All lines of a plant on one page: which of them needs somebody."""

from deploy.grafana.generator.page import Page, Row
from deploy.grafana.generator.panels import Column, Link, Panel, Query, graph, number, rows

GOOD_SHARE = ((None, "red"), (0.95, "yellow"), (0.99, "green"))
NONE_IS_GOOD = ((None, "green"), (1, "red"))
ALL_IS_GOOD = ((None, "red"), (1, "green"))

TO_LINE = Link("To this line", "/d/inspector-line?var-line=${__data.fields.Line}&${__url_time_range}")
TO_STATION = Link(
    "To this station",
    "/d/inspector-station?var-line=${__data.fields.Line}&var-station=${__data.fields.Station}&${__url_time_range}",
)


PARTS = "sum(increase(inspector_inspections_total[24h]))"
FAILS = 'sum(increase(inspector_inspections_total{outcome="FAIL"}[24h]))'
VERDICTS = 'sum(increase(inspector_inspections_total{outcome!="ERROR"}[24h]))'


def fleet() -> Page:
    """The plant."""
    now = Row(
        "Now",
        5,
        [
            number(
                "Daemons up",
                "Share of the daemons that Prometheus knows which answer it.",
                Query('avg(up{job="inspector"})', "of all"),
                unit="percentunit",
                steps=ALL_IS_GOOD,
            ),
            number("Parts", "Inspections in 24 hours.", Query(PARTS, "in 24 h"), unit="short"),
            number(
                "Anomaly rate",
                "Share of the inspections of 24 hours that were FAIL.",
                Query(f"{FAILS} / ({PARTS} > 0)", "in 24 h"),
                unit="percentunit",
            ),
            number(
                "Availability",
                "Share of the inspections of 24 hours that reached a verdict.",
                Query(f"{VERDICTS} / ({PARTS} > 0)", "in 24 h"),
                unit="percentunit",
                steps=GOOD_SHARE,
            ),
            number(
                "Alarms",
                "Alarms of all stations that nobody has reset.",
                Query("sum(line:inspector_alarms_active:sum)", "not reset"),
                unit="short",
                steps=NONE_IS_GOOD,
            ),
            number(
                "Alerts",
                "Alerts of these rules that fire.",
                Query('count(ALERTS{alertname=~"Inspector.*", alertstate="firing"}) or vector(0)', "firing"),
                unit="short",
                steps=NONE_IS_GOOD,
            ),
        ],
    )
    return Page(
        uid="inspector-fleet",
        title="Inspection: all lines",
        description="Every line of the plant, and which of them needs somebody.",
        variables=(),
        rows=(now, Row("Lines", 8, [_lines()]), _course(), Row("Stations", 10, [_stations()])),
    )


def _lines() -> Panel:
    return rows(
        "Lines",
        "One row a line; its name leads to its dashboard.",
        {"line": "Line"},
        {
            "Parts/s": Column("sum by (line) (line:inspector_inspections:rate5m)", "reqps"),
            "Anomaly rate": Column("max by (line) (line:inspector_anomaly:ratio_rate5m)", "percentunit"),
            "Availability": Column(
                "min by (line) (line:inspector_availability:ratio_rate5m)", "percentunit", GOOD_SHARE
            ),
            "Cameras": Column("min by (line) (line:inspector_cameras_up:ratio)", "percentunit", ALL_IS_GOOD),
            "Alarms": Column("sum by (line) (line:inspector_alarms_active:sum)", "short", NONE_IS_GOOD),
        },
        {"Line": TO_LINE},
    )


def _course() -> Row:
    return Row(
        "Course",
        8,
        [
            graph(
                "Parts per second",
                "Inspections of each line.",
                Query("sum by (line) (line:inspector_inspections:rate5m)", "{{line}}"),
                unit="reqps",
            ),
            graph(
                "Anomaly rate by line",
                "Share of the inspections of 5 minutes that were FAIL.",
                Query("max by (line) (line:inspector_anomaly:ratio_rate5m)", "{{line}}"),
                unit="percentunit",
            ),
            graph(
                "Availability by line",
                "Share of the inspections of 5 minutes that reached a verdict.",
                Query("min by (line) (line:inspector_availability:ratio_rate5m)", "{{line}}"),
                unit="percentunit",
            ),
        ],
    )


def _stations() -> Panel:
    by = "max by (line, station)"
    return rows(
        "Stations",
        "One row a station; its name leads to its dashboard.",
        {"line": "Line", "station": "Station"},
        {
            "Parts/s": Column(f"{by} (station:inspector_inspections:rate5m)", "reqps"),
            "Anomaly rate, 1 h": Column(f"{by} (station:inspector_anomaly:ratio_rate1h)", "percentunit"),
            "Anomaly rate, 1 d": Column(f"{by} (station:inspector_anomaly:ratio_rate1d)", "percentunit"),
            "Availability, 1 h": Column(
                f"{by} (station:inspector_availability:ratio_rate1h)", "percentunit", GOOD_SHARE
            ),
            "Availability, 1 d": Column(
                f"{by} (station:inspector_availability:ratio_rate1d)", "percentunit", GOOD_SHARE
            ),
            "Dropped/s": Column(f"{by} (station:inspector_frames_dropped:rate5m)", "cps"),
            "Latency, p99": Column(
                f'{by} (station:inspector_verdict_latency_seconds:quantile_rate5m{{quantile="0.99"}})', "s"
            ),
            "Deadline": Column(f"{by} (inspector_deadline_seconds)", "s"),
        },
        {"Line": TO_LINE, "Station": TO_STATION},
    )
