"""What the specification leaves open: what becomes of results that nobody may have read."""

import logging
import random
import socket
import subprocess
import sys

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from inspector import metrics
from inspector.inspection import StationState
from inspector.sinks.sparkplug.device import METRICS
from inspector.sinks.sparkplug.payload import decode
from inspector.sinks.sparkplug.sink import BATCH
from tests.broker import Broker, wait_until
from tests.inspector.sinks.sparkplug.assertions import messages, value
from tests.inspector.sinks.sparkplug.recorder import Recorder
from tests.inspector.sinks.sparkplug.stories import REBIRTH, Speaker, inspection, opened
from tests.inspector.sinks.sparkplug.test_session import birth_numbers

STATION_TO_KILL = """
import sys, time
from inspector.inspection import StationState
from inspector.sinks.sparkplug import SparkplugSettings

SparkplugSettings(port=int(sys.argv[1])).open("press-1").announce(StationState.RUNNING)
time.sleep(60)
"""


@pytest.fixture
def errors():
    return metrics.SINK_ERRORS.labels("press-1", "sparkplug")._value.get


@pytest.fixture
def start(recorder):
    """Opens sinks through the recorder, running unless told otherwise, and closes them at the end."""
    sinks = []

    def open_sink(*, running=True, **settings):
        sinks.append(opened(recorder, **settings))
        if running:
            sinks[-1].announce(StationState.RUNNING)
        return sinks[-1]

    yield open_sink
    for sink in sinks:
        sink.close()


def sent(recorder, since=None):
    """(sequence, historical) of each DDATA."""
    data = messages(recorder, "DDATA", since=since)
    return [(value(each.by_name["sequence"]), each.metrics[0].is_historical) for each in data]


def all_read(sink):
    wait_until(lambda: not sink._store, "the barrier")


def test_what_a_dead_connection_swallowed_is_sent_again(recorder, start):
    sink = start()
    recorder.wait_for("DBIRTH")
    recorder.held = True
    for sequence in range(5):
        sink.publish(inspection(sequence))
    recorder.wait_for("DDATA", 5)
    recorder.note("cut")
    recorder.held = False
    recorder.cut()
    recorder.wait_for("DDATA", 5, since="cut")
    all_read(sink)

    assert sent(recorder, since="cut") == [(sequence, True) for sequence in range(5)]


def test_an_answer_confirms_nothing_that_was_sent_behind_its_barrier(recorder, start):
    sink = start()
    recorder.wait_for("DBIRTH")
    recorder.deaf = True
    sink.publish(inspection(0))
    recorder.wait_for("UNSUBSCRIBE")
    recorder.held = True
    sink.publish(inspection(1))
    recorder.wait_for("DDATA", 2)
    recorder.let_hear()
    wait_until(lambda: len(sink._store) == 1, "the answer to the first barrier")
    recorder.note("cut")
    recorder.held = False
    recorder.cut()
    recorder.wait_for("DDATA", since="cut")
    all_read(sink)

    assert sent(recorder, since="cut") == [(1, True)]


def test_nobody_is_born_after_the_end(recorder, start):
    sink = start()
    recorder.wait_for("DBIRTH")
    sink.close()
    sink._on_subscribe(sink._client, None, 1, [], None)

    assert metrics.SINK_UP.labels("press-1", "sparkplug")._value.get() == 0
    recorder.wait_for("DISCONNECT")
    assert messages(recorder)[-1].kind == "NDEATH"


def test_what_was_read_is_not_sent_again(recorder, start):
    sink = start()
    recorder.wait_for("DBIRTH")
    sink.publish(inspection(0))
    all_read(sink)
    recorder.note("cut")
    recorder.cut()
    recorder.wait_for("DBIRTH", since="cut")
    sink.publish(inspection(1))
    recorder.wait_for("DDATA", since="cut")

    assert sent(recorder) == [(0, False), (1, False)]


def test_a_live_verdict_overtakes_the_backlog(recorder, speaker, start):
    sink = start(primary_host="scada")
    recorder.wait_for("SUBACK")
    for sequence in range(3 * BATCH):
        sink.publish(inspection(sequence))
    speaker.host_says(False, 1)
    recorder.wait_for("PUBACK")
    recorder.held = True  # the barrier behind the first batch is not answered
    speaker.host_says(True, 2)
    recorder.wait_for("DDATA", BATCH)
    sink.publish(inspection(3 * BATCH))
    recorder.wait_for("DDATA", BATCH + 1)
    assert sent(recorder)[-1] == (3 * BATCH, False)

    recorder.note("cut")
    recorder.held = False
    recorder.cut()
    recorder.wait_for("DDATA", 3 * BATCH + 1, since="cut")
    assert sent(recorder, since="cut") == [(sequence, True) for sequence in range(3 * BATCH + 1)]


