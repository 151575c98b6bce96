import shutil
import socket

import pytest

from inspector.doctor import brokers
from inspector.doctor.brokers import look_at_brokers
from inspector.doctor.findings import Mark
from tests.broker import MOSQUITTO, Broker, free_port
from tests.inspector.doctor.subjects import a_subject, marks, the_bad
from tests.plant import Plant
from tests.requirements import needs

DAY_S = 86_400


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    needs(MOSQUITTO and shutil.which("openssl"), "mosquitto and openssl (Debian: apt-get install mosquitto openssl)")
    plant = Plant(tmp_path_factory.mktemp("plant"))
    with plant.broker() as broker:
        plant.port = broker.port
        yield plant


def over_tls(plant, **changes):
    tls = plant.tls("station", "press-1")
    files = {name: str(path) for name, path in tls} | changes
    return {"kind": "mqtt", "host": "localhost", "port": plant.port, "tls": files}


def test_a_broker_that_takes_the_credentials_is_good_and_so_are_its_certificates(tmp_path, plant):
    findings = list(look_at_brokers(a_subject(tmp_path, sinks=[over_tls(plant)])))

    assert marks(findings) == {
        "press-1: mqtt: plant-ca.pem": Mark.GOOD,
        "press-1: mqtt: press-1.pem": Mark.GOOD,
        "press-1: mqtt": Mark.GOOD,
        "press-1: mqtt: broker's certificate": Mark.GOOD,
    }


@pytest.mark.parametrize(("days", "says"), [(1800, "ends in"), (1900, "ended")])
def test_certificates_that_end_soon_are_told_in_time(tmp_path, plant, monkeypatch, days, says):
    """The station's and the broker's are good for five years."""
    now_s = brokers.time.time()
    monkeypatch.setattr(brokers.time, "time", lambda: now_s + days * DAY_S)

    findings = {finding.about: finding for finding in look_at_brokers(a_subject(tmp_path, sinks=[over_tls(plant)]))}

    assert findings["press-1: mqtt: plant-ca.pem"].mark is Mark.GOOD
    for about in ("press-1: mqtt: press-1.pem", "press-1: mqtt: broker's certificate"):
        assert findings[about].mark is Mark.BAD
        assert says in findings[about].says


def test_a_broker_of_another_authority_is_told(tmp_path, plant):
    other = Plant(tmp_path / "other")
    sink = over_tls(plant, ca_file=str(other.certificates / "plant-ca.pem"))

    assert "no TLS" in the_bad(look_at_brokers(a_subject(tmp_path, sinks=[sink]))).says


def test_a_broker_that_refuses_is_told_with_its_reason(tmp_path):
    needs(MOSQUITTO, "mosquitto (Debian: apt-get install mosquitto)")
    with Broker(tmp_path / "broker", "allow_anonymous false\n") as broker:
        told = the_bad(look_at_brokers(a_subject(tmp_path, sinks=[{"kind": "mqtt", "port": broker.port}])))

    assert "Not authorized" in told.says


def test_a_broker_that_is_away_is_told(tmp_path):
    told = the_bad(look_at_brokers(a_subject(tmp_path, sinks=[{"kind": "mqtt", "port": free_port()}])))

    assert "cannot be reached" in told.says


def test_somebody_who_is_no_broker_does_not_hold_the_doctor_up(tmp_path, monkeypatch):
    monkeypatch.setattr(brokers, "ANSWER_WITHIN_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        sink = {"kind": "mqtt", "port": somebody.getsockname()[1]}
        assert "says nothing" in the_bad(look_at_brokers(a_subject(tmp_path, sinks=[sink]))).says


def test_a_missing_password_is_told_but_not_one_that_only_the_unit_has(tmp_path):
    sink = {"kind": "mqtt", "username": "inspector", "password_file": str(tmp_path / "none")}
    assert "password_file" in the_bad(look_at_brokers(a_subject(tmp_path, sinks=[sink]))).says

    sink["password_file"] = "/run/credentials/inspector@line-1.service/mqtt_password"
    assert marks(look_at_brokers(a_subject(tmp_path, sinks=[sink]))) == {"press-1: mqtt": Mark.UNCLEAR}
