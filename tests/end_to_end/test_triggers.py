"""The real daemon with a real broker, as a PLC meets it."""

import json
import subprocess
import sys
import time

import paho.mqtt.client as paho
import pytest

from tests.broker import Subscriber, properties_of, wait_until
from tests.end_to_end.line import Line
from tests.parts import good_parts, scratched_parts, write_parts

STATION = """\
  - name: press-1
    bundle: {bundle}
    camera: {{kind: folder, path: {pictures}, mode: loop}}
    triggers: {{deadline_ms: 5000, queue_size: 2}}
    alarms: {{consecutive_errors: 2, stop_line: [camera_lost]}}
    recipes: {{other: {bundle}}}
"""


class TestPlc(Subscriber):
    """Publishes, too."""

    __test__ = False

    def send(self, leaf, message, **properties):
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        self._client.publish(
            f"inspector/press-1/{leaf}", payload, qos=1, properties=properties_of(**properties)
        ).wait_for_publish(10)

    def answer_of(self, trigger_id):
        def found():
            return [each for each in self.of("answer") if each.get("trigger_id") == trigger_id]

        self.wait(found, f"the answer to {trigger_id}")
        return found()

    def command(self, command, **arguments):
        name = f"{command}-{time.monotonic_ns()}"
        self.send("command", {"id": name, "command": command, "by": "tester", **arguments})

        def found():
            return [each for topic, each, _ in self.messages if topic.endswith("command/answer") and each["id"] == name]

        self.wait(found, f"the reply to {command}")
        (reply,) = found()
        return reply


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    write_parts(folder, good_parts(3, seed=5), "a-good")
    return folder


@pytest.fixture
def line(tmp_path, broker, small_bundle, pictures):
    line = Line(tmp_path, broker.port, small_bundle)
    line.config.write_text(line.config.read_text() + STATION.format(bundle=small_bundle, pictures=pictures))
    with line:
        yield line


@pytest.fixture
def plc(broker, line):
    plc = TestPlc(broker.port)
    plc.wait_for_state("running")
    yield plc
    plc.close()


def test_a_trigger_is_acknowledged_and_answered_once_with_its_part(plc):
    plc.send("trigger", {"id": "t1", "part_id": "lid-1", "deadline_ms": 4000})
    (answer,) = plc.answer_of("t1")

    assert (answer["outcome"], answer["part_id"], answer["historical"]) == ("PASS", "lid-1", False)
    assert [each["id"] for each in plc.of("acknowledge")] == ["t1"]
    plc.wait_for("result")
    assert plc.of("result")[-1]["id"] == answer["id"]


def test_a_redelivered_trigger_gets_the_same_answer_and_is_not_inspected_twice(plc):
    for _ in range(3):
        plc.send("trigger", {"id": "t1", "part_id": "lid-1"})
        plc.answer_of("t1")
    plc.wait(lambda: len(plc.of("answer")) == 3, "three answers")
    plc.send("trigger", {"id": "t2", "part_id": "lid-2"})
    plc.answer_of("t2")

    assert len({json.dumps(each) for each in plc.answer_of("t1")}) == 1
    plc.wait_for("result", 2)
    assert [each["sequence"] for each in plc.of("result")] == [0, 1]


def test_the_same_id_for_another_part_is_an_error_and_takes_nothing_from_the_first(plc):
    plc.send("trigger", {"id": "t1", "part_id": "lid-1"})
    plc.answer_of("t1")
    plc.send("trigger", {"id": "t1", "part_id": "lid-2"})
    plc.wait(lambda: len(plc.of("answer")) == 2, "the answer to the forged one")
    plc.send("trigger", {"id": "t1", "part_id": "lid-1"})
    plc.wait(lambda: len(plc.of("answer")) == 3, "the answer again")

    first, forged, again = plc.of("answer")
    assert first == again
    assert (forged["outcome"], forged["reason"], forged["part_id"]) == ("ERROR", "duplicate_trigger", "lid-2")


def test_the_answer_goes_where_mqtt_5_asks_and_expires_with_its_deadline(plc, broker):
    answers = []
    other = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    other.on_message = lambda _c, _u, message: answers.append(message)
    other.connect("127.0.0.1", broker.port)
    other.subscribe("plc/7/answers", qos=1)
    other.loop_start()
    plc.send(
        "trigger",
        {"part_id": "lid-1", "deadline_ms": 4000},
        ResponseTopic="plc/7/answers",
        CorrelationData=b"\x00\xff7",
    )
    wait_until(lambda: answers, "the answer")
    other.disconnect()
    other.loop_stop()

    (answer,) = answers
    assert json.loads(answer.payload)["trigger_id"] == "lid-1"
    assert answer.properties.CorrelationData == b"\x00\xff7"
    assert 1 <= answer.properties.MessageExpiryInterval <= 4
    assert not answer.retain


def test_no_frame_before_the_deadline_is_an_error_at_the_deadline(plc, pictures):
    for each in pictures.iterdir():
        each.unlink()
    plc.send("trigger", {"id": "t1", "part_id": "lid-1", "deadline_ms": 300})
    (answer,) = plc.answer_of("t1")

    assert (answer["outcome"], answer["reason"]) == ("ERROR", "no_frame")


def test_more_triggers_than_may_wait_are_overrun(plc, pictures):
    for each in pictures.iterdir():
        each.unlink()
    names = [f"t{number}" for number in range(8)]
    for name in names:
        plc.send("trigger", {"id": name, "deadline_ms": 3000})
    plc.wait(lambda: len(plc.of("answer")) == len(names), "every answer")

    assert sorted(each["trigger_id"] for each in plc.of("answer")) == names
    reasons = {each["reason"] for each in plc.of("answer")}
    # How many are taken before the others come is the machine's business.
    assert "overrun" in reasons <= {"no_frame", "deadline", "overrun"}


