"""A station as the daemon builds it, without a PLC, alarms or a record."""

from inspector.alarms import Alarms
from inspector.bundle import Bundle
from inspector.desk import Desk
from inspector.health import Heartbeats
from inspector.inspection import Camera, Sink
from inspector.judge import Judge
from inspector.records.memory import MemoryRecord
from inspector.reporting import Reporter
from inspector.station import OWN, Station


def station_alone(name: str, camera: Camera, bundle: Bundle, sink: Sink) -> Station:
    """Judges all that the camera gives, however long it takes, and hands it to one sink."""
    record, desk = MemoryRecord(name), Desk(queue_size=1)
    return Station(
        name,
        open_camera=lambda: camera,
        judges={OWN: Judge(name, bundle, max_latency_ms=float("inf"))},
        reporter=Reporter(name, sinks={"bench": sink}, record=record, desk=desk),
        desk=desk,
        alarms=Alarms(name, tell=lambda _: None, note=record.note),
        health=Heartbeats(),
    )
