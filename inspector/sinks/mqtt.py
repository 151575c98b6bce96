"""Verdicts over MQTT 5 or 3.1.1, one connection for each station, so that each has a last will of its own.

Topics: ``<prefix>/<station>/result``, QoS 1, not retained, an ``Inspection`` as JSON; ``<prefix>/<station>/state``,
QoS 1, retained, with a last will, so that a subscriber who comes later knows at once whether the station lives.
"""

import json
import logging
import socket
import ssl
from pathlib import Path
from threading import Condition
from typing import Annotated, Any, Final, Literal

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import AfterValidator, Field, PositiveInt

from inspector import metrics
from inspector.errors import ConfigError, SinkError
from inspector.inspection import Inspection, StationState, utc_now
from inspector.settings import ConfigPath, Settings

log = logging.getLogger(__name__)

SINK: Final = "mqtt"
FLUSH_S: Final = 1.0
"""How long ``close`` waits for the broker to acknowledge what is in hand."""

VERSIONS: Final = {"5": paho.MQTTv5, "3.1.1": paho.MQTTv311}


def _plain_topic(prefix: str) -> str:
    if not prefix or prefix.startswith(("$", "/")) or prefix.endswith("/") or set(prefix) & set("+#\0"):
        raise ValueError("must not be empty, hold + # or NUL, start with $ or /, or end with /")
    return prefix


class TlsSettings(Settings):
    """The broker's certificate is always verified, its host name included."""

    ca_file: ConfigPath
    """Certificates of the authority that signed the broker's, PEM."""
    cert_file: ConfigPath | None = None
    """The station's own certificate, PEM, where the broker asks for one."""
    key_file: ConfigPath | None = None
    """The private key of ``cert_file``, PEM, without a pass phrase."""

    def context(self) -> ssl.SSLContext:
        """Raises ConfigError, naming the files, when they cannot be used."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file:
                context.load_cert_chain(self.cert_file, self.key_file)
        except OSError as error:
            files = ", ".join(str(file) for file in (self.ca_file, self.cert_file, self.key_file) if file)
            raise ConfigError(f"mqtt.tls: cannot use {files}: {error}") from error
        return context


class MqttSettings(Settings):
    """``kind: mqtt``: an MQTT broker."""

    kind: Literal["mqtt"] = "mqtt"
    host: str = "127.0.0.1"
    """The broker's name or address."""
    port: int = Field(default=1883, ge=1, le=65535)
    """The broker's TCP port; 8883 is usual with TLS."""
    prefix: Annotated[str, AfterValidator(_plain_topic)] = "inspector"
    """First levels of every topic."""
    version: Literal["5", "3.1.1"] = "5"
    """Protocol version."""
    client_id: str | None = None
    """Client identifier; without it ``inspector-<station>``. Two clients of one id push each other out."""
    username: str | None = None
    """User name, where the broker asks for one."""
    password_file: ConfigPath | None = None
    """File whose only line is the password; nobody but the daemon should be able to read it."""
    tls: TlsSettings | None = None
    """Encrypt the connection."""
    keepalive_s: PositiveInt = 10
    """The broker publishes the last will after one and a half times this silence."""
    queue_size: PositiveInt = 1000
    """Most messages that wait for a broker that is away; further ones are refused and counted."""

    def open(self, station: str) -> "MqttSink":
        """Connects in the background: the broker need not be there yet. Raises ConfigError for unusable files."""
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.client_id or f"inspector-{station}",
            protocol=VERSIONS[self.version],
        )
        client.max_queued_messages_set(self.queue_size)
        client.reconnect_delay_set(min_delay=1, max_delay=30)
        if self.username is not None:
            client.username_pw_set(self.username, _password(self.password_file) if self.password_file else None)
        if self.tls:
            client.tls_set_context(self.tls.context())
        sink = MqttSink(station, client, f"{self.prefix}/{station}", f"{self.host}:{self.port}")
        client.connect_async(self.host, self.port, self.keepalive_s)
        client.loop_start()
        return sink


def _password(file: Path) -> str:
    try:
        if file.stat().st_mode & 0o004:
            log.warning("%s can be read by everybody: chmod o-r it", file)
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"mqtt.password_file: cannot read {file}: {error}") from error