@pytest.mark.parametrize(
    ("message", "reason"),
    [({"id": "t1", "deadline_ms": "soon"}, "bad_trigger"), ({"id": "t1", "recipe": "none"}, "unknown_recipe")],
)
def test_a_trigger_that_cannot_be_served_is_answered_too(plc, message, reason):
    plc.send("trigger", message)
    (answer,) = plc.answer_of("t1")

    assert (answer["outcome"], answer["reason"]) == ("ERROR", reason)


def test_a_lost_camera_is_an_error_at_once_and_an_alarm_that_stops_the_line(plc, pictures):
    hidden = pictures.rename(pictures.with_name("hidden"))
    plc.send("trigger", {"id": "t1", "part_id": "lid-1"})
    (answer,) = plc.answer_of("t1")
    plc.wait_for_state("camera_lost")
    plc.send("trigger", {"id": "t2", "part_id": "lid-2"})
    (second,) = plc.answer_of("t2")

    assert {answer["reason"], second["reason"]} == {"camera_lost"}
    plc.wait(lambda: latest(plc, "stop_line") == "active", "the stop-line signal")
    assert latest(plc, "camera_lost") == "active"
    assert not plc.command("reset", alarm="camera_lost")["accepted"]
    assert plc.command("acknowledge")["accepted"]
    assert "still holds" in plc.command("reset", alarm="camera_lost")["message"]

    hidden.rename(pictures)
    plc.wait(lambda: plc.of("state")[-1]["state"] == "running", "the camera")
    plc.send("trigger", {"id": "t3", "part_id": "lid-3"})
    assert plc.answer_of("t3")[0]["outcome"] == "PASS"
    assert plc.command("reset", alarm="camera_lost")["accepted"]
    plc.wait(lambda: latest(plc, "camera_lost") == "reset", "the reset")


def latest(plc, alarm):
    return [payload["state"] for topic, payload, _ in plc.messages if topic.endswith(f"alarm/{alarm}")][-1]


def test_a_paused_station_answers_error_until_it_is_resumed(plc):
    assert plc.command("pause")["accepted"]
    plc.wait_for_state("paused")
    plc.send("trigger", {"id": "t1", "part_id": "lid-1"})
    assert plc.answer_of("t1")[0]["reason"] == "paused"
    beats = plc.wait_for("heartbeat")
    assert plc.command("resume")["accepted"]
    plc.send("trigger", {"id": "t2", "part_id": "lid-2"})

    assert plc.answer_of("t2")[0]["outcome"] == "PASS"
    plc.wait(lambda: plc.of("heartbeat")[-1]["ready"], "a heartbeat that says ready")
    counters = [each["counter"] for each in plc.of("heartbeat")]
    assert counters == list(range(counters[0], counters[0] + len(counters)))
    assert beats


def test_reload_and_set_recipe_are_carried_out_or_refused_with_a_reason(plc):
    assert "changed: nothing" in plc.command("reload")["message"]
    assert plc.command("set-recipe", recipe="other")["accepted"]
    refused = plc.command("set-recipe", recipe="none")

    assert not refused["accepted"]
    assert "there is no recipe none" in refused["message"]
    plc.send("trigger", {"id": "t1", "recipe": "other"})
    assert plc.answer_of("t1")[0]["outcome"] == "PASS"


def test_a_defect_fails(plc, pictures):
    for each in pictures.iterdir():
        each.unlink()
    write_parts(pictures, scratched_parts(1, seed=7), "b-scratched")
    plc.send("trigger", {"id": "t1", "part_id": "lid-1", "deadline_ms": 5000})

    assert plc.answer_of("t1")[0]["outcome"] == "FAIL"


@pytest.fixture
def recorded(line, tmp_path):
    """The line again, with a record."""
    line.process.kill()
    line.process.wait()
    line.config.write_text(f"record: {{folder: {tmp_path / 'records'}}}\n" + line.config.read_text())
    line.start()
    return line


def test_after_a_kill_numbers_go_on_alarms_stay_and_an_answered_trigger_is_answered_as_before(recorded, plc, pictures):
    plc.send("trigger", {"id": "t1", "part_id": "lid-1"})
    (before,) = plc.answer_of("t1")
    hidden = pictures.rename(pictures.with_name("hidden"))
    plc.send("trigger", {"id": "t2", "part_id": "lid-2"})
    plc.answer_of("t2")
    plc.wait(lambda: latest(plc, "camera_lost") == "active", "the alarm")
    hidden.rename(pictures)
    recorded.process.kill()
    recorded.process.wait()
    plc.wait(lambda: plc.of("state")[-1]["state"] == "offline", "the last will")
    recorded.start()
    plc.wait(lambda: plc.of("state")[-1]["state"] == "running", "the next life")
    plc.send("trigger", {"id": "t1", "part_id": "lid-1"})
    plc.wait(lambda: len(plc.answer_of("t1")) == 2, "the answer again")
    plc.send("trigger", {"id": "t3", "part_id": "lid-3"})
    (last,) = plc.answer_of("t3")

    assert plc.answer_of("t1") == [before, before]
    assert (before["sequence"], last["sequence"]) == (0, 2)
    assert len(last["picture"]) == len(last["config"]) == 64
    assert latest(plc, "camera_lost") == "active"
    assert plc.command("acknowledge")["accepted"]
    recorded.stop()
    report = subprocess.run(
        [sys.executable, "-m", "inspector.cli", "records", "verify", "--json", recorded.config.parent / "records"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(report.stdout)["inspections"] == 3
