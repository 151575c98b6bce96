import logging
import socket
import subprocess
import sys
import threading

import pytest

from inspector.errors import SinkError
from inspector.inspection import StationState, utc_now
from inspector.sinks.mqtt import MqttSettings
from tests.broker import free_port, wait_until
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
    assert subscriber.of("state")[-1] == {"state": "offline", "at": None}


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


def test_what_was_judged_while_the_broker_was_away_arrives_in_order(broker, subscriber, opened, is_up):
    sink = opened(MqttSettings(port=broker.port))
    # Later than the subscriber, who would else miss what is sent before it is back.
    sink._client.reconnect_delay_set(4, 4)
    broker.kill()
    wait_until(lambda: not is_up(), "the loss")
    for sequence in range(50):
        sink.publish(an_inspection(sequence))
    broker.start()
    subscriber.wait_for("result", 50)

    assert sequences(subscriber) == list(range(50))


def test_a_result_of_the_moment_of_connecting_does_not_overtake_those_that_wait(broker, subscriber, opened, is_up):
    sink = opened(MqttSettings(port=broker.port))
    broker.freeze()
    cut(sink)
    wait_until(lambda: not is_up(), "the loss")
    for sequence in range(3):
        sink.publish(an_inspection(sequence))
    wait_until(sink._client.socket, "a connection that the broker has not answered")
    for sequence in range(3, 6):
        sink.publish(an_inspection(sequence))
    broker.thaw()
    subscriber.wait_for("result", 6)

    assert sequences(subscriber) == list(range(6))


def test_what_was_in_flight_when_the_connection_broke_comes_first(broker, subscriber, opened, is_up):
    sink = opened(MqttSettings(port=broker.port))
    broker.freeze()
    for sequence in range(20):  # ten in flight, ten behind them
        sink.publish(an_inspection(sequence))
    cut(sink)
    wait_until(lambda: not is_up(), "the loss")
    sink.publish(an_inspection(20))
    broker.thaw()
    # The broker may have read some of them before, which then come twice.
    subscriber.wait(lambda: 20 in sequences(subscriber), "the last result")

    assert list(dict.fromkeys(sequences(subscriber))) == list(range(21))
    assert sequences(subscriber)[-1] == 20


def test_an_outage_that_fills_the_queue_is_survived(broker, subscriber, opened, is_up):
    sink = opened(MqttSettings(port=broker.port, queue_size=3))
    sink._client.reconnect_delay_set(4, 4)
    broker.kill()
    wait_until(lambda: not is_up(), "the loss")
    for sequence in range(3):
        sink.publish(an_inspection(sequence))
    with pytest.raises(SinkError, match="is away and the queue is full"):
        sink.publish(an_inspection(3))
    sink.announce(StationState.CAMERA_LOST)
    broker.start()
    subscriber.wait_for("result", 3)
    subscriber.wait_for_state("camera_lost")
    wait_until(lambda: not sink._in_hand, "the acknowledgements")

    sink.publish(an_inspection(4))
    subscriber.wait_for("result", 4)
    assert sequences(subscriber) == [0, 1, 2, 4]


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


def test_a_broker_that_does_not_acknowledge_fills_the_queue_too(broker, opened):
    sink = opened(MqttSettings(port=broker.port, queue_size=3))
    wait_until(lambda: not sink._in_hand, "the acknowledgement of the state")
    broker.freeze()
    for _ in range(3):
        sink.publish(an_inspection())

    with pytest.raises(SinkError, match="does not acknowledge and the queue is full"):
        sink.publish(an_inspection())


def test_what_closing_gives_up_is_counted_and_said(broker, opened, errors, caplog):
    sink = opened(MqttSettings(port=broker.port))
    wait_until(lambda: not sink._in_hand, "the acknowledgement of the state")
    before = errors()
    broker.freeze()
    for _ in range(3):
        sink.publish(an_inspection())
    sink.close()

    assert errors() == before + 3
    assert "3 messages were not acknowledged" in caplog.text


def test_closing_delivers_what_was_published_just_before(broker, subscriber):
    sink = MqttSettings(port=broker.port).open("press-1")
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
