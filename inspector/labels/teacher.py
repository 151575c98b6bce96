"""Writes labels down, and has the archive keep their pictures."""

from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final

from inspector.archive.holds import place, release
from inspector.archive.reading import Reading
from inspector.inspection import Record, utc_now
from inspector.labels.book import LABEL, Labels
from inspector.labels.label import Anomaly, Label, Says

REASON: Final = "label"
"""Why the archive holds the picture: it teaches."""


class Teacher:
    """``archive`` is its folder, None where no pictures are kept. Any thread may ask."""

    def __init__(self, record: Record, labels: Labels, archive: Path | None) -> None:
        self._record, self._labels, self._archive = record, labels, archive
        self._writing = Lock()

    def label(self, inspection_id: str, station: str, by: str, says: Says, anomaly: Anomaly | None = None) -> None:
        """This is what counts from now on. Raises ArchiveError where the picture cannot be held: then nothing does."""
        with self._writing:
            before = self._labels.read().of(inspection_id)
            hold = (before and before.hold) or self._held(inspection_id, by)
            self._note(inspection_id, station, by, says=says, anomaly=anomaly, hold=hold)

    def withdraw(self, inspection_id: str, station: str, by: str) -> None:
        """Nothing is said of it any more, and the archive's limits decide about its picture again."""
        with self._writing:
            before = self._labels.read().of(inspection_id)
            if before:
                self._note(inspection_id, station, by)
            if before and before.hold and self._archive:
                with suppress(KeyError):  # a person was before us, by `inspector archive release`
                    release(self._archive, before.hold, reason=f"{REASON} withdrawn", by=by)

    def _note(
        self,
        inspection_id: str,
        station: str,
        by: str,
        *,
        says: Says | None = None,
        anomaly: Anomaly | None = None,
        hold: str | None = None,
    ) -> None:
        label = Label(
            inspection=inspection_id, station=station, says=says, anomaly=anomaly, hold=hold, by=by, at=utc_now()
        )
        self._record.note(LABEL, label.model_dump(mode="json"))

    def _held(self, inspection_id: str, by: str) -> str | None:
        """The hold's id; None for a part without a picture, which can be labelled all the same."""
        if not self._archive or not Reading(self._archive).picture(inspection_id):
            return None
        try:
            return place(self._archive, reason=REASON, by=by, inspections=(inspection_id,)).id
        except KeyError:  # pruned since
            return None
