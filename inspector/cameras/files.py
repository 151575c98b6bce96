"""Which of a folder's pictures comes next: in replay, or as they arrive."""

import errno
import os
import re
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from inspector.errors import CameraError
from inspector.inspection import EndOfFrames
from inspector.metrics import FRAMES_DROPPED
from inspector.pictures import SUFFIXES

POLL_S: Final = 0.05
"""Time between two looks at a small folder, or at a file that is still being written."""

PAUSE_PER_LOOK: Final = 9
"""A large folder is looked at less often, so that looking takes at most a tenth of one core's time."""

_ENDINGS: Final = tuple(SUFFIXES)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be the next frame; ``stamp`` is what its size and time of change were at ``since_s``."""

    path: Path
    stamp: tuple[int, int] | None = None
    since_s: float = float("inf")


class Files(Protocol):
    """The order in which a folder's files become frames."""

    def next(self, deadline_s: float) -> Candidate | None:
        """The next file, or None when there was none by ``deadline_s``. Raises EndOfFrames, CameraError."""

    def put_back(self, candidate: Candidate) -> bool:
        """Whether the file, which cannot be read now, comes again: it may still be being written."""


class Listing:
    """The names of the pictures in a folder, and in ``pause_s`` how long to wait before the next look."""

    def __init__(self, folder: Path, station: str) -> None:
        self.folder = folder
        self._station = station
        self.pause_s = POLL_S

    def names(self) -> list[str]:
        """In no order. Raises CameraError."""
        started_s = time.monotonic()
        try:
            with os.scandir(self.folder) as entries:
                names = [entry.name for entry in entries if _is_picture(entry)]
        except OSError as error:
            raise self.lost(error) from error
        self.pause_s = max(POLL_S, PAUSE_PER_LOOK * (time.monotonic() - started_s))
        return names

    def check(self) -> None:
        """Raises CameraError when the folder has gone."""
        try:
            os.scandir(self.folder).close()
        except OSError as error:
            raise self.lost(error) from error

    def lost(self, error: OSError) -> CameraError:
        """What to say when the whole folder cannot be used."""
        return CameraError(
            f"station {self._station}: cannot list the folder {self.folder} ({error.strerror or error}). "
            "Create or mount it, let this user read it, or correct the camera's `path`."
        )


class Replay:
    """Every picture of the folder in natural order, once or round after round."""

    def __init__(self, listing: Listing, *, loops: bool) -> None:
        self._listing = listing
        self._loops = loops
        self._round = self._names()

    def next(self, deadline_s: float) -> Candidate | None:
        """See ``Files``. An emptied folder is waited for, in case it is filled again."""
        if not self._round and not self._loops:
            raise EndOfFrames("every picture of the folder was replayed once")
        if not self._round:
            self._round = self._names()
        while not self._round and (left_s := deadline_s - time.monotonic()) > 0:
            time.sleep(min(self._listing.pause_s, left_s))
            self._round = self._names()
        return Candidate(self._listing.folder / self._round.popleft()) if self._round else None

    def put_back(self, candidate: Candidate) -> bool:  # noqa: ARG002 - its sibling needs it
        """See ``Files``. What is replayed was written long ago."""
        return False

    def _names(self) -> deque[str]:
        return deque(sorted(self._listing.names(), key=_natural))


class Arrivals:
    """Every new picture of the folder once, in the order of arrival: by time of change, then by name."""

    def __init__(self, listing: Listing, station: str, settle_s: float) -> None:
        self._listing = listing
        self._settle_s = settle_s
        self._vanished = FRAMES_DROPPED.labels(station, "vanished")
        self._names: set[str] = set()
        self._queue: deque[str] = deque()
        self._retries: deque[tuple[float, Candidate]] = deque()
        self._look()

    def next(self, deadline_s: float) -> Candidate | None:
        """See ``Files``."""
        while True:
            now_s = time.monotonic()
            if self._retries and self._retries[0][0] <= now_s:
                return self._retries.popleft()[1]
            if self._queue:
                return Candidate(self._listing.folder / self._queue.popleft())
            if self._look_due_s <= now_s:
                self._look()
            elif deadline_s <= now_s:
                return None
            else:
                due_s = min(self._look_due_s, deadline_s, *(due_s for due_s, _ in self._retries))
                time.sleep(due_s - now_s)

    def put_back(self, candidate: Candidate) -> bool:
        """See ``Files``. Age is told by this machine's clock: that of the file's writer may be wrong."""
        now_s, stamp = time.monotonic(), _stamp(candidate.path)
        if stamp != candidate.stamp:
            candidate = Candidate(candidate.path, stamp, now_s)
        elif now_s - candidate.since_s >= self._settle_s:
            return False
        self._retries.append((now_s + POLL_S, candidate))
        return True

    def _look(self) -> None:
        names = set(self._listing.names())
        self._queue.extend(self._by_arrival(names - self._names))
        # Only names that are there now: those of deleted files are forgotten.
        self._names = names
        self._look_due_s = time.monotonic() + self._listing.pause_s

    def _by_arrival(self, names: set[str]) -> list[str]:
        arrivals = []
        for name in names:
            try:
                arrivals.append((os.lstat(self._listing.folder / name).st_mtime_ns, name))
            except FileNotFoundError:
                self._vanished.inc()
            except OSError as error:
                raise self._listing.lost(error) from error
        return [name for _, name in sorted(arrivals)]


def _is_picture(entry: os.DirEntry[str]) -> bool:
    name = entry.name.lower()
    # Hidden files are unfinished uploads (rsync, ProFTPD) or the shadows that macOS leaves on shares.
    if name.startswith(".") or not name.endswith(_ENDINGS):
        return False
    try:
        return entry.is_file()
    except OSError as error:
        # A link in a circle is no file. What else cannot be looked at is tried, so that its failure is told.
        return error.errno != errno.ELOOP


def _natural(name: str) -> tuple[str, str]:
    """Sorts part_2 before part_10."""
    return re.sub(r"[0-9]+", lambda digits: digits[0].zfill(20), name.casefold()), name


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None  # the next attempt to read it says why
    return status.st_size, status.st_mtime_ns
