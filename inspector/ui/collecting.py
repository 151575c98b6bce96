"""Pictures for a first model: what comes by at a station that has none is labelled alike, until somebody ends it."""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from inspector.archive.reading import Reading
from inspector.archive.writing import add
from inspector.errors import ConfigError, FrameError, InspectorError
from inspector.inspection import Inspection, Reason
from inspector.labels.book import Labels
from inspector.labels.label import NORMAL, Anomaly, Says
from inspector.labels.teacher import Teacher
from inspector.last_picture import WHOLE, LastPictures
from inspector.near_duplicates import NearDuplicates, cells_of
from inspector.pictures import decode_picture
from inspector.ui.history import History

log = logging.getLogger(__name__)

EVERY_S: Final = 0.5
LONGEST_S: Final = 3600.0
"""Nobody has looked at what comes by for so long."""

MOST: Final = 1000
CLOSE_S: Final = 5.0


class Ended(StrEnum):
    """Why nothing is collected any more."""

    BY_HAND = "by hand"
    MODEL = "model"
    """One judges there now."""
    ENOUGH = "enough"
    TIME = "time"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Harvest:
    """Of one station, at work or over. ``anomaly`` is what its parts have; None of good ones."""

    station: str
    by: str
    anomaly: Anomaly | None = None
    kept: int = 0
    alike: int = 0
    """Parts that look like one that was kept."""
    ended: Ended | None = None
    """None while it is at work."""
    said: str = ""
    """What failed."""

    @property
    def folder(self) -> str:
        """The class that training learns its parts as."""
        return self.anomaly.type if self.anomaly else NORMAL


class Collecting:
    """One station at a time. ``begin`` may wait for the disk. ``min_difference`` as in NearDuplicates."""

    def __init__(
        self,
        histories: Mapping[str, History],
        pictures: Mapping[str, LastPictures],
        *,
        archive: Path,
        labels: Labels,
        teacher: Teacher,
        min_difference: float,
    ) -> None:
        self._histories, self._pictures, self._archive = histories, pictures, archive
        self._labels, self._teacher, self._min_difference = labels, teacher, min_difference
        self._beginning = threading.Lock()
        self._off = threading.Event()
        self._thread: threading.Thread | None = None
        self.last: Harvest | None = None
        """None before the first."""

    @property
    def is_busy(self) -> bool:
        """Whether one is at work."""
        return self.last is not None and not self.last.ended

    def begin(self, station: str, by: str, anomaly: Anomaly | None = None) -> None:
        """Label what comes by from now on. Raises ConfigError while another is at work."""
        with self._beginning:
            if self.is_busy:
                raise ConfigError("pictures are being collected already: end that first")
            before = self._pictures[station].newest()
            self._off.clear()
            self.last = Harvest(station, by, anomaly)
            self._thread = threading.Thread(target=self._run, args=(self.last, before), name="collecting", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._off.set()

    def close(self) -> None:
        """None outlives the page."""
        self._off.set()
        if self._thread:
            self._thread.join(CLOSE_S)

    def _run(self, harvest: Harvest, before: str | None) -> None:
        ended, said = Ended.FAILED, "the log says why"
        try:
            ended, said = self._collect(harvest, before), ""
        except (InspectorError, OSError) as error:
            log.error("collecting pictures: %s", error, extra={"station": harvest.station})  # noqa: TRY400 - says it all
            said = str(error)
        finally:
            self.last = replace(self.last or harvest, ended=ended, said=said)

    def _collect(self, harvest: Harvest, last: str | None) -> Ended:
        """Of what comes after the inspection ``last``."""
        station, ends_s = harvest.station, time.monotonic() + LONGEST_S
        known = self._known(harvest)
        while not self._off.wait(EVERY_S):
            newest = self._pictures[station].newest()
            part = self._histories[station].part(newest) if newest and newest != last else None
            if part:
                last = part.inspection.id
                if part.inspection.bundle:
                    return Ended.MODEL
                harvest = self.last = self._with(harvest, part.inspection, known)
            if harvest.kept >= MOST:
                return Ended.ENOUGH
            if time.monotonic() > ends_s:
                return Ended.TIME
        return Ended.BY_HAND

    def _with(self, harvest: Harvest, said: Inspection, known: NearDuplicates) -> Harvest:
        """With one part more, if there is a whole picture of it, and that is new."""
        path = self._pictures[said.station].file(said.id, WHOLE) if said.reason == Reason.NO_MODEL else None
        if not path:
            return harvest
        try:
            data = path.read_bytes()
        except FileNotFoundError:  # three newer ones came meanwhile
            return harvest
        cells = cells_of(decode_picture(data, path))
        if known.has_one_like(cells):
            return replace(harvest, alike=harvest.alike + 1)
        add(self._archive, said, data)
        says = Says.TRUE_REJECT if harvest.anomaly else Says.FALSE_REJECT
        self._teacher.label(said.id, said.station, harvest.by, says, harvest.anomaly)
        known.add(cells)
        return replace(harvest, kept=harvest.kept + 1)

    def _known(self, harvest: Harvest) -> NearDuplicates:
        """What is of that class already."""
        known, archive = NearDuplicates(self._min_difference), Reading(self._archive)
        for label in self._labels.read().lasting(harvest.station):
            if self._off.is_set():
                break
            path = archive.picture(label.inspection) if label.folder == harvest.folder else None
            if path:
                _remember(known, path)
        return known


def _remember(known: NearDuplicates, path: Path) -> None:
    try:
        known.add_file(path)
    except FrameError as error:
        log.warning("%s", error)  # training will name it
