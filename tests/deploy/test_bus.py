"""A line's broker as a branch of the plant's, in two real mosquittos, and the plant's Prometheus above the lines'."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import paho.mqtt.client as paho
import pytest
import yaml

from tests.broker import MOSQUITTO, Broker, Subscriber
from tests.faults.proxy import Proxy
from tests.plant import Plant, shipped
from tests.requirements import needs

DEPLOY = Path(__file__).parents[2] / "deploy"
ROLES = {"press-1": "station", "press-2": "station", "line-1": "station", "operator-1": "operator", "plc-1": "plc",
         "historian": "reader"}  # fmt: skip


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    needs(MOSQUITTO and shutil.which("openssl"), "mosquitto and openssl (Debian: apt-get install mosquitto openssl)")
    plant = Plant(tmp_path_factory.mktemp("plant"))
    for name, role in ROLES.items():
        plant.make("client", role, name)
    return plant


@pytest.fixture
def way(plant, tmp_path):
    """The plant's broker, the line's, and the network between; shipped configurations but for ports and folders."""
    above, below = tmp_path / "plant", tmp_path / "line"
    with Broker(above, shipped(plant.certificates, above)) as plants:
        network = Proxy(plants.port)
        with Broker(below, shipped(plant.certificates, below) + bridge(plant, network.port)) as lines:
            yield plants, lines, network
        network.close()


def bridge(plant, port):
    text = (DEPLOY / "mosquitto" / "bridge.conf").read_text()
    replaced = {
        "broker.plant.example:8883": f"localhost:{port}",
        "/etc/mosquitto/certificates/plant-ca.pem": f"{plant.certificates}/plant-ca.pem",
        "/etc/mosquitto/certificates/line-1.": f"{plant.certificates}/clients/line-1.",
    }
    for ours, theirs in replaced.items():
        assert ours in text
        text = text.replace(ours, theirs)
    return text


class Client:
    """One of ROLES, connected to one of the brokers."""

    def __init__(self, plant, broker, name):
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
        self._client.tls_set_context(plant.context(ROLES[name], name))
        self._client.connect("localhost", broker.port)
        self._client.loop_start()

    def publish(self, topic, payload, *, retain=False):
        self._client.publish(topic, json.dumps(payload), qos=1, retain=retain).wait_for_publish(20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def listen(plant):
    """Hear what somebody may hear, on a broker."""
    opened = []

    def listen(broker, name, topic):
        opened.append(Subscriber(broker.port, topic, tls=plant.context(ROLES[name], name)))
        return opened[-1]

    yield listen
    for each in opened:
        each.close()


def bridge_is_up(listen, above):
    bridges = listen(above, "historian", "bridge/#")
    bridges.wait(lambda: ("bridge/line-1", 1) in [each[:2] for each in bridges.messages], "the line to be connected")


def test_what_stations_say_arrives_above_and_is_retained_there(plant, way, listen):
    above, below, _ = way
    historian = listen(above, "historian", "inspector/#")
    with Client(plant, below, "press-1") as station:
        station.publish("inspector/press-1/state", {"state": "running"}, retain=True)
        station.publish("inspector/press-1/result", {"sequence": 0})
        historian.wait_for("result")
        historian.wait_for_state("running")

    newcomer = listen(above, "historian", "inspector/press-1/state")
    newcomer.wait_for("state")
    assert newcomer.messages == [("inspector/press-1/state", {"state": "running"}, True)]


def test_nothing_is_lost_and_all_is_in_order_when_the_way_was_cut(plant, way, listen):
    """And the line's broker was started again meanwhile."""
    above, below, network = way
    historian = listen(above, "historian", "inspector/press-1/result")
    bridge_is_up(listen, above)
    network.cut()
    for first in (0, 100):
        with Client(plant, below, "press-1") as station:
            for sequence in range(first, first + 100):
                station.publish("inspector/press-1/result", {"sequence": sequence})
        below.stop()
        below.start()
    network.heal()
    historian.wait(lambda: {"sequence": 199} in historian.of("result"), "the last result", 60)

    heard = [each["sequence"] for each in historian.of("result")]
    assert list(dict.fromkeys(heard)) == list(range(200))


def test_commands_go_down_and_triggers_do_not(plant, way, listen):
    above, below, _ = way
    bridge_is_up(listen, above)
    station = listen(below, "press-1", "inspector/press-1/#")
    with Client(plant, above, "plc-1") as plc, Client(plant, above, "operator-1") as operator:
        plc.publish("inspector/press-1/trigger", {"id": "t-1"})
        operator.publish("inspector/press-1/command", {"id": "c-1"})
        station.wait_for("command")

    assert [topic for topic, *_ in station.messages] == ["inspector/press-1/command"]


def test_a_line_speaks_above_for_its_own_stations_only(plant, way, listen):
    """The plant's access list names press-1 for line-1; press-2 is on the same line's broker by mistake."""
    above, below, _ = way
    historian = listen(above, "historian", "inspector/#")
    with Client(plant, below, "press-2") as stranger, Client(plant, below, "press-1") as station:
        stranger.publish("inspector/press-2/result", {"sequence": 0})
        station.publish("inspector/press-1/result", {"sequence": 0})
        historian.wait_for("result")

    assert [topic for topic, *_ in historian.messages] == ["inspector/press-1/result"]


def test_prometheus_accepts_the_plants_configuration():
    program = shutil.which("promtool")
    needs(program, "promtool (Debian: apt-get install prometheus)")
    file = DEPLOY / "prometheus" / "plant.yml"

    checked = subprocess.run([program, "check", "config", file], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_series_that_a_line_records_is_fetched_by_the_plant():
    (job,) = yaml.safe_load((DEPLOY / "prometheus" / "plant.yml").read_text())["scrape_configs"]
    (pattern,) = [each for each in job["params"]["match[]"] if each.startswith("{__name__=~")]
    rules = yaml.safe_load((DEPLOY / "prometheus" / "rules" / "recording.yml").read_text())
    recorded = {rule["record"] for group in rules["groups"] for rule in group["rules"]}

    assert recorded
    assert all(re.fullmatch(pattern[len('{__name__=~"') : -len('"}')], name) for name in recorded)
