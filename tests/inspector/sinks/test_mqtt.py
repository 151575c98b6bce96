import logging
import re
import socket
import ssl
import subprocess
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from inspector import metrics
from inspector.errors import ConfigError, SinkError
from inspector.inspection import Inspection, StationState, utc_now
from inspector.sinks.mqtt import MqttSettings, TlsSettings
from tests.broker import Broker, Subscriber, free_port, wait_until
from tests.contracts.test_sinks import an_inspection


def is_up():
    return metrics.SINK_UP.labels("press-1", "mqtt")._value.get() == 1


@pytest.fixture
def opened():
    """Opens sinks and closes them at the end; waits for the connection unless told not to."""
    sinks = []

    def open_sink(settings, *, connected=True):
        sinks.append(settings.open("press-1"))
        if connected:
            wait_until(is_up, "the connection")
        return sinks[-1]

    yield open_sink
    for sink in sinks:
        sink.close()


@pytest.fixture
def subscriber(broker):
    subscriber = Subscriber(broker.port)
    yield subscriber
    subscriber.close()


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_the_result_arrives_as_it_was(broker, subscriber, opened, version):
    sent = an_inspection()

    opened(MqttSettings(port=broker.port, version=version, prefix="plant/hall-2")).publish(sent)

    (received,) = subscriber.wait_for("result")
    assert Inspection.model_validate(received) == sent
    assert {topic for topic, _, _ in subscriber.messages if topic.endswith("result")} == {"plant/hall-2/press-1/result"}


def test_the_state_is_retained_and_results_are_not(broker, opened):
    sink = opened(MqttSettings(port=broker.port))
    sink.announce(StationState.RUNNING)
    sink.publish(an_inspection())
    sink.close()

    late = Subscriber(broker.port)
    late.wait_for_state("running")
    late.close()
    assert [(topic, retained) for topic, _, retained in late.messages] == [("inspector/press-1/state", True)]


def test_a_cut_connection_makes_the_broker_say_offline(broker, subscriber, opened):
    sink = opened(MqttSettings(port=broker.port))
    sink._client.reconnect_delay_set(30, 30)
    sink._client.socket().shutdown(socket.SHUT_RDWR)

    subscriber.wait_for_state("offline")


def test_a_clean_stop_leaves_stopped_and_no_offline(broker, subscriber, opened):
    sink = opened(MqttSettings(port=broker.port))
    sink.announce(StationState.STOPPED)
    sink.close()
    subscriber.wait_for_state("stopped")

    assert subscriber.of("state")[-1]["state"] == "stopped"
    assert "offline" not in {each["state"] for each in subscriber.of("state")}
    assert not is_up()


def test_nagles_algorithm_is_off(broker, opened):
    sink = opened(MqttSettings(port=broker.port))

    assert sink._client.socket().getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_was_judged_while_the_broker_was_away_arrives_in_order(broker, subscriber, opened):
    sink = opened(MqttSettings(port=broker.port))
    # Later than the subscriber, who would else miss what is sent before it is back.
    sink._client.reconnect_delay_set(4, 4)
    broker.kill()
    wait_until(lambda: not is_up(), "the loss")
    for sequence in range(50):
        sink.publish(an_inspection(sequence))
    broker.start()
    subscriber.wait_for("result", 50)

    assert [each["sequence"] for each in subscriber.of("result")] == list(range(50))


def test_a_full_queue_refuses_and_says_so(opened):
    sink = opened(MqttSettings(port=free_port(), queue_size=3), connected=False)
    for _ in range(3):
        sink.publish(an_inspection())

    with pytest.raises(SinkError, match="queue is full"):
        sink.publish(an_inspection())


@pytest.fixture
def guarded(broker, tmp_path):
    """A broker with the user ``press`` and the password ``s3cret``, who may publish on one topic alone."""
    passwords, access = tmp_path / "passwords", tmp_path / "access"
    passwords.touch()
    subprocess.run(["mosquitto_passwd", "-b", passwords, "press", "s3cret"], check=True)
    access.write_text("user press\ntopic write inspector/press-1/state\ntopic read #\n")
    config = f"allow_anonymous false\npassword_file {passwords}\nacl_file {access}\n"
    with Broker(tmp_path / "guarded", config) as running:
        yield running


def password_file(tmp_path, password):
    file = tmp_path / "password"
    file.write_text(f"{password}\n")
    file.chmod(0o600)
    return file


