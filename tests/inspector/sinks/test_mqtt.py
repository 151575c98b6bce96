import logging
import re
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
from inspector.errors import ConfigError
from inspector.inspection import Inspection, StationState, utc_now
from inspector.sinks.mqtt import MqttSettings
from inspector.sinks.mqtt_settings import TlsSettings
from tests.broker import Broker, Subscriber, wait_until
from tests.contracts.test_sinks import an_inspection


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


def complaints(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_the_right_password_opens(guarded, opened, tmp_path):
    sink = opened(MqttSettings(port=guarded.port, username="press", password_file=password_file(tmp_path, "s3cret")))
    sink.announce(StationState.RUNNING)

    subscriber = Subscriber(guarded.port, username="press", password="s3cret")
    subscriber.wait_for_state("running")
    subscriber.close()


def test_a_wrong_password_is_said_once_with_what_to_do_and_never_shown(guarded, opened, is_up, tmp_path, caplog):
    settings = MqttSettings(port=guarded.port, username="press", password_file=password_file(tmp_path, "wr0ng"))
    sink = opened(settings, connected=False)
    sink._client.reconnect_delay_set(1, 1)
    log = tmp_path / "guarded" / "mosquitto.log"
    wait_until(lambda: log.read_text().count("not authorised") >= 2, "two refusals")

    (message,) = complaints(caplog)
    assert "refused the connection" in message
    assert "password_file" in message
    assert not is_up()
    assert "wr0ng" not in caplog.text


def test_a_topic_that_the_broker_denies_is_counted_and_said(guarded, opened, errors, tmp_path, caplog):
    before = errors()
    sink = opened(MqttSettings(port=guarded.port, username="press", password_file=password_file(tmp_path, "s3cret")))

    for _ in range(3):
        sink.publish(an_inspection())

    wait_until(lambda: errors() == before + 3, "the denials")
    (message,) = complaints(caplog)
    assert "access list for press" in message


def test_a_password_that_everybody_can_read_is_warned_of(broker, opened, tmp_path, caplog):
    file = password_file(tmp_path, "s3cret")
    file.chmod(0o644)

    opened(MqttSettings(port=broker.port, username="press", password_file=file))

    assert f"{file} can be read by everybody" in caplog.text


def test_a_missing_password_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=f"mqtt.password_file: cannot read {tmp_path / 'none'}"):
        MqttSettings(username="press", password_file=tmp_path / "none").open("press-1")


def test_a_file_that_holds_no_password_is_named_and_not_shown(tmp_path):
    file = password_file(tmp_path, "")
    with pytest.raises(ConfigError, match=f"{file} is empty"):
        MqttSettings(username="press", password_file=file).open("press-1")

    file.write_bytes(b"s3cret\xff")
    with pytest.raises(ConfigError, match="no UTF-8 text") as caught:
        MqttSettings(username="press", password_file=file).open("press-1")
    assert caught.value.__cause__ is None


def test_a_password_without_its_user_is_refused(tmp_path):
    with pytest.raises(ValidationError, match="without the username"):
        MqttSettings(password_file=tmp_path / "password")


def test_a_version_may_be_written_as_a_number():
    assert MqttSettings(version=5).version == "5"


@pytest.mark.parametrize("host", ["", "a..b", "x" * 64])
def test_a_host_that_cannot_be_looked_up_is_refused(host):
    with pytest.raises(ValidationError, match="host"):
        MqttSettings(host=host)


@pytest.mark.parametrize("station", ["press+1", "#", "$SYS", "press\n1"])
def test_a_station_that_no_topic_can_hold_is_refused(station):
    with pytest.raises(ConfigError, match=r"station name .* must not"):
        MqttSettings().open(station)


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


@pytest.fixture(params=[("localhost", "another-ca"), ("127.0.0.1", "plant-ca")])
def belief(request):
    """Host and authority of which one does not fit the encrypted broker."""
    return request.param


def test_tls_refuses_another_authority_and_another_host_name(encrypted, opened, tmp_path, caplog, belief):
    host, authority = belief
    issue(tmp_path, "another-ca")
    tls = TlsSettings(ca_file=tmp_path / f"{authority}.pem")

    opened(MqttSettings(host=host, port=encrypted.port, tls=tls), connected=False)

    wait_until(lambda: complaints(caplog), "the complaint")
    assert re.search("cannot connect to .*; check tls.ca_file, and that the certificate", complaints(caplog)[0])
    assert metrics.SINK_UP.labels("press-1", "mqtt")._value.get() == 0


def test_tls_files_that_cannot_be_used_are_named(tmp_path):
    with pytest.raises(ConfigError, match=f"mqtt.tls: cannot use {tmp_path / 'none.pem'}"):
        MqttSettings(tls=TlsSettings(ca_file=tmp_path / "none.pem")).open("press-1")


def test_tls_on_a_port_without_it_says_so(broker, opened, tmp_path, caplog):
    issue(tmp_path, "plant-ca")
    tls = TlsSettings(ca_file=tmp_path / "plant-ca.pem")
    opened(MqttSettings(port=broker.port, tls=tls), connected=False)

    wait_until(lambda: "cannot connect to" in caplog.text, "the complaint")


def test_a_port_with_tls_is_guessed_where_it_is_not_set(encrypted, opened, caplog):
    opened(MqttSettings(port=encrypted.port), connected=False)

    wait_until(lambda: "is this a TLS port?" in caplog.text, "the guess")


def test_a_key_with_a_pass_phrase_is_refused_and_not_asked_for(tmp_path):
    _, key = issue(tmp_path, "station")
    locked = serialization.BestAvailableEncryption(b"secret")
    (tmp_path / "station.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    )
    certificate = tmp_path / "station.pem"
    tls = TlsSettings(ca_file=certificate, cert_file=certificate, key_file=tmp_path / "station.key")

    with pytest.raises(ConfigError, match="the key unencrypted"):
        MqttSettings(tls=tls).open("press-1")


def test_a_key_without_its_certificate_is_refused(tmp_path):
    with pytest.raises(ValidationError, match="without the cert_file"):
        TlsSettings(ca_file=tmp_path / "ca.pem", key_file=tmp_path / "station.key")


def test_the_station_shows_its_certificate_where_the_broker_asks(tmp_path, broker, opened, caplog):
    ca = issue(tmp_path, "plant-ca")
    issue(tmp_path, "server", ca, "localhost")
    issue(tmp_path, "station", ca)
    config = (
        f"allow_anonymous true\ncafile {tmp_path / 'plant-ca.pem'}\nrequire_certificate true\n"
        f"certfile {tmp_path / 'server.pem'}\nkeyfile {tmp_path / 'server.key'}\n"
    )
    tls = TlsSettings(
        ca_file=tmp_path / "plant-ca.pem", cert_file=tmp_path / "station.pem", key_file=tmp_path / "station.key"
    )
    with Broker(tmp_path / "mutual", config) as mutual:
        sink = opened(MqttSettings(host="localhost", port=mutual.port, tls=tls))
        sink.put()
        wait_until(lambda: not sink.waiting(), "the acknowledgement")

        nobody = TlsSettings(ca_file=tmp_path / "plant-ca.pem")
        opened(MqttSettings(host="localhost", port=mutual.port, tls=nobody), connected=False)
        wait_until(lambda: "does it want tls.cert_file?" in caplog.text, "the complaint")
