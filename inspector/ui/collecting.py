"""Pictures for a first model: what comes by at a station that has none is called good, until somebody ends it."""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from inspector.archive.reading import Reading
from inspector.errors import ConfigError, FrameError, InspectorError
from inspector.inspection import Reason
from inspector.labels.book import Labels
from inspector.labels.label import Says
from inspector.labels.teacher import Teacher
from inspector.near_duplicates import NearDuplicates, cells_of
from inspector.pictures import read_picture
from inspector.records.filter import Filter
from inspector.ui.history import History, Part

log = logging.getLogger(__name__)

EVERY_S: Final = 0.5
LONGEST_S: Final = 3600.0
"""Nobody has looked at what passes for so long."""

MOST: Final = 1000
LOOKED_AT: Final = 50
"""Of the last parts, one of which has its picture in the archive by now."""

CLOSE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Harvest:
    """Of one station, at work or over."""

    station: str
    by: str
    kept: int = 0
    alike: int = 0
    """Parts that look like one that was kept."""
    is_over: bool = False
    said: str = ""
    """Why it is over, where nobody ended it."""


class Collecting:
    """One station at a time. ``begin`` may wait for the disk. ``min_difference`` as in NearDuplicates."""

    def __init__(
        self,
        histories: Mapping[str, History],
        *,
        archive: Reading,
        labels: Labels,
        teacher: Teacher,
        min_difference: float,
    ) -> None:
        self._min_difference = min_difference
        self._histories, self._archive, self._labels, self._teacher = histories, archive, labels, teacher
        self._beginning = threading.Lock()
        self._off = threading.Event()
        self._thread: threading.Thread | None = None
        self.last: Harvest | None = None
        """None before the first."""

    @property
    def is_busy(self) -> bool:
        """Whether one is at work."""
        return self.last is not None and not self.last.is_over

    def begin(self, station: str, by: str) -> None:
        """Call good what passes from now on. Raises ConfigError while another is at work."""
        with self._beginning:
            if self.is_busy:
                raise ConfigError("pictures are being collected already: end that first")
            above = self._histories[station].newest()
            self._off.clear()
            self.last = Harvest(station, by)
            self._thread = threading.Thread(target=self._run, args=(self.last, above), name="collecting", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._off.set()

    def close(self) -> None:
        """None outlives the page."""
        self._off.set()
        if self._thread:
            self._thread.join(CLOSE_S)

    def _run(self, harvest: Harvest, above: int) -> None:
        said = "it failed: the log says why"
        try:
            said = self._collect(harvest.station, above)
        except (InspectorError, OSError) as error:
            log.error("collecting pictures: %s", error, extra={"station": harvest.station})  # noqa: TRY400 - says it all
            said = str(error)
        finally:
            self.last = replace(self.last or harvest, is_over=True, said=said)

    def _collect(self, station: str, above: int) -> str:
        """Of what comes after the row ``above``. Returns why it is over; empty where somebody has ended it."""
        history, ends_s = self._histories[station], time.monotonic() + LONGEST_S
        known = self._known(station)
        while not self._off.wait(EVERY_S):
            parts = history.parts(Filter(above=above), LOOKED_AT)
            if any(each.inspection.bundle for each in parts):
                return "a model judges here now"
            if part := self._newest(parts):
                above = part.number
                self._take(part, known)
            if self.last and self.last.kept >= MOST:
                return f"{MOST} pictures are enough"
            if time.monotonic() > ends_s:
                return f"{LONGEST_S / 60:g} minutes are over"
        return ""

    def _newest(self, parts: list[Part]) -> Part | None:
        """Of these, the newest first, the first one that the archive has a picture of."""
        unjudged = (part for part in parts if part.inspection.reason == Reason.NO_MODEL)
        return next((part for part in unjudged if self._archive.picture(part.inspection.id)), None)

    def _take(self, part: Part, known: NearDuplicates) -> None:
        said, harvest = part.inspection, self.last
        path = self._archive.picture(said.id)
        if not harvest or not path:
            return
        cells = cells_of(read_picture(path))
        if known.has_one_like(cells):
            self.last = replace(harvest, alike=harvest.alike + 1)
            return
        self._teacher.label(said.id, said.station, harvest.by, Says.FALSE_REJECT)
        known.add(cells)
        self.last = replace(harvest, kept=harvest.kept + 1)

    def _known(self, station: str) -> NearDuplicates:
        """What was called good before."""
        known = NearDuplicates(self._min_difference)
        for label in self._labels.read().lasting(station):
            if self._off.is_set():
                break
            path = self._archive.picture(label.inspection) if label.says is Says.FALSE_REJECT else None
            if path:
                self._remember(known, path)
        return known

    def _remember(self, known: NearDuplicates, path: Path) -> None:
        try:
            known.add(cells_of(read_picture(path)))
        except FrameError as error:
            log.warning("%s", error)
