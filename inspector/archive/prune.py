"""Retention: what has to go, by age, then by size, then for free space; rejects outlive passes, what is held stays.

Nothing is remembered from one run to the next: a run that was cut short leaves less to do for the one that follows.
"""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from inspector.archive.holds import Holds, locked
from inspector.archive.layout import Day, first_id
from inspector.archive.survey import Entry, dates_in, delete, delete_if_empty, entries_of, unfinished_of
from inspector.errors import ArchiveError

UNFINISHED_AFTER: Final = timedelta(hours=1)
"""A file that was begun longer ago than this will not be finished."""

STILL_WRITTEN: Final = timedelta(days=1)
"""Folders of days that ended longer ago are deleted when they are empty."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is kept. ``max_bytes`` None is no limit."""

    pass_days: float
    reject_days: float
    max_bytes: int | None
    min_free_bytes: int


@dataclass
class Report:
    """What a run has deleted, or would have, and what is left."""

    dry_run: bool
    too_old: Counter[str] = field(default_factory=Counter)
    """Entries by outcome that were deleted for their age."""
    for_room: Counter[str] = field(default_factory=Counter)
    """Entries by outcome that were deleted for the sake of size or free space."""
    freed_bytes: int = 0
    unfinished: int = 0
    """Files of crashed writers that were deleted."""
    kept: Counter[str] = field(default_factory=Counter)
    """Entries by outcome that are left."""
    bytes_by_station: Counter[str] = field(default_factory=Counter)
    """What they take of the disk."""
    held: int = 0
    held_bytes: int = 0
    """Of these, what must stay."""
    over_bytes: int = 0
    """What would have to go as well to keep the limits, and may not or cannot."""
    failures: int = 0
    first_failure: str | None = None
    """What could not be read or deleted, and why."""

    @property
    def complaint(self) -> str | None:
        """Why the limits are not kept, None where they are."""
        said = []
        if self.failures:
            said.append(f"{self.failures} could not be read or deleted, the first: {self.first_failure}")
        if self.over_bytes:
            held = f"{self.held_bytes} bytes are held, see `inspector archive holds`" if self.held else "none is held"
            said.append(f"{self.over_bytes} bytes too many are left; {held}")
        return "; ".join(said) or None


def prune(folder: Path, limits: Limits, *, now: datetime, dry_run: bool = False, wait: bool = True) -> Report | None:
    """Delete what has to go; in a folder that the daemon has not made yet, nothing.

    None where another prunes and this one is not to wait.
    Raises ArchiveError where the folder, or what is held, cannot be read; then nothing more is deleted.
    """
    if not folder.exists():
        return Report(dry_run)
    with locked(folder, wait=wait) as alone:
        if not alone:
            return None
        try:
            return _Run(folder, limits, Holds.read(folder), now, Report(dry_run)).run()
        except OSError as error:
            raise ArchiveError(f"{folder} cannot be pruned: {error}") from error


class _Run:
    def __init__(self, folder: Path, limits: Limits, holds: Holds, now: datetime, report: Report) -> None:
        self._folder, self._limits, self._holds, self._now, self._report = folder, limits, holds, now, report
        self._oldest_pass, self._oldest_reject = (
            first_id(now - timedelta(days=days)) for days in (limits.pass_days, limits.reject_days)
        )
        self._free_bytes = shutil.disk_usage(folder).free

    def run(self) -> Report:
        """Two rounds: of the first the sizes are known that the second needs."""
        for days in dates_in(self._folder):
            self._delete_old(days)
        for of_rejects in (False, True):
            self._make_room(of_rejects=of_rejects)
        self._report.over_bytes = max(0, self._lacking)
        return self._report

    @property
    def _lacking(self) -> int:
        """Bytes that have to go; 0 or less when the limits are kept."""
        limits, report = self._limits, self._report
        by_size = 0 if limits.max_bytes is None else report.bytes_by_station.total() - limits.max_bytes
        return max(by_size, limits.min_free_bytes - self._free_bytes - report.freed_bytes)

    def _delete_old(self, days: list[Day]) -> None:
        for day in days:
            # One that cannot be read, or a file that cannot be deleted, must not keep all others.
            with self._noting_failure(day.path(self._folder)):
                self._delete_unfinished(day)
        for entry in self._entries(days):
            self._report.kept[entry.outcome] += 1
            self._report.bytes_by_station[entry.day.station] += entry.bytes
            if self._holds.of(entry):
                self._report.held += 1
                self._report.held_bytes += entry.bytes
            elif self._is_old(entry):
                self._delete(entry, self._report.too_old)
        self._delete_empty(days)

    def _make_room(self, *, of_rejects: bool) -> None:
        for days in dates_in(self._folder):
            if self._lacking <= 0:
                return
            for entry in self._entries(days):
                if self._lacking <= 0:
                    break
                if entry.is_reject is of_rejects and not self._is_old(entry) and not self._holds.of(entry):
                    self._delete(entry, self._report.for_room)
            self._delete_empty(days)

    def _is_old(self, entry: Entry) -> bool:
        return entry.id < (self._oldest_reject if entry.is_reject else self._oldest_pass)

    def _entries(self, days: list[Day]) -> list[Entry]:
        readable = []
        for day in days:
            with suppress(OSError):  # it was noted when its unfinished files were looked for
                readable += entries_of(self._folder, [day])
        return sorted(readable, key=lambda entry: entry.id)

    def _delete(self, entry: Entry, count: Counter[str]) -> None:
        with self._noting_failure(entry.day.path(self._folder) / entry.files[0]):
            if not self._report.dry_run:
                delete(self._folder, entry.day, entry.files)
            count[entry.outcome] += 1
            self._report.kept[entry.outcome] -= 1
            self._report.freed_bytes += entry.bytes
            self._report.bytes_by_station[entry.day.station] -= entry.bytes

    def _delete_unfinished(self, day: Day) -> None:
        names = unfinished_of(self._folder, day, (self._now - UNFINISHED_AFTER).timestamp())
        if names and not self._report.dry_run:
            delete(self._folder, day, names)
        self._report.unfinished += len(names)

    @contextmanager
    def _noting_failure(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._report.failures += 1
            self._report.first_failure = self._report.first_failure or f"{path}: {error.strerror}"

    def _delete_empty(self, days: Iterable[Day]) -> None:
        if self._report.dry_run:
            return
        for day in days:
            if day.date < (self._now - STILL_WRITTEN).date().isoformat():
                delete_if_empty(self._folder, day)
