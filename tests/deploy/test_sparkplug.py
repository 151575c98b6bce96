"""The table of Sparkplug's assertions says what the tests do, and leaves none out."""

import re
import subprocess
from pathlib import Path

import pytest

from inspector.inspection import StationState
from tests.broker import MOSQUITTO, Broker, wait_until
from tests.inspector.sinks.sparkplug import test_host, test_payloads, test_session, test_topics
from tests.inspector.sinks.sparkplug.recorder import Recorder
from tests.inspector.sinks.sparkplug.stories import REBIRTH, Speaker, inspection, opened
from tests.requirements import needs

TABLE = Path(__file__).parents[2] / "deploy" / "mqtt" / "SPARKPLUG.md"
ROW = re.compile(r"^\| `(tck-id-\S+)` \| (.*?) \| (.*?) \|$", re.MULTILINE)

EDGE_NODE_ASSERTIONS = 201
"""Of the 299 that specification 3.0.0 marks as testable; the others are about hosts and brokers."""


def rows():
    return ROW.findall(TABLE.read_text(encoding="utf-8"))


def checks():
    of_modules = [
        (test_topics, test_topics.asserts),
        (test_session, test_session.asserts),
        (test_session, test_session.of_old),
        (test_payloads, test_payloads.asserts),
        (test_host, test_host.asserts),
    ]
    return {assertion: Path(module.__file__).name for module, asserts in of_modules for assertion in asserts.checks}


def test_every_assertion_about_edge_nodes_has_one_row():
    assert len({assertion for assertion, _, _ in rows()}) == len(rows()) == EDGE_NODE_ASSERTIONS


def test_each_is_covered_or_does_not_apply():
    assert {status for _, status, _ in rows()} == {"covered", "not applicable"}


def test_what_is_covered_is_what_the_tests_check():
    assert {assertion: test.strip("`") for assertion, status, test in rows() if status == "covered"} == checks()


def test_what_does_not_apply_has_a_reason():
    assert all(len(reason) > 10 for _, status, reason in rows() if status == "not applicable")


def test_the_counts_in_the_text_are_right():
    text = TABLE.read_text(encoding="utf-8")
    not_applicable = len(rows()) - len(checks())

    assert f"Of the 201, {len(checks())} are covered" in text
    assert f"{not_applicable} do not apply" in text


@pytest.fixture
def guarded(tmp_path):
    """A broker where ``press`` may do what the documentation grants, and ``scada`` everything."""
    needs(MOSQUITTO, "mosquitto (apt-get install mosquitto)")
    grants = re.findall(r"^topic .*$", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
    lines = "\n".join(grants)
    for placeholder, name in (("<group>", "hall-2"), ("<station>", "press-1"), ("<primary host>", "scada")):
        lines = lines.replace(placeholder, name)
    access, passwords = tmp_path / "access", tmp_path / "passwords"
    access.write_text(f"user press\n{lines}\nuser scada\ntopic readwrite #\n")
    passwords.touch()
    for user in ("press", "scada"):
        subprocess.run(["mosquitto_passwd", "-b", passwords, user, "s3cret"], check=True)
    config = f"allow_anonymous false\npassword_file {passwords}\nacl_file {access}\n"
    with Broker(tmp_path / "guarded", config) as running:
        yield running


def test_the_access_list_lets_through_what_sparkplug_needs(guarded, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    secret.chmod(0o600)
    recorder, witness = Recorder(guarded.port), Recorder(guarded.port)
    scada, heard = Speaker(witness.port, "scada", "s3cret"), []
    scada._client.on_message = lambda _c, _u, message: heard.append(message.topic.split("/")[2])
    scada._client.subscribe("spBv1.0/hall-2/+/press-1/#", 1)
    witness.wait_for("SUBACK")
    sink = opened(recorder, group="hall-2", primary_host="scada", username="press", password_file=secret)
    recorder.wait_for("SUBACK")
    scada.host_says(True, 1)
    recorder.wait_for("NBIRTH")
    sink.announce(StationState.RUNNING)
    sink.publish(inspection(0))
    wait_until(lambda: "DDATA" in heard, "data at the host")
    scada.say("spBv1.0/hall-2/NCMD/press-1", REBIRTH)
    wait_until(lambda: heard.count("NBIRTH") == 2, "the rebirth at the host")
    sink.announce(StationState.CAMERA_LOST)
    sink.close()
    wait_until(lambda: heard.count("NDEATH") == 2, "the death that was published, and the last will")
    scada.close()
    witness.close()
    recorder.close()

    assert set(heard) == {"NBIRTH", "DBIRTH", "NDATA", "DDATA", "DDEATH", "NDEATH", "NCMD"}
