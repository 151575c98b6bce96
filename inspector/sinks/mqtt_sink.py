"""One station's connection to its broker: in order, each message until it is acknowledged, never waiting."""

import logging
import socket
import sys
from collections import deque
from threading import Condition, Lock, Thread
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import AwareDatetime, BaseModel, ConfigDict

from inspector import metrics
from inspector.errors import SinkError
from inspector.inspection import Inspection, StationState, utc_now
from inspector.sinks.mqtt_trouble import Broker, Episode

log = logging.getLogger(__name__)

SINK: Final = "mqtt"
FLUSH_S: Final = 1.0
"""How long ``close`` waits for the broker to acknowledge what is in hand."""
LEAVE_S: Final = 0.5
"""How long ``close`` then waits for the connection to end."""

Payload = bytes | bytearray


class StateMessage(BaseModel):
    """What ``<prefix>/<station>/state`` retains."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    state: StationState
    """``offline`` is the last will: the broker publishes it when the connection ends without a goodbye."""
    at: AwareDatetime | None
    """When the state began, UTC; null for ``offline``: the will is written in advance, nobody knows its hour."""


class MqttSink:
    """Publishes one station's results; paho's own thread does the sending. ``topic`` is ``<prefix>/<station>``.

    paho keeps what is in flight. What comes while the broker is away waits here, not in paho: paho would send a result
    that comes between the connection and the broker's answer to it ahead of those that wait, and the last result that a
    PLC gets would not be the newest. A result may arrive twice (QoS 1); its id tells.

    ``_sending`` keeps the order, and ``_changed`` guards the count. Nothing of paho is called under ``_changed``,
    because paho calls back with its own lock held.
    """

    def __init__(self, client: paho.Client, broker: Broker, topic: str, queue_size: int) -> None:
        self._client = client
        self._broker = broker
        self._topic = topic
        self._queue_size = queue_size
        self._state = StateMessage(state=StationState.STARTING, at=utc_now())
        self._waiting: deque[Payload] = deque()
        self._sending = Lock()
        self._changed = Condition()
        self._in_hand = 0  # taken and not acknowledged: waiting here, or in flight
        self._connected: bool | None = None  # None until the first attempt has ended
        self._answered = False
        self._closed = False
        self._leaving = False
        self._trouble = Episode(broker.station)
        self._denials = Episode(broker.station)
        self._up = metrics.SINK_UP.labels(broker.station, SINK)
        self._errors = metrics.SINK_ERRORS.labels(broker.station, SINK)
        self._start()

    def _start(self) -> None:
        client = self._client
        client.on_socket_open = self._on_socket_open
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        will = StateMessage(state=StationState.OFFLINE, at=None)
        client.will_set(f"{self._topic}/state", will.model_dump_json(), qos=1, retain=True)
        self._up.set(0)
        client.loop_start()

    def publish(self, inspection: Inspection) -> None:
        """Send the result, now or when the broker is back. Raises SinkError when the queue is full, or after closing.

        What the broker denies later is counted here, and so is what ``close`` has to give up.
        """
        payload = inspection.model_dump_json().encode()
        with self._sending:
            self._take()
            if self._connected:
                self._send(payload)
            else:
                self._waiting.append(payload)

    def announce(self, state: StationState) -> None:
        """Publish and retain the state, now and after each reconnection; does nothing after closing."""
        with self._sending:
            self._state = StateMessage(state=state, at=utc_now())
            if self._connected and not self._closed:
                self._send_state()

    def close(self) -> None:
        """Wait up to a second for what is in hand, then disconnect cleanly, so that no last will is published."""
        with self._sending:
            if self._closed:
                return
            self._closed = True
        self._flush()
        self._leaving = True
        self._client.disconnect()
        # loop_stop waits for an attempt to connect, which can outlast the time to stop; that attempt ends by itself.
        stopper = Thread(target=self._client.loop_stop, name="mqtt-stop", daemon=True)
        stopper.start()
        stopper.join(LEAVE_S)
        self._set_connected(connected=False)

    def _flush(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._in_hand or self._connected is False, FLUSH_S)
            lost = self._in_hand
        if lost:
            self._errors.inc(lost)
            extra = {"station": self._broker.station}
            log.warning("%d messages were not acknowledged by %s", lost, self._broker.address, extra=extra)

    def _take(self) -> None:
        if self._closed:
            raise SinkError(f"the MQTT sink to {self._broker.address} is closed")
        with self._changed:
            if self._in_hand >= self._queue_size:
                reach = "does not acknowledge" if self._connected else "is away"
                raise SinkError(
                    f"{self._broker.address} {reach} and the queue is full: a result for {self._topic} is lost; bring"
                    " the broker back, or give it a larger queue_size"
                )
            self._in_hand += 1

    def _settle(self, count: int) -> None:
        with self._changed:
            self._in_hand -= count
            self._changed.notify_all()

    def _send(self, payload: Payload) -> None:
        # Whatever paho answers, it keeps the message until it is acknowledged, or taken back on the next connection.
        self._client.publish(f"{self._topic}/result", payload, qos=1)

    def _send_state(self) -> None:
        with self._changed:
            self._in_hand += 1
        self._client.publish(f"{self._topic}/state", self._state.model_dump_json(), qos=1, retain=True)

    def _set_connected(self, *, connected: bool) -> None:
        with self._changed:
            self._connected = connected
            self._changed.notify_all()
        self._up.set(int(connected))

    # paho's network thread calls everything below.

    def _on_socket_open(self, _c: paho.Client, _u: Any, connection: Any) -> None:
        self._answered = False
        # Nagle's algorithm and delayed acknowledgements make a QoS 1 round trip about 80 ms; without, it is about 1.5.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _on_connect(self, client: paho.Client, _u: Any, _f: Any, reason: ReasonCode, _p: Any) -> None:
        self._answered = True
        if self._leaving:  # by an attempt that ``close`` did not wait for
            client.disconnect()
        elif reason.is_failure:
            self._trouble.tell(logging.ERROR, self._broker.refused(str(reason)))
        else:
            self._resume()
            self._trouble.end()
            log.info("connected to %s", self._broker.address, extra={"station": self._broker.station})

    def _resume(self) -> None:
        with self._sending:
            results = self._take_back()
            self._send_state()
            for payload in results:
                self._send(payload)
            self._set_connected(connected=True)

    def _take_back(self) -> list[Payload]:
        """Every result in hand, oldest first: what the last connection left unacknowledged, then what waited here."""
        unacknowledged = self._client.drop_out_messages()
        results: list[Payload] = [each.payload for each in unacknowledged if each.topic == f"{self._topic}/result"]
        self._settle(len(unacknowledged) - len(results))  # states: the present one is said instead
        results.extend(self._waiting)
        self._waiting.clear()
        return results

    def _on_connect_fail(self, _c: paho.Client, _u: Any) -> None:
        self._set_connected(connected=False)
        # paho calls this while it handles the exception, and does not hand it over.
        self._trouble.tell(logging.ERROR, self._broker.unreachable(sys.exception()))

    def _on_disconnect(self, _c: paho.Client, _u: Any, _f: Any, reason: ReasonCode, _p: Any) -> None:
        was_connected = self._connected
        self._set_connected(connected=False)
        if self._leaving:
            return
        if was_connected:
            self._trouble.tell(logging.WARNING, self._broker.lost(str(reason)))
        elif not self._answered:
            self._trouble.tell(logging.ERROR, self._broker.silent())

    def _on_publish(self, _c: paho.Client, _u: Any, _mid: int, reason: ReasonCode, _p: Any) -> None:
        self._settle(1)
        if reason.is_failure:
            self._errors.inc()
            self._denials.tell(logging.ERROR, self._broker.denied(str(reason), self._topic))
        else:
            self._denials.end()
