"""What is in an archive's folder, day by day. No link is followed: nothing outside of it is read or deleted."""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final, get_args

from inspector.archive.layout import DATE, NAME, STATION, UNFINISHED, Day, Part, date_of, name_of
from inspector.inspection import Outcome

BLOCK_BYTES: Final = 512
"""The unit of ``st_blocks``, whatever the file system's own is."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One archived inspection: its files, and what they take of the disk."""

    id: str
    outcome: Outcome
    day: Day
    files: tuple[str, ...]
    bytes: int

    @property
    def is_reject(self) -> bool:
        """Whether it is no PASS."""
        return self.outcome is not Outcome.PASS

    def file(self, part: Part) -> str | None:
        """The name of one of its files, None where it has none such."""
        name = name_of(self.id, self.outcome, part)
        return name if name in self.files else None


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    bytes: int


def stations_in(folder: Path) -> list[str]:
    """Those that have a folder. Raises OSError."""
    return sorted(name for name in _folders(folder) if STATION.fullmatch(name))


def dates_in(folder: Path) -> Iterator[list[Day]]:
    """The days of all stations, a list for each date, the oldest first. Raises OSError."""
    days = [
        Day(name, station)
        for station in stations_in(folder)
        for name in _folders(folder / station)
        if DATE.fullmatch(name)
    ]
    for _, group in groupby(sorted(days), key=lambda day: day.date):
        yield list(group)


def entries_of(folder: Path, days: list[Day]) -> list[Entry]:
    """What is archived of these days, the oldest first. Raises OSError."""
    found: list[Entry] = []
    for day in days:
        with suppress(FileNotFoundError), opened(folder, day.station, day.date) as handle:
            found += _entries(handle, day, _names(handle))
    return sorted(found, key=lambda entry: entry.id)


def entry_of(folder: Path, inspection_id: str) -> Entry | None:
    """The one of this id, None where there is none. Raises ValueError for what is no id, and OSError."""
    date = date_of(inspection_id)
    names = [name_of(inspection_id, outcome, part) for outcome in Outcome for part in get_args(Part)]
    for station in stations_in(folder):
        with suppress(FileNotFoundError, NotADirectoryError), opened(folder, station, date) as handle:
            for entry in _entries(handle, Day(date, station), names):
                return entry
    return None


def unfinished_of(folder: Path, day: Day, before_s: float) -> tuple[str, ...]:
    """Files that were last written before a Unix time and never finished. Raises OSError."""
    with opened(folder, day.station, day.date) as handle:
        names = [name for name in _names(handle) if UNFINISHED.fullmatch(name)]
        return tuple(name for name in names if (status := _status(handle, name)) and status.st_mtime < before_s)


def delete(folder: Path, day: Day, names: tuple[str, ...]) -> None:
    """Files of a day; one that is gone already is as it should be. Raises OSError."""
    with opened(folder, day.station, day.date) as handle:
        for name in names:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=handle)


def delete_if_empty(folder: Path, day: Day) -> None:
    """The folder of a day in which there is nothing."""
    with suppress(OSError), opened(folder, day.station) as handle:
        os.rmdir(day.date, dir_fd=handle)


@contextmanager
def opened(folder: Path, *inside: str) -> Iterator[int]:
    """A folder in the archive's own, by its name in each, opened without following a link. Raises OSError."""
    with ExitStack() as handles:
        handle = _open(folder, 0, None, handles)
        for name in inside:
            handle = _open(name, os.O_NOFOLLOW, handle, handles)
        yield handle


def _open(name: str | Path, links: int, parent: int | None, handles: ExitStack) -> int:
    handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | links, dir_fd=parent)
    handles.callback(os.close, handle)
    return handle


def _names(handle: int) -> list[str]:
    with os.scandir(handle) as inside:
        return [each.name for each in inside]


def _folders(path: Path) -> list[str]:
    with os.scandir(path) as inside:
        return [each.name for each in inside if each.is_dir(follow_symlinks=False)]


def _entries(handle: int, day: Day, names: Iterable[str]) -> list[Entry]:
    """Those whose files are among the names in the opened folder."""
    found: dict[tuple[str, str], list[_File]] = {}
    for name in names:
        told = NAME.fullmatch(name)
        status = _status(handle, name) if told else None
        if told and status:
            found.setdefault((told["id"], told["outcome"]), []).append(_File(name, status.st_blocks * BLOCK_BYTES))
    return [
        Entry(each, Outcome(outcome.upper()), day, tuple(sorted(file.name for file in files)), _sum(files))
        for (each, outcome), files in found.items()
    ]


def _sum(files: list[_File]) -> int:
    return sum(file.bytes for file in files)


def _status(handle: int, name: str) -> os.stat_result | None:
    """None for what is no file, or is gone by now."""
    try:
        status = os.stat(name, dir_fd=handle, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None
