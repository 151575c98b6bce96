"""Every query of the dashboard, put to a real Prometheus that scrapes the daemon's own metrics."""

import itertools
import json
import math
import shutil
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager

import pytest
import yaml
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, start_http_server

from inspector import metrics
from tests.broker import free_port
from tests.deploy.dashboard import DEPLOY, METRICS, QUERIES, VARIABLES
from tests.requirements import needs

BUSY, QUIET = "dashboard-busy", "dashboard-quiet"
LABELS = {
    "station": [BUSY],
    "outcome": ["PASS", "FAIL", "ERROR"],
    "stage": ["embed", "score"],
    "reason": ["busy"],
    "sink": ["mqtt"],
    "bundle": ["sha256:0123"],
    "name": ["cans"],
    "scorers": ["lof"],
    "decision": ["taken"],
    "kind": ["trigger"],
    "alarm": ["camera_lost"],
    "which": ["ca"],
}
"""Values for every label that a metric has; a new label needs an example here."""

SCRAPES = 6


class Line:
    """A daemon at work, as a collector: each scrape finds one more inspection of every outcome."""

    def __init__(self):
        self._scraped = threading.Condition()
        self._scrapes = 0

    def collect(self):
        self._work()
        with self._scraped:
            self._scrapes += 1
            self._scraped.notify_all()
        return REGISTRY.collect()

    def wait_for_scrapes(self, count):
        with self._scraped:
            assert self._scraped.wait_for(lambda: self._scrapes >= count, timeout=60), "Prometheus does not scrape"

    def _work(self):
        for metric in METRICS:
            for labels in itertools.product(*(LABELS[name] for name in metric._labelnames)):
                touch(metric.labels(*labels))
        metrics.LAST_FRAME.labels(BUSY).set(time.time())
        metrics.INSPECTIONS.labels(QUIET, "PASS").inc()


def touch(metric):
    if isinstance(metric, Counter):
        metric.inc()
    elif isinstance(metric, Histogram):
        metric.observe(0.018)
    else:
        metric.set(1)


@contextmanager
def exporter():
    forget_stations()
    line, registry = Line(), CollectorRegistry()
    registry.register(line)
    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        yield line, server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        forget_stations()


def forget_stations():
    """The registry belongs to the process: stations of other tests would be asked about too."""
    for metric in METRICS:
        metric.clear()


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Puts a path and its parameters to Prometheus's API, once it has seen the line at work."""
    program = shutil.which("prometheus")
    needs(program, "prometheus (Debian: apt-get install prometheus)")
    folder = tmp_path_factory.mktemp("prometheus")
    with exporter() as (line, port):
        address = f"127.0.0.1:{free_port()}"
        options = [f"--config.file={configuration(folder, port)}", f"--storage.tsdb.path={folder / 'data'}"]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen([program, *options, f"--web.listen-address={address}"], stderr=log)
        try:
            line.wait_for_scrapes(SCRAPES)
            yield lambda path, **parameters: get(f"http://{address}/api/v1/{path}", parameters)
        finally:
            process.terminate()
            process.wait(30)


def configuration(folder, port):
    """The shipped scrape file, in a hurry, and with the exporter in the daemon's place."""
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "200ms", "scrape_timeout": "200ms"}
    config["rule_files"] = []
    config["scrape_configs"] = [job for job in config["scrape_configs"] if job["job_name"] == "inspector"]
    config["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    return path


def get(url, parameters):
    with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(parameters)}", timeout=10) as response:
        return json.load(response)["data"]


def values(ask, query, label="station"):
    """The query's numbers by one label, with Grafana's variables filled in as for all stations."""
    station = VARIABLES["station"]["allValue"]
    expr = query.expr.replace("$station", station).replace("$__rate_interval", "1m")
    result = ask("query", query=expr)["result"]
    return {series["metric"].get(label): float(series["value"][1]) for series in result}


def query_of(panel, ref_id="A"):
    return next(query for query in QUERIES if (query.panel, query.ref_id) == (panel, ref_id))


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_every_query_returns_data(ask, query):
    numbers = values(ask, query).values()

    assert any(math.isfinite(number) for number in numbers)


def test_the_variable_lists_the_stations(ask):
    assert VARIABLES["station"]["query"]["query"] == "label_values(inspector_camera_up, station)"
    assert ask("label/station/values", **{"match[]": "inspector_camera_up"}) == [BUSY]


@pytest.mark.parametrize("panel", ["Anomaly rate", "Error share"])
def test_a_share_is_of_all_inspections_and_0_where_there_was_none(ask, panel):
    assert values(ask, query_of(panel)) == pytest.approx({BUSY: 1 / 3, QUIET: 0})


def test_quantiles_lie_in_the_bucket_that_was_observed(ask):
    for ref_id in "ABC":
        assert 0.015 < values(ask, query_of("Verdict latency", ref_id))[BUSY] <= 0.020


def test_mean_stage_time_is_what_was_observed(ask):
    stages = values(ask, query_of("Mean time in each stage"), "stage")

    assert stages == pytest.approx({"embed": 0.018, "score": 0.018})


def test_the_model_table_shows_the_threshold(ask):
    assert values(ask, query_of("Models"), "scorers") == {"lof": 1}
