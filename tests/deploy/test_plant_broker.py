"""The shipped configuration of a broker on the network, in a real mosquitto over TLS: who gets in, and how far."""

import re
import shutil
import socket
import ssl
import time
from contextlib import suppress
from datetime import timedelta
from threading import Event

import paho.mqtt.client as paho
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from inspector.inspection import StationState, utc_now
from inspector.sinks.mqtt import MqttSettings
from inspector.sinks.mqtt_settings import TlsSettings
from tests.broker import MOSQUITTO, Subscriber
from tests.contracts.test_sinks import an_inspection
from tests.plant import Plant, context_of
from tests.requirements import needs

ROLES = {"press-1": "station", "press-2": "station", "plc-1": "plc", "operator-1": "operator", "historian": "reader",
         "scada": "host"}  # fmt: skip
"""Those whom the shipped access file names, and the press next to them."""


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    needs(MOSQUITTO and shutil.which("openssl"), "mosquitto and openssl (Debian: apt-get install mosquitto openssl)")
    plant = Plant(tmp_path_factory.mktemp("plant"))
    for name, role in {**ROLES, "dismissed": "plc"}.items():
        plant.make("client", role, name)
    dismissed = plant.certificates / "clients"
    for ending in ("pem", "key"):
        shutil.copy(dismissed / f"dismissed.{ending}", plant.folder / f"revoked.{ending}")
    plant.make("revoke", "dismissed")
    return plant


@pytest.fixture(scope="module")
def port(plant):
    with plant.broker() as broker:
        yield broker.port


def admitted(port, context):
    """Whether the broker takes a connection with that TLS context."""
    words = []
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.tls_set_context(context)
    client.on_connect = lambda _c, _u, _f, reason, _p: words.append(not reason.is_failure)
    client.on_disconnect = lambda *_: words.append(False)
    try:
        client.connect("127.0.0.1", port)
        give_up_s = time.monotonic() + 20
        # Under TLS 1.3 the client believes itself connected before the broker has looked at its certificate.
        while not words and time.monotonic() < give_up_s:
            client.loop(0.1)
    except ssl.SSLError:
        return False
    client.disconnect()
    return words[0]


def forged(plant, folder, *, issuer, age_days=0):
    """A client certificate named press-1, signed with the key that is given, which ended so many days ago."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.load_pem_x509_certificate((plant.certificates / "plant-ca.pem").read_bytes())
    ends = utc_now() + timedelta(days=1 if not age_days else -age_days)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "press-1")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - timedelta(days=10))
        .not_valid_after(ends)
        .sign(issuer, hashes.SHA256())
    )
    (folder / "forged.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    (folder / "forged.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return context_with(plant, folder / "forged.pem")


def context_with(plant, certificate):
    ca_file = plant.certificates / "plant-ca.pem"
    return context_of(TlsSettings(ca_file=ca_file, cert_file=certificate, key_file=certificate.with_suffix(".key")))


def plants_key(plant):
    return serialization.load_pem_private_key((plant.certificates / "plant-ca.key").read_bytes(), None)


@pytest.mark.parametrize("name", ROLES)
def test_a_certificate_of_the_plant_gets_in(plant, port, name):
    assert admitted(port, plant.context(ROLES[name], name))


def test_without_a_certificate_nobody_gets_in(plant, port):
    assert not admitted(port, context_of(TlsSettings(ca_file=plant.certificates / "plant-ca.pem")))


def test_a_certificate_of_another_authority_does_not_get_in(plant, port, tmp_path):
    stranger = ec.generate_private_key(ec.SECP256R1())

    assert not admitted(port, forged(plant, tmp_path, issuer=stranger))
    assert admitted(port, forged(plant, tmp_path, issuer=plants_key(plant)))


def test_an_expired_certificate_does_not_get_in(plant, port, tmp_path):
    assert not admitted(port, forged(plant, tmp_path, issuer=plants_key(plant), age_days=1))


def test_a_revoked_certificate_does_not_get_in(plant, port):
    assert not admitted(port, context_with(plant, plant.folder / "revoked.pem"))


def test_the_brokers_own_certificate_makes_no_client(plant, port):
    assert not admitted(port, context_with(plant, plant.certificates / "broker.pem"))


def test_without_tls_nobody_gets_in(plant, port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        plain.sendall(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00")  # CONNECT, MQTT 3.1.1 section 3.1
        with suppress(ConnectionResetError):
            assert plain.recv(100)[:1] != b"\x20"  # a CONNACK


class Client:
    """Publishes and waits for the broker's word on each message."""

    def __init__(self, plant, port, name, version=paho.MQTTv5, **options):
        self._ready, self._done, self._reason = Event(), Event(), None
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=version)
        self._client.tls_set_context(plant.context(ROLES[name], name))
        if "username" in options:
            self._client.username_pw_set(options["username"])
        self._client.on_connect = lambda *_: self._ready.set()
        self._client.on_publish = self._on_publish
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(20)

    def _on_publish(self, _c, _u, _mid, reason, _p):
        self._reason = reason
        self._done.set()

    def publish(self, topic, payload="{}", **options):
        """Whether the broker says that it took the message."""
        self._done.clear()
        self._client.publish(topic, payload, qos=1, **options)
        assert self._done.wait(20), "no acknowledgement"
        return not self._reason.is_failure

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._client.disconnect()
        self._client.loop_stop()


