"""The witness that keeps pictures. Its own thread writes them; no verdict ever waits for it, or for its disk."""

import logging
import time
from threading import Event, Thread
from typing import Final

from inspector import metrics
from inspector.archive.choice import Choice
from inspector.archive.waiting import Item, Waiting
from inspector.archive.writing import Writer
from inspector.cores import give_way
from inspector.errors import FrameError
from inspector.inspection import Evidence, Outcome

log = logging.getLogger(__name__)

RETRY_S: Final = 1.0
"""How soon a picture that the disk did not take is tried again."""

HANGS_AFTER_S: Final = 10.0
"""A write that takes longer is said to hang."""

CLOSE_WITHIN_S: Final = 0.5
"""How long the end waits for the disk: a stop is promised within 2 s, and sinks have theirs before."""

REASONS: Final = ("overflow", "disk", "unencodable", "stopped")


class Archive:
    """Keeps what ``choice`` chooses. What the disk does not take waits, within bounds, and is tried again."""

    def __init__(self, station: str, *, choice: Choice, writer: Writer, waiting: Waiting) -> None:
        self._station, self._choice, self._writer, self._waiting = station, choice, writer, waiting
        self._extra = {"station": station}
        self._trouble: str | None = None
        self._writing_since_s: float | None = None
        self._closing = Event()
        for reason in REASONS:
            metrics.ARCHIVE_DROPPED.labels(station, reason)  # a counter that first appears at 1 has no rate
        for outcome in Outcome:
            metrics.ARCHIVE_WRITTEN.labels(station, outcome)
        metrics.ARCHIVE_UP.labels(station).set(1)
        self._thread = Thread(target=self._run, name=f"archive-{station}", daemon=True)
        self._thread.start()

    def see(self, evidence: Evidence) -> None:
        """Line an inspection up if it is to be kept. Takes microseconds, whatever the disk does."""
        why = self._choice.why(evidence.inspection)
        if why:
            self._drop(self._waiting.put(evidence, why), "disk" if self._trouble else "overflow")

    def look(self) -> str | None:
        """What is wrong with the disk now, None for nothing; by the way, the gauges are set."""
        now_s = time.monotonic()
        since_s, writing_since_s = self._waiting.since_s, self._writing_since_s
        metrics.ARCHIVE_QUEUE.labels(self._station).set(len(self._waiting))
        metrics.ARCHIVE_QUEUE_BYTES.labels(self._station).set(self._waiting.bytes)
        metrics.ARCHIVE_QUEUE_AGE.labels(self._station).set(0 if since_s is None else now_s - since_s)
        trouble = self._trouble
        if writing_since_s is not None and now_s - writing_since_s > HANGS_AFTER_S:
            trouble = f"{self._writer.folder} has not taken a picture for {HANGS_AFTER_S:g} s; is its disk still there?"
        metrics.ARCHIVE_UP.labels(self._station).set(trouble is None)
        return trouble

    def close(self) -> None:
        """Write what is in hand, within half a second. Safe to call twice."""
        self._closing.set()
        self._waiting.end()
        self._thread.join(CLOSE_WITHIN_S)
        self._drop(self._waiting.give_up(), "stopped")

    def _run(self) -> None:
        give_way()
        while item := self._waiting.take():
            while not self._written(item):
                if self._closing.wait(RETRY_S):
                    self._drop(1, "stopped")
                    break

    def _written(self, item: Item) -> bool:
        """False where it has to be tried again."""
        self._writing_since_s = time.monotonic()
        try:
            size = self._writer.write(item.evidence)
        except FrameError as error:
            log.error("%s is not archived: %s", item.evidence.inspection.id, error, extra=self._extra)  # noqa: TRY400
            self._drop(1, "unencodable")
        except OSError as error:
            self._begin_trouble(error)
            return False
        else:
            self._end_trouble()
            metrics.ARCHIVE_WRITTEN.labels(self._station, item.evidence.inspection.outcome).inc()
            metrics.ARCHIVE_WRITTEN_BYTES.labels(self._station).inc(size)
            metrics.ARCHIVE_WRITE_SECONDS.labels(self._station).observe(time.monotonic() - self._writing_since_s)
        finally:
            self._writing_since_s = None
        return True

    def _begin_trouble(self, error: OSError) -> None:
        is_new = self._trouble is None
        self._trouble = (
            f"pictures cannot be written below {self._writer.folder}: {error.strerror or error}; verdicts go on, and"
            " pictures do by themselves once the disk takes them"
        )
        if is_new:
            log.error("%s", self._trouble, extra=self._extra)

    def _end_trouble(self) -> None:
        if self._trouble:
            log.warning("pictures are written again", extra=self._extra)
        self._trouble = None

    def _drop(self, count: int, reason: str) -> None:
        if count:
            metrics.ARCHIVE_DROPPED.labels(self._station, reason).inc(count)
