"""The PLC's connection: triggers out, answers in, each with the moment of its arrival."""

import json
import math
import time
from collections.abc import Callable, Collection
from threading import Condition
from typing import Any, Final, Self

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import ValidationError
from ulid import ULID

from inspector.errors import ConfigError
from inspector.inspection import Inspection, StationState, utc_now
from inspector.plc_sim.figures import Figures
from inspector.plc_sim.ledger import GRACE_S, Answer, Entry, Ledger
from inspector.sinks.mqtt_connection import without_delay
from inspector.sinks.mqtt_trouble import Broker

CONNECT_S: Final = 10.0
"""How long the broker may take to let the PLC in."""

AWAY: Final = {StationState.STARTING, StationState.STOPPED, StationState.OFFLINE}
"""States in which no answer can be expected of a station."""


def nobody_knows(part_id: str) -> bool | None:  # noqa: ARG001 - the shape of ``is_defect``
    """Whether a part is a defect, where there is no telling."""
    return None


class Plc:
    """Triggers one station over MQTT 5, with ResponseTopic and CorrelationData, or plainly.

    ``client`` is not connected yet; ``topic`` is ``<prefix>/<station>``, ``reply_topic`` where answers are to go, below
    what the station may write, or None for a plain PLC that takes them from ``<topic>/answer``. ``margin_ms`` is
    how much longer than the station's deadline this PLC waits. Any thread may call.
    """

    def __init__(
        self,
        client: paho.Client,
        broker: Broker,
        topic: str,
        *,
        reply_topic: str | None = None,
        margin_ms: float = 20.0,
        is_defect: Callable[[str], bool | None] = nobody_knows,
    ) -> None:
        self.ledger = Ledger(margin_ms=margin_ms, is_defect=is_defect)
        self.changed = Condition()
        """Guards the ledger; notified with every message."""
        self._client = client
        self._broker = broker
        self._topic = topic
        self._reply_topic = reply_topic
        self._subscribed = False
        self._refused: str | None = None
        self._station_away = False
        client.on_socket_open = self._on_socket_open
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.reconnect_delay_set(1, 1)

    def connect(self, host: str, port: int, keepalive_s: int = 10) -> None:
        """Return once subscribed; a connection that is lost later comes back by itself. Raises ConfigError."""
        try:
            self._client.connect(host, port, keepalive_s)
        except OSError as error:
            raise ConfigError(self._broker.unreachable(error)) from error
        self._client.loop_start()
        with self.changed:
            self.changed.wait_for(lambda: self._subscribed or self._refused, CONNECT_S)
        if not self._subscribed:
            self.close()
            raise ConfigError(self._refused or self._broker.silent())

    def close(self) -> None:
        """Leave the broker. Safe to call twice."""
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def trigger(self, part_id: str, deadline_ms: float, *, recipe: str | None = None, copies: int = 1) -> Entry:
        """Say that a part is in place; ``copies`` above 1 are what a redelivery looks like.

        While the connection is away nothing is sent, then or later: the part will have passed.
        """
        with self.changed:
            entry = self.ledger.send(str(ULID()), part_id, deadline_ms, at=utc_now(), now_s=time.monotonic())
            entry.copies = copies
        for _ in range(copies):
            self._publish(entry, part_id, recipe)
        return entry

    def again(self, entry: Entry) -> None:
        """The same trigger once more, as MQTT redelivers one."""
        with self.changed:
            entry.copies += 1
        self._publish(entry, entry.part_id, None)

    def contest(self, entry: Entry, part_id: str) -> None:
        """The same id for another part: a mistake in the PLC's program."""
        with self.changed:
            entry.contested = True
        self._publish(entry, part_id, None)

    def decide(self, entries: Collection[Entry]) -> None:
        """Wait until each of these parts is accepted or rejected."""
        with self.changed:
            while undecided := [each.deadline_s for each in entries if each.why(time.monotonic()) is None]:
                self.changed.wait(max(undecided) - time.monotonic() + 0.001)

    def settle(self, timeout_s: float = 60.0) -> None:
        """Wait until every trigger has an answer, or none is to be expected any more."""
        with self.changed:
            end_s = time.monotonic() + timeout_s
            while (wait_s := min(self._settled_s(), end_s) - time.monotonic()) > 0:
                self.changed.wait(wait_s)

    def figures(self) -> Figures:
        """What became of every trigger so far."""
        with self.changed:
            return Figures.of(self.ledger, time.monotonic())

    def _settled_s(self) -> float:
        """When the last open trigger is settled at the latest."""
        waiting = (each.deadline_s + GRACE_S for each in self.ledger.entries.values() if not each.answers)
        return max(waiting, default=0.0)

    def _publish(self, entry: Entry, part_id: str, recipe: str | None) -> None:
        if not self._client.is_connected():
            return
        message = {"id": entry.id, "part_id": part_id, "deadline_ms": entry.deadline_ms, "recipe": recipe}
        payload = json.dumps({key: value for key, value in message.items() if value is not None})
        self._client.publish(f"{self._topic}/trigger", payload, qos=1, properties=self._properties(entry))

    def _properties(self, entry: Entry) -> Properties | None:
        if self._reply_topic is None:
            return None
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ResponseTopic = self._reply_topic
        properties.CorrelationData = entry.id.encode()
        # A trigger that the broker holds for longer is about a part that has passed.
        properties.MessageExpiryInterval = math.ceil(entry.deadline_ms / 1000)
        return properties

    def _set_away(self) -> None:
        away = self._station_away or not self._subscribed
        self.ledger.set_away(away=away, now_s=time.monotonic())
        self.changed.notify_all()

    # paho's network thread calls everything below.

    def _on_socket_open(self, _c: paho.Client, _u: Any, connection: Any) -> None:
        without_delay(connection)

    def _on_connect(self, client: paho.Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        if reason.is_failure:
            with self.changed:
                self._refused = self._broker.refused(str(reason))
                self.changed.notify_all()
            return
        client.drop_out_messages()  # triggers for parts that have passed
        client.subscribe([(f"{self._topic}/{leaf}", 1) for leaf in ("answer/#", "acknowledge", "state")])

    def _on_subscribe(self, *_: Any) -> None:
        with self.changed:
            self._subscribed = True
            self._set_away()

    def _on_disconnect(self, *_: Any) -> None:
        with self.changed:
            self._subscribed = False
            self._set_away()

    def _on_message(self, _c: paho.Client, _u: Any, message: paho.MQTTMessage) -> None:
        now_s = time.monotonic()
        leaf = message.topic.removeprefix(f"{self._topic}/")
        with self.changed:
            try:
                self._take(leaf, message, now_s)
            except (ValidationError, ValueError, KeyError, TypeError):
                self.ledger.strays[f"unreadable {leaf}"] += 1
            self.changed.notify_all()

    def _take(self, leaf: str, message: paho.MQTTMessage, now_s: float) -> None:
        if leaf == "state":
            self._station_away = StationState(json.loads(message.payload)["state"]) in AWAY
            self._set_away()
        elif leaf == "acknowledge":
            self.ledger.acknowledge(json.loads(message.payload)["id"], now_s)
        else:
            inspection = Inspection.model_validate_json(message.payload)
            correlation = getattr(message.properties, "CorrelationData", None)
            self.ledger.answer(Answer(inspection, now_s, bool(message.retain), correlation))