MAY_WRITE = {
    "press-1": [
        "inspector/press-1/result",
        "inspector/press-1/answer",
        "inspector/press-1/answer/plc-1",
        "inspector/press-1/acknowledge",
        "inspector/press-1/state",
        "inspector/press-1/heartbeat",
        "inspector/press-1/alarm/camera_lost",
        "inspector/press-1/command/answer",
        "spBv1.0/inspector/NBIRTH/press-1",
        "spBv1.0/inspector/NDATA/press-1",
        "spBv1.0/inspector/DDATA/press-1/camera",
    ],
    "plc-1": ["inspector/press-1/trigger"],
    "operator-1": ["inspector/press-1/command", "inspector/press-2/command"],
    "scada": ["spBv1.0/STATE/scada", "spBv1.0/inspector/NCMD/press-1", "spBv1.0/inspector/DCMD/press-1/camera"],
}
MUST_NOT_WRITE = {
    "press-1": [
        "inspector/press-2/result",
        "inspector/press-2/answer",
        "inspector/press-2/answer/plc-1",
        "inspector/press-2/state",
        "inspector/press-2/alarm/camera_lost",
        "inspector/press-1/trigger",
        "inspector/press-1/command",
        "inspector/press-2/command",
        "inspector/result",
        "spBv1.0/inspector/NDATA/press-2",
        "spBv1.0/inspector/DDATA/press-2/camera",
        "spBv1.0/STATE/scada",
        "plc/answer",
    ],
    "plc-1": [
        "inspector/press-2/trigger",
        "inspector/press-1/answer",
        "inspector/press-1/result",
        "inspector/press-1/command",
        "inspector/press-1/alarm/camera_lost",
    ],
    "operator-1": ["inspector/press-1/trigger", "inspector/press-1/answer", "inspector/press-1/command/answer"],
    "historian": ["inspector/press-1/result", "inspector/press-1/command", "inspector/press-1/trigger", "anything"],
    "scada": ["inspector/press-1/command", "spBv1.0/inspector/NDATA/press-1", "spBv1.0/STATE/another"],
}


@pytest.mark.parametrize("name", MAY_WRITE)
def test_each_writes_what_is_its_own(plant, port, name):
    with Client(plant, port, name) as client:
        assert [topic for topic in MAY_WRITE[name] if not client.publish(topic)] == []


@pytest.mark.parametrize("name", MUST_NOT_WRITE)
def test_nobody_writes_what_is_anothers(plant, port, name):
    with Client(plant, port, name) as client:
        assert [topic for topic in MUST_NOT_WRITE[name] if client.publish(topic)] == []


def test_another_user_name_makes_no_other_client(plant, port):
    with Client(plant, port, "press-2", username="press-1") as client:
        assert not client.publish("inspector/press-1/result")
        assert client.publish("inspector/press-2/result")


def test_mqtt_311_is_told_that_a_denied_message_was_taken_and_nobody_gets_it(plant, port):
    historian = Subscriber(port, tls=plant.context("reader", "historian"))
    with Client(plant, port, "press-2", version=paho.MQTTv311) as old:
        assert old.publish("inspector/press-1/result", '"forged"')
        assert old.publish("inspector/press-2/result", '"mine"')
    historian.wait_for("result")
    historian.close()

    assert [(topic, payload) for topic, payload, _ in historian.messages if topic.endswith("result")] == [
        ("inspector/press-2/result", "mine")
    ]


