import logging
import socket
import subprocess
import sys
import threading
import time

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from inspector.inspection import StationState, utc_now
from inspector.plc import AlarmMessage, AlarmState, HeartbeatMessage, ReplyTo, Trigger
from inspector.records.memory import MemoryRecord
from inspector.sinks.mqtt import MqttSettings
from inspector.sinks.mqtt_sink import MOST_UNACKNOWLEDGED
from tests.broker import Broker, Subscriber, free_port, publish, wait_until
from tests.contracts.test_sinks import an_inspection

STATION_TO_KILL = """
import sys, time
from inspector.inspection import StationState
from inspector.sinks.mqtt import MqttSettings

MqttSettings(port=int(sys.argv[1])).open("press-1").announce(StationState.RUNNING)
time.sleep(60)
"""


def sequences(subscriber):
    return [each["sequence"] for each in subscriber.of("result")]


def states(subscriber):
    return [each["state"] for each in subscriber.of("state")]


def cut(sink):
    """End the connection without a goodbye, as a pulled cable does."""
    sink._client.socket().shutdown(socket.SHUT_RDWR)


def test_nagles_algorithm_is_off(broker, opened):
    sink = opened(MqttSettings(port=broker.port))

    assert sink._client.socket().getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_killed_station_is_said_to_be_offline_at_an_unknown_hour(broker, subscriber):
    with subprocess.Popen([sys.executable, "-c", STATION_TO_KILL, str(broker.port)]) as station:
        subscriber.wait_for_state("running")
        station.kill()

    subscriber.wait_for_state("offline")
    assert subscriber.of("state")[-1] == {"state": "offline", "at": None, "ready": False}


def test_a_cut_connection_is_offline_until_the_state_is_said_again(broker, subscriber, opened):
    sink = opened(MqttSettings(port=broker.port))
    sink.announce(StationState.RUNNING)
    subscriber.wait_for_state("running")
    cut(sink)
    subscriber.wait_for_state("offline")
    subscriber.wait(lambda: states(subscriber)[-1] == "running", "the state after the reconnection")

    first, *_, last = [each for each in subscriber.of("state") if each["state"] == "running"]
    assert last == first


def test_a_clean_stop_leaves_stopped_and_no_offline(broker, subscriber, opened, is_up):
    sink = opened(MqttSettings(port=broker.port))
    sink.announce(StationState.STOPPED)
    sink.close()
    subscriber.wait_for_state("stopped")

    assert states(subscriber)[-1] == "stopped"
    assert "offline" not in states(subscriber)
    assert not is_up()


def test_what_was_judged_while_the_broker_was_away_arrives_in_order_as_history(broker, subscriber, opened, is_up):
    sink = opened(MqttSettings(port=broker.port))
    # Later than the subscriber, who would else miss what is sent before it is back.
    sink._client.reconnect_delay_set(4, 4)
    broker.kill()
    wait_until(lambda: not is_up(), "the loss")
    for _ in range(50):
        sink.put()
    broker.start()
    subscriber.wait_for("result", 50)
    wait_until(lambda: not sink.waiting(), "the acknowledgements")
    sink.put()
    subscriber.wait_for("result", 51)

    assert sequences(subscriber) == list(range(51))
    assert [each["historical"] for each in subscriber.of("result")] == [True] * 50 + [False]


def test_a_live_result_overtakes_those_that_wait(broker, subscriber, opened, is_up):
    sink = opened(MqttSettings(port=broker.port))
    sink._client.reconnect_delay_set(4, 4)
    broker.kill()
    wait_until(lambda: not is_up(), "the loss")
    for _ in range(2000):
        sink.put()
    broker.start()
    subscriber.wait_for("result", 1)
    sink.put()
    subscriber.wait_for("result", 2001)

    arrived = sequences(subscriber)
    assert arrived.index(2000) < 2000
    assert [each for each in arrived if each != 2000] == list(range(2000))


def test_what_was_in_flight_when_the_connection_broke_is_sent_again(broker, subscriber, opened, is_up):
    sink = opened(MqttSettings(port=broker.port))
    broker.freeze()
    for _ in range(20):  # ten in flight, ten behind them
        sink.put()
    cut(sink)
    wait_until(lambda: not is_up(), "the loss")
    sink.put()
    broker.thaw()
    # The broker may have read some of them before, which then come twice.
    subscriber.wait(lambda: set(sequences(subscriber)) == set(range(21)), "every result")
    wait_until(lambda: not sink.waiting(), "the acknowledgements")

    again = [each["sequence"] for each in subscriber.of("result") if each["historical"]]
    assert again == sorted(again)


