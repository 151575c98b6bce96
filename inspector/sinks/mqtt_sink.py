"""One station's connection to its broker: live results, the outbox behind them, and what a PLC says to the station."""

import logging
import math
import time
from threading import Condition, Lock, Thread
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import AwareDatetime, BaseModel, ConfigDict, computed_field

from inspector import metrics
from inspector.errors import SinkError
from inspector.inspection import Inspection, Outbox, StationState, utc_now
from inspector.plc import (
    AcknowledgeMessage,
    AlarmMessage,
    CommandReply,
    HeartbeatMessage,
    Listener,
    ModelMessage,
    ReplyTo,
    Trigger,
)
from inspector.sinks.mqtt_backlog import Backlog
from inspector.sinks.mqtt_certificates import show_brokers
from inspector.sinks.mqtt_connection import Connection
from inspector.sinks.mqtt_receipts import Receipts, Sent
from inspector.sinks.mqtt_trouble import Broker, Episode

log = logging.getLogger(__name__)

SINK: Final = "mqtt"
FLUSH_S: Final = 1.0
"""How long ``close`` waits for the broker to acknowledge what is in hand."""

MOST_UNACKNOWLEDGED: Final = 100
"""Messages on their way to a broker that does not acknowledge; what comes then waits in the outbox."""


NO_RESULT: Final = Sent()


class StateMessage(BaseModel):
    """What ``<prefix>/<station>/state`` retains."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    state: StationState
    """``offline`` is the last will: the broker publishes it when the connection ends without a goodbye."""
    at: AwareDatetime | None
    """When the state began, UTC; null for ``offline``: the will is written in advance, nobody knows its hour."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ready(self) -> bool:
        """Whether parts are judged."""
        return self.state is StationState.RUNNING


