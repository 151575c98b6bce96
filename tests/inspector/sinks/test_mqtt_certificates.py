import logging
import shutil

import pytest
from cryptography import x509
from prometheus_client import REGISTRY

from inspector.metrics import CERTIFICATE_EXPIRY
from inspector.sinks.mqtt import MqttSettings
from inspector.sinks.mqtt_certificates import show_own
from inspector.sinks.sparkplug import SparkplugSettings
from tests.broker import MOSQUITTO, wait_until
from tests.plant import Plant
from tests.requirements import needs


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    needs(MOSQUITTO and shutil.which("openssl"), "mosquitto and openssl (Debian: apt-get install mosquitto openssl)")
    return Plant(tmp_path_factory.mktemp("plant"))


def shown(station, sink, which):
    labels = {"station": station, "sink": sink, "which": which}
    return REGISTRY.get_sample_value("inspector_certificate_expiry_timestamp_seconds", labels)


def end_of(path):
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc.timestamp()


@pytest.mark.parametrize("kind", [MqttSettings, SparkplugSettings])
def test_the_end_of_all_three_is_shown_once_there_is_a_connection(plant, kind):
    tls = plant.tls("station", "press-1")
    CERTIFICATE_EXPIRY.clear()  # what other tests have left
    with plant.broker() as broker:
        settings = kind(host="localhost", port=broker.port, tls=tls)
        sink = settings.open("press-1")
        try:
            wait_until(lambda: shown("press-1", settings.kind, "broker"), "the broker's certificate")
        finally:
            sink.close()

    files = {"ca": tls.ca_file, "client": tls.cert_file, "broker": plant.certificates / "broker.pem"}
    assert {which: shown("press-1", settings.kind, which) for which in files} == {
        which: end_of(file) for which, file in files.items()
    }


def test_without_tls_there_is_none(broker):
    sink = MqttSettings(port=broker.port).open("plain")
    wait_until(sink.is_up, "the connection")
    sink.close()

    assert [shown("plain", "mqtt", which) for which in ("ca", "client", "broker")] == [None] * 3


def test_of_several_authorities_the_last_counts_and_of_a_chain_the_first(plant, tmp_path):
    plant.tls("station", "press-1")
    files = [plant.certificates / "plant-ca.pem", plant.certificates / "clients" / "press-1.pem"]
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join(file.read_bytes() for file in files))

    show_own("chain", "mqtt", both, both)

    ends = sorted(end_of(file) for file in files)
    assert ends[0] < ends[1]
    assert [shown("chain", "mqtt", "client"), shown("chain", "mqtt", "ca")] == ends


def test_a_file_that_tls_takes_and_the_parser_does_not_is_only_a_warning(tmp_path, caplog):
    file = tmp_path / "odd.pem"
    file.write_text("-----BEGIN TRUSTED CERTIFICATE-----\n-----END TRUSTED CERTIFICATE-----\n")

    with caplog.at_level(logging.WARNING):
        show_own("odd", "mqtt", file, None)

    assert f"cannot tell when {file} ends" in caplog.text