def test_what_waits_from_an_earlier_life_is_sent_on_attaching(broker, subscriber):
    record = MemoryRecord("press-1", ["mqtt"])
    for _ in range(3):
        record.append(an_inspection())
    sink = MqttSettings(port=broker.port).open("press-1")
    sink.attach(None, record, triggers=False)
    subscriber.wait_for("result", 3)
    sink.close()

    assert sequences(subscriber) == [0, 1, 2]
    assert all(each["historical"] for each in subscriber.of("result"))


def test_a_broker_that_does_not_acknowledge_gets_only_so_many(broker, subscriber, opened):
    sink = opened(MqttSettings(port=broker.port))
    wait_until(lambda: not len(sink._receipts), "the acknowledgement of the state")
    broker.freeze()
    for _ in range(3 * MOST_UNACKNOWLEDGED):
        sink.put()
    assert len(sink._receipts) <= MOST_UNACKNOWLEDGED + 5
    broker.thaw()

    subscriber.wait(lambda: set(sequences(subscriber)) == set(range(3 * MOST_UNACKNOWLEDGED)), "every result")


def test_what_an_access_list_denies_waits_and_is_tried_again(
    tmp_path, subscriber_of, opened, monkeypatch, errors, caplog
):
    monkeypatch.setattr("inspector.sinks.mqtt_backlog.RETRY_S", 0.2)
    acl = tmp_path / "acl"
    acl.write_text("topic read #\ntopic readwrite inspector/press-1/state\n")
    with Broker(tmp_path / "strict", f"allow_anonymous true\nacl_file {acl}\n") as broker:
        subscriber = subscriber_of(broker)
        sink = opened(MqttSettings(port=broker.port))
        before = errors()
        sink.put()
        wait_until(lambda: errors() > before, "the denial")
        assert "refused a message on inspector/press-1: Not authorized" in caplog.text
        acl.write_text("topic readwrite #\n")
        broker.reload()
        subscriber.wait_for("result")
        wait_until(lambda: not sink.waiting(), "the acknowledgement")

    assert subscriber.of("result")[0]["historical"]


def test_answers_and_heartbeats_are_live_or_never(broker, subscriber, opened, is_up):
    sink = opened(MqttSettings(port=broker.port))
    sink._client.reconnect_delay_set(4, 4)
    broker.kill()
    wait_until(lambda: not is_up(), "the loss")
    now_s = time.monotonic()
    trigger = Trigger("t1", None, now_s, now_s + 60)
    sink.answer(an_inspection(), trigger)
    sink.acknowledge(trigger)
    sink.beat(HeartbeatMessage(counter=1, state=StationState.RUNNING, ready=True, at=utc_now()))
    broker.start()
    wait_until(is_up, "the connection")
    sink.answer(an_inspection(7), trigger)
    subscriber.wait_for("answer")

    assert [each["sequence"] for each in subscriber.of("answer")] == [7]
    assert subscriber.of("acknowledge") == subscriber.of("heartbeat") == []


def test_alarms_are_retained_and_said_again_after_a_reconnection(broker, subscriber, opened, is_up):
    sink = opened(MqttSettings(port=broker.port))
    sink._client.reconnect_delay_set(4, 4)
    broker.kill()
    wait_until(lambda: not is_up(), "the loss")
    sink.alarm(AlarmMessage(alarm="camera_lost", state=AlarmState.ACTIVE, since=utc_now(), message="unplugged"))
    broker.start()
    subscriber.wait_for("camera_lost")
    later = Subscriber(broker.port)
    later.wait_for("camera_lost")
    later.close()

    assert [retained for topic, _, retained in later.messages if topic.endswith("camera_lost")] == [True]


class RememberingListener:
    def __init__(self):
        self.heard = []

    def trigger(self, payload, received_s, reply_to):
        self.heard.append(("trigger", payload, reply_to))

    def command(self, payload, reply_to):
        self.heard.append(("command", payload, reply_to))


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_triggers_and_commands_are_handed_over(broker, opened, version):
    listener = RememberingListener()
    opened(MqttSettings(port=broker.port, version=version), listener=listener)
    publish(broker, "inspector/press-1/trigger", b"1", ResponseTopic="plc/1", CorrelationData=b"x")
    publish(broker, "inspector/press-1/command", b"2", ResponseTopic="plc/+")
    wait_until(lambda: len(listener.heard) == 2, "both")

    asked = ReplyTo("plc/1", b"x") if version == "5" else ReplyTo()
    assert listener.heard == [("trigger", b"1", asked), ("command", b"2", ReplyTo())]