def test_results_wait_for_a_broker_that_comes_later(tmp_path, broker):
    later = Broker(tmp_path / "later")
    recorder = Recorder(later.port)
    sink = opened(recorder)
    sink.announce(StationState.RUNNING)
    for sequence in range(3):
        sink.publish(inspection(sequence))
    with later:
        recorder.wait_for("DDATA", 3)
        sink.close()
    recorder.close()

    assert sent(recorder) == [(0, True), (1, True), (2, True)]


def test_the_oldest_are_given_up_counted_said_once_and_told(recorder, speaker, start, errors, caplog):
    before = errors()
    sink = start(primary_host="scada", queue_size=3)
    recorder.wait_for("SUBACK")
    for sequence in range(8):
        sink.publish(inspection(sequence))
    assert errors() == before + 5
    (complaint,) = [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]
    assert "primary host scada is offline" in complaint
    assert "give the sparkplug sink a larger queue_size" in complaint

    speaker.host_says(True, 1)
    recorder.wait_for("DDATA", 3)
    assert sent(recorder) == [(5, True), (6, True), (7, True)]
    assert value(messages(recorder, "NBIRTH")[0].by_name["dropped"]) == 5
    all_read(sink)
    speaker.host_says(False, 2)
    recorder.wait_for("SUBACK", 2)
    for sequence in range(8, 12):
        sink.publish(inspection(sequence))
    assert len([each for each in caplog.records if "queue_size" in each.getMessage()]) == 2


def test_nothing_is_lost_over_cuts_at_random_moments(recorder, start):
    chance = random.Random(6)
    witness = Recorder(recorder._broker_port)
    listener, arrived = Speaker(witness.port), []
    listener._client.on_message = lambda _c, _u, message: arrived.append(message.payload)
    listener._client.subscribe("spBv1.0/inspector/DDATA/#", 0)
    witness.wait_for("SUBACK")
    listener.say("barrier", b"")
    sink = start()
    recorder.wait_for("DBIRTH")
    sequence = 0
    for _ in range(8):
        for _ in range(chance.randrange(60)):
            sink.publish(inspection(sequence))
            sequence += 1
        recorder.held = chance.random() < 0.7
        for _ in range(chance.randrange(60)):
            sink.publish(inspection(sequence))
            sequence += 1
        connections = len(recorder.of("CONNECT"))
        recorder.held = False
        recorder.cut()
        recorder.wait_for("CONNECT", connections + 1)
    all_read(sink)
    names = {definition.alias: definition.name for definition, _ in METRICS}

    def read():
        metrics = (each for payload in list(arrived) for each in decode(payload).metrics)
        return {value(each) for each in metrics if names[each.alias] == "sequence"}

    # The broker has read them all; what it passes on is still on its way.
    wait_until(lambda: read() == set(range(sequence)), "every sequence")
    listener.close()
    witness.close()

    assert birth_numbers(recorder) == list(range(9))
    births = messages(recorder, "NBIRTH")
    assert [value(each.by_name["bdSeq"]) for each in births] == [each.connection - 1 for each in births]


def test_a_broker_that_reads_nothing_fills_the_queue_too(recorder, start, errors):
    before = errors()
    sink = start(queue_size=3)
    recorder.wait_for("DBIRTH")
    recorder.held = True
    for sequence in range(5):
        sink.publish(inspection(sequence))

    assert errors() == before + 2


def test_a_killed_station_is_dead_by_the_number_of_its_birth(recorder, speaker):
    with subprocess.Popen([sys.executable, "-c", STATION_TO_KILL, str(recorder.port)]) as station:
        recorder.wait_for("DBIRTH")
        witness = Recorder(recorder._broker_port)
        heard = []
        listener = Speaker(witness.port)
        listener._client.on_message = lambda _c, _u, message: heard.append(message)
        listener._client.subscribe("spBv1.0/+/NDEATH/#", 1)
        witness.wait_for("SUBACK")
        listener.say("barrier", b"")
        station.kill()
    wait_until(lambda: heard, "the last will")
    listener.close()
    witness.close()

    (connect,) = recorder.of("CONNECT")
    assert (heard[0].topic, heard[0].payload) == (connect.packet.will.topic, connect.packet.will.payload)


