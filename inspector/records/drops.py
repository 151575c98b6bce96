"""What a sink will never get is counted each time, and said once an episode."""

import logging
from collections.abc import Iterable, Mapping

from inspector import metrics

log = logging.getLogger(__name__)


class Drops:
    """Of one station. An episode lasts from the first result that is given up until nothing waits for that sink."""

    def __init__(self, station: str, receivers: Iterable[str]) -> None:
        self._station = station
        self._episodes: dict[str, int] = {}
        for receiver in receivers:
            metrics.OUTBOX_DROPPED.labels(station, receiver)  # a counter that first appears at 1 has no rate

    def count(self, dropped: Mapping[str, int], why: str) -> None:
        """So many were given up, by receiver."""
        for receiver, count in dropped.items():
            metrics.OUTBOX_DROPPED.labels(self._station, receiver).inc(count)
            if receiver not in self._episodes:
                log.error("results for %s are given up: %s", receiver, why, extra={"station": self._station})
            self._episodes[receiver] = self._episodes.get(receiver, 0) + count

    def waiting(self, receiver: str, rows: int) -> None:
        """So many wait; none ends the episode."""
        if not rows and receiver in self._episodes:
            count = self._episodes.pop(receiver)
            log.warning("%d results for %s were given up in all", count, receiver, extra={"station": self._station})
