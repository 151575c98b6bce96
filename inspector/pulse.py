"""What a station does by the clock: answer triggers whose deadline has come, and say each second that it lives."""

import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Final

from inspector.alarms import Alarms
from inspector.desk import Desk
from inspector.health import Heartbeats
from inspector.inspection import Reason, Sink, StationState, utc_now
from inspector.plc import HeartbeatMessage, Link, Trigger

BEAT_S: Final = 1.0
LONGEST_SILENCE_S: Final = 30.0
"""A pulse that has not come round for this long hangs: a disk that stalls is the slowest of what it waits for."""


class Pulse:
    """One thread a station. ``answer`` answers an overdue trigger, ``state`` tells what the station is doing."""

    def __init__(
        self,
        station: str,
        *,
        desk: Desk,
        sinks: Mapping[str, Sink],
        answer: Callable[[Trigger, Reason], None],
        state: Callable[[], StationState],
        watches: tuple[Callable[[], None], ...],
        health: Heartbeats,
    ) -> None:
        self.name = f"{station}-pulse"
        self._desk = desk
        self._links = [sink for sink in sinks.values() if isinstance(sink, Link)]
        self._answer = answer
        self._state = state
        self._watches = watches
        self._health = health
        self._counter = 0
        self._next_beat_s = 0.0

    def run(self, stop: Event) -> None:
        """Go on until ``stop`` is set, or the station has stopped: what it leaves behind nobody keeps any more."""
        self._health.expect(self.name, LONGEST_SILENCE_S)
        try:
            while not stop.is_set() and self._state() is not StationState.STOPPED:
                self._health.beat(self.name)
                for trigger, reason in self._desk.claim_overdue():
                    self._answer(trigger, reason)
                if time.monotonic() >= self._next_beat_s:
                    self._beat()
                self._desk.wait_for_deadline(max(0.0, self._next_beat_s - time.monotonic()))
        finally:
            self._health.forget(self.name)

    def _beat(self) -> None:
        self._next_beat_s = time.monotonic() + BEAT_S
        for watch in self._watches:
            watch()
        beat = HeartbeatMessage(counter=self._counter, state=self._state(), ready=self._desk.ready, at=utc_now())
        self._counter += 1
        for link in self._links:
            link.beat(beat)


class SinkWatch:
    """Raises ``sink_degraded`` while a broker has been away for longer than ``limit_s``."""

    def __init__(self, alarms: Alarms, is_up: Mapping[str, Callable[[], bool]], limit_s: float) -> None:
        self._alarms = alarms
        self._is_up = is_up
        self._limit_s = limit_s
        self._seen_s = dict.fromkeys(is_up, time.monotonic())

    def __call__(self) -> None:
        """Look once."""
        now_s = time.monotonic()
        self._seen_s |= {name: now_s for name, is_up in self._is_up.items() if is_up()}
        away = [name for name, seen_s in self._seen_s.items() if now_s - seen_s > self._limit_s]
        if away:
            self._alarms.raise_("sink_degraded", f"{', '.join(away)} has been away for {self._limit_s:g} s")
        else:
            self._alarms.relieve("sink_degraded")


class DiskWatch:
    """Raises ``record_degraded`` while the disk does not take the record's rows, and what it did before ``begin``."""

    def __init__(self) -> None:
        self._alarms: Alarms | None = None
        self._trouble: str | None = None

    def begin(self, alarms: Alarms) -> None:
        """From now on there are alarms to be raised."""
        self._alarms = alarms
        self(self._trouble)

    def __call__(self, trouble: str | None) -> None:
        """What the record says: a trouble, or None when it is over."""
        self._trouble = trouble
        if self._alarms and trouble:
            self._alarms.raise_("record_degraded", trouble)
        elif self._alarms:
            self._alarms.relieve("record_degraded")


class ArchiveWatch:
    """Raises ``archive_degraded`` while the disk does not take the archive's pictures; ``look`` says what is wrong."""

    def __init__(self, alarms: Alarms, look: Callable[[], str | None]) -> None:
        self._alarms = alarms
        self._look = look

    def __call__(self) -> None:
        """Look once."""
        trouble = self._look()
        if trouble:
            self._alarms.raise_("archive_degraded", trouble)
        else:
            self._alarms.relieve("archive_degraded")
