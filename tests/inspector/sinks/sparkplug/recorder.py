"""A TCP proxy before the broker that keeps every packet of its clients, and can swallow them or cut them off.

``held``: what a client says is kept and goes no further. ``deaf``: what the broker says waits until ``let_hear``.
"""

import contextlib
import socket
from dataclasses import dataclass
from threading import Condition, Thread

from tests.inspector.sinks.sparkplug.packets import Packet, Parser


@dataclass
class Event:
    """A packet from a client, or a note of the test: ``packet.kind`` is NOTE, and its topic the text."""

    connection: int
    packet: Packet


class Recorder:
    def __init__(self, broker_port):
        self.events = []
        self.held = False
        self.deaf = False
        self._broker_port = broker_port
        self._changed = Condition()
        self._connections = 0
        self._open = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def note(self, text):
        self._append(self._connections, Packet("NOTE", text))

    def wait(self, condition, what, timeout_s=20.0):
        """Until ``condition(events)`` holds."""
        with self._changed:
            found = self._changed.wait_for(lambda: condition(self.events), timeout_s)
            assert found, (
                f"waited in vain for {what}; got {[(each.packet.kind, each.packet.topic) for each in self.events]}"
            )

    def wait_for(self, kind, count=1, since=None):
        """Until as many messages (NBIRTH …) or packets (CONNECT …) of the kind went by, perhaps since a note."""
        self.wait(lambda _: len(self.of(kind, since)) >= count, f"{count} x {kind} since {since}")
        return self.of(kind, since)

    def of(self, kind, since=None):
        """The events of a kind of message or packet, all or those since the note."""
        events = self.since(since) if since else self.events
        return [each for each in events if kind in {each.packet.kind, kind_of(each.packet)}]

    def since(self, note):
        place = next(i for i, each in enumerate(self.events) if (each.packet.kind, each.packet.topic) == ("NOTE", note))
        return self.events[place + 1 :]

    def cut(self):
        """End every connection without a goodbye, as a pulled cable does."""
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def let_hear(self):
        """End ``deaf``: what the broker said meanwhile reaches the client now."""
        with self._changed:
            self.deaf = False
            self._changed.notify_all()

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        self.cut()

    def _append(self, connection, packet):
        with self._changed:
            self.events.append(Event(connection, packet))
            self._changed.notify_all()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    broker = socket.create_connection(("127.0.0.1", self._broker_port))
                except OSError:
                    client.close()
                    continue
                self._connections += 1
                self._open = [client, broker]
                number = self._connections
                Thread(target=self._pump, args=(client, broker, number, True), daemon=True).start()
                Thread(target=self._pump, args=(broker, client, number, False), daemon=True).start()

    def _pump(self, source, sink, number, from_client):
        """Pass on what ``source`` says, and keep it: all of a client, and of the broker that a subscription stands."""
        parser = Parser()
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                for packet in parser.feed(data):
                    if from_client or packet.kind == "SUBACK":
                        self._append(number, packet)
                if not from_client:
                    with self._changed:
                        self._changed.wait_for(lambda: not self.deaf)
                if not (from_client and self.held):
                    sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def kind_of(packet):
    """NBIRTH, DDATA …, of a message; empty for other packets."""
    levels = packet.topic.split("/")
    return levels[2] if packet.kind == "PUBLISH" and len(levels) > 3 else ""
