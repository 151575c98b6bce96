"""Verdicts over MQTT 5 or 3.1.1, one connection for each station, so that each has a last will of its own.

Topics below ``<prefix>/<station>/``, JSON, QoS 1 but for the heartbeat: ``result``, every ``Inspection``; ``answer``,
the one that answers a trigger, live or never; ``acknowledge``, ``heartbeat``, ``command/answer``; and retained
``state``, with a last will, and ``alarm/<name>``. Heard are ``trigger`` and ``command``. See ``inspector.plc``.
"""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator

from inspector.sinks.mqtt_connection import Connection
from inspector.sinks.mqtt_settings import BrokerSettings, plain_topic
from inspector.sinks.mqtt_sink import MqttSink

IN_FLIGHT: Final = 10
"""Messages sent and not yet acknowledged. paho does not look at the Receive Maximum that a broker grants under MQTT 5;
this is the smallest that is common (HiveMQ's), and keeps a local broker busy all the same."""


class MqttSettings(BrokerSettings):
    """``kind: mqtt``: an MQTT broker."""

    kind: Literal["mqtt"] = "mqtt"
    prefix: Annotated[str, AfterValidator(plain_topic)] = "inspector"
    """First levels of every topic."""

    def open(self, station: str) -> MqttSink:
        """Connects in the background: the broker need not be there yet.

        Raises ConfigError for unusable files, or a station name that no topic can hold.
        """
        broker = self.broker(station, f"inspector-{station}")
        client = self.client(broker.client_id)
        self.show_certificates(station)
        client.max_inflight_messages_set(IN_FLIGHT)
        connection = Connection(client, broker, lambda it: it.connect_async(self.host, self.port, self.keepalive_s))
        topic = f"{self.prefix}/{station}"
        return MqttSink(client, connection, broker, topic, knows_properties=self.version == "5")
