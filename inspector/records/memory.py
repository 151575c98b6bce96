"""What stands in for the record where none is kept: numbers, and what waits for a broker, for as long as we live."""

import logging
from collections.abc import Iterable, Sequence
from itertools import islice
from threading import Lock
from typing import Any, Final

from inspector import metrics
from inspector.inspection import Inspection

log = logging.getLogger(__name__)

MOST_WAITING: Final = 10_000
"""Inspections that wait for one receiver; the oldest are dropped, and counted, to make room."""


class MemoryRecord:
    """See ``Record``. Numbers from 0, remembers only what ``receivers`` have not got, and forgets that at the end."""

    def __init__(self, station: str, receivers: Sequence[str] = (), limit: int = MOST_WAITING) -> None:
        self._station = station
        self._limit = limit
        self._lock = Lock()
        self._sequence = 0
        self._waiting: dict[str, dict[int, str]] = {receiver: {} for receiver in receivers}
        self._full: set[str] = set()

    def append(self, draft: Inspection) -> Inspection:
        """See ``Record``."""
        with self._lock:
            inspection = draft.model_copy(update={"sequence": self._sequence})
            self._sequence += 1
            for receiver, waiting in self._waiting.items():
                waiting[inspection.sequence] = inspection.model_dump_json()
                self._make_room(receiver, waiting)
        return inspection

    def note(self, kind: str, payload: dict[str, Any]) -> None:
        """Only in the log, for who looks closely: what matters of it is said elsewhere."""
        log.debug("%s: %s", kind, payload, extra={"station": self._station})

    def notes(self, kind: str, limit: int = 100) -> list[dict[str, Any]]:  # noqa: ARG002 - see above
        """None is kept."""
        return []

    def answer_to(self, trigger_id: str) -> Inspection | None:  # noqa: ARG002 - see below
        """Nothing is known of an earlier life."""
        return None

    def backlog(self, receiver: str, after: int, limit: int) -> list[tuple[int, str]]:
        """See ``Outbox``."""
        with self._lock:
            beyond = ((sequence, text) for sequence, text in self._waiting[receiver].items() if sequence > after)
            return list(islice(beyond, limit))

    def delivered(self, receiver: str, sequences: Iterable[int]) -> None:
        """See ``Outbox``."""
        with self._lock:
            for sequence in sequences:
                self._waiting[receiver].pop(sequence, None)
            self._full.discard(receiver)

    def newest(self) -> int:
        """See ``Outbox``."""
        return self._sequence - 1

    def close(self) -> None:
        """Say what is lost with us."""
        with self._lock:
            for receiver, waiting in self._waiting.items():
                if waiting:
                    metrics.OUTBOX_DROPPED.labels(self._station, receiver).inc(len(waiting))
                    log.warning(
                        "%d results never reached %s and are lost; with `record:` they would wait for the next start",
                        len(waiting),
                        receiver,
                        extra={"station": self._station},
                    )
                waiting.clear()

    def _make_room(self, receiver: str, waiting: dict[int, str]) -> None:
        if len(waiting) <= self._limit:
            return
        del waiting[next(iter(waiting))]
        metrics.OUTBOX_DROPPED.labels(self._station, receiver).inc()
        if receiver not in self._full:
            self._full.add(receiver)
            log.error(
                "%d results wait for %s: the oldest are lost from now on; bring it back, or configure `record:`",
                self._limit,
                receiver,
                extra={"station": self._station},
            )