def errors(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_the_right_password_opens(guarded, opened, tmp_path):
    sink = opened(MqttSettings(port=guarded.port, username="press", password_file=password_file(tmp_path, "s3cret")))
    sink.announce(StationState.RUNNING)

    subscriber = Subscriber(guarded.port, username="press", password="s3cret")
    subscriber.wait_for_state("running")
    subscriber.close()


def test_a_wrong_password_is_said_once_with_what_to_do_and_never_shown(guarded, opened, tmp_path, caplog):
    settings = MqttSettings(port=guarded.port, username="press", password_file=password_file(tmp_path, "wr0ng"))
    sink = opened(settings, connected=False)
    sink._client.reconnect_delay_set(1, 1)
    log = tmp_path / "guarded" / "mosquitto.log"
    wait_until(lambda: log.read_text().count("not authorised") >= 2, "two refusals")

    (message,) = errors(caplog)
    assert "refused the connection" in message
    assert "password_file" in message
    assert not is_up()
    assert "wr0ng" not in caplog.text


def test_a_topic_that_the_broker_denies_is_counted_and_said(guarded, opened, tmp_path, caplog):
    count = metrics.SINK_ERRORS.labels("press-1", "mqtt")._value
    before = count.get()
    sink = opened(MqttSettings(port=guarded.port, username="press", password_file=password_file(tmp_path, "s3cret")))

    sink.publish(an_inspection())

    wait_until(lambda: count.get() == before + 1, "the denial")
    assert "access list" in errors(caplog)[-1]


def test_a_password_that_everybody_can_read_is_warned_of(broker, opened, tmp_path, caplog):
    file = password_file(tmp_path, "s3cret")
    file.chmod(0o644)

    opened(MqttSettings(port=broker.port, username="press", password_file=file))

    assert f"{file} can be read by everybody" in caplog.text


def test_a_missing_password_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=f"mqtt.password_file: cannot read {tmp_path / 'none'}"):
        MqttSettings(username="press", password_file=tmp_path / "none").open("press-1")


@pytest.mark.parametrize("prefix", ["", "a/#", "+", "$SYS", "/a", "a/", "a\0b"])
def test_a_prefix_that_is_no_topic_is_refused(prefix):
    with pytest.raises(ValidationError, match="must not be empty"):
        MqttSettings(prefix=prefix)


def issue(folder, name, issuer=None, address=None):
    """A certificate and its key as PEM files, signed by ``issuer``, (certificate, key), or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc_now() - timedelta(days=1))
        .not_valid_after(utc_now() + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if address:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(address)]), critical=False)
    certificate = builder.sign(issuer[1] if issuer else key, hashes.SHA256())
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, key


@pytest.fixture
def encrypted(broker, tmp_path):
    """A broker for ``localhost`` whose certificate ``plant-ca`` has signed."""
    ca = issue(tmp_path, "plant-ca")
    issue(tmp_path, "server", ca, "localhost")
    config = f"allow_anonymous true\ncertfile {tmp_path / 'server.pem'}\nkeyfile {tmp_path / 'server.key'}\n"
    with Broker(tmp_path / "encrypted", config) as running:
        yield running


def test_tls_with_the_plants_authority(encrypted, opened, tmp_path):
    tls = TlsSettings(ca_file=tmp_path / "plant-ca.pem")
    sink = opened(MqttSettings(host="localhost", port=encrypted.port, tls=tls))
    sink.announce(StationState.RUNNING)

    context = ssl.create_default_context(cafile=tmp_path / "plant-ca.pem")
    context.check_hostname = False  # the subscriber comes by address
    subscriber = Subscriber(encrypted.port, tls=context)
    subscriber.wait_for_state("running")
    subscriber.close()


@pytest.mark.parametrize("believes", [("localhost", "another-ca"), ("127.0.0.1", "plant-ca")])
def test_tls_refuses_another_authority_and_another_host_name(encrypted, opened, tmp_path, caplog, believes):
    host, authority = believes
    issue(tmp_path, "another-ca")
    tls = TlsSettings(ca_file=tmp_path / f"{authority}.pem")

    opened(MqttSettings(host=host, port=encrypted.port, tls=tls), connected=False)

    wait_until(lambda: errors(caplog), "the complaint")
    assert re.search("cannot connect to .*tls", errors(caplog)[0])
    assert not is_up()


def test_tls_files_that_cannot_be_used_are_named(tmp_path):
    with pytest.raises(ConfigError, match=f"mqtt.tls: cannot use {tmp_path / 'none.pem'}"):
        MqttSettings(tls=TlsSettings(ca_file=tmp_path / "none.pem")).open("press-1")
