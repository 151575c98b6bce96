"""MQTT control packets as they cross the wire, read here from the standard's tables and by no library."""

from dataclasses import dataclass, field

NAMES = {
    1: "CONNECT", 2: "CONNACK", 3: "PUBLISH", 4: "PUBACK", 8: "SUBSCRIBE", 9: "SUBACK", 10: "UNSUBSCRIBE",
    11: "UNSUBACK", 12: "PINGREQ", 13: "PINGRESP", 14: "DISCONNECT",
}  # fmt: skip


@dataclass
class Packet:
    kind: str
    topic: str = ""
    payload: bytes = b""
    qos: int = 0
    retain: bool = False
    will: "Packet | None" = None
    clean: bool = False
    session_expiry_s: int | None = None
    version: int = 0
    reason: int = 0
    topics: list[tuple[str, int]] = field(default_factory=list)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def text(self):
        return self.take(self.number(2))

    def varint(self):
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    @property
    def left(self):
        return len(self.data) - self.at


class Parser:
    """Turns one client's stream into packets. ``version`` is known from its CONNECT on."""

    def __init__(self):
        self._buffer = b""
        self._version = 0

    def feed(self, data):
        self._buffer += data
        while packet := self._next():
            yield packet

    def _next(self):
        reader = Reader(self._buffer)
        if len(self._buffer) < 2:
            return None
        head = reader.number(1)
        if not any(byte < 0x80 for byte in self._buffer[1:5]):
            return None
        size = reader.varint()
        if reader.left < size:
            return None
        body = Reader(reader.take(size))
        self._buffer = self._buffer[reader.at :]
        kind = NAMES[head >> 4]
        return getattr(self, f"_{kind.lower()}", lambda *_: Packet(kind))(head, body)

    def _properties(self, body):
        """Only those that are asked for: a CONNECT's Session Expiry Interval, identifier 17, where it comes first."""
        if self._version < 5:
            return None
        properties = Reader(body.take(body.varint()))
        return properties.number(4) if properties.left and properties.number(1) == 17 else None

    def _connect(self, _head, body):
        assert body.text() == b"MQTT"
        self._version = body.number(1)
        flags = body.number(1)
        body.number(2)
        expiry_s = self._properties(body)
        body.text()
        will = None
        if flags & 0x04:
            self._properties(body)
            topic, payload = body.text().decode(), body.text()
            will = Packet("WILL", topic, payload, qos=flags >> 3 & 3, retain=bool(flags & 0x20))
        return Packet("CONNECT", will=will, clean=bool(flags & 0x02), session_expiry_s=expiry_s, version=self._version)

    def _publish(self, head, body):
        qos = head >> 1 & 3
        topic = body.text().decode()
        if qos:
            body.number(2)
        self._properties(body)
        return Packet("PUBLISH", topic, body.take(body.left), qos=qos, retain=bool(head & 1))

    def _subscribe(self, _head, body):
        body.number(2)
        self._properties(body)
        topics = []
        while body.left:
            topics.append((body.text().decode(), body.number(1) & 3))
        return Packet("SUBSCRIBE", topics=topics)

    def _disconnect(self, _head, body):
        return Packet("DISCONNECT", reason=body.number(1) if body.left else 0)
