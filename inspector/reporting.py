"""The one door through which a station's inspections leave: numbered, recorded, answered, published, counted."""

import logging
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from ulid import ULID

from inspector import metrics
from inspector.desk import Desk
from inspector.errors import SinkError
from inspector.inspection import Inspection, Outcome, Reason, Record, Sink, StationState
from inspector.plc import Link, Trigger

log = logging.getLogger(__name__)

Observer = Callable[[Inspection], None]


class Reporter:
    """Any thread of the station may report; inspections leave one after the other, in the order of their numbers.

    ``sinks`` are the receivers by the name that metrics know them by; those that are links also carry answers.
    ``observers`` are told of every inspection after it has left.
    """

    def __init__(
        self,
        station: str,
        *,
        sinks: Mapping[str, Sink],
        record: Record,
        desk: Desk,
        observers: tuple[Observer, ...] = (),
    ) -> None:
        self._station = station
        self._sinks = sinks
        self._links = [sink for sink in sinks.values() if isinstance(sink, Link)]
        self._record = record
        self._desk = desk
        self._observers = observers
        self._leaving = Lock()
        self._closed = False

    def report(self, draft: Inspection) -> Inspection:
        """Let an inspection out that answers no trigger. Returns it with the number that it was given."""
        with self._leaving:
            inspection = self._numbered(draft)
            self._publish(inspection)
        return inspection

    def answer(self, draft: Inspection, trigger: Trigger) -> Inspection:
        """Let the one answer to a claimed trigger out; it is recorded first. Returns what was answered.

        A verdict that a stalling disk has held beyond the deadline is no answer any more: the answer is then another
        inspection, ERROR, which the record holds after it.
        """
        with self._leaving:
            inspection = self._numbered(draft)
            if inspection.outcome is not Outcome.ERROR and time.monotonic() >= trigger.deadline_s:
                metrics.VERDICTS_OVERTAKEN.labels(self._station).inc()
                log.error("a verdict was recorded too late to be an answer", extra={"station": self._station})
                self._publish(inspection)
                overtaken = {"id": str(ULID()), "outcome": Outcome.ERROR, "reason": Reason.DEADLINE}
                inspection = self._numbered(draft.model_copy(update=overtaken))
            self._desk.answered(trigger, inspection)
            self.send_answer(inspection, trigger)
            self._publish(inspection)
        return inspection

    def send_answer(self, inspection: Inspection, trigger: Trigger) -> None:
        """Send an answer that is recorded already to where this trigger came from."""
        for link in self._links:
            link.answer(inspection, trigger)

    def acknowledge(self, trigger: Trigger) -> None:
        """Say that a trigger was taken."""
        for link in self._links:
            link.acknowledge(trigger)

    def note(self, kind: str, payload: dict[str, Any]) -> None:
        """Keep in the record what else has to be accounted for. After the end, only the log hears of it."""
        with self._leaving:
            if not self._closed:
                self._record.note(kind, payload)
                return
        log.warning("too late for the record: %s %s", kind, payload, extra={"station": self._station})

    def announce(self, state: StationState) -> None:
        """Tell every sink what the station is doing now."""
        for sink in self._sinks.values():
            sink.announce(state)

    def close(self) -> None:
        """Close every sink, then the record."""
        for sink in self._sinks.values():
            sink.close()
        with self._leaving:
            if not self._closed:
                self._record.note("stop", {})
            self._closed = True
        self._record.close()

    def _numbered(self, draft: Inspection) -> Inspection:
        inspection = self._record.append(draft)
        metrics.INSPECTIONS.labels(self._station, inspection.outcome).inc()
        return inspection

    def _publish(self, inspection: Inspection) -> None:
        started_s = time.monotonic()
        for name, sink in self._sinks.items():
            try:
                sink.publish(inspection)
            except SinkError as error:
                metrics.SINK_ERRORS.labels(self._station, name).inc()
                log.error("%s", error, extra={"station": self._station})  # noqa: TRY400 - its message says it all
        metrics.STAGE_SECONDS.labels(self._station, "publish").observe(time.monotonic() - started_s)
        for observer in self._observers:
            observer(inspection)