class MqttSink:
    """Publishes one station's results; paho's own thread does the sending.

    While the broker is away, results wait in paho's queue with their original times and are sent in order on its
    return. ``topic`` is ``<prefix>/<station>``, ``broker`` a name for messages.
    """

    def __init__(self, station: str, client: paho.Client, topic: str, broker: str) -> None:
        self._station = station
        self._client = client
        self._topic = topic
        self._broker = broker
        self._state = StationState.STARTING
        self._changed = Condition()
        self._in_hand: set[int] = set()
        self._early: set[int] = set()
        self._connected = False
        self._closed = False
        self._complaint = ""
        client.on_socket_open = _without_delay
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.will_set(f"{topic}/state", _state_message(StationState.OFFLINE), qos=1, retain=True)
        self._up = metrics.SINK_UP.labels(station, SINK)
        self._up.set(0)

    def publish(self, inspection: Inspection) -> None:
        """Queue the result. Raises SinkError when the queue is full or the sink is closed."""
        self._send("result", inspection.model_dump_json(), retain=False)

    def announce(self, state: StationState) -> None:
        """Publish and retain the state, now and after each reconnection."""
        self._state = state
        if self._connected and not self._closed:
            self._send("state", _state_message(state), retain=True)

    def close(self) -> None:
        """Wait up to a second for what is in hand, then disconnect cleanly, so that no last will is published."""
        if self._closed:
            return
        self._closed = True
        with self._changed:
            self._changed.wait_for(lambda: not self._in_hand or not self._connected, FLUSH_S)
            waiting = len(self._in_hand)
        if waiting:
            log.warning("%d results were not acknowledged by %s", waiting, self._broker, extra=self._extra)
        # The network thread ends by itself on a disconnect; joining it could wait for a connection attempt.
        self._client.disconnect()
        with self._changed:
            self._changed.wait_for(lambda: not self._connected, FLUSH_S)
        self._up.set(0)

    @property
    def _extra(self) -> dict[str, str]:
        return {"station": self._station}

    def _send(self, leaf: str, payload: str, *, retain: bool) -> None:
        if self._closed:
            raise SinkError(f"the MQTT sink to {self._broker} is closed")
        sent = self._client.publish(f"{self._topic}/{leaf}", payload, qos=1, retain=retain)
        if sent.rc == paho.MQTT_ERR_QUEUE_SIZE:
            raise SinkError(f"{self._broker} is away and the queue is full: a message for {self._topic}/{leaf} is lost")
        with self._changed:
            # The acknowledgement may have been faster than this line.
            if sent.mid in self._early:
                self._early.discard(sent.mid)
            else:
                self._in_hand.add(sent.mid)

    def _on_publish(self, _c: paho.Client, _u: Any, mid: int, reason: ReasonCode, _p: Any) -> None:
        with self._changed:
            if mid in self._in_hand:
                self._in_hand.discard(mid)
            else:
                self._early.add(mid)
            self._changed.notify_all()
        if reason.is_failure:
            metrics.SINK_ERRORS.labels(self._station, SINK).inc()
            self._complain(f"{self._broker} refused a message on {self._topic}: {reason}; correct its access list")

    def _on_connect(self, _c: paho.Client, _u: Any, _f: Any, reason: ReasonCode, _p: Any) -> None:
        if reason.is_failure:
            self._complain(f"{self._broker} refused the connection: {reason}; check user name and password_file")
            return
        self._set_connected(connected=True)
        self._complaint = ""
        log.info("connected to %s", self._broker, extra=self._extra)
        self.announce(self._state)

    def _on_connect_fail(self, _c: paho.Client, _u: Any) -> None:
        self._complain(f"cannot connect to {self._broker}: is it running? check host, port and tls; retrying")

    def _on_disconnect(self, _c: paho.Client, _u: Any, _f: Any, reason: ReasonCode, _p: Any) -> None:
        if self._connected and not self._closed:
            log.warning("lost %s: %s; results wait", self._broker, reason, extra=self._extra)
        self._set_connected(connected=False)

    def _set_connected(self, *, connected: bool) -> None:
        with self._changed:
            self._connected = connected
            self._changed.notify_all()
        self._up.set(int(connected))

    def _complain(self, message: str) -> None:
        """Log a trouble when it begins, not at each retry."""
        if message != self._complaint:
            self._complaint = message
            log.error("%s", message, extra=self._extra)


def _without_delay(_c: paho.Client, _u: Any, connection: Any) -> None:
    # Nagle's algorithm and delayed acknowledgements make a QoS 1 round trip about 80 ms; without it is about 1.5 ms.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _state_message(state: StationState) -> str:
    """The will is written at connection time, so its ``at`` is null: nobody knows when the station will die."""
    at = None if state is StationState.OFFLINE else utc_now().isoformat()
    return json.dumps({"state": state, "at": at})
