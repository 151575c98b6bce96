"""Whether each broker takes the stations' credentials, and how long the certificates last."""

import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import Final
from uuid import uuid4

import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode

from inspector.doctor.findings import Finding, Subject, bad, good, unclear
from inspector.errors import ConfigError
from inspector.sinks.mqtt_certificates import ends_s
from inspector.sinks.mqtt_settings import BrokerSettings, TlsSettings

ANSWER_WITHIN_S: Final = 5.0
RENEW_DAYS: Final = 30
"""Prometheus' alert InspectorCertificateEnds comes at the same time."""

CREDENTIALS: Final = Path("/run/credentials")


def look_at_brokers(subject: Subject) -> Iterator[Finding]:
    """One finding for each broker of each station, and one for each certificate."""
    for station in subject.config.stations:
        for sink in subject.config.sinks_of(station):
            if isinstance(sink, BrokerSettings):
                yield from _look_at(f"{station.name}: {sink.kind}", sink)


def _look_at(about: str, sink: BrokerSettings) -> Iterator[Finding]:
    where = f"{sink.host}:{sink.port}"
    if missing := _credentials_of_a_stopped_unit(sink):
        yield unclear(about, f"{where} not tried: {missing} is there only while the unit runs", "look again then")
        return
    if sink.tls:
        yield from _own(about, sink.tls)
    try:
        # A name of its own: a broker would push the station out for a second client of the same name.
        client = sink.client(f"inspector-doctor-{uuid4().hex[:8]}")
        answer: Queue[ReasonCode] = Queue()
        client.on_connect = lambda _c, _u, _f, reason, _p: answer.put(reason)
        client.connect_timeout = ANSWER_WITHIN_S
        client.connect(sink.host, sink.port)
    except ConfigError as error:
        yield bad(about, str(error), "see the message")
        return
    except ssl.SSLError as error:
        yield bad(about, f"{where}: no TLS with it: {error}", "is it the right port, ca_file and host name?")
        return
    except OSError as error:
        yield bad(about, f"{where} cannot be reached: {error}", "is the broker running, and the firewall open?")
        return
    client.loop_start()
    try:
        yield _answered(about, where, sink.username, answer)
        yield from _shown(about, client)
    finally:
        client.disconnect()
        client.loop_stop()


def _own(about: str, tls: TlsSettings) -> Iterator[Finding]:
    """Of several authorities the last to end counts, of the station's own chain the first."""
    for file, choose in ((tls.ca_file, max), (tls.cert_file, min)):
        if file:
            with suppress(OSError, ValueError):  # a file that cannot be used is told when TLS needs it
                yield _lasting(f"{about}: {file.name}", choose(ends_s(file)))


def _answered(about: str, where: str, username: str | None, answer: Queue[ReasonCode]) -> Finding:
    try:
        reason = answer.get(timeout=ANSWER_WITHIN_S)
    except Empty:
        # Some brokers hang up on a client whose certificate they do not want, and say nothing.
        advice = "is it an MQTT broker, and does it know this certificate?"
        return bad(about, f"{where} takes the connection and says nothing", advice)
    if reason.is_failure:
        return bad(about, f"{where} refuses: {reason}", "check username, password_file and the broker's list of users")
    return good(about, f"{where} takes these credentials" + (f", user {username}" if username else ""))


def _shown(about: str, client: paho.Client) -> Iterator[Finding]:
    connection = client.socket()
    shown = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    if shown:
        yield _lasting(f"{about}: broker's certificate", ssl.cert_time_to_seconds(str(shown["notAfter"])))


def _lasting(about: str, end_s: float) -> Finding:
    days = (end_s - time.time()) / 86_400
    if days < 0:
        return bad(about, f"ended {-days:.0f} days ago", "make-certificates renew, and take it to its device")
    if days < RENEW_DAYS:
        return bad(about, f"ends in {days:.0f} days", "make-certificates renew, and take it to its device")
    return good(about, f"good for {days:.0f} days")


def _credentials_of_a_stopped_unit(sink: BrokerSettings) -> Path | None:
    files = (sink.password_file, *((sink.tls.cert_file, sink.tls.key_file) if sink.tls else ()))
    return next((file for file in files if file and file.is_relative_to(CREDENTIALS) and not file.exists()), None)