def test_closing_delivers_what_was_published_just_before(recorder, start):
    sink = start()
    sink.publish(inspection(0))
    sink.close()

    recorder.wait_for("DISCONNECT")
    assert [value(each.by_name["sequence"]) for each in messages(recorder, "DDATA")] == [0]
    assert messages(recorder)[-1].kind == "NDEATH"


def test_what_closing_gives_up_is_counted_and_said(recorder, start, errors, caplog):
    sink = start(primary_host="scada")
    recorder.wait_for("SUBACK")
    before = errors()
    for sequence in range(3):
        sink.publish(inspection(sequence))
    sink.close()

    assert errors() == before + 3
    assert "3 results were not read" in caplog.text


def test_while_the_camera_never_came_the_node_is_born_again_instead_of_data(recorder, start):
    sink = start(running=False)
    recorder.wait_for("NBIRTH")
    sink.announce(StationState.CAMERA_LOST)
    sink.publish(inspection(0))
    sink.announce(StationState.RUNNING)
    recorder.wait_for("NDATA")

    kinds = [each.kind for each in messages(recorder) if each.kind != "DDATA"]
    assert kinds == ["NBIRTH", "NBIRTH", "DBIRTH", "NDATA"]
    assert [value(each.by_name["state"]) for each in messages(recorder, "NBIRTH")] == ["starting", "camera_lost"]


def test_a_result_that_was_historical_before_stays_so(recorder, start):
    sink = start()
    recorder.wait_for("DBIRTH")
    sink.publish(inspection(0, historical=True))
    recorder.wait_for("DDATA")

    assert sent(recorder) == [(0, True)]


def test_a_rebirth_is_not_granted_before_the_host_is_there(recorder, speaker, start):
    start(primary_host="scada")
    recorder.wait_for("SUBACK")
    speaker.say("spBv1.0/inspector/NCMD/press-1", REBIRTH)
    recorder.wait_for("PUBACK")

    assert messages(recorder) == []


def test_a_command_that_is_no_payload_is_said_and_survived(recorder, speaker, start, caplog):
    start()
    recorder.wait_for("DBIRTH")
    for garbage in (b"\xff", b"", REBIRTH[:-1] + b"\x00"):
        speaker.say("spBv1.0/inspector/NCMD/press-1", garbage)
    recorder.wait_for("PUBACK", 3)
    assert caplog.text.count("ignored a message on spBv1.0/inspector/NCMD/press-1") == 1

    speaker.say("spBv1.0/inspector/NCMD/press-1", REBIRTH)
    recorder.wait_for("NBIRTH", 2)
    assert len(messages(recorder, "NBIRTH")) == 2


def test_a_refused_subscription_is_said(recorder, start, caplog):
    sink = start()
    recorder.wait_for("DBIRTH")
    # mosquitto lets everybody subscribe to everything, and delivers nothing; other brokers answer like this.
    sink._on_subscribe(sink._client, None, 1, [ReasonCode(PacketTypes.SUBACK, "Not authorized")], None)

    assert "lets nobody talk to us on" in caplog.text
    assert "correct its access list for clients without a user" in caplog.text


def test_nagles_algorithm_is_off(recorder, start):
    sink = start()
    recorder.wait_for("DBIRTH")

    assert sink._client.socket().getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_night_without_broker_is_two_lines(broker, recorder, start, caplog):
    sink = start()
    recorder.wait_for("DBIRTH")
    attempts = []
    sink._client.on_pre_connect = lambda *_: attempts.append(1)
    recorder.close()
    wait_until(lambda: len(attempts) >= 3, "three attempts")

    troubles = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert len(troubles) == 2, troubles
    assert "lost" in troubles[0]
    assert "nothing listens there" in troubles[1]


def test_the_number_of_the_birth_goes_on_after_a_restart(recorder, start, tmp_path):
    for count in (1, 2):
        sink = start(state_folder=tmp_path)
        recorder.wait_for("NBIRTH", count)
        sink.close()
    recorder.wait_for("DISCONNECT", 2)

    assert [value(each.by_name["bdSeq"]) for each in messages(recorder, "NDEATH")] == [0, 1]
    assert (tmp_path / "inspector-press-1.bdseq").read_text() == "1\n"
