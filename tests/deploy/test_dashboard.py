import dataclasses
import itertools
import re
import subprocess
import sys
import urllib.parse

import pytest

from inspector.ui.parts import ROUTES, SHOWN, Asked
from tests.deploy.dashboard import (
    DASHBOARDS,
    DEPLOY,
    METRICS,
    PANELS,
    QUERIES,
    SAMPLES,
    TARGET_LABELS,
    names_in,
    panels_of,
    samples_of,
    variables_of,
)
from tests.deploy.rules import RECORDS, RULES

RECORDED = {rule["record"] for rule in RECORDS}
PROMETHEUS_OWN = {"up", "ALERTS"}

per_query = pytest.mark.parametrize("query", QUERIES, ids=str)
per_panel = pytest.mark.parametrize(("name", "panel"), PANELS, ids=lambda each: each if isinstance(each, str) else "")
per_dashboard = pytest.mark.parametrize("name", DASHBOARDS)


def test_they_are_what_the_generator_writes():
    checked = subprocess.run(
        [sys.executable, "-m", "deploy.grafana.generator", "--check"],
        cwd=DEPLOY.parent,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.returncode, checked.stderr) == (0, "")


@per_query
def test_reads_only_what_the_daemon_exposes_or_a_rule_records(query):
    assert query.names
    assert query.names <= SAMPLES.keys() | RECORDED | PROMETHEUS_OWN


@per_query
def test_uses_only_labels_that_its_metrics_have(query):
    for name, matchers in query.selectors:
        known = SAMPLES.get(name, {"station", "quantile", "alertname", "alertstate"}) | TARGET_LABELS
        assert set(re.findall(r"(\w+)\s*[=!]", matchers)) <= known
    if query.names <= SAMPLES.keys():
        assert query.grouped_by <= TARGET_LABELS.union(*(SAMPLES[name] for name in query.names))
    assert set(re.findall(r"\{\{(\w+)\}\}", query.legend)) <= query.grouped_by


@pytest.mark.parametrize("query", [each for each in QUERIES if each.dashboard != "inspector-fleet"], ids=str)
def test_shows_only_the_chosen_line_and_stations(query):
    of_station = all("station" in SAMPLES.get(name, {"station"}) for name in query.names - {"ALERTS"})
    chosen = ['line=~"$line"'] + ['station=~"$station"'] * (of_station and query.names != {"ALERTS"})

    assert {name for name, _ in query.selectors} == query.names
    assert all(each in matchers for each in chosen for _, matchers in query.selectors)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric._name)
def test_every_metric_of_the_daemon_is_shown(metric):
    read = set().union(*(query.names for query in QUERIES))

    assert read & samples_of(metric).keys()


def test_every_record_is_shown_or_another_rule_reads_it():
    read = set().union(*(query.names for query in QUERIES), *(names_in(rule["expr"]) for rule in RULES))

    assert read >= RECORDED


@per_panel
def test_tells_the_operator_what_it_shows_and_in_which_unit(name, panel):
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]


@per_dashboard
def test_ids_and_titles_are_unique(name):
    for key in ("id", "title"):
        values = [panel[key] for panel in panels_of(DASHBOARDS[name])]
        assert len(set(values)) == len(values)


@per_dashboard
def test_panels_lie_side_by_side_in_24_columns(name):
    cells = [cell for panel in DASHBOARDS[name]["panels"] for cell in cells_of(**panel["gridPos"])]

    assert len(set(cells)) == len(cells)
    assert {column for column, _ in cells} == set(range(24))


def cells_of(x, y, w, h):
    return itertools.product(range(x, x + w), range(y, y + h))


@per_dashboard
def test_the_datasource_is_the_viewers_choice(name):
    variables = variables_of(name)
    asking = [each for each in variables.values() if each["type"] == "query"]

    assert variables["datasource"]["type"] == "datasource"
    for asker in [*panels_of(DASHBOARDS[name]), *asking]:
        assert asker["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_the_line_shows_several_stations_and_the_station_one():
    assert variables_of("inspector-line")["station"]["multi"]
    assert variables_of("inspector-line")["station"]["includeAll"]
    assert not variables_of("inspector-station")["station"]["multi"]


@per_panel
def test_a_table_arranges_columns_that_its_queries_return(name, panel):
    if panel["type"] != "table":
        return
    queries = [query for query in QUERIES if (query.dashboard, query.panel) == (name, panel["title"])]
    numbers = {f"Value #{query.ref_id}" for query in queries} if len(queries) > 1 else {"Value"}
    merge, organise = panel["transformations"]

    assert merge["id"] == "merge"
    keys = {*organise["options"]["renameByName"]} - numbers
    assert all(keys <= query.grouped_by for query in queries)
    assert {*organise["options"]["indexByName"]} == keys | numbers
    headings = {*organise["options"]["renameByName"].values()}
    assert {each["matcher"]["options"] for each in panel["fieldConfig"]["overrides"]} <= headings


def test_every_link_leads_to_a_dashboard_that_there_is_or_to_the_operators_page():
    urls = [url for _, panel in PANELS for url in re.findall(r"'url': '([^']+)'", str(panel))]
    uids = {re.match(r"/d/([\w-]+)\?", url) for url in urls if url.startswith("/d/")}

    assert {match.group(1) for match in uids} <= DASHBOARDS.keys()
    (rejects,) = {url for url in urls if not url.startswith("/d/")}
    page, _, asked = rejects.partition("?")
    assert page.removeprefix("${operator}") in {route.path for route in ROUTES}
    query = dict(urllib.parse.parse_qsl(asked))
    assert query.keys() <= {field.name for field in dataclasses.fields(Asked)}
    assert query["show"] in SHOWN


@per_dashboard
def test_variables_that_a_dashboard_uses_are_its_own(name):
    used = set(re.findall(r"\$\{?(\w+)", str(panels_of(DASHBOARDS[name]))))

    assert {each for each in used if not each.startswith("__")} <= variables_of(name).keys()


@per_dashboard
def test_opens_on_the_last_hour_follows_the_line_and_leads_to_the_others(name):
    dashboard = DASHBOARDS[name]

    assert dashboard["uid"] == name
    assert dashboard["time"] == {"from": "now-1h", "to": "now"}
    assert dashboard["refresh"] == "10s"
    (others,) = dashboard["links"]
    assert (others["type"], others["tags"], dashboard["tags"]) == ("dashboards", ["inspector"], ["inspector"])
