"""Refits of models out of what people have labelled: one at a time, each a candidate in the store and no more."""

import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from inspector.archive.reading import Reading
from inspector.errors import ConfigError, InspectorError
from inspector.inspection import Record
from inspector.labels.book import Labels
from inspector.labels.export import Exported, export
from inspector.models import Store
from inspector.operator_page import LearningSettings
from inspector.ui.job import Job, Status, Step

NOTE: Final = "refit"
"""The kind of the audit's notes on this."""

WITHDRAWN: Final = "withdrawn"
"""The folder of pictures that were learned from before, and whose label somebody has taken back since."""

STOP_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Refit:
    """The last one, at work or over."""

    station: str
    by: str
    exported: Exported
    status: Status


class Learning:
    """``begin``, ``stop`` and ``close`` may wait for the disk."""

    def __init__(
        self, settings: LearningSettings, *, store: Store, archive: Reading, labels: Labels, audit: Record
    ) -> None:
        self._settings, self._store, self._archive = settings, store, archive
        self._labels, self._audit = labels, audit
        self._beginning = threading.Lock()
        self._job: Job | None = None
        self._begun: tuple[str, str, Exported] | None = None
        self._outcome: Status | None = None

    @property
    def last(self) -> Refit | None:
        """None before the first."""
        if not self._job or not self._begun:
            return None
        return Refit(*self._begun, self._outcome or _unproved(self._job.status))

    @property
    def is_busy(self) -> bool:
        """Whether one is at work."""
        last = self.last
        return last is not None and last.status.step is Step.RUNNING

    @property
    def program(self) -> str | None:
        """Where the training program is, None where it is not installed."""
        return self._settings.program

    def config_of(self, station: str) -> Path | None:
        """What the station's model is trained by."""
        return self._settings.configs.get(station)

    def begin(self, station: str, by: str) -> None:
        """Export the labels, and start. Raises ConfigError where that cannot be, ArchiveError, OSError."""
        config, program = self.config_of(station), self.program
        if not config or not program:
            raise ConfigError(f"{station}: nothing trains its model here")
        with self._beginning:
            if self.is_busy:
                raise ConfigError("another refit is at work: wait for it, or stop it")
            folder = self._settings.folder / station
            exported = export(self._labels.read(), self._archive, station, folder / "labelled")
            _set_aside(exported.withdrawn, folder / WITHDRAWN)
            words = ("--labelled", str(folder / "labelled"), "--output", str(folder / "trained"))
            options = ("--threads", str(self._settings.threads), "--json", "--progress-json")
            self._note(station, by, "begun")
            self._begun, self._outcome = (station, by, exported), None
            self._job = Job(
                (program, "refit", str(config), *words, *options),
                longest_s=60 * self._settings.longest_minutes,
                ended=lambda status: self._ended(station, by, status),
            )

    def stop(self) -> None:
        """End the one at work."""
        if self._job:
            self._job.stop()

    def close(self) -> None:
        """None outlives the page."""
        if self._job and self.is_busy:
            self._job.stop()
            self._job.wait(STOP_S)

    def _ended(self, station: str, by: str, status: Status) -> None:
        digest, said = None, status.said
        if status.made:
            try:
                digest = self._store.add(self._settings.folder / station / "trained" / "bundle")
                status = replace(status, made=status.made.model_copy(update={"digest": digest}))
            except InspectorError as error:
                status, said = Status(Step.FAILED, said=str(error)), str(error)
        self._outcome = status
        self._note(station, by, status.step, digest, said)

    def _note(self, station: str, by: str, step: str, digest: str | None = None, said: str = "") -> None:
        self._audit.note(NOTE, {"station": station, "by": by, "step": step, "bundle": digest, "said": said[-1000:]})


def _set_aside(pictures: Iterable[str], folder: Path) -> None:
    for picture in map(Path, pictures):
        folder.mkdir(exist_ok=True)
        picture.replace(folder / picture.name)
        with suppress(OSError):  # others are still in it; training takes no class without pictures
            picture.parent.rmdir()


def _unproved(status: Status) -> Status:
    """The store has yet to take what was made."""
    return replace(status, step=Step.RUNNING) if status.step is Step.DONE else status
