"""What a configuration says of the Sparkplug sink."""

from typing import TYPE_CHECKING, Annotated, Literal

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import AfterValidator, Field, PositiveInt

from inspector.errors import ConfigError
from inspector.settings import ConfigPath
from inspector.sinks.mqtt_connection import Connection
from inspector.sinks.mqtt_settings import BrokerSettings, plain_topic
from inspector.sinks.sparkplug.birth_number import BirthNumber

if TYPE_CHECKING:
    from inspector.sinks.sparkplug.sink import SparkplugSink


def _identifier(text: str) -> str:
    """Source: ``tck-id-topic-structure-namespace-valid-group-id`` and its likes for edge node, device and host."""
    if "/" in plain_topic(text):
        raise ValueError("must not hold /")
    return text


Identifier = Annotated[str, AfterValidator(_identifier)]


class SparkplugSettings(BrokerSettings):
    """``kind: sparkplug``: Sparkplug B 3.0. The station's name is its edge node's id."""

    kind: Literal["sparkplug"] = "sparkplug"
    client_id: str | None = None
    """Client identifier; without it ``inspector-<station>-sparkplug``. Two clients of one id push each other out."""
    group: Identifier = "inspector"
    """Group id: ``spBv1.0/<group>/DDATA/<station>/<device>``. Group and station must be unique in the plant."""
    device: Identifier = "camera"
    """Device id of the station's camera."""
    primary_host: Identifier | None = None
    """Host id of the primary host application: results wait until its STATE says that it is online. Without it they are
    sent to whoever listens."""
    queue_size: PositiveInt = Field(default=1000, le=10_000)
    """Most results that wait, for broker, host or camera; when there are more, the oldest are given up and counted."""
    state_folder: ConfigPath | None = None
    """Existing folder that remembers the number of the last session (bdSeq) over restarts; without it, each start
    counts from 0."""

    def open(self, station: str) -> "SparkplugSink":
        """Connects in the background: the broker need not be there yet.

        Raises ConfigError for unusable files or folders, or a station name that cannot be an edge node's id.
        """
        # Protocol buffers take a while to import, and not every line speaks Sparkplug.
        from inspector.sinks.sparkplug.edge_node import EdgeNode  # noqa: PLC0415
        from inspector.sinks.sparkplug.sink import SparkplugSink  # noqa: PLC0415

        broker = self.broker(station, f"inspector-{station}-sparkplug")
        if "/" in station:
            raise ConfigError(f"station name {station!r} must not hold /: it is the id of a Sparkplug edge node")
        number = BirthNumber(self.state_folder and self.state_folder / f"{self.group}-{station}.bdseq")
        client = self.client(broker.client_id)
        self.show_certificates(station)
        return SparkplugSink(
            client,
            Connection(client, broker, self._connect, self._goodbye()),
            broker,
            EdgeNode(self.group, station, self.device, number),
            primary_host=self.primary_host,
            queue_size=self.queue_size,
        )

    def _connect(self, client: paho.Client) -> None:
        """Source: ``tck-id-principles-persistence-clean-session-50``; under 3.1.1 paho's sessions are clean anyway."""
        if self.version == "5":
            session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            session.SessionExpiryInterval = 0
            client.connect_async(self.host, self.port, self.keepalive_s, clean_start=True, properties=session)
        else:
            client.connect_async(self.host, self.port, self.keepalive_s)

    def _goodbye(self) -> ReasonCode | None:
        """Source: ``tck-id-payloads-ndeath-will-message-publisher-disconnect-mqtt50``."""
        return ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message") if self.version == "5" else None
