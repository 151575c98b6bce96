"""Verdicts over MQTT 5 or 3.1.1, one connection for each station, so that each has a last will of its own.

Topics: ``<prefix>/<station>/result``, QoS 1, not retained, an ``Inspection`` as JSON; ``<prefix>/<station>/state``,
QoS 1, retained, with a last will, so that a subscriber who comes later knows at once whether the station lives.
"""

import logging
import ssl
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt, model_validator

from inspector.errors import ConfigError
from inspector.settings import ConfigPath, Settings
from inspector.sinks.mqtt_sink import MqttSink
from inspector.sinks.mqtt_trouble import Broker

log = logging.getLogger(__name__)

VERSIONS: Final = {"5": paho.MQTTv5, "3.1.1": paho.MQTTv311}

IN_FLIGHT: Final = 10
"""Messages sent and not yet acknowledged. paho does not look at the Receive Maximum that a broker grants under MQTT 5;
this is the smallest that is common (HiveMQ's), and keeps a local broker busy all the same."""


def _plain_topic(levels: str) -> str:
    """Source: MQTT 5.0, sections 1.5.4 (control characters) and 4.7 (wildcards, ``$`` topics)."""
    if not levels or levels.startswith(("$", "/")) or levels.endswith("/") or set(levels) & set("+#\0"):
        raise ValueError("must not be empty, hold + # or NUL, start with $ or /, or end with /")
    if not levels.isprintable():
        raise ValueError("must not hold control characters: brokers close the connection on them")
    return levels


def _can_be_looked_up(host: str) -> str:
    # Looking up a name that fails here raises no OSError, which would end paho's thread for good.
    if not host.encode("idna"):
        raise ValueError("must not be empty")
    return host


def _number_as_text(version: object) -> object:
    return "5" if version == 5 else version  # what YAML makes of ``version: 5``


class TlsSettings(Settings):
    """The broker's certificate is always verified, its host name included."""

    ca_file: ConfigPath
    """Certificates of the authority that signed the broker's, PEM."""
    cert_file: ConfigPath | None = None
    """The station's own certificate, PEM, where the broker asks for one."""
    key_file: ConfigPath | None = None
    """The private key of ``cert_file``, PEM, without a pass phrase."""

    @model_validator(mode="after")
    def _key_has_a_certificate(self) -> Self:
        if self.key_file and not self.cert_file:
            raise ValueError("key_file is of no use without the cert_file that it belongs to")
        return self

    def context(self) -> ssl.SSLContext:
        """Raises ConfigError, naming the files, when they cannot be used."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file:
                # Without a pass phrase given, OpenSSL would ask the terminal for one, and the daemon would hang.
                context.load_cert_chain(self.cert_file, self.key_file, password="")
        except (OSError, ValueError) as error:
            files = ", ".join(str(file) for file in (self.ca_file, self.cert_file, self.key_file) if file)
            raise ConfigError(f"mqtt.tls: cannot use {files}: {error}; give PEM files, the key unencrypted") from error
        return context


class MqttSettings(Settings):
    """``kind: mqtt``: an MQTT broker."""

    kind: Literal["mqtt"] = "mqtt"
    host: Annotated[str, AfterValidator(_can_be_looked_up)] = "127.0.0.1"
    """The broker's name or address."""
    port: int = Field(default=1883, ge=1, le=65535)
    """The broker's TCP port; 8883 is usual with TLS."""
    prefix: Annotated[str, AfterValidator(_plain_topic)] = "inspector"
    """First levels of every topic."""
    version: Annotated[Literal["5", "3.1.1"], BeforeValidator(_number_as_text)] = "5"
    """Protocol version."""
    client_id: str | None = None
    """Client identifier; without it ``inspector-<station>``. Two clients of one id push each other out."""
    username: str | None = None
    """User name, where the broker asks for one."""
    password_file: ConfigPath | None = None
    """File whose only line is the password; nobody but the daemon should be able to read it."""
    tls: TlsSettings | None = None
    """Encrypt the connection."""
    keepalive_s: PositiveInt = Field(default=10, le=65535)
    """The broker publishes the last will after one and a half times this silence."""
    queue_size: PositiveInt = Field(default=1000, le=10_000)
    """Most messages that wait for a broker that is away; further ones are refused and counted."""

    @model_validator(mode="after")
    def _password_has_a_user(self) -> Self:
        if self.password_file and self.username is None:
            raise ValueError("password_file is of no use without the username that it belongs to")
        return self

    def open(self, station: str) -> MqttSink:
        """Connects in the background: the broker need not be there yet.

        Raises ConfigError for unusable files, or a station name that no topic can hold.
        """
        try:
            _plain_topic(station)
        except ValueError as error:
            raise ConfigError(f"station name {station!r} {error}") from error
        broker = Broker(station, f"{self.host}:{self.port}", self.client_id or f"inspector-{station}", self.username)
        return MqttSink(self._client(broker.client_id), broker, f"{self.prefix}/{station}", self.queue_size)

    def _client(self, client_id: str) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=VERSIONS[self.version])
        client.max_inflight_messages_set(IN_FLIGHT)
        client.reconnect_delay_set(min_delay=1, max_delay=30)
        if self.username is not None:
            client.username_pw_set(self.username, _password(self.password_file) if self.password_file else None)
        if self.tls:
            client.tls_set_context(self.tls.context())
        client.connect_async(self.host, self.port, self.keepalive_s)
        return client


def _password(file: Path) -> str:
    try:
        if file.stat().st_mode & 0o004:
            log.warning("%s can be read by everybody: chmod o-r it", file)
        password = file.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigError(f"mqtt.password_file: cannot read {file}: {error}") from error
    except UnicodeDecodeError:
        # Without its cause, which holds what was in the file.
        raise ConfigError(f"mqtt.password_file: cannot read {file}: it is no UTF-8 text") from None
    if not password:
        raise ConfigError(f"mqtt.password_file: {file} is empty; its only line must be the password")
    return password