READS = {
    "press-1": {"inspector/press-1/trigger", "inspector/press-1/command"},
    "press-2": {"inspector/press-2/command"},
    "plc-1": {
        "inspector/press-1/answer",
        "inspector/press-1/answer/plc-1",
        "inspector/press-1/result",
        "inspector/press-1/heartbeat",
        "inspector/press-1/acknowledge",
    },
    "operator-1": {"inspector/press-1/result", "inspector/press-2/result", "inspector/press-1/command/answer"},
    "historian": {
        "inspector/press-1/trigger",
        "inspector/press-1/command",
        "inspector/press-2/command",
        "inspector/press-1/answer",
        "inspector/press-1/answer/plc-1",
        "inspector/press-1/acknowledge",
        "inspector/press-1/heartbeat",
        "inspector/press-1/result",
        "inspector/press-2/result",
        "inspector/press-1/command/answer",
    },
}
"""Of what is published below, with a subscription to everything."""

PUBLISHED = {
    "plc-1": ["inspector/press-1/trigger"],
    "press-1": [
        "inspector/press-1/answer",
        "inspector/press-1/answer/plc-1",
        "inspector/press-1/acknowledge",
        "inspector/press-1/heartbeat",
        "inspector/press-1/command/answer",
        "inspector/press-1/result",
    ],
    "press-2": ["inspector/press-2/result"],
    "operator-1": ["inspector/press-1/command", "inspector/press-2/command"],
}


def test_each_reads_what_is_meant_for_it_and_nothing_else(plant, port):
    subscribers = {name: Subscriber(port, tls=plant.context(ROLES[name], name)) for name in READS}
    for name, topics in PUBLISHED.items():
        with Client(plant, port, name) as client:
            assert all(client.publish(topic) for topic in topics)
    # The broker hands on in the order in which it acknowledged: what comes after this would have come before it.
    for name, topic in {"press-1": "inspector/press-1/result", "press-2": "inspector/press-2/result"}.items():
        with Client(plant, port, name) as client:
            client.publish(topic, '"the end"')
    with Client(plant, port, "operator-1") as client:
        for station in ("press-1", "press-2"):
            client.publish(f"inspector/{station}/command", '"the end"')
    for subscriber in subscribers.values():
        subscriber.wait(lambda each=subscriber: "the end" in [payload for _, payload, _ in each.messages], "the end")
        subscriber.close()

    # Retained states and alarms of the tests before are no part of this.
    heard = {
        name: {topic for topic, _, retained in subscriber.messages if not retained}
        for name, subscriber in subscribers.items()
    }
    assert heard == READS


def test_a_stations_results_state_and_will_reach_its_plc(plant, port):
    plc = Subscriber(port, "inspector/press-1/#", tls=plant.context("plc", "plc-1"))
    sink = MqttSettings(host="127.0.0.1", port=port, tls=plant.tls("station", "press-1")).open("press-1")
    sink.announce(StationState.RUNNING)
    plc.wait_for_state("running")
    sent = an_inspection()
    sink.publish(sent)
    plc.wait(lambda: sent.id in [each.get("id") for each in plc.of("result")], "the result")

    sink._client.socket().shutdown(socket.SHUT_RDWR)

    plc.wait_for_state("offline")
    sink.close()
    plc.close()


@pytest.mark.parametrize(("station", "is_published"), [("press-1", False), ("press-2", True)])
def test_only_a_last_will_on_the_clients_own_state_is_published(plant, port, station, is_published):
    historian = Subscriber(port, "inspector/#", tls=plant.context("reader", "historian"))
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.tls_set_context(plant.context("station", "press-2"))
    client.will_set(f"inspector/{station}/state", '"the will"', qos=1)
    client.connect("127.0.0.1", port)
    for _ in range(10):
        client.loop(0.1)
    client.socket().close()
    with Client(plant, port, "press-2") as another:
        another.publish("inspector/press-2/result", '"the end"')
    historian.wait(lambda: "the end" in historian.of("result"), "the end")
    historian.close()

    assert ("the will" in historian.of("state")) == is_published


def test_the_broker_has_no_complaint_about_its_configuration(plant, port):
    log = (plant.folder / "broker" / "mosquitto.log").read_text()
    complaints = re.findall("(?:Error|Warning|Note): .*", log)

    # Tests run it as root, and everybody may read the STATE of every host, as the access file says.
    expected = ("should not be run as root", "'spBv1.0/STATE/+' does not contain")
    assert [each for each in complaints if not any(words in each for words in expected)] == []
