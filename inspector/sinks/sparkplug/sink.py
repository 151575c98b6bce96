"""One station's Sparkplug session: births first, then data, and whatever may not have been read is sent again."""

import logging
from threading import Condition
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from inspector import metrics
from inspector.errors import SinkError
from inspector.inspection import Inspection, StationState
from inspector.sinks.mqtt_certificates import show_brokers
from inspector.sinks.mqtt_connection import Connection
from inspector.sinks.mqtt_trouble import Broker, Episode
from inspector.sinks.sparkplug.edge_node import EdgeNode, Message, NodeStatus, asks_for_rebirth
from inspector.sinks.sparkplug.host import PrimaryHost
from inspector.sinks.sparkplug.store import Store

log = logging.getLogger(__name__)

SINK: Final = "sparkplug"
FLUSH_S: Final = 1.0
"""How long ``close`` waits until all that is in hand has been read."""
BATCH: Final = 50
"""Stored results that are sent in one go: live ones slip in between, and no station waits longer than for these."""


class SparkplugSink:
    """Publishes one station's results; paho's own thread does the sending.

    Where a session stands: connected and subscribed, then ``_born`` (NBIRTH is out; it waits for the primary host,
    where there is one), then ``_device_born`` (DBIRTH is out, and data may follow). Results that come before wait in
    the store and are historical when they leave.

    Sparkplug's data has QoS 0, which nobody acknowledges. So each batch is followed by an UNSUBSCRIBE from a topic that
    was never subscribed to, as a barrier: its answer tells that the broker has read what came before. What no barrier
    has confirmed when a connection ends is sent again; a result may arrive twice, and its id tells.

    ``_changed`` guards everything. paho holds no lock while it calls back: no message here but NDEATH has a receipt.
    """

    def __init__(
        self,
        client: paho.Client,
        connection: Connection,
        broker: Broker,
        node: EdgeNode,
        *,
        primary_host: str | None,
        queue_size: int,
    ) -> None:
        self._client = client
        self._connection = connection
        self._broker = broker
        self._node = node
        self._host_id = primary_host
        self._host: PrimaryHost | None = None
        self._store = Store(queue_size)
        self._changed = Condition()
        self._status = NodeStatus(StationState.STARTING)
        self._camera_there = False
        self._last: Inspection | None = None
        self._connected: bool | None = None  # None until the first attempt has ended
        self._born = self._device_born = self._device_was_born = False
        self._closed = self._left = False
        self._barrier: tuple[int | None, int] | None = None  # its message id, and the result that it follows
        self._trouble = Episode(broker.station)
        self._overflow = Episode(broker.station)
        self._up = metrics.SINK_UP.labels(broker.station, SINK)
        self._errors = metrics.SINK_ERRORS.labels(broker.station, SINK)
        self._up.set(0)
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = self._on_unsubscribe
        client.on_message = self._on_message
        connection.start(self)

    def publish(self, inspection: Inspection) -> None:
        """Send the result, or keep it until broker, host and camera are there. Raises SinkError after closing.

        Where too many wait, the oldest is given up and counted.
        """
        with self._changed:
            if self._closed:
                raise SinkError(f"the Sparkplug sink to {self._broker.address} is closed")
            self._last = inspection
            if self._device_born:
                self._send(self._node.device_data(inspection, historical=inspection.historical))
                self._give_up(self._store.sent(inspection))
                self._raise_barrier()
            else:
                self._give_up(self._store.keep(inspection))

    def announce(self, state: StationState) -> None:
        """A lost camera is a dead device, any other is born once it was opened; the state is a metric of the node."""
        with self._changed:
            if state is self._status.state:
                return
            self._status = NodeStatus(state, self._status.dropped)
            if state is StationState.CAMERA_LOST:
                self._camera_there = False
            elif state not in {StationState.STARTING, StationState.STOPPED}:
                self._camera_there = True
            if not self._born or self._closed:
                return
            if self._camera_there and not self._device_born:
                self._bear_device()
            elif self._device_born and not self._camera_there:
                self._device_born = False
                self._send(self._node.device_death())
            self._tell_status()

    def close(self) -> None:
        """Wait up to a second for what is in hand, then say NDEATH and disconnect."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.wait_for(lambda: not (self._store and self._may_deliver()), FLUSH_S)
            lost = len(self._store)
            if self._born:
                self._send(self._node.death())
            self._born, self._device_born, self._left = False, False, True
        if lost:
            self._errors.inc(lost)
            extra = {"station": self._broker.station}
            log.warning("%d results were not read by %s over Sparkplug", lost, self._broker.address, extra=extra)
        self._connection.leave()
        self._up.set(0)

    # The session of the connection. paho's network thread calls these.

    def connecting(self) -> None:
        """Every CONNECT has a last will of its own, with the bdSeq of the birth that will follow."""
        # Not under the lock, for which a station would wait while a slow disk remembers the number. Between two
        # sessions nobody else asks the node for anything.
        will = self._node.will()
        self._client.will_set(will.topic, will.payload, will.qos, retain=False)

    def connected(self) -> None:
        """Subscribe first: a birth that nobody could answer with a command is none."""
        show_brokers(self._broker.station, SINK, self._client.socket())
        with self._changed:
            self._connected = True
            self._host = PrimaryHost(self._host_id) if self._host_id else None
            topics = [self._node.commands, *([self._host.topic] if self._host else [])]
            self._client.subscribe([(topic, 1) for topic in topics])
            self._changed.notify_all()

    def disconnected(self) -> None:
        """Whatever no barrier has confirmed waits again."""
        with self._changed:
            self._connected = self._born = self._device_born = self._device_was_born = False
            self._barrier = None
            self._store.put_back()
            self._changed.notify_all()
        self._up.set(0)

    def _on_subscribe(self, _c: paho.Client, _u: Any, _mid: int, reasons: list[ReasonCode], _p: Any) -> None:
        with self._changed:
            for reason in reasons:
                if reason.is_failure:
                    self._trouble.tell(logging.ERROR, self._broker.deaf(str(reason), f"{self._node.commands} or STATE"))
            if not self._host:
                self._bear()

    def _on_message(self, _c: paho.Client, _u: Any, message: paho.MQTTMessage) -> None:
        with self._changed:
            try:
                if self._host and message.topic == self._host.topic:
                    self._host.hear(bytes(message.payload))
                    self._follow(self._host)
                elif message.topic == self._node.commands and asks_for_rebirth(bytes(message.payload)) and self._born:
                    self._bear()
            except ValueError as error:
                self._trouble.tell(logging.WARNING, f"ignored a message on {message.topic}: {error}")

    def _follow(self, host: PrimaryHost) -> None:
        """Source: ``tck-id-message-flow-edge-node-birth-publish-phid-wait`` and ``-phid-offline``."""
        if host.online and not self._born:
            self._bear()
        elif self._born and not host.online:
            log.info("primary host %s is offline: results wait", self._host_id, extra={"station": self._broker.station})
            self._send(self._node.death())
            self._born = self._device_born = False
            self._connection.renew()

    def _on_unsubscribe(self, _c: paho.Client, _u: Any, mid: int, _reasons: Any, _p: Any) -> None:
        with self._changed:
            if self._barrier and self._barrier[0] == mid:
                self._store.confirm(self._barrier[1])
                self._barrier = None
                self._forward()
                if not self._store:
                    self._overflow.end()
                self._changed.notify_all()

    # All below is called with ``_changed`` held.

    def _may_deliver(self) -> bool:
        """Whether it is of use to wait: data goes out, or a session begins that no host holds up."""
        begins = self._connected is None or (self._connected and not self._born and not self._host_id)
        return self._device_born or begins

    def _bear(self) -> None:
        """The whole sequence of births, at the beginning of a session and whenever a host asks for it."""
        if self._left:
            return
        self._born, self._device_born, self._device_was_born = True, False, False
        self._send(self._node.birth(self._status))
        if self._camera_there:
            self._bear_device()
        self._trouble.end()
        self._up.set(1)
        self._changed.notify_all()

    def _bear_device(self) -> None:
        self._send(self._node.device_birth(self._last))
        self._device_born = self._device_was_born = True
        self._forward()

    def _forward(self) -> None:
        """Send the next of those that wait, and a barrier behind them, whose answer calls this again."""
        if self._device_born and not self._barrier:
            for inspection in self._store.take(BATCH):
                self._send(self._node.device_data(inspection, historical=True))
        self._raise_barrier()

    def _raise_barrier(self) -> None:
        if not self._barrier and self._store.unconfirmed:
            result, mid = self._client.unsubscribe(self._node.unused)
            if result == MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._barrier = (mid, self._store.last_number)

    def _tell_status(self) -> None:
        # NDATA may not precede the births of the session: while its camera never came, the node is born again instead.
        if self._device_was_born:
            self._send(self._node.data(self._status))
        else:
            self._send(self._node.birth(self._status))

    def _give_up(self, count: int) -> None:
        if count:
            self._errors.inc(count)
            self._status = NodeStatus(self._status.state, self._status.dropped + count)
            self._overflow.tell(
                logging.ERROR,
                f"{self._obstacle()}, and more results wait than queue_size: the oldest are given up and counted; mend"
                " it, or give the sparkplug sink a larger queue_size",
            )

    def _obstacle(self) -> str:
        if not self._connected:
            return f"{self._broker.address} is away"
        if not self._born:
            return f"primary host {self._host_id} is offline" if self._host_id else "the session has just begun"
        return f"{self._broker.address} reads nothing" if self._device_born else "the camera is lost"

    def _send(self, message: Message) -> None:
        # On a connection that has ended paho refuses it, and ``disconnected`` sees to it.
        self._client.publish(message.topic, message.payload, message.qos, retain=False)
