"""The shipped broker configuration, in a real mosquitto."""

import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.broker import MOSQUITTO, Broker
from tests.requirements import needs

CONFIG = Path(__file__).parents[2] / "deploy" / "mosquitto" / "mosquitto.conf"
PASSWORD = "a password of the plant"


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """A broker with the shipped configuration, but for its port and its folders."""
    hasher = shutil.which("mosquitto_passwd")
    needs(MOSQUITTO and hasher, "mosquitto (Debian: apt-get install mosquitto)")
    folder = tmp_path_factory.mktemp("mosquitto")
    passwords = folder / "passwords"
    passwords.write_text(f"inspector:{PASSWORD}\n")
    subprocess.run([hasher, "-U", passwords], check=True)
    with Broker(folder, shipped(passwords, folder)) as broker:
        yield broker.port


def shipped(passwords, folder):
    text = CONFIG.read_text()
    replaced = {
        "listener 1883\n": "",
        "/run/secrets/mosquitto_passwords": str(passwords),
        "/mosquitto/data/": f"{folder}/",
    }
    for ours, theirs in replaced.items():
        assert ours in text
        text = text.replace(ours, theirs)
    return text


def answer(port, username=None, password=None):
    """The broker's word on a connection."""
    answered, reasons = threading.Event(), []
    client = Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set(username, password)
    client.on_connect = lambda _client, _userdata, _flags, reason, _properties: (reasons.append(reason), answered.set())
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        assert answered.wait(20), "the broker does not answer"
    finally:
        client.disconnect()
        client.loop_stop()
    return str(reasons[0])


def test_lets_the_daemon_in(port):
    assert answer(port, "inspector", PASSWORD) == "Success"


@pytest.mark.parametrize("credentials", [(), ("inspector", "a guess"), ("stranger", PASSWORD)])
def test_keeps_strangers_out(port, credentials):
    assert answer(port, *credentials) == "Not authorized"
