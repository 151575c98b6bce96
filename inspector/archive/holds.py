"""Legal holds: what must not be deleted, whatever the limits say, until somebody releases it."""

import fcntl
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from ulid import ULID

from inspector.archive.layout import UNFINISHED, first_id
from inspector.archive.survey import Entry, entry_of
from inspector.archive.writing import write_whole
from inspector.errors import ArchiveError
from inspector.inspection import utc_now

FOLDER: Final = ".holds"

FOLDER_MODE: Final = 0o755
FILE_MODE: Final = 0o644
"""Whoever placed a hold, the daemon has to read it; the archive's folder keeps others out."""


class Release(BaseModel):
    """That a hold is over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str
    by: str
    at: AwareDatetime


class Hold(BaseModel):
    """Named inspections, or all of a time. Its file is never deleted: who held what, and who let go, can be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    inspections: tuple[str, ...] = ()
    station: str | None = None
    """Of a time: only this station's."""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    reason: str
    by: str
    at: AwareDatetime
    released: Release | None = None

    def covers(self, entry: Entry) -> bool:
        """Whether this entry must stay."""
        if self.released:
            return False
        if self.inspections:
            return entry.id in self.inspections
        of_time = (not self.since or entry.id >= first_id(self.since)) and (
            not self.until or entry.id < first_id(self.until)
        )
        return of_time and self.station in {None, entry.day.station}


class Holds:
    """All holds of an archive."""

    def __init__(self, holds: tuple[Hold, ...]) -> None:
        self.all = holds
        # A prune asks for every entry, and each label of a person is a hold of one inspection.
        self._of_times = [hold for hold in holds if not hold.inspections]
        self._by_inspection: defaultdict[str, list[Hold]] = defaultdict(list)
        for hold in holds:
            for inspection in set(hold.inspections):
                self._by_inspection[inspection].append(hold)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises ArchiveError where one cannot be read: what it holds is then not known."""
        try:
            files = sorted((folder / FOLDER).iterdir())
        except FileNotFoundError:
            files = []
        except OSError as error:
            raise ArchiveError(f"{folder / FOLDER} cannot be read: {error.strerror}; nothing is deleted") from error
        return cls(tuple(_read(file) for file in files if not UNFINISHED.fullmatch(file.name)))

    def of(self, entry: Entry) -> list[Hold]:
        """Those that an entry has to stay for."""
        asked = [*self._by_inspection.get(entry.id, ()), *self._of_times]
        return [hold for hold in asked if hold.covers(entry)]


@contextmanager
def locked(folder: Path, *, wait: bool = True) -> Iterator[bool]:
    """One at a time, of all processes, prunes or changes what is held. Gives False where another does.

    Raises ArchiveError where the folder cannot be used.
    """
    try:
        # The folder itself is locked: a file for it might belong to another user than the daemon's.
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ArchiveError(f"{folder} cannot be used: {error.strerror}") from error
    try:
        yield _lock(handle, wait=wait)
    finally:
        os.close(handle)


def place(
    folder: Path,
    *,
    reason: str,
    by: str,
    inspections: tuple[str, ...] = (),
    station: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Hold:
    """Hold from now on, as soon as no prune is at work.

    Raises KeyError with the ids of which nothing is archived, and then nothing is held; and ArchiveError.
    """
    now = utc_now()
    hold = Hold(
        id=str(ULID.from_datetime(now)),
        inspections=inspections,
        station=station,
        since=since,
        until=until,
        reason=reason,
        by=by,
        at=now,
    )
    with locked(folder):
        missing = _missing(folder, inspections)
        if missing:
            raise KeyError(*missing)
        _write(folder, hold)
    return hold


def release(folder: Path, hold_id: str, *, reason: str, by: str) -> Hold:
    """The hold, over from now on. Raises KeyError where there is none of this id that lasts, and ArchiveError."""
    with locked(folder):
        lasting = {hold.id: hold for hold in Holds.read(folder).all if not hold.released}
        released = lasting[hold_id].model_copy(update={"released": Release(reason=reason, by=by, at=utc_now())})
        _write(folder, released)
    return released


def _missing(folder: Path, inspections: tuple[str, ...]) -> list[str]:
    try:
        return [each for each in inspections if entry_of(folder, each) is None]
    except OSError as error:
        raise ArchiveError(f"the archive {folder} cannot be read: {error}") from error


def _lock(handle: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _write(folder: Path, hold: Hold) -> None:
    file = folder / FOLDER / f"{hold.id}.json"
    try:
        file.parent.mkdir(exist_ok=True)
        write_whole(file.parent, {file.name: hold.model_dump_json(indent=1).encode()})
        file.parent.chmod(FOLDER_MODE)
        file.chmod(FILE_MODE)
    except OSError as error:
        raise ArchiveError(f"the hold cannot be noted in {file}: {error.strerror}") from error


def _read(file: Path) -> Hold:
    try:
        return Hold.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise ArchiveError(
            f"{file} cannot be read, so nobody knows what it holds: {error}; nothing is deleted"
        ) from error
