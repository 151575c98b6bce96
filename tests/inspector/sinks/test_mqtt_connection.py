import logging
import socket
import threading

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from inspector.sinks.mqtt import MqttSettings
from inspector.sinks.mqtt_connection import Connection
from tests.broker import Broker, Subscriber, wait_until


class RememberingSession:
    def __init__(self, client):
        self._client = client
        self.told = []

    def connecting(self):
        self.told.append("connecting")
        self._client.will_set("will", f'"{self.told.count("connecting")}"')

    def connected(self):
        self.told.append("connected")

    def disconnected(self):
        self.told.append("disconnected")


@pytest.fixture
def connect():
    """Starts connections, and leaves them at the end."""
    connections = []

    def start(port, goodbye=None):
        settings = MqttSettings(port=port)
        client = settings.client("press-1")
        client.reconnect_delay_set(1, 1)
        session = RememberingSession(client)
        broker = settings.broker("press-1", "press-1")
        connections.append(Connection(client, broker, lambda each: each.connect_async("127.0.0.1", port), goodbye))
        connections[-1].start(session)
        return connections[-1], session

    yield start
    for connection in connections:
        connection.leave()


def complaints(caplog):
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]


def test_a_cut_connection_is_told_and_comes_back_with_a_new_will(broker, subscriber, connect, caplog):
    connection, session = connect(broker.port)
    wait_until(lambda: "connected" in session.told, "the connection")
    connection._client.socket().shutdown(socket.SHUT_RDWR)
    wait_until(lambda: session.told.count("connected") == 2, "the second connection")
    connection._client.socket().shutdown(socket.SHUT_RDWR)
    subscriber.wait(lambda: len(subscriber.messages) == 2, "both wills")

    assert session.told[:5] == ["connecting", "connected", "disconnected", "connecting", "connected"]
    assert [payload for _, payload, _ in subscriber.messages] == ["1", "2"]
    assert complaints(caplog)[0].startswith(f"lost 127.0.0.1:{broker.port}")


def test_it_connects_anew_on_request_and_says_so_to_nobody(broker, connect, caplog):
    connection, session = connect(broker.port)
    wait_until(lambda: "connected" in session.told, "the connection")
    for count in range(2, 12):
        connection.renew()
        wait_until(lambda count=count: session.told.count("connected") == count, "the next connection")

    assert session.told.count("connecting") == 11
    assert complaints(caplog) == []


def test_the_goodbye_may_ask_for_the_will(broker, subscriber, connect):
    goodbye = ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message")
    connection, session = connect(broker.port, goodbye)
    wait_until(lambda: "connected" in session.told, "the connection")
    connection.leave()

    subscriber.wait(lambda: subscriber.messages, "the will")


def test_a_plain_goodbye_keeps_the_will(broker, connect):
    connection, session = connect(broker.port)
    wait_until(lambda: "connected" in session.told, "the connection")
    listener = Subscriber(broker.port)
    connection.leave()
    other, session = connect(broker.port)
    wait_until(lambda: "connected" in session.told, "the next connection")
    other._client.socket().shutdown(socket.SHUT_RDWR)
    listener.wait(lambda: listener.messages, "the will of the other")
    listener.close()

    assert len(listener.messages) == 1


def test_left_during_an_attempt_to_connect_it_leaves_again(broker, connect):
    connection, session = connect(broker.port)
    wait_until(lambda: "connected" in session.told, "the connection")
    connecting, go_on = threading.Event(), threading.Event()
    connection._client.on_pre_connect = lambda *_: (connecting.set(), go_on.wait(20))
    connection._client.socket().shutdown(socket.SHUT_RDWR)
    assert connecting.wait(20)
    connection.leave()
    go_on.set()
    wait_until(lambda: connection._client._thread is None, "the end of the network thread")

    assert session.told.count("connected") == 1


def test_left_while_it_connects_anew_it_stays_away(broker, connect):
    connection, session = connect(broker.port)
    wait_until(lambda: "connected" in session.told, "the connection")
    with connection._turn:
        connection.renew()
        wait_until(lambda: "disconnected" in session.told, "the end of the first connection")
        connection._leaving = True
    wait_until(lambda: not connection._again, "the decision")

    assert connection._client._thread is None
    assert session.told.count("connecting") == 1


def test_a_refusal_is_said_once(tmp_path, broker, connect, caplog):
    with Broker(tmp_path / "guarded", "allow_anonymous false\n") as guarded:
        _, session = connect(guarded.port)
        wait_until(lambda: session.told.count("connecting") >= 3, "three attempts")

    (message,) = [each for each in complaints(caplog) if "refused the connection" in each]
    assert "set username and password_file" in message