class MqttSink:
    """Publishes one station's results; paho's own thread does the sending. ``topic`` is ``<prefix>/<station>``.

    A result that is not acknowledged stays in the outbox, and is sent again from there, behind what is live, once there
    is a connection: paho itself keeps nothing from one connection to the next. A result may arrive twice (QoS 1); its
    id tells. Everything else is only worth saying now: it is said again after a reconnection where it still holds
    (state, alarms, model), or not at all (answers, heartbeats).

    ``_sending`` keeps the order, and ``_changed`` guards the counts. Nothing of paho is called under ``_changed``,
    because paho calls back with its own lock held.
    """

    def __init__(
        self, client: paho.Client, connection: Connection, broker: Broker, topic: str, *, knows_properties: bool
    ) -> None:
        self._client = client
        self._connection = connection
        self._broker = broker
        self._topic = topic
        self._knows_properties = knows_properties
        self._state = StateMessage(state=StationState.STARTING, at=utc_now())
        self._alarms: dict[str, AlarmMessage] = {}
        self._model: ModelMessage | None = None
        self._listener: Listener | None = None
        self._topics_heard: list[str] = []
        self._sending = Lock()
        self._changed = Condition()
        self._receipts = Receipts(self._changed)
        self._newest = -1
        self._backlog = Backlog(
            SINK,
            receipts=self._receipts,
            changed=self._changed,
            send=self._send_again,
            newest=lambda: self._newest,
        )
        self._connected: bool | None = None  # None until the first attempt has ended
        self._closed = False
        self._denials = Episode(broker.station)
        self._up = metrics.SINK_UP.labels(broker.station, SINK)
        self._errors = metrics.SINK_ERRORS.labels(broker.station, SINK)
        self._start()

    def _start(self) -> None:
        client = self._client
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        will = StateMessage(state=StationState.OFFLINE, at=None)
        client.will_set(f"{self._topic}/state", will.model_dump_json(), qos=1, retain=True)
        self._up.set(0)
        Thread(target=self._backlog.run, name=f"{self._broker.station}-backlog", daemon=True).start()
        self._connection.start(self)

    def attach(self, listener: Listener, outbox: Outbox, *, triggers: bool) -> None:
        """See ``Link``."""
        with self._sending:
            self._listener = listener
            self._topics_heard = [f"{self._topic}/{leaf}" for leaf in (["trigger"] if triggers else []) + ["command"]]
            self._backlog.outbox = outbox
            self._newest = max(self._newest, outbox.newest())
            if self._connected:
                self._subscribe()
                self._backlog.wake()

    def is_up(self) -> bool:
        """See ``Link``."""
        return bool(self._connected)

    def publish(self, inspection: Inspection) -> None:
        """Send the result, or leave it to the outbox while the broker is away. Raises SinkError after closing."""
        with self._sending:
            if self._closed:
                raise SinkError(f"the MQTT sink to {self._broker.address} is closed")
            self._newest = inspection.sequence
            if self._connected and len(self._receipts) < MOST_UNACKNOWLEDGED:
                self._send("result", inspection.model_dump_json(), sent=Sent(inspection.sequence))
            elif self._connected:
                self._backlog.wake(inspection.sequence - 1)

    def announce(self, state: StationState) -> None:
        """Publish and retain the state, now and after each reconnection; does nothing after closing."""
        with self._sending:
            self._state = StateMessage(state=state, at=utc_now())
            self._say_state()

    def answer(self, inspection: Inspection, trigger: Trigger) -> None:
        """See ``Link``."""
        left_s = max(0.0, trigger.deadline_s - time.monotonic())
        with self._sending:
            # Seconds are the finest that MQTT knows; one more than is left would outlive the deadline by a whole one.
            self._reply("answer", inspection.model_dump_json(), trigger.reply_to, expiry_s=max(1, math.ceil(left_s)))

    def acknowledge(self, trigger: Trigger) -> None:
        """See ``Link``."""
        message = AcknowledgeMessage(id=trigger.id, part_id=trigger.part_id, at=utc_now())
        with self._sending:
            self._say("acknowledge", message.model_dump_json())

    def reply(self, reply: CommandReply, reply_to: ReplyTo) -> None:
        """See ``Link``."""
        with self._sending:
            self._reply("command/answer", reply.model_dump_json(), reply_to)

    def alarm(self, alarm: AlarmMessage) -> None:
        """See ``Link``."""
        with self._sending:
            self._alarms[alarm.alarm] = alarm
            self._say_alarm(alarm)

    def model(self, message: ModelMessage) -> None:
        """See ``Link``."""
        with self._sending:
            self._model = message
            self._say_model()

    def beat(self, heartbeat: HeartbeatMessage) -> None:
        """See ``Link``."""
        with self._sending:
            self._say("heartbeat", heartbeat.model_dump_json(), qos=0)

    def close(self) -> None:
        """Wait up to a second for what is in hand, then disconnect cleanly, so that no last will is published."""
        with self._sending:
            if self._closed:
                return
            self._closed = True
        self._flush()
        self._backlog.stop()
        self._connection.leave()
        self._set_connected(connected=False)

    def _flush(self) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: (not len(self._receipts) and not self._backlog.due) or self._connected is False, FLUSH_S
            )
        if len(self._receipts):
            extra = {"station": self._broker.station}
            log.warning(
                "%d messages were not acknowledged by %s", len(self._receipts), self._broker.address, extra=extra
            )

    # Everything below that sends is called under ``_sending``.

    def _send(
        self,
        leaf: str,
        payload: str,
        *,
        sent: Sent = NO_RESULT,
        qos: int = 1,
        retain: bool = False,
        topic: str | None = None,
        properties: Properties | None = None,
    ) -> None:
        info = self._client.publish(
            topic or f"{self._topic}/{leaf}", payload, qos=qos, retain=retain, properties=properties
        )
        if qos and (early := self._receipts.add(info.mid, sent)):
            self._settle(early)

    def _say(self, leaf: str, payload: str, *, qos: int = 1, retain: bool = False) -> None:
        """Send what is only worth saying now."""
        if self._connected and not self._closed:
            self._send(leaf, payload, qos=qos, retain=retain)

    def _say_state(self) -> None:
        self._say("state", self._state.model_dump_json(), retain=True)

    def _say_alarm(self, alarm: AlarmMessage) -> None:
        self._say(f"alarm/{alarm.alarm}", alarm.model_dump_json(), retain=True)

    def _say_model(self) -> None:
        if self._model:
            self._say("model", self._model.model_dump_json(), retain=True)

    def _reply(self, leaf: str, payload: str, reply_to: ReplyTo, *, expiry_s: int | None = None) -> None:
        if not self._connected or self._closed:
            return
        properties = None
        if self._knows_properties:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.ContentType = "application/json"
            if expiry_s is not None:
                properties.MessageExpiryInterval = expiry_s
            if reply_to.correlation is not None:
                properties.CorrelationData = reply_to.correlation
        self._send(leaf, payload, topic=reply_to.topic, properties=properties)

    def _subscribe(self) -> None:
        if self._topics_heard:
            self._client.subscribe([(topic, 1) for topic in self._topics_heard])

    # The session of the connection. paho's network thread calls these, and everything further below.

    def connecting(self) -> None:
        """See ``Session``: the last will is the same each time."""

    def connected(self) -> None:
        """See ``Session``."""
        self._denials.end()
        show_brokers(self._broker.station, SINK, self._client.socket())
        with self._sending:
            # What the last connection left unacknowledged: results wait in the outbox, the rest is said anew or never.
            self._client.drop_out_messages()
            self._receipts.forget()
            self._set_connected(connected=True)
            self._subscribe()
            self._say_state()
            self._say_model()
            for alarm in self._alarms.values():
                self._say_alarm(alarm)
            self._backlog.wake()

    def disconnected(self) -> None:
        """See ``Session``."""
        self._set_connected(connected=False)
        self._backlog.halt()

    def _send_again(self, sequence: int, payload: str) -> bool:
        with self._sending:
            if not self._connected:
                return False
            self._send("result", payload, sent=Sent(sequence, again=True))
            return True

    def _settle(self, sent: Sent) -> None:
        if sent.sequence is not None:
            self._backlog.outbox.delivered(SINK, [sent.sequence])

    def _set_connected(self, *, connected: bool) -> None:
        with self._changed:
            self._connected = connected
            self._changed.notify_all()
        self._up.set(int(connected))

    def _on_publish(self, _c: paho.Client, _u: Any, identifier: int, reason: ReasonCode, _p: Any) -> None:
        sent = self._receipts.take(identifier)
        if reason.is_failure:
            self._errors.inc()
            self._denials.tell(logging.ERROR, self._broker.denied(str(reason), self._topic))
            self._backlog.retry()
        elif sent:
            self._settle(sent)

    def _on_subscribe(self, _c: paho.Client, _u: Any, _mid: int, reasons: list[ReasonCode], _p: Any) -> None:
        for topic, reason in zip(self._topics_heard, reasons, strict=False):
            if reason.is_failure:
                self._errors.inc()
                self._denials.tell(logging.ERROR, self._broker.deaf(str(reason), topic))

    def _on_message(self, _c: paho.Client, _u: Any, message: paho.MQTTMessage) -> None:
        received_s = time.monotonic()
        listener = self._listener
        if listener is None or self._closed:
            return
        if message.retain:
            # Somebody's mistake, and one from before this connection: the part it was for is long gone.
            trouble = f"a retained message on {message.topic} was ignored: publish it without retain"
            self._denials.tell(logging.WARNING, trouble)
            return
        reply_to = self._reply_to(message.properties)
        if message.topic == f"{self._topic}/trigger":
            listener.trigger(bytes(message.payload), received_s, reply_to)
        else:
            listener.command(bytes(message.payload), reply_to)

    def _reply_to(self, properties: Properties | None) -> ReplyTo:
        """Source: MQTT 5.0, sections 3.3.2.3.5 and 3.3.2.3.6."""
        topic: str | None = getattr(properties, "ResponseTopic", None)
        if topic is not None and not self._may_answer_on(topic):
            trouble = f"a response topic of {topic!r} is not one to answer on: answered on {self._topic}/answer instead"
            self._denials.tell(logging.WARNING, trouble)
            topic = None
        return ReplyTo(topic, getattr(properties, "CorrelationData", None))

    def _may_answer_on(self, topic: str) -> bool:
        """Source: MQTT 5.0, sections 1.5.4 (control characters) and 4.7 (wildcards, ``$`` topics).

        Nobody may have us say on our own topics what these do not say.
        """
        if not topic or topic.startswith("$") or set(topic) & set("+#") or not topic.isprintable():
            return False
        own = f"{self._topic}/"
        return not topic.startswith(own) or topic.removeprefix(own).startswith(("answer", "command/answer"))
