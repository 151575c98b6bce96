"""How a sink reaches an MQTT broker: what the settings of every kind that speaks MQTT have in common."""

import logging
import ssl
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt, model_validator

from inspector.errors import ConfigError
from inspector.settings import ConfigPath, Settings
from inspector.sinks import mqtt_certificates
from inspector.sinks.mqtt_trouble import Broker

log = logging.getLogger(__name__)

VERSIONS: Final = {"5": paho.MQTTv5, "3.1.1": paho.MQTTv311}


def plain_topic(levels: str) -> str:
    """The levels as they are. Raises ValueError where no topic can hold them.

    Source: MQTT 5.0, sections 1.5.4 (control characters) and 4.7 (wildcards, ``$`` topics).
    """
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

    def context(self, sink: str) -> ssl.SSLContext:
        """Raises ConfigError, naming the sink's kind and the files, when they cannot be used."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file:
                # Without a pass phrase given, OpenSSL would ask the terminal for one, and the daemon would hang.
                context.load_cert_chain(self.cert_file, self.key_file, password="")
        except (OSError, ValueError) as error:
            files = ", ".join(str(file) for file in (self.ca_file, self.cert_file, self.key_file) if file)
            raise ConfigError(
                f"{sink}.tls: cannot use {files}: {error}; give PEM files, the key unencrypted"
            ) from error
        return context


class BrokerSettings(Settings):
    """One broker, and who this side is to it."""

    kind: str
    """The kind of the sink; its name in messages."""
    host: Annotated[str, AfterValidator(_can_be_looked_up)] = "127.0.0.1"
    """The broker's name or address."""
    port: int = Field(default=1883, ge=1, le=65535)
    """The broker's TCP port; 8883 is usual with TLS."""
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

    @model_validator(mode="after")
    def _password_has_a_user(self) -> Self:
        if self.password_file and self.username is None:
            raise ValueError("password_file is of no use without the username that it belongs to")
        return self

    def broker(self, station: str, client_id: str) -> Broker:
        """The broker as that station meets it; ``client_id`` is for settings that name none.

        Raises ConfigError for a station name that no topic can hold.
        """
        try:
            plain_topic(station)
        except ValueError as error:
            raise ConfigError(f"station name {station!r} {error}") from error
        return Broker(station, f"{self.host}:{self.port}", self.client_id or client_id, self.username)

    def show_certificates(self, station: str) -> None:
        """Show when those that the files hold will end."""
        if self.tls:
            mqtt_certificates.show_own(station, self.kind, self.tls.ca_file, self.tls.cert_file)

    def client(self, client_id: str) -> paho.Client:
        """A client with these credentials that is not told to connect yet. Raises ConfigError for unusable files."""
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=VERSIONS[self.version])
        # A PLC's triggers stay unanswered until we are back: a long pause would outlast a short outage by far.
        client.reconnect_delay_set(min_delay=1, max_delay=5)
        if self.username is not None:
            password = _password(self.password_file, self.kind) if self.password_file else None
            client.username_pw_set(self.username, password)
        if self.tls:
            client.tls_set_context(self.tls.context(self.kind))
        return client


def _password(file: Path, sink: str) -> str:
    try:
        if file.stat().st_mode & 0o004:
            log.warning("%s can be read by everybody: chmod o-r it", file)
        password = file.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigError(f"{sink}.password_file: cannot read {file}: {error}") from error
    except UnicodeDecodeError:
        # Without its cause, which holds what was in the file.
        raise ConfigError(f"{sink}.password_file: cannot read {file}: it is no UTF-8 text") from None
    if not password:
        raise ConfigError(f"{sink}.password_file: {file} is empty; its only line must be the password")
    return password
