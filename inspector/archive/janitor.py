"""Keeps the archive within its limits while the daemon runs, whether or not a timer has it pruned as well."""

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Final

from inspector import metrics
from inspector.archive.apart import prune_apart
from inspector.archive.prune import Limits, Report
from inspector.errors import ArchiveError
from inspector.inspection import Outcome, utc_now

log = logging.getLogger(__name__)

LOOK_S: Final = 10.0
"""How often the free space is looked at; that costs nothing."""

EVERY_S: Final = 600.0
"""How often the folder is gone through: a million files take seconds."""

AT_LEAST_S: Final = 60.0
"""From one time to the next, however little space is free."""

ROOM: Final = 1.1
"""When space is short so much more than the least is made free: it would be short again at once."""


Prune = Callable[[Path, Limits, datetime], Report | None]


class Janitor:
    """One for all stations of a process; if several processes share the folder, one of them prunes at a time."""

    name = "archive-janitor"

    def __init__(self, folder: Path, limits: Limits, prune: Prune = prune_apart) -> None:
        self._folder, self._limits, self._prune = folder, limits, prune
        self._last_s: float | None = None
        self._said: str | None = None
        for outcome in Outcome:
            metrics.ARCHIVE_PRUNED.labels(outcome)  # a counter that first appears at 1 has no rate

    def run(self, stop: Event) -> None:
        """Go on until ``stop`` is set."""
        self.tend()
        while not stop.wait(LOOK_S):
            self.tend()

    def tend(self) -> None:
        """Prune if it is time to."""
        try:
            is_short = shutil.disk_usage(self._folder).free < self._limits.min_free_bytes
        except OSError:
            return  # nothing is written where there is no folder; the archive says what is wrong with it
        now_s = time.monotonic()
        since_s = float("inf") if self._last_s is None else now_s - self._last_s
        if since_s >= (AT_LEAST_S if is_short else EVERY_S):
            self._last_s = now_s
            self._clear(is_short=is_short)

    def _clear(self, *, is_short: bool) -> None:
        least = int(self._limits.min_free_bytes * (ROOM if is_short else 1))
        try:
            report = self._prune(self._folder, replace(self._limits, min_free_bytes=least), utc_now())
        except ArchiveError as error:
            self._say(str(error))
            return
        if report:
            self._show(report)

    def _show(self, report: Report) -> None:
        for outcome, count in (report.too_old + report.for_room).items():
            metrics.ARCHIVE_PRUNED.labels(outcome).inc(count)
        for station, size in report.bytes_by_station.items():
            metrics.ARCHIVE_BYTES.labels(station).set(size)
        self._say(report.complaint)

    def _say(self, complaint: str | None) -> None:
        """Once, however often it is found."""
        if complaint and self._said is None:
            log.error("the archive: %s", complaint)
        self._said = complaint