@pytest.mark.parametrize(
    ("topic", "is_used"),
    [
        ("plc/7", True),
        ("inspector/press-1/answer/plc-7", True),
        ("inspector/press-1/command/answer/anna", True),
        ("inspector/press-1/state", False),
        ("inspector/press-1/alarm/stop_line", False),
        ("$SYS/broker", False),
        ("plc/#", False),
    ],
)
def test_nobody_can_have_the_station_say_something_else_on_its_own_topics(broker, opened, topic, is_used):
    listener = RememberingListener()
    sink = opened(MqttSettings(port=broker.port), listener=listener)
    asked = Properties(PacketTypes.PUBLISH)
    if "#" not in topic:  # which the library would refuse already
        asked.ResponseTopic = topic

    assert sink._may_answer_on(topic) is is_used
    assert sink._reply_to(asked).topic == (topic if is_used else None)


def test_a_retained_trigger_is_of_a_part_long_gone(broker, opened, caplog):
    publish(broker, "inspector/press-1/trigger", b"old", retain=True)
    listener = RememberingListener()
    opened(MqttSettings(port=broker.port), listener=listener)
    wait_until(lambda: "a retained message on inspector/press-1/trigger was ignored" in caplog.text, "the complaint")
    publish(broker, "inspector/press-1/trigger", b"new")
    wait_until(lambda: listener.heard, "the new one")

    assert [payload for _, payload, _ in listener.heard] == [b"new"]


def test_a_free_running_station_hears_commands_only(broker, opened):
    listener = RememberingListener()
    opened(MqttSettings(port=broker.port), listener=listener, triggers=False)
    publish(broker, "inspector/press-1/trigger", b"1")
    publish(broker, "inspector/press-1/command", b"2")
    wait_until(lambda: listener.heard, "the command")

    assert [kind for kind, _, _ in listener.heard] == ["command"]


def test_only_the_last_of_several_states_is_said_on_connecting(opened, broker, subscriber, is_up):
    sink = opened(MqttSettings(port=broker.port))
    subscriber.wait_for_state("starting")
    broker.freeze()
    cut(sink)
    wait_until(lambda: not is_up(), "the loss")
    for state in (StationState.RUNNING, StationState.CAMERA_LOST):
        sink.announce(state)
    broker.thaw()
    subscriber.wait_for_state("camera_lost")

    assert states(subscriber) == ["starting", "offline", "camera_lost"]
    assert subscriber.of("state")[-1]["at"] <= utc_now().isoformat()


def test_what_closing_gives_up_is_said_and_waits_in_the_outbox(broker, opened, caplog):
    sink = opened(MqttSettings(port=broker.port))
    wait_until(lambda: not len(sink._receipts), "the acknowledgement of the state")
    broker.freeze()
    for _ in range(3):
        sink.put()
    sink.close()

    assert sink.waiting() == [0, 1, 2]
    assert "3 messages were not acknowledged" in caplog.text


def test_closing_delivers_what_was_published_just_before(broker, subscriber):
    sink = MqttSettings(port=broker.port).open("press-1")
    wait_until(sink.is_up, "the connection")
    sink.publish(an_inspection())
    sink.close()

    subscriber.wait_for("result")


def test_closed_during_an_attempt_to_connect_it_leaves_again(broker, subscriber, opened, is_up):
    sink = opened(MqttSettings(port=broker.port))
    connecting, go_on = threading.Event(), threading.Event()
    sink._client.on_pre_connect = lambda *_: (connecting.set(), go_on.wait(20))
    cut(sink)
    assert connecting.wait(20)
    subscriber.wait_for_state("offline")
    said = len(states(subscriber))
    sink.close()
    go_on.set()
    wait_until(lambda: sink._client._thread is None, "the end of the network thread")

    assert not is_up()
    assert len(states(subscriber)) == said


def test_a_night_without_broker_is_one_line(broker, opened, is_up, caplog):
    sink = opened(MqttSettings(port=broker.port))
    attempts = []
    sink._client.on_pre_connect = lambda *_: attempts.append(1)
    sink._client.reconnect_delay_set(1, 1)
    broker.kill()
    wait_until(lambda: len(attempts) >= 3, "three attempts")

    troubles = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(troubles) == 2, troubles
    assert "lost" in troubles[0]
    assert "nothing listens there" in troubles[1]


def test_two_stations_of_one_client_id_are_told(broker, opened, caplog):
    opened(MqttSettings(port=broker.port))
    opened(MqttSettings(port=broker.port), connected=False)

    wait_until(lambda: "is another client inspector-press-1, too?" in caplog.text, "the complaint")


def test_a_closed_sink_ignores_states(opened):
    sink = opened(MqttSettings(port=free_port()), connected=False)
    sink.close()

    sink.announce(StationState.STOPPED)
