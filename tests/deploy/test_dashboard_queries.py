"""Every query of every panel, put to a real Prometheus that scrapes a real daemon and evaluates the shipped rules."""

import math
import time

import cv2
import pytest

from tests.deploy.dashboard import DASHBOARDS, QUERIES, SAMPLES, names_in, variables_of
from tests.deploy.preview.data import Span
from tests.deploy.preview.drawing import Sheet
from tests.deploy.rules import ALERTS, promtool
from tests.deploy.watched_line import BUSY, LOST, OUTCOMES, WatchedLine


@pytest.fixture(scope="module")
def line(tmp_path_factory, small_bundle):
    with WatchedLine(tmp_path_factory.mktemp("line"), small_bundle) as line:
        yield line


def values(line, query, label="station"):
    """The query's numbers by one label, with Grafana's variables filled in as for all stations."""
    expr = query.expr.replace("$__rate_interval", "1m").replace("$__range", "1m")
    for variable in ("line", "station"):
        expr = expr.replace(f"${variable}", ".*")
    return {series["metric"].get(label): float(series["value"][1]) for series in line.query(expr)}


def query_of(panel, dashboard="inspector-line", ref_id="A"):
    return next(
        query for query in QUERIES if (query.dashboard, query.panel, query.ref_id) == (dashboard, panel, ref_id)
    )


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_every_query_returns_data(line, query):
    numbers = values(line, query).values()

    assert any(math.isfinite(number) for number in numbers)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_dashboard_can_be_drawn_for_the_readme(line, name, tmp_path):
    now_s = time.time()
    span = Span(now_s - 10, now_s, step_s=1)

    Sheet(DASHBOARDS[name], span, lambda target: span.ask(line, target)).draw(tmp_path / "preview.png")

    height, width, _ = cv2.imread(str(tmp_path / "preview.png")).shape
    assert (width, height > 1000) == (1728, True)


def test_the_daemon_exposes_every_metric_that_an_alert_reads(line):
    read = set().union(*(names_in(rule["expr"]) for rule in ALERTS.values()))

    assert not [name for name in read if not line.query(name)]


def test_every_rule_can_be_evaluated(line):
    rules = [rule for group in line.ask("rules")["groups"] for rule in group["rules"]]

    assert {rule["health"] for rule in rules} == {"ok"}, [rule.get("lastError") for rule in rules]
    assert {rule["name"] for rule in rules if rule["type"] == "alerting"} == ALERTS.keys()


def test_the_daemon_names_its_metrics_as_prometheus_wishes(line):
    page = line.page()

    assert all(name in page for name in SAMPLES)
    assert promtool("check", "metrics", stdin=page) == (0, "")


def test_the_variables_list_the_line_and_its_stations(line):
    asked = {name: variables_of("inspector-line")[name]["query"]["query"] for name in ("line", "station")}

    assert asked == {
        "line": "label_values(inspector_camera_up, line)",
        "station": 'label_values(inspector_camera_up{line=~"$line"}, station)',
    }
    assert line.ask("label/line/values", **{"match[]": "inspector_camera_up"}) == ["line-1"]
    assert line.ask("label/station/values", **{"match[]": "inspector_camera_up"}) == [BUSY, LOST]


def test_shares_are_of_all_inspections(line):
    assert values(line, query_of("Anomaly rate"))[BUSY] == pytest.approx(OUTCOMES["FAIL"] / 5, abs=0.1)
    assert values(line, query_of("Availability"))[BUSY] == pytest.approx(1 - OUTCOMES["ERROR"] / 5, abs=0.1)


def test_a_camera_that_is_lost_is_down_beside_one_that_is_up(line):
    assert values(line, query_of("Camera")) == {BUSY: 1, LOST: 0}


def test_the_alarm_that_stops_the_line_is_an_alert(line):
    assert values(line, query_of("Alerts"), "alertname")["InspectorStopLine"] == 1


def test_the_model_table_shows_the_threshold(line):
    (threshold,) = values(line, query_of("Models", "inspector-station"), "scorers").values()

    assert f'inspector_threshold{{station="{BUSY}"}} {threshold}' in line.page()
