import itertools
import re

import pytest

from tests.deploy.dashboard import DASHBOARD, METRICS, PANELS, QUERIES, VARIABLES, samples_of

SAMPLES = {name: labels for metric in METRICS for name, labels in samples_of(metric).items()}

per_query = pytest.mark.parametrize("query", QUERIES, ids=str)
per_panel = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])


@per_query
def test_reads_only_metrics_that_the_daemon_exposes(query):
    names = [name for name, _ in query.selectors]

    assert names == re.findall(r"inspector_\w+", query.expr)
    assert set(names) <= SAMPLES.keys()


@per_query
def test_uses_only_labels_that_its_metrics_have(query):
    labels = set().union(*(SAMPLES[name] for name, _ in query.selectors))

    for name, matchers in query.selectors:
        assert set(re.findall(r"(\w+)\s*[=!]", matchers)) <= SAMPLES[name]
    assert query.grouped_by <= labels
    assert set(re.findall(r"\{\{(\w+)\}\}", query.legend)) <= query.grouped_by


@per_query
def test_shows_only_the_selected_stations(query):
    assert all('station=~"$station"' in matchers for _, matchers in query.selectors)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric._name)
def test_every_metric_of_the_daemon_is_shown(metric):
    shown = {name for query in QUERIES for name, _ in query.selectors}

    assert shown & samples_of(metric).keys()


@per_panel
def test_tells_the_operator_what_it_shows_and_in_which_unit(panel):
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]


def test_ids_and_titles_are_unique():
    for key in ("id", "title"):
        values = [panel[key] for panel in PANELS]
        assert len(set(values)) == len(values)


def test_panels_lie_side_by_side_in_24_columns():
    cells = [cell for panel in PANELS for cell in cells_of(**panel["gridPos"])]

    assert len(set(cells)) == len(cells)
    assert {column for column, _ in cells} == set(range(24))


def cells_of(x, y, w, h):
    return itertools.product(range(x, x + w), range(y, y + h))


def test_the_datasource_is_the_viewers_choice():
    assert VARIABLES["datasource"]["type"] == "datasource"
    for asker in [*PANELS, VARIABLES["station"]]:
        assert asker["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_several_stations_can_be_selected():
    assert VARIABLES["station"]["multi"]
    assert VARIABLES["station"]["includeAll"]


def test_the_table_arranges_columns_that_its_query_returns():
    (table,) = [panel for panel in PANELS if panel["type"] == "table"]
    (query,) = [query for query in QUERIES if query.panel == table["title"]]
    (organise,) = [step["options"] for step in table["transformations"]]

    assert {*organise["indexByName"], *organise["renameByName"]} == query.grouped_by | {"Value"}
    assert {each["matcher"]["options"] for each in table["fieldConfig"]["overrides"]} <= {
        *organise["renameByName"].values()
    }


def test_opens_on_the_last_hour_and_follows_the_line():
    assert DASHBOARD["time"] == {"from": "now-1h", "to": "now"}
    assert DASHBOARD["refresh"] == "10s"
