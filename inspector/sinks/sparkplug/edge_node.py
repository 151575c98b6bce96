"""A Sparkplug edge node with one device: what its messages say, and how they are numbered. It sends nothing itself."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from inspector import __version__
from inspector.inspection import Inspection, StationState, utc_now
from inspector.sinks.sparkplug import device
from inspector.sinks.sparkplug.birth_number import BirthNumber
from inspector.sinks.sparkplug.payload import DataType, Definition, Metric, decode, encode

NAMESPACE: Final = "spBv1.0"
NUMBERS: Final = 256
"""``seq`` counts the messages of a session from 0, and returns to 0 after 255."""

BIRTH_NUMBER: Final = Definition("bdSeq", DataType.INT64)
REBIRTH: Final = Definition("Node Control/Rebirth", DataType.BOOLEAN)
STATE: Final = Definition("state", DataType.STRING, alias=1)
DROPPED: Final = Definition("dropped", DataType.UINT64, alias=2)
VERSION: Final = Definition("Properties/Version", DataType.STRING, alias=3)


@dataclass(frozen=True, slots=True)
class Message:
    """What to publish: never retained."""

    topic: str
    payload: bytes
    qos: int = 0


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """What the node says of itself: what its station does, and how many results were given up since the start."""

    state: StationState
    dropped: int = 0


def _now_ms() -> int:
    return round(utc_now().timestamp() * 1000)


class EdgeNode:
    """Makes the messages of edge node ``group``/``name``, whose one device is ``device``.

    Each call takes the next ``seq``, so that messages must be sent in the order in which they were made.
    Not for several threads at once.
    """

    def __init__(
        self, group: str, name: str, device: str, birth_number: BirthNumber, now_ms: Callable[[], int] = _now_ms
    ) -> None:
        self._group, self._name, self._device = group, name, device
        self._birth_numbers = birth_number
        self._birth_number = 0
        self._seq = 0
        self._now_ms = now_ms

    @property
    def commands(self) -> str:
        """The topic of commands to this node."""
        return self._topic("NCMD")

    @property
    def unused(self) -> str:
        """A topic of this node that nobody subscribes to."""
        return self._topic("BARRIER")

    def will(self) -> Message:
        """The last will of the next CONNECT: NDEATH, with a new bdSeq."""
        self._birth_number = self._birth_numbers.next()
        return self.death()

    def death(self) -> Message:
        """NDEATH: a single metric, no ``seq``."""
        now_ms = self._now_ms()
        return Message(self._topic("NDEATH"), encode([self._bd_seq(now_ms)], now_ms, birth=True), qos=1)

    def birth(self, status: NodeStatus) -> Message:
        """NBIRTH, which begins a new count of ``seq``."""
        self._seq = 0
        now_ms = self._now_ms()
        controls = [self._bd_seq(now_ms), Metric(REBIRTH, value=False, timestamp_ms=now_ms)]
        metrics = [*controls, *_metrics_of(status, now_ms), Metric(VERSION, __version__, now_ms)]
        return self._message("NBIRTH", metrics, now_ms, birth=True)

    def data(self, status: NodeStatus) -> Message:
        """NDATA: what may have changed of the node itself."""
        now_ms = self._now_ms()
        return self._message("NDATA", _metrics_of(status, now_ms), now_ms)

    def device_birth(self, last: Inspection | None) -> Message:
        """DBIRTH: the present values are those of the last inspection."""
        now_ms = self._now_ms()
        metrics = device.values_of(last, historical=False) if last else device.nothing_yet(now_ms)
        return self._message("DBIRTH", metrics, now_ms, of_device=True, birth=True)

    def device_data(self, inspection: Inspection, *, historical: bool) -> Message:
        """DDATA: one inspection, as it happened or ``historical``."""
        metrics = device.values_of(inspection, historical=historical)
        return self._message("DDATA", metrics, self._now_ms(), of_device=True)

    def device_death(self) -> Message:
        """DDEATH: the camera is lost."""
        return self._message("DDEATH", [], self._now_ms(), of_device=True)

    def _topic(self, kind: str) -> str:
        return f"{NAMESPACE}/{self._group}/{kind}/{self._name}"

    def _bd_seq(self, now_ms: int) -> Metric:
        return Metric(BIRTH_NUMBER, self._birth_number, now_ms)

    def _message(
        self, kind: str, metrics: Iterable[Metric], now_ms: int, *, of_device: bool = False, birth: bool = False
    ) -> Message:
        seq, self._seq = self._seq, (self._seq + 1) % NUMBERS
        topic = f"{self._topic(kind)}/{self._device}" if of_device else self._topic(kind)
        return Message(topic, encode(metrics, now_ms, seq, birth=birth))


def _metrics_of(status: NodeStatus, now_ms: int) -> list[Metric]:
    return [Metric(STATE, str(status.state), now_ms), Metric(DROPPED, status.dropped, now_ms)]


def asks_for_rebirth(payload: bytes) -> bool:
    """Whether an NCMD says ``Node Control/Rebirth: true``. Raises ValueError for what is no Sparkplug payload."""
    return any(each.name == REBIRTH.name and each.boolean_value for each in decode(payload).metrics)
