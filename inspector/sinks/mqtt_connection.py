"""One MQTT connection as a session sees it: about to connect, connected, lost. Each trouble is said once."""

import logging
import socket
import sys
from collections.abc import Callable
from threading import Lock, Thread, current_thread
from typing import Any, Final, Protocol

import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode

from inspector.sinks.mqtt_trouble import Broker, Episode

log = logging.getLogger(__name__)

LEAVE_S: Final = 0.5
"""How long ``leave`` waits for the connection to end."""


def without_delay(connection: Any) -> None:
    """Switch Nagle's algorithm off: with delayed acknowledgements it makes a round trip about 80 ms, without 1.5."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Session(Protocol):
    """What is told of the connection, always by paho's network thread."""

    def connecting(self) -> None:
        """A CONNECT goes out next: the moment to set its last will."""

    def connected(self) -> None:
        """The broker has taken the CONNECT."""

    def disconnected(self) -> None:
        """There is no connection: an attempt failed, it was lost, or it was left."""


class Connection:
    """Keeps one client connected until it is told to leave.

    ``connect`` tells the client where to, and how; ``goodbye`` is the reason in its DISCONNECT, which MQTT 5 alone has.
    """

    def __init__(
        self,
        client: paho.Client,
        broker: Broker,
        connect: Callable[[paho.Client], None],
        goodbye: ReasonCode | None = None,
    ) -> None:
        self._client = client
        self._broker = broker
        self._connect = connect
        self._goodbye = goodbye
        self._trouble = Episode(broker.station)
        self._up = self._answered = self._leaving = self._again = False
        self._turn = Lock()

    def start(self, session: Session) -> None:
        """Connect in the background, and report to ``session`` from now on."""
        self._session = session
        client = self._client
        client.on_socket_open = self._on_socket_open
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        self._connect(client)
        client.loop_start()

    def renew(self) -> None:
        """Send DISCONNECT and connect anew, without waiting."""
        self._again = True
        self._client.disconnect(self._goodbye)

    def leave(self) -> None:
        """Send DISCONNECT after all that was published, and wait a moment for the connection to end."""
        with self._turn:
            self._leaving = True
        self._client.disconnect(self._goodbye)
        # loop_stop waits for an attempt to connect, which can outlast the time to stop; that attempt ends by itself.
        stopper = Thread(target=self._client.loop_stop, name="mqtt-stop", daemon=True)
        stopper.start()
        stopper.join(LEAVE_S)

    # paho's network thread calls everything below.

    def _on_socket_open(self, _c: paho.Client, _u: Any, connection: Any) -> None:
        self._answered = False
        without_delay(connection)
        self._session.connecting()

    def _on_connect(self, client: paho.Client, _u: Any, _f: Any, reason: ReasonCode, _p: Any) -> None:
        self._answered = True
        if self._leaving:  # by an attempt that ``leave`` did not wait for
            client.disconnect()
        elif reason.is_failure:
            self._trouble.tell(logging.ERROR, self._broker.refused(str(reason)))
        else:
            self._up = True
            self._trouble.end()
            log.info("connected to %s", self._broker.address, extra={"station": self._broker.station})
            self._session.connected()

    def _on_connect_fail(self, _c: paho.Client, _u: Any) -> None:
        self._session.disconnected()
        # paho calls this while it handles the exception, and does not hand it over.
        self._trouble.tell(logging.ERROR, self._broker.unreachable(sys.exception()))

    def _on_disconnect(self, _c: paho.Client, _u: Any, _f: Any, reason: ReasonCode, _p: Any) -> None:
        was_up, self._up = self._up, False
        self._session.disconnected()
        if self._leaving:
            return
        if self._again:
            # paho ends this thread after a DISCONNECT of ours, and only another one can start the next.
            Thread(target=self._connect_again, args=(current_thread(),), name="mqtt-again", daemon=True).start()
        elif was_up:
            self._trouble.tell(logging.WARNING, self._broker.lost(str(reason)))
        elif not self._answered:
            self._trouble.tell(logging.ERROR, self._broker.silent())

    def _connect_again(self, before: Thread) -> None:
        before.join()
        with self._turn:
            self._again = False
            if not self._leaving:
                # What the last session left unacknowledged has no place in the next one.
                self._client.drop_out_messages()
                self._connect(self._client)
                self._client.loop_start()
