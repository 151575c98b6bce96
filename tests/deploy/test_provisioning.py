"""What Prometheus, Grafana and the daemon are told of each other must agree."""

import shutil
import subprocess
from pathlib import Path

import yaml

from inspector.config import read_config
from tests.requirements import needs

DEPLOY = Path(__file__).parents[2] / "deploy"


def read(path):
    return yaml.safe_load((DEPLOY / path).read_text())


SERVICES = read("compose.yaml")["services"]
PROMETHEUS = read("prometheus/prometheus.yml")
(DATASOURCE,) = read("grafana/provisioning/datasources/prometheus.yaml")["datasources"]
(PROVIDER,) = read("grafana/provisioning/dashboards/inspector.yaml")["providers"]


def container_port(service):
    (port,) = SERVICES[service]["ports"]
    return int(port.split(":")[-1])


def test_prometheus_accepts_its_configuration():
    program = shutil.which("promtool")
    needs(program, "promtool (Debian: apt-get install prometheus)")
    path = DEPLOY / "prometheus" / "prometheus.yml"

    checked = subprocess.run([program, "check", "config", path], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stderr


def test_prometheus_scrapes_the_daemon():
    (job,) = [job for job in PROMETHEUS["scrape_configs"] if job["job_name"] == "inspector"]

    (daemon,) = job["static_configs"]
    assert daemon["targets"] == [f"inspector:{container_port('inspector')}"]
    assert daemon["labels"].keys() == {"line"}  # which rules and Alertmanager group by


def test_grafana_asks_the_prometheus_of_the_compose_file_as_often_as_it_scrapes():
    assert DATASOURCE["type"] == "prometheus"
    assert DATASOURCE["url"] == f"http://prometheus:{container_port('prometheus')}"
    assert DATASOURCE["jsonData"]["timeInterval"] == PROMETHEUS["global"]["scrape_interval"]


def test_grafana_finds_the_dashboards():
    mounted = dict(mount.split(":")[1::-1] for mount in SERVICES["grafana"]["volumes"])
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    folder = PROVIDER["options"]["path"]

    assert home == f"{folder}/inspector-line.json"
    assert (DEPLOY / mounted[folder] / "inspector-line.json").exists()
    assert "/etc/grafana/provisioning" in mounted


def test_the_daemon_accepts_its_configuration_and_finds_broker_and_certificates():
    config = read_config(DEPLOY / "inspector" / "line.yaml")
    (mqtt,) = config.sinks

    assert (config.metrics.host, config.metrics.port) == ("0.0.0.0", container_port("inspector"))
    assert (mqtt.host, mqtt.port) == ("mosquitto", container_port("mosquitto"))
    assert {str(file) for _, file in mqtt.tls} == {f"/run/secrets/{name}" for name in SERVICES["inspector"]["secrets"]}


def test_prometheus_tells_the_alertmanager_of_the_compose_file_and_has_its_rules():
    ((target,),) = [each["targets"] for each in PROMETHEUS["alerting"]["alertmanagers"][0]["static_configs"]]
    mounted = [mount.split(":")[1] for mount in SERVICES["prometheus"]["volumes"]]

    assert target == f"alertmanager:{container_port('alertmanager')}"
    assert {str(Path("/etc/prometheus", each).parent) for each in PROMETHEUS["rule_files"]} <= set(mounted)


def test_the_daemon_sees_its_bundle_and_its_pictures():
    (station,) = read_config(DEPLOY / "inspector" / "line.yaml").stations
    targets = [Path(mount["target"]) for mount in SERVICES["inspector"]["volumes"]]

    assert station.bundle.parent in targets
    assert station.camera.path in targets
