"""Inspections as a station hands them to its record."""

from datetime import UTC, datetime, timedelta

from ulid import ULID

from inspector.inspection import Inspection, Outcome
from inspector.records import RecordSettings

STATION = "press-1"
MORNING = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


def entry(**fields):
    """An inspection that has no sequence yet."""
    known = {
        "id": str(ULID()),
        "station": STATION,
        "sequence": 0,
        "outcome": Outcome.PASS,
        "score": 4.25,
        "threshold": 6.5,
        "captured_at": MORNING,
        "timings_ms": {"acquire": 2.125, "embed": 11.25, "total": 17.5},
        "bundle": "5e1b" * 16,
    }
    return Inspection(**(known | fields))


def open_record(folder, receivers=("mqtt",), on_trouble=None, **settings):
    """A record whose clock is the test's if there is one."""
    extra = {name: settings.pop(name) for name in ("now", "most_in_memory") if name in settings}
    return RecordSettings(folder=folder, **settings).open(STATION, receivers, on_trouble, **extra)


class Clock:
    """Stands still unless it is put forward."""

    def __init__(self, now=MORNING):
        self.time = now

    def __call__(self):
        return self.time

    def forward(self, **delta):
        self.time += timedelta(**delta)
